"""A network of the registry that starts from pretrained weights, and is then trained as usual."""

import importlib

from respbench.corpora.problems import InputError
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.starting_point import Pretraining
from respbench.models.pretraining.other_corpus import OtherCorpus, weights_for

OTHER_CORPUS = "other-corpus"
"""The pretraining whose weights ``respbench pretrain`` stored."""


def find_pretraining(name: str, network: str) -> Pretraining:
    """A pretraining by its name.

    Args:
        name: one of `models.pretraining.entries.PRETRAININGS`, or the name of weights that are stored.
        network: name of the network.
    """
    if name == OTHER_CORPUS:
        return OtherCorpus(network=network)
    # Imported by name: an entry must not depend on the code of the other pretrainings.
    known: dict[str, tuple[str, str]] = importlib.import_module("respbench.models.pretraining.entries").PRETRAININGS
    if name in known:
        module, _, symbol = known[name][0].partition(":")
        pretraining: Pretraining = getattr(importlib.import_module(module), symbol)
        return pretraining
    return OtherCorpus(name)


def build(*, seed: int, network: str = "resnet-maps", pretraining: str = "simulated") -> NetworkModel:
    """A network with the parameters of its entry in the registry.

    Args:
        seed: determines all randomness, but that of the pretraining.
        network: name of the entry.
        pretraining: see `find_pretraining`.

    Raises:
        InputError: there is no such network.
    """
    registry = importlib.import_module("respbench.models.registry").REGISTRY
    model = registry[network].build(seed) if network in registry else None
    if not isinstance(model, NetworkModel):
        raise InputError(f"{network!r} is no network of the registry; choose one, such as resnet-maps")
    model.pretraining = find_pretraining(pretraining, network)
    return model


def state(*, network: str, pretraining: str) -> str:
    """What predictions depend on beside parameters and code: the name of the stored weights, which holds a digest."""
    return weights_for(network) if pretraining == OTHER_CORPUS else ""
