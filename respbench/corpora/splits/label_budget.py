"""`LabelBudget`: the folds of `LeavePatientsOut`, in which only some of the training patients keep their labels."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.choices import LABEL_PERCENTS
from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.splits.balance import count_by_patient, imbalance, validation_patients
from respbench.corpora.splits.folds import Fold, Index, may_lack_classes
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut

MIN_LABELED_PATIENTS = 3
"""With one of them held out for validation, two are left to train on."""

CANDIDATES = 20
"""Draws of which the most typical one is kept. More would make the labeled patients more alike than chance does."""

MAX_DRAWS = 1000
"""Draws after which the search for patients who have every class is given up."""


@dataclass(frozen=True)
class LabelBudget:
    """k folds in which ``percent`` % of the training patients keep their labels; the others become ``unlabeled``.

    For the same seed, the test parts and the training patients are those of ``LeavePatientsOut(folds)``. Validation
    patients count against the budget: they are cut from the labeled ones, as `LeavePatientsOut` cuts them. Budgets are
    nested: the patients labeled at 5 % are among those labeled at 10 %, and so on.

    Attributes:
        percent: one of `LABEL_PERCENTS`.
        folds: how many.

    Raises:
        InputError: there is no such budget, `LeavePatientsOut` refuses, or so few patients can't have every class in
            training and spare one of them for validation.
    """

    percent: int
    folds: int = 5

    def __post_init__(self) -> None:
        if self.percent not in LABEL_PERCENTS:
            choices = ", ".join(map(str, sorted(LABEL_PERCENTS)))
            raise InputError(f"a label budget of {self.percent} % is not available; choose one of {choices} %")

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Yield the k folds of ``clips``."""
        for number, fold in enumerate(LeavePatientsOut(self.folds).split(clips, seed), 1):
            training = np.sort(np.concatenate([fold.train, fold.valid]))
            patients, counts = count_by_patient(clips.take(training))
            # Generators of their own, so that the folds don't depend on the budget; numbered from 1, since numpy takes
            # [seed, folds, 0] for [seed, folds].
            lenient = may_lack_classes(clips)
            labeled = _labeled(counts, self.percent, np.random.default_rng([seed, self.folds, number]), lenient)
            if not (lenient or _can_spare_one(counts[labeled])):
                raise self._refusal(clips, counts, labeled)
            rng = np.random.default_rng([seed, self.folds, number, self.percent])
            held_out = validation_patients(counts[labeled], rng, lenient)
            owner = clips.patient[training]
            train, valid, unlabeled = (
                training[rows]
                for rows in (
                    np.isin(owner, patients[labeled[~held_out]]),
                    np.isin(owner, patients[labeled[held_out]]),
                    ~np.isin(owner, patients[labeled]),
                )
            )
            yield Fold(train=train, valid=valid, test=fold.test, unlabeled=unlabeled)

    def _refusal(self, clips: Clips, counts: Index, labeled: Index) -> InputError:
        rarest = clips.classes[int((counts > 0).sum(axis=0).argmin())]
        return InputError(
            f"with {self.percent} % of the labels a fold has {len(labeled)} labeled of {len(counts)} training "
            "patients, who can't have every class and spare one of them for validation; choose a larger budget, the "
            f"task abnormal, or add patients who have {rarest!r}"
        )


def _labeled(counts: Index, percent: int, rng: np.random.Generator, may_lack_classes: bool) -> Index:
    """Choose the training patients that keep their labels.

    Args:
        counts: (patients, classes) clips of the training patients.
        percent: one of `LABEL_PERCENTS`.
        rng: the same for every budget of a fold, which makes them nested: each budget is drawn from the next larger.
        may_lack_classes: whether patients may be chosen who don't have every class.

    Returns:
        Rows of ``counts``, sorted.
    """
    chosen: Index = np.arange(len(counts))
    for budget in LABEL_PERCENTS[1 : LABEL_PERCENTS.index(percent) + 1]:
        size = max((budget * len(counts) + 50) // 100, min(MIN_LABELED_PATIENTS, len(counts)))
        draws = (np.sort(rng.permutation(chosen)[:size]) for _ in range(MAX_DRAWS))
        possible = (draw for draw in draws if may_lack_classes or _can_spare_one(counts[draw]))
        useful = list(islice(possible, CANDIDATES)) or [chosen[:size]]
        totals = np.stack([counts[draw].sum(axis=0) for draw in useful])[:, None, :].astype(np.float64)
        target: NDArray[np.float64] = counts.sum(axis=0)[None, :] * size / len(counts)
        chosen = useful[int(imbalance(totals, target).argmin())]
    return chosen


def _can_spare_one(counts: Index) -> bool:
    """Return whether the others still have every class without some patient, so that validation can hold one out."""
    return bool((counts.sum(axis=0) - counts > 0).all(axis=1).any())
