"""A fold, and what yields folds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from corpora.clips import Clips

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


class Splitter(Protocol):
    """Yields the folds of a corpus; the same clips and seed give the same folds."""

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Yield the folds of ``clips``. Raises InputError when the request can't be met."""
        ...
