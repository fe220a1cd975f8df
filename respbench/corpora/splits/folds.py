"""A fold, and what yields folds."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.clips import Clips
from respbench.corpora.cycles import NORMAL

Index = NDArray[np.int64]


def _empty() -> Index:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Row numbers into one Clips.

    Attributes:
        train: to fit on.
        valid: to choose the epoch on.
        test: to report on.
        unlabeled: to learn from without labels.
    """

    train: Index
    valid: Index
    test: Index
    unlabeled: Index = field(default_factory=_empty)


def shared_patients(clips: Clips, folds: Iterable[Fold]) -> tuple[str, ...]:
    """List the patients of whom some fold uses clips and tests others, sorted."""
    shared: set[str] = set()
    for fold in folds:
        seen = np.concatenate([fold.train, fold.valid, fold.unlabeled])
        shared |= set(clips.patient[seen].tolist()) & set(clips.patient[fold.test].tolist())
    return tuple(sorted(shared))


def may_lack_classes(clips: Clips) -> bool:
    """Return whether a part of a fold may lack a class: where none is ``normal``, as with activities.

    There, who was recorded decides what was done, and metrics are over the classes that are present. Detecting what
    isn't normal needs every class in training and test.
    """
    return NORMAL not in clips.classes


def unlearned(clips: Clips, folds: Iterable[Fold]) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Find the clips that can't be classified by what was learned: those whose class is absent from training.

    Returns:
        By class, in their order, the number of clips that some fold tests and has none of in training, and the
        patients whom they are from, sorted.
    """
    found = np.zeros(len(clips), dtype=np.bool_)
    for fold in folds:
        found[fold.test] |= ~np.isin(clips.label[fold.test], clips.label[fold.train])
    rows = {name: np.flatnonzero(found & (clips.label == i)) for i, name in enumerate(clips.classes)}
    return {name: (len(own), tuple(sorted(set(clips.patient[own].tolist())))) for name, own in rows.items() if len(own)}


def unlearned_sentence(found: Mapping[str, tuple[int, tuple[str, ...]]]) -> str:
    """State what `unlearned` has found; empty if it is nothing."""
    if not found:
        return ""
    each = [
        f"{name} ({count} clip{'s' * (count != 1)} of {', '.join(patients)})"
        for name, (count, patients) in found.items()
    ]
    return (
        f"Can't be learned in the folds that test these clips, since no clip of the class is left to train on: "
        f"{', '.join(each)}."
    )


class Splitter(Protocol):
    """Yields the folds of a corpus; the same clips and seed give the same folds."""

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Yield the folds of ``clips``. Raises InputError when the request can't be met."""
        ...
