"""95 % intervals by leaving out one patient at a time, since the clips of one patient are not independent.

An interval is for the method: its expected performance on new patients when it is trained on as many patients as here.

The variance over tested patients is the jackknife's (Miller 1974, doi:10.1093/biomet/61.1.1); what the training
patients add is taken in proportion to it. Student's t has as many degrees of freedom as patients contribute
effectively: where few of them make up the variance, it is itself uncertain. A metric between 0 and 1 is taken to the
logit first, so that its interval stays inside.

The form was chosen by simulation, see `benchmarks.statistics.coverage` and docs/decisions/0011-intervals.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t as student

from respbench.benchmarks.statistics.metrics import Floats, Predictions

LEVEL = 95
"""% of the studies whose intervals should hold the truth."""

TRAINING = 1.25
"""By how much training on other patients raises the variance over tested patients: 1 + tested / trained on, for five
folds. Chosen by simulation among factors from 1 to 1.8. Nadeau & Bengio 2003, doi:10.1023/A:1024068626366, add the same
ratio to the variance of a single fold, which comes to a factor of 2.25 for the mean of five."""

FEWEST = 5
"""Patients with abnormal clips, and with normal ones, below which a number gets no interval."""

Scale = Literal["logit", "plain"]
"""On which an interval is symmetric: ``logit`` for a metric between 0 and 1, ``plain`` for a difference."""

BOUNDS = {"logit": (0.0, 1.0), "plain": (-np.inf, np.inf)}
"""Between which the intervals of a scale lie, also where a value of 0 or 1 has no logit."""


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval.

    Attributes:
        value: the number.
        low: lower end of the interval.
        high: upper end.
        se: standard error, on the scale of the interval; NaN if unknown.
        df: degrees of freedom of ``se``; NaN if unknown.
    """

    value: float
    low: float
    high: float
    se: float = float("nan")
    df: float = float("nan")

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Difference(Estimate):
    """One model minus another on the same patients and repeats; formatted with its sign."""

    @property
    def p_value(self) -> float:
        """Two-sided p-value of no difference, by the same t as the interval; NaN if there is no standard error."""
        if self.se == 0 and np.isfinite(self.value):
            return float(self.value == 0)
        return float(2 * student.sf(abs(self.value) / self.se, self.df))


UNKNOWN_DIFFERENCE = Difference(float("nan"), float("nan"), float("nan"))


def leave_one_out(patients: int) -> Floats:
    """(1 + patients, patients): the weight of each patient; all in the first row, then each left out in turn."""
    return np.concatenate([np.ones((1, patients)), 1 - np.eye(patients)])


def interval(values: Floats, scale: Scale, draws: bool = False) -> Estimate:
    """Estimate the mean over repeats, with its interval.

    Args:
        values: (repeats, 1 + patients), of a metric by `leave_one_out`; NaN where it needs the patient left out.
        scale: of the interval.
        draws: whether each repeat has drawn what it was trained on anew, such as its labeled patients, so that their
            variance counts as well: patients and draws are crossed, and their variances add up (Owen 2007,
            doi:10.1214/07-AOAS122).

    Returns:
        Interval, ``se`` and ``df`` are NaN where fewer than two patients can be left out.
    """
    mean = values.mean(axis=0)
    value, known, bounds = float(mean[0]), np.isfinite(mean), BOUNDS[scale]
    if scale == "logit" and not (mean[known] > 0).all() & (mean[known] < 1).all():
        scale = "plain"  # 0 and 1 have no logit
    forth, back = (logit, expit) if scale == "logit" else (np.asarray, np.asarray)
    if not known[0] or known.sum() < 3:
        return Estimate(value, float("nan"), float("nan"))
    deviation = _deviations(forth(mean[known]))
    variances = [TRAINING * _variance(deviation)]
    freedom = [effective_number(deviation**2)]
    if draws and len(values) > 1:
        slope = 1 / (value * (1 - value)) if scale == "logit" else 1.0
        variances.append(TRAINING * slope**2 * _variance_of_draws(values[:, known]))
        freedom.append(len(values) - 1)
    se = float(np.sqrt(sum(variances)))
    if se == 0:
        return Estimate(value, value, value, 0.0, float(len(deviation)))
    df = sum(variances) ** 2 / sum(v**2 / n for v, n in zip(variances, freedom, strict=True))  # Satterthwaite 1946
    half = se * student.ppf((100 + LEVEL) / 200, df)
    low, high = (float(np.clip(back(forth(value) + side * half), *bounds)) for side in (-1, 1))
    return Estimate(value, low, high, se, float(df))


def estimate_of(
    repeats: Sequence[Predictions],
    metric: Callable[[Predictions, Floats], Floats],
    patients: int,
    scale: Scale = "logit",
    draws: bool = False,
) -> Estimate:
    """Estimate any metric of a model, averaged over its repeats.

    Args:
        repeats: predictions of each.
        metric: from predictions and weights (rows, patients) to values (rows,).
        patients: number of them in the numbering of the predictions.
        scale: see `interval`.
        draws: see `interval`.
    """
    weights = leave_one_out(patients)
    return interval(np.array([metric(predictions, weights) for predictions in repeats]), scale, draws)


def _deviations(values: Floats) -> Floats:
    """(…, patients) what each patient contributes to an estimate, from values (…, 1 + patients) by `leave_one_out`."""
    left_out = values[..., 1:]
    deviations: Floats = (left_out.shape[-1] - 1) * (left_out - left_out.mean(axis=-1, keepdims=True))
    return deviations


def _variance(deviation: Floats) -> float:
    """Of the mean of as many patients."""
    return float((deviation**2).sum() / (len(deviation) * (len(deviation) - 1)))


def _variance_of_draws(values: Floats) -> float:
    """Of the mean over draws, from values (draws, 1 + patients), for other draws and the same patients.

    What patients differ in from draw to draw is in the variance over patients already, and is taken off.
    """
    draws = len(values)
    deviation = _deviations(values)
    both = sum(_variance(one) for one in deviation - deviation.mean(axis=0)) / (draws * (draws - 1))
    return max(float(np.var(values[:, 0], ddof=1)) / draws - both, 0.0)


def effective_number(shares: Floats) -> float:
    """How many equal shares are as uneven as these: (sum w)^2 / sum w^2 (Kish 1965); all of them if all are 0."""
    return float(shares.sum() ** 2 / (shares**2).sum()) if shares.any() else float(len(shares))
