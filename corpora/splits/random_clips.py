"""`RandomClips`: LEAKY folds by clip, with the same patients on both sides, to measure how much that flatters."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedKFold, train_test_split

from corpora.clips import Clips
from corpora.problems import InputError
from corpora.splits.balance import VALIDATION
from corpora.splits.folds import Fold
from corpora.splits.leave_patients_out import check_folds


@dataclass(frozen=True)
class RandomClips:
    """Stratified k-fold by clip.

    Raises:
        InputError: a class has too few clips.
    """

    folds: int = 5

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Yield the k folds of ``clips``."""
        check_folds(self.folds)
        counts = np.bincount(clips.label, minlength=len(clips.classes))
        rarest = int(counts.argmin())
        if counts[rarest] < max(self.folds + 1, 4):
            raise InputError(
                f"class {clips.classes[rarest]!r} has {counts[rarest]} clip{'s' * int(counts[rarest] != 1)} only, too "
                f"few for {self.folds} folds; choose fewer folds, another task, or add clips"
            )
        shuffled = StratifiedKFold(self.folds, shuffle=True, random_state=seed)
        for training, test in shuffled.split(np.zeros(len(clips)), clips.label):
            size = max(len(clips.classes), math.ceil(VALIDATION * len(training)))
            train, valid = train_test_split(training, test_size=size, random_state=seed, stratify=clips.label[training])
            yield Fold(train=np.sort(train), valid=np.sort(valid), test=test)
