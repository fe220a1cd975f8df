"""95 % intervals by bootstrap over patients, since the clips of one patient are not independent.

Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13 (percentile interval); whole patients are drawn,
as in Field & Welsh 2007, doi:10.1111/j.1467-9868.2007.00593.x (cluster bootstrap).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.statistics.metrics import METRICS, Floats, Predictions, evaluate

RESAMPLES = 2000
LEVEL = 95


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Difference(Estimate):
    """One model minus another on the same resampled patients; formatted with its sign."""


UNKNOWN_DIFFERENCE = Difference(float("nan"), float("nan"), float("nan"))


def draws(patients: int, resamples: int = RESAMPLES) -> Floats:
    """(1 + resamples, patients): how often each patient is drawn; the first row draws each once.

    The same for every model of a table, so that differences are judged on the same resamples.
    """
    drawn = np.random.default_rng(0).multinomial(patients, np.full(patients, 1 / patients), size=resamples)
    return np.concatenate([np.ones((1, patients)), drawn.astype(np.float64)])


def seed_distributions(seeds: Sequence[Predictions], weights: Floats) -> list[dict[str, Floats]]:
    """Compute each metric for each seed, (1 + resamples,): its value, then its bootstrap distribution."""
    return [evaluate(predictions, weights) for predictions in seeds]


def mean_distributions(seeds: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    """Average each metric over the seeds, (1 + resamples,)."""
    return {metric: np.mean([seed[metric] for seed in seeds], axis=0) for metric in METRICS}


def estimate(distribution: Floats) -> Estimate:
    """The value and the percentile interval of a distribution as `mean_distributions` gives it.

    The interval is widened to hold the value where, with very few patients, the percentiles don't.
    """
    value, drawn = float(distribution[0]), distribution[1:]
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not len(drawn):
        return Estimate(value, float("nan"), float("nan"))
    low, high = np.percentile(drawn, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return Estimate(value, min(float(low), value), max(float(high), value))
