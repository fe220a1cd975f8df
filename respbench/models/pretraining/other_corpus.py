"""Pretraining on another corpus of sounds that a user has: supervised, on all of its clips.

``respbench pretrain`` makes the weights, under a name that holds a digest of them, so that a fit that names them
depends on their content. They keep what tells whether a corpus to be tested has a recording of the one that they come
from; then a fit is refused. Comparing names and landmarks finds copies and other cuts of a recording; a patient who was
recorded for both corpora, in other recordings, can't be found.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock

from respbench.corpora.clips import Clips, StoredSignals
from respbench.corpora.cycles import TWO_CLASSES
from respbench.corpora.digests import digest
from respbench.corpora.facts import CorpusFacts
from respbench.corpora.landmarks import landmarks
from respbench.corpora.problems import InputError
from respbench.corpora.splits.cross_corpus import TOGETHER
from respbench.features import cache
from respbench.features.cache import cached
from respbench.features.threads import one_thread
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.starting_point import State, Untrained
from respbench.models.pretraining import artefacts
from respbench.models.pretraining.task import CLASSES, Supervised, architecture_of, train_supervised

VARIABLE = "RESPBENCH_PRETRAINED"
"""The environment variable that names the weights to start from, where there are several for a network."""


LANDMARKS = "landmarks"
"""Name of the corpus' landmarks among the stored tensors."""


@dataclass(frozen=True)
class OtherCorpus:
    """Weights that `make` stored; a `models.networks.starting_point.Pretraining`.

    Attributes:
        name: of the weights, as `make` returned it; empty = those that `weights_for` finds for ``network``.
        network: name of the network.
        head: see `Pretraining`.
        rate_factor: likewise.
    """

    name: str = ""
    network: str = ""
    head: bool = True
    rate_factor: float = 1.0

    def __call__(self, network: Untrained, clips: Sequence[Clips]) -> State:
        """See `Pretraining`.

        Raises:
            InputError: there are no weights of that name, they are those of another network, or come from a corpus
                that has a recording in common with that of the fit.
        """
        name = self.name or weights_for(self.network)
        tensors, notes = _read(name)
        if notes["network"] != _network(network, clips[0].rate):
            raise InputError(
                f"the weights {name} are those of another network, rate or version of the code; make them again "
                "with `respbench pretrain`"
            )
        marks = frozenset(tensors[LANDMARKS].tolist())
        for part in clips:
            _refuse_common(name, notes["corpus"], marks, part)
        return {name: value for name, value in tensors.items() if name != LANDMARKS}


def _refuse_common(name: str, corpus: str, marks: frozenset[int], clips: Clips) -> None:
    """Refuse weights of a corpus that has a recording in common with that of the clips, tested ones included."""
    if corpus in _corpus_of(clips).split(TOGETHER):
        raise InputError(
            f"the weights {name} come from the corpus {corpus}, which is tested here: a network would be tested on "
            "patients that it was trained on; choose weights of another corpus"
        )
    if marks & landmarks(clips):
        raise InputError(
            f"the weights {name} come from the corpus {corpus}, which has recordings in common with the one that is "
            "tested here; choose weights of another corpus"
        )


def _corpus_of(clips: Clips) -> str:
    if not isinstance(clips.signals, StoredSignals):
        return ""
    return CorpusFacts.read(clips.signals.folder / "corpus.json").name


def make(model: NetworkModel, network: str, clips: Clips, corpus: str) -> str:
    """Train a network on all clips of a corpus and store its weights.

    Args:
        model: unfitted.
        network: its name.
        clips: labeled, of the task ``abnormal``; those whose label is hidden are left out.
        corpus: its name.

    Returns:
        The name of the weights.

    Raises:
        InputError: the clips are of another task.
        OSError: the disk is full or can't be written; no partial file is left.
    """
    if clips.classes != TWO_CLASSES:
        raise InputError(f"pretraining needs clips labeled {' and '.join(TWO_CLASSES)}; choose the task abnormal")
    labeled = clips.take(np.flatnonzero(clips.label >= 0))
    with one_thread():
        images = np.asarray(cached(model.images, labeled))
        size = (images.shape[1], images.shape[2], images.shape[3])
        untrained = Untrained(model.architecture, size, model.images, model.recipe, model.standardize)
        task = Supervised()
        backbone = train_supervised(untrained, task.recipe(model.recipe), task.seed, labeled)
    tensors = {**backbone.state_dict(), LANDMARKS: torch.tensor(sorted(landmarks(labeled)), dtype=torch.int64)}
    notes = {"corpus": corpus, "network": _network(untrained, clips.rate)}
    key = artefacts.state_digest({name: value.cpu() for name, value in tensors.items()}, notes)
    name = f"{_plain(corpus)}-{_plain(network)}-{key}"
    path = folder() / f"{name}.pt"
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        artefacts.write(path, key, tensors, notes)
    return name


def folder() -> Path:
    """The folder of these weights, which is never pruned."""
    return artefacts.folder() / "corpora"


def weights_for(network: str) -> str:
    """The name of the weights that a network of the registry starts from: the only ones, or those of `VARIABLE`.

    Raises:
        InputError: there are none or several.
    """
    chosen = os.environ.get(VARIABLE, "")
    stored = sorted(path.stem for path in folder().glob(f"*-{_plain(network)}-*.pt"))
    stored = [name for name in stored if re.fullmatch(rf".+-{_plain(network)}-[0-9a-f]{{16}}", name)]
    if chosen in stored:
        return chosen
    if chosen or not stored:
        missing = f"the weights {chosen}" if chosen else f"weights of another corpus for {network}"
        raise InputError(
            f"{folder()} does not hold {missing}; make them with `respbench pretrain --corpus CORPUS --data DATA "
            f"--model {network}`"
        )
    if len(stored) > 1:
        raise InputError(f"{network} can start from {', '.join(stored)}; name one of them in {VARIABLE}")
    return stored[0]


def _read(name: str) -> tuple[State, dict[str, str]]:
    """Weights, landmarks and notes.

    Raises:
        InputError: they are missing or damaged.
    """
    path = folder() / f"{name}.pt"
    stored = artefacts.read_with_notes(path, name.rpartition("-")[2])
    if stored is None:
        raise InputError(f"{path} is missing or damaged; make it with `respbench pretrain`")
    return stored


def _network(network: Untrained, rate: int) -> str:
    """Digest of an architecture and its images."""
    return digest([*architecture_of(network.architecture(network.size, CLASSES)), cache.key(network.images, rate)])


def _plain(name: str) -> str:
    """A name in lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
