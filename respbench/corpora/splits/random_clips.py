"""`RandomClips`: LEAKY folds by clip, with the same patients on both sides, to measure how much that flatters."""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedKFold, train_test_split

from respbench.corpora.choices import SOUND
from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.readers.folds_file import RECORDING
from respbench.corpora.splits.balance import VALIDATION
from respbench.corpora.splits.folds import Fold, Index, may_lack_classes
from respbench.corpora.splits.leave_patients_out import check_folds
from respbench.corpora.splits.overlapping import inseparable


@dataclass(frozen=True)
class RandomClips:
    """Stratified k-fold by clip; clips that overlap in one recording stay together.

    Of movements, or where no class is ``normal``, by recording, which no fold parts.

    Raises:
        InputError: a class has too few clips.
    """

    folds: int = 5

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Yield the k folds of ``clips``."""
        check_folds(self.folds)
        if may_lack_classes(clips) or clips.modality != SOUND:
            yield from _by_recording(clips, self.folds, seed)
            return
        unit, representative = inseparable(clips)
        label = clips.label[representative]
        counts = np.bincount(label, minlength=len(clips.classes))
        rarest = int(counts.argmin())
        if counts[rarest] < max(self.folds + 1, 4):
            raise InputError(
                f"class {clips.classes[rarest]!r} has {counts[rarest]} clip{'s' * int(counts[rarest] != 1)} only, too "
                f"few for {self.folds} folds; choose fewer folds, another task, or add clips"
            )
        shuffled = StratifiedKFold(self.folds, shuffle=True, random_state=seed)
        for training, test in shuffled.split(np.zeros(len(label)), label):
            size = max(len(clips.classes), math.ceil(VALIDATION * len(training)))
            train, valid = train_test_split(training, test_size=size, random_state=seed, stratify=label[training])
            rows = (np.flatnonzero(np.isin(unit, part)) for part in (train, valid, test))
            yield Fold(**dict(zip(("train", "valid", "test"), rows, strict=True)))


def _by_recording(clips: Clips, folds: int, seed: int) -> Iterator[Fold]:
    """Divide recordings at random, as evenly by class as they permit; each has the class of its first clip."""
    names = np.asarray(clips.meta.get(RECORDING, clips.clip_id), dtype=np.str_)
    recordings, first, owner = np.unique(names, return_index=True, return_inverse=True)
    if len(recordings) < 2 * folds:
        raise InputError(
            f"the corpus has {len(recordings)} recordings, too few for {folds} folds by recording with validation; "
            "choose fewer folds, or add recordings"
        )
    label = clips.label[first]
    for training, test in _parts(label, folds, seed):
        train, valid = next(_parts(label[training], min(round(1 / VALIDATION), len(training)), seed))
        train, valid, test = (np.flatnonzero(np.isin(owner, part)) for part in (training[train], training[valid], test))
        yield Fold(train=train, valid=valid, test=test)


def _parts(label: Index, folds: int, seed: int) -> Iterator[tuple[Index, Index]]:
    """Yield the rows of both sides of each fold."""
    most = int(np.bincount(label).max())
    divided = StratifiedKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of classes with fewer recordings than folds
        yield from divided.split(np.zeros(len(label)), label if most >= folds else np.zeros_like(label))
