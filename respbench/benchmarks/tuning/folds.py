"""Inner folds: the training and validation patients of an outer fold, divided again; its test patients stay out."""

from collections.abc import Iterator

import numpy as np

from respbench.corpora.clips import Clips
from respbench.corpora.splits.folds import Fold, Splitter
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut

INNER = LeavePatientsOut(4)


def inner_folds(clips: Clips, outer: Fold, seed: int, splitter: Splitter = INNER) -> Iterator[Fold]:
    """Divide the training and validation patients of an outer fold.

    Args:
        clips: the task's, with labels.
        outer: rows of ``clips``.
        seed: of the repeat.
        splitter: divides them.

    Yields:
        Rows of ``clips``; ``test`` is the inner test part. Clips that are unlabeled in the outer fold stay so.
    """
    training = np.sort(np.concatenate([outer.train, outer.valid]))
    for inner in splitter.split(clips.take(training), seed):
        yield Fold(
            train=training[inner.train],
            valid=training[inner.valid],
            test=training[inner.test],
            unlabeled=np.concatenate([outer.unlabeled, training[inner.unlabeled]]),
        )
