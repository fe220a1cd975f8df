"""`LeaveOnePatientOut`: every patient is tested alone, by models that were trained on all others."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.splits.balance import count_by_patient, validation_patients
from respbench.corpora.splits.folds import Fold, may_lack_classes


@dataclass(frozen=True)
class LeaveOnePatientOut:
    """One fold per patient, in the order of their names: their clips are the test part.

    Validation patients are cut from the training patients as `LeavePatientsOut` cuts them; the seed decides nothing
    else. A class that only the tested patient has can't be learned in that fold, see `unlearned`.

    Attributes:
        folds: None, since the corpus decides their number.
        divided_by: the column that decides it.

    Raises:
        InputError: there are fewer than three patients, what is left to train on lacks a class in a task with
            ``normal``, or no patient can be spared for validation.
    """

    folds: ClassVar[None] = None
    divided_by: ClassVar[str] = "patient"

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Yield one fold per patient of ``clips``."""
        patients, counts = count_by_patient(clips)
        if len(patients) < 3:
            raise InputError(
                f"the corpus has {len(patients)} patient{'s' * (len(patients) != 1)}, too few to test one, train on "
                "another and validate on a third; add patients"
            )
        lenient = may_lack_classes(clips)
        alone = np.flatnonzero(((counts > 0).sum(axis=0) == 1) & (not lenient))
        if len(alone):
            raise InputError(
                f"class {clips.classes[alone[0]]!r} occurs in one patient only, so that nothing is left to train on "
                "where that patient is tested; choose another task, or add patients who have it"
            )
        for number, name in enumerate(patients):
            others = np.delete(np.arange(len(patients)), number)
            held_out = validation_patients(counts[others], np.random.default_rng([seed, number, 1]), lenient)
            yield Fold(
                train=np.flatnonzero(np.isin(clips.patient, patients[others[~held_out]])),
                valid=np.flatnonzero(np.isin(clips.patient, patients[others[held_out]])),
                test=np.flatnonzero(clips.patient == name),
            )
