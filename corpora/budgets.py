"""Label budgets: the folds of `LeavePatientsOut`, where only some of the training patients keep their labels."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from corpora.choices import LADDER
from corpora.clips import Clips
from corpora.problems import InputError
from corpora.splits import Fold, Index, LeavePatientsOut, _validation, count_by_patient, imbalance

FEWEST = 3
"""Patients that keep their labels at least: with one of them set aside for validation, two are left to learn from."""

DRAWS = 20
"""Draws of which the most typical one is kept. More would make the labelled patients more alike than chance does."""

TRIES = 1000
"""Draws after which it is given up to find some that have every class."""


@dataclass(frozen=True)
class LabelBudget:
    """k folds in which ``percent`` % of the training patients keep their labels; the others become ``unlabeled``.

    For the same seed, the test parts and the training patients are those of ``LeavePatientsOut(folds)``. The validation
    patients count against the budget: they are cut from the labelled ones, as `LeavePatientsOut` cuts them. The
    patients labelled at 5 % are among those at 10 %, and so on.

    Attributes:
        percent: one of `LADDER`.
        folds: how many.

    Raises:
        InputError: there is no such budget, `LeavePatientsOut` refuses, or so few patients can't have every class in
            training and spare one of them for validation.
    """

    percent: int
    folds: int = 5

    def __post_init__(self) -> None:
        if self.percent not in LADDER:
            choices = ", ".join(map(str, sorted(LADDER)))
            raise InputError(f"a label budget of {self.percent} % is not on offer; choose one of {choices} %")

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """The k folds of ``clips``."""
        for number, fold in enumerate(LeavePatientsOut(self.folds).split(clips, seed)):
            training = np.sort(np.concatenate([fold.train, fold.valid]))
            patients, counts = count_by_patient(clips.take(training))
            # Generators of their own: those that deal the folds go on as if there were no budget. The numbers are not
            # 0, since numpy takes [seed, folds, 0] for [seed, folds].
            labelled = _labelled(counts, self.percent, np.random.default_rng([seed, self.folds, number + 1]))
            if not _can_spare_one(counts[labelled]):
                raise self._refusal(clips, counts, labelled)
            rng = np.random.default_rng([seed, self.folds, number + 1, self.percent])
            held_out = _validation(counts[labelled], rng)
            of = clips.patient[training]
            parts = (patients[labelled[~held_out]], patients[labelled[held_out]])
            train, valid = (training[np.isin(of, part)] for part in parts)
            yield Fold(train, valid, fold.test, training[~np.isin(of, patients[labelled])])

    def _refusal(self, clips: Clips, counts: Index, labelled: Index) -> InputError:
        rarest = clips.classes[int((counts > 0).sum(axis=0).argmin())]
        return InputError(
            f"with {self.percent} % of the labels a fold has {len(labelled)} labelled of {len(counts)} training "
            "patients, who can't have every class and spare one of them for validation; choose a larger budget, the "
            f"task abnormal, or add patients who have {rarest!r}"
        )


def _labelled(counts: Index, percent: int, rng: np.random.Generator) -> Index:
    """Which training patients keep their labels.

    Args:
        counts: (patients, classes) clips of the training patients.
        percent: one of `LADDER`.
        rng: the same for every budget of a fold, which makes them nested: they have the same draws above them.

    Returns:
        Rows of ``counts``, sorted.
    """
    chosen: Index = np.arange(len(counts))
    for rung in LADDER[1 : LADDER.index(percent) + 1]:
        size = max((rung * len(counts) + 50) // 100, min(FEWEST, len(counts)))
        draws = (np.sort(rng.permutation(chosen)[:size]) for _ in range(TRIES))
        useful = list(islice((draw for draw in draws if _can_spare_one(counts[draw])), DRAWS)) or [chosen[:size]]
        totals = np.stack([counts[draw].sum(axis=0) for draw in useful])[:, None, :].astype(np.float64)
        target: NDArray[np.float64] = counts.sum(axis=0)[None, :] * size / len(counts)
        chosen = useful[int(imbalance(totals, target).argmin())]
    return chosen


def _can_spare_one(counts: Index) -> bool:
    """Whether some patient's absence leaves every class to the others: then `_validation` finds such a one."""
    return bool((counts.sum(axis=0) - counts > 0).all(axis=1).any())
