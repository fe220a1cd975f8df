"""``respbench pretrain``: train a network on one corpus, as the starting point of fits on another."""

import argparse

from rich.console import Console

from respbench.benchmarks.opening import open_prepared
from respbench.corpora.problems import InputError


def pretrain(options: argparse.Namespace, console: Console) -> int:
    """Train a network on all clips of a corpus and store its weights."""
    from respbench.corpora.tasks import for_task
    from respbench.models.networks.network import NetworkModel
    from respbench.models.pretraining.other_corpus import VARIABLE, make
    from respbench.models.registry import REGISTRY
    from respbench.models.selection import find

    specs = find(options.model)
    model = specs[0].build(0)
    if len(specs) > 1 or not isinstance(model, NetworkModel):
        raise InputError(f"{options.model} is not one network; give --model the name of one, such as resnet-maps")
    prepared = open_prepared(options, console)
    name = make(model, options.model, for_task(prepared.clips(), options.task), prepared.facts().name)
    console.print(f"{name} is stored.")
    if f"{options.model}-other-corpus" in REGISTRY:
        console.print(
            f"The model {options.model}-other-corpus starts from it; where there are several, set {VARIABLE}."
        )
    else:
        console.print(
            f"No registered model starts from it; a model file does that sets the `pretraining` of its {options.model} "
            f'to `OtherCorpus("{name}")` (respbench.models.pretraining.other_corpus).'
        )
    return 0
