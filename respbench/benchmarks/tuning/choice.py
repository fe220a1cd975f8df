"""Choose the parameters of a tuned fit: the defaults, unless a trial beats them on fresh inner folds beyond noise.

The best of many trials is partly the luckiest, and its value where it was found says little. So trial 0, which has the
defaults, and the best others are evaluated again, on inner folds of other shuffles. Each challenger is compared with
the defaults fold by fold; it replaces them only if its mean gain exceeds two standard errors. Those are corrected for
the training patients that the folds of a repeated cross-validation share (Nadeau & Bengio 2003, Machine Learning 52,
doi:10.1023/A:1024068626366): without the correction they are far too small.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from respbench.benchmarks.storage.records import TrialRecord
from respbench.benchmarks.tuning.folds import INNER

CHALLENGERS = 3
"""Trials beside the defaults that are confirmed: the best ones where they were tried."""

ERRORS = 2
"""Standard errors that a gain must exceed."""

TEST_TO_TRAINING = 1 / (INNER.folds - 1)
"""Inner test patients per inner training and validation patient."""


@dataclass(frozen=True, kw_only=True)
class ConfirmedGain:
    """How much better than the defaults a challenger is on the fresh inner folds.

    Attributes:
        number: of the trial.
        mean: of the differences in AUROC, fold by fold.
        error: corrected standard error of the mean.
    """

    number: int
    mean: float
    error: float

    @property
    def convincing(self) -> bool:
        """Whether it exceeds `ERRORS` standard errors."""
        return self.mean > ERRORS * self.error


def candidates(records: Sequence[TrialRecord]) -> tuple[TrialRecord, ...]:
    """Select the trials to confirm: the defaults and the best others; none where no other trial was completed.

    Args:
        records: all trials of a study, trial 0 first.
    """
    complete = sorted((record for record in records if record.value is not None), key=_descending)
    challengers = [record for record in complete if record.number][:CHALLENGERS]
    defaults = [record for record in complete if record.number == 0]
    return (*defaults, *challengers) if challengers else ()


def corrected_error(differences: ArrayLike, test_to_training: float = TEST_TO_TRAINING) -> float:
    """Standard error of the mean of paired differences over the folds of a (repeated) cross-validation.

    The corrected resampled estimate, sqrt((1 / k + n_test / n_train) s^2) (Nadeau & Bengio 2003).

    Args:
        differences: (k,) one per fold, k at least 2.
        test_to_training: n_test / n_train.
    """
    values = np.asarray(differences, dtype=np.float64)
    return float(np.sqrt((1 / len(values) + test_to_training) * values.var(ddof=1)))


def confirmed_gains(confirmations: Sequence[TrialRecord]) -> tuple[ConfirmedGain, ...]:
    """Compare each confirmed challenger with the defaults; empty where the defaults were not confirmed."""
    values = {record.number: np.array(record.inner_values) for record in confirmations if record.value is not None}
    if 0 not in values:
        return ()
    differences = {number: value - values[0] for number, value in values.items() if number}
    return tuple(
        ConfirmedGain(number=number, mean=float(each.mean()), error=corrected_error(each))
        for number, each in differences.items()
    )


def choose(records: Sequence[TrialRecord], confirmations: Sequence[TrialRecord]) -> TrialRecord:
    """Choose a trial: of the challengers with a convincing gain the one with the largest, else the defaults.

    Where the defaults themselves failed, the best challenger on the fresh folds, else where it was tried.

    Args:
        records: all trials of a study, trial 0 first.
        confirmations: of its `candidates`.

    Raises:
        ValueError: no trial was completed.
    """
    if records[0].value is not None:
        convincing = [gain for gain in confirmed_gains(confirmations) if gain.convincing]
        best = max(convincing, key=lambda gain: (gain.mean, -gain.number), default=None)
        return records[best.number if best else 0]
    complete = [record for record in records if record.value is not None]
    if not complete:
        reasons = [record.error for record in records if record.error]
        raise ValueError(f"no trial of {len(records)} was completed; the first failed: {next(iter(reasons), 'pruned')}")
    confirmed = sorted((record for record in confirmations if record.value is not None), key=_descending)
    return records[confirmed[0].number] if confirmed else min(complete, key=_descending)


def _descending(record: TrialRecord) -> tuple[float, int]:
    """Sorts completed records: the best first, of equal ones the earlier."""
    return -(record.value or 0.0), record.number
