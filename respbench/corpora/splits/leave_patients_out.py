"""`LeavePatientsOut`: the splitter behind every number that claims to hold for new patients."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.splits.balance import assign_parts, count_by_patient, totals_of_parts, validation_patients
from respbench.corpora.splits.folds import Fold, Index, may_lack_classes


@dataclass(frozen=True)
class LeavePatientsOut:
    """Stratified group k-fold by patient, with validation patients cut from the training patients in the same way.

    A patient is in one part of a fold only, and in the test part of exactly one fold. The classes are spread over the
    parts as evenly as whole patients permit. Another seed gives other folds. Where no class is ``normal``, a fold may
    lack classes in any of its parts, see `may_lack_classes`.

    Raises:
        InputError: fewer patients than parts, a class that too few patients have for every fold to test it, or no
            patient to spare for validation.
    """

    folds: int = 5

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Yield the k folds of ``clips``."""
        patients, counts = count_by_patient(clips)
        self._check(clips, counts)
        rng = np.random.default_rng([seed, self.folds])
        part = assign_parts(counts, np.full(self.folds, 1 / self.folds), rng)
        untested = np.flatnonzero((totals_of_parts(counts, part, self.folds) == 0).any(axis=0))
        lenient = may_lack_classes(clips)
        if len(untested) and not lenient:
            raise InputError(
                f"no way was found to have clips of {clips.classes[untested[0]]!r} in each of {self.folds} folds; "
                "choose fewer folds, or add patients who have it"
            )
        owner = np.searchsorted(patients, clips.patient)
        for fold in range(self.folds):
            training = np.flatnonzero(part != fold)
            held_out = validation_patients(counts[training], rng, lenient)
            train, valid, test = (
                np.flatnonzero(np.isin(owner, who))
                for who in (training[~held_out], training[held_out], np.flatnonzero(part == fold))
            )
            yield Fold(train=train, valid=valid, test=test)

    def _check(self, clips: Clips, counts: Index) -> None:
        """Refuse what is impossible before anything is assigned."""
        check_folds(self.folds)
        patients = len(counts)
        if patients < max(self.folds, 3):
            raise InputError(
                f"the corpus has {patients} patient{'s' * (patients != 1)}, too few for {self.folds} folds by patient "
                "with a validation patient each; add patients, or choose fewer folds"
            )
        having = (counts > 0).sum(axis=0)
        rarest, name = int(having.min()), clips.classes[int(having.argmin())]
        if rarest < self.folds and not may_lack_classes(clips):
            fewer = f"choose fewer folds (patients-{rarest}fold), " if rarest > 1 else "choose "
            coarser = "another task (such as abnormal)" if len(clips.classes) > 2 else "other data"
            raise InputError(
                f"class {name!r} occurs in {rarest} patient{'s' * (rarest != 1)} only, so that not each of "
                f"{self.folds} folds can test it; {fewer}{coarser}, or add patients who have it"
            )


def check_folds(folds: int) -> None:
    """Raise InputError unless there are at least two folds."""
    if folds < 2:
        raise InputError(f"a cross-validation needs at least 2 folds, not {folds}; choose more")
