"""Keep clips together that overlap in one recording."""

from collections.abc import Iterable

import numpy as np

from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.splits.folds import Fold, Index


def inseparable(clips: Clips) -> tuple[Index, Index]:
    """Number the units that no fold may part: groups of overlapping clips, and every other clip by itself.

    Returns:
        (clips,) the unit of each, numbered in the order of their first clips; and (units,) the row that represents
        each: its clip of the rarest class.
    """
    names = np.where(clips.overlap == "", clips.clip_id, clips.overlap)
    _, first, unit = np.unique(names, return_index=True, return_inverse=True)
    unit = np.argsort(np.argsort(first))[unit]
    rarity = np.bincount(clips.label, minlength=len(clips.classes))[clips.label]
    order = np.lexsort((np.arange(len(clips)), rarity, unit))
    return unit, order[np.unique(unit[order], return_index=True)[1]]


def refuse_parted(clips: Clips, folds: Iterable[Fold]) -> None:
    """Raise InputError if a fold parts clips that overlap, so that a model would be tested on what it was fitted to."""
    grouped = np.flatnonzero(clips.overlap != "")
    if not len(grouped):
        return
    for fold in folds:
        part = np.zeros(len(clips), dtype=np.int64)
        for number, rows in enumerate((np.concatenate([fold.train, fold.unlabeled]), fold.valid, fold.test), 1):
            part[rows] = number
        first: dict[str, int] = {}
        for row in grouped[part[grouped] > 0].tolist():
            other = first.setdefault(str(clips.overlap[row]), row)
            if part[other] != part[row]:
                raise InputError(
                    f"clips {clips.clip_id[other]} and {clips.clip_id[row]} overlap in one recording, or others "
                    "connect them, and are in two parts of the split, so that the same sound would be trained on and "
                    "tested; put them into one part, or leave one of them out"
                )
