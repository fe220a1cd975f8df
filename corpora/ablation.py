"""The folder of an ablation: the folds of a protocol, under a name that no benchmark has."""

import re
from dataclasses import replace

from corpora import protocols
from corpora.choices import CROSS_CORPUS
from corpora.protocols import Protocol

SUFFIX = "-ablation"


def for_ablation(protocol: Protocol) -> Protocol:
    """The same folds, for variants of models; results go to ``<protocol>-ablation``."""
    explanation = (
        f"{protocol.explanation}. Variants of models on the folds of `{protocol.name}`: no benchmark of models"
    )
    return replace(protocol, name=protocol.name + SUFFIX, explanation=explanation)


def find_stored(name: str) -> Protocol:
    """The protocol that stored fits name: one of `corpora.protocols`, or its ablation.

    Raises:
        InputError: there is none of that name.
    """
    return for_ablation(protocols.find(name.removesuffix(SUFFIX))) if is_ablation(name) else protocols.find(name)


def is_ablation(name: str) -> bool:
    """Whether this is the name of an ablation's protocol or of its folder, also of one that was set aside."""
    crossed = name.startswith(CROSS_CORPUS)  # whose name ends in that of a corpus, and may look like one
    return not crossed and re.search(rf"{SUFFIX}(-of-[0-9a-f]+)?$", name) is not None
