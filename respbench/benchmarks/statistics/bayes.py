"""Probabilities that one model is worse than, practically equivalent to, or better than another."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from respbench.benchmarks.statistics.metrics import Floats, auroc_by_fold
from respbench.benchmarks.statistics.results import ModelResults

ROPE = 0.02
"""Half the width of the region of practical equivalence, a convention of this suite."""


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """What is believed about a difference after the data.

    Attributes:
        worse: probability that it lies below the region of practical equivalence.
        equivalent: that it lies within.
        better: that it lies above.
    """

    worse: float
    equivalent: float
    better: float


UNKNOWN = Posterior(worse=float("nan"), equivalent=float("nan"), better=float("nan"))


def correlated_t(differences: Floats, rho: float, rope: float = ROPE) -> Posterior:
    """Compute the posterior of a mean difference from cross-validation, whose training sets overlap.

    The Bayesian correlated t-test (Corani & Benavoli 2015, doi:10.1007/s10994-015-5486-z; region of practical
    equivalence: Benavoli, Corani, Demšar & Zaffalon 2017, JMLR 18(77)). The prior is uninformative: uniform over the
    mean and the logarithm of the variance. The posterior is then Student's t about the mean difference, with the
    variance of Nadeau & Bengio 2003, doi:10.1023/A:1024068626366.

    Args:
        differences: (repeats x folds,) one per fit; NaN where a fold lacks a class.
        rho: correlation of two differences, 1 / folds.
        rope: differences up to this size are equivalent in practice.

    Returns:
        Probabilities that add up to 1; NaN with fewer than two differences.
    """
    known = differences[np.isfinite(differences)]
    n = len(known)
    if n < 2:
        return UNKNOWN
    mean, deviation = float(known.mean()), float(known.std(ddof=1))
    if deviation == 0:
        return Posterior(worse=float(mean < -rope), equivalent=float(abs(mean) <= rope), better=float(mean > rope))
    scale = deviation * np.sqrt(1 / n + rho / (1 - rho))
    worse, better = (float(student.cdf((-rope - side * mean) / scale, n - 1)) for side in (1, -1))
    return Posterior(worse=worse, equivalent=max(0.0, 1 - worse - better), better=better)


def as_good_as(model: ModelResults, reference: ModelResults) -> Posterior:
    """Compare two complete models by their AUROC in each fold of the repeats that both have; NaN with a single fold."""
    seeds = model.shared_seeds(reference)
    one, other = (
        [auroc_by_fold(predictions, np.ones((1, 1 + predictions.patient.max())))[:, 0] for predictions in parts]
        for parts in ([of.predictions[seed] for seed in seeds] for of in (model, reference))
    )
    folds = len(one[0]) if seeds else 0
    if folds < 2:
        return UNKNOWN
    return correlated_t(np.subtract(one, other).ravel(), 1 / folds)
