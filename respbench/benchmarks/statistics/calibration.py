"""Are forecasts of `abnormal` right as often as they state: reliability, Brier score, calibration line, recalibration.

A model that is trained with balanced classes states more abnormal clips than there are; what is wrong with its
probabilities alone is corrected by a logistic function of two parameters.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from respbench.benchmarks.statistics.forecasts import Forecasts, Repeats
from respbench.benchmarks.statistics.intervals import Estimate
from respbench.benchmarks.statistics.metrics import Floats

BINS = 10
"""Of the reliability diagram, with equal numbers of clips."""

SMALLEST = 1e-6
"""Probabilities are kept this far from 0 and 1, which have no logit."""

STEPS, PRECISION = 25, 1e-10
"""At most so many steps of Newton's method, until one is as small as this."""

RIDGE = 1e-6
"""Penalty on coefficients, so that they are finite where a model separates the classes completely."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How far the probabilities of a model are right.

    Attributes:
        ece: expected calibration error over `BINS` bins; the mean over repeats.
        brier: mean squared error of the probability.
        intercept: logit by which stated probabilities are too low; 0 is ideal (Van Calster et al. 2019,
            doi:10.1186/s12916-019-1466-7).
        slope: below 1 = too extreme, 1 is ideal. None for forecasts that are constant within folds.
    """

    ece: float
    brier: Estimate
    intercept: Estimate
    slope: Estimate | None


def calibration_of(repeats: Repeats) -> Calibration:
    """Measure a model."""
    return Calibration(
        ece=float(np.mean([ece(forecasts) for forecasts in repeats.forecasts])),
        brier=repeats.estimate(brier),
        intercept=repeats.estimate(intercept, "plain"),
        slope=None if repeats.constant else repeats.estimate(slope, "plain"),
    )


def brier(forecasts: Forecasts, weights: Floats) -> Floats:
    """(rows,) mean squared difference of probability and outcome (Brier 1950)."""
    return forecasts.mean((forecasts.probability - forecasts.abnormal) ** 2, weights)


def intercept(forecasts: Forecasts, weights: Floats) -> Floats:
    """(rows,) a of ``logit(p') = a + logit(p)``, where p' fits the outcomes best: calibration in the large."""
    x = _logits(forecasts)
    return _logistic(forecasts, np.ones((len(x), 1)), x, weights)[:, 0]


def slope(forecasts: Forecasts, weights: Floats) -> Floats:
    """(rows,) b of ``logit(p') = a + b logit(p)``, where p' fits the outcomes best (Cox 1958)."""
    return calibration_line(forecasts, weights)[:, 1]


def calibration_line(forecasts: Forecasts, weights: Floats) -> Floats:
    """(rows, 2) a and b of ``logit(p') = a + b logit(p)``; b is 1 where forecasts are constant within folds."""
    x = _logits(forecasts)
    if forecasts.constant:
        return np.stack([intercept(forecasts, weights), np.ones(len(weights))], axis=1)
    return _logistic(forecasts, np.stack([np.ones(len(x)), x], axis=1), np.zeros(len(x)), weights)


def reliability(forecasts: Forecasts) -> Floats:
    """(bins, 3): mean probability, share that is abnormal, and clips, in bins of equal numbers of clips.

    Clips of equal probability stay together, so that there may be fewer bins than `BINS`.
    """
    edges = np.unique(np.quantile(forecasts.probability, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    place = np.searchsorted(edges, forecasts.probability, side="left")
    clips = np.bincount(place)
    sums = (np.bincount(place, values) for values in (forecasts.probability, forecasts.abnormal))
    there = clips > 0
    return np.stack([*(total[there] / clips[there] for total in sums), clips[there].astype(np.float64)], axis=1)


def ece(forecasts: Forecasts) -> float:
    """Expected calibration error: mean of |stated - observed| over the bins, weighted by their clips.

    It is above 0 also for perfect forecasts, by the chance of a bin of few clips (Naeini et al. 2015, AAAI).
    """
    bins = reliability(forecasts)
    return float(np.average(np.abs(bins[:, 0] - bins[:, 1]), weights=bins[:, 2]))


def recalibrated(repeats: Repeats) -> Repeats | None:
    """Correct the probabilities of a model, see `recalibrate`; None if there is one fold alone."""
    if any(len(np.unique(forecasts.fold)) < 2 for forecasts in repeats.forecasts):
        return None
    return replace(repeats, forecasts=tuple(recalibrate(forecasts) for forecasts in repeats.forecasts))


def recalibrate(forecasts: Forecasts) -> Forecasts:
    """Correct probabilities fold by fold, by a logistic function that is fitted on the other folds (Platt 1999).

    Ranks within a fold stay, unless the other folds show that they are reversed.
    """
    x, corrected = _logits(forecasts), np.empty(len(forecasts.fold))
    for fold in np.unique(forecasts.fold):
        own, others = forecasts.fold == fold, forecasts.take(forecasts.fold != fold)
        a, b = calibration_line(others, np.ones((1, others.patients)))[0]
        corrected[own] = expit(a + b * x[own])
    return replace(forecasts, probability=corrected)


def _logits(forecasts: Forecasts) -> Floats:
    logits: Floats = logit(np.clip(forecasts.probability, SMALLEST, 1 - SMALLEST))
    return logits


def _logistic(forecasts: Forecasts, columns: Floats, offset: Floats, weights: Floats) -> Floats:
    """(rows, columns) coefficients of a logistic regression of the outcome, for many weightings of the patients.

    The first row is fitted by Newton's method. The others go one step from there, with an error of second order in the
    weights that they change.

    Args:
        forecasts: give outcome and patient.
        columns: (clips, columns).
        offset: (clips,) added to the linear function.
        weights: (rows, patients).
    """
    found, penalty = np.zeros(columns.shape[1]), RIDGE * np.eye(columns.shape[1])
    weight = weights[0][forecasts.patient]
    for _ in range(STEPS):
        error, variance = _residuals(forecasts, columns @ found + offset)
        hessian = (columns * (weight * variance)[:, None]).T @ columns + penalty
        step = np.linalg.solve(hessian, columns.T @ (weight * error) - RIDGE * found)
        found = found + step
        if np.abs(step).max() < PRECISION:
            break
    if len(weights) == 1:
        return found[None]
    error, variance = _residuals(forecasts, columns @ found + offset)
    slopes = _by_patient(forecasts, columns * error[:, None])
    products = (columns[:, :, None] * columns[:, None]).reshape(len(columns), -1)
    curvatures = _by_patient(forecasts, products * variance[:, None]).reshape(-1, len(found), len(found))
    gradients = weights @ slopes - RIDGE * found
    hessians = np.einsum("rp,pij->rij", weights, curvatures) + penalty
    moved: Floats = found + np.linalg.solve(hessians, gradients[:, :, None])[:, :, 0]
    return moved


def _residuals(forecasts: Forecasts, logits: Floats) -> tuple[Floats, Floats]:
    """(clips,) twice: outcome minus probability, and the variance of the outcome."""
    p = expit(logits)
    return forecasts.abnormal - p, p * (1 - p)


def _by_patient(forecasts: Forecasts, values: Floats) -> Floats:
    """(patients, columns) sums of (clips, columns) values."""
    return np.stack([np.bincount(forecasts.patient, column, forecasts.patients) for column in values.T], axis=1)
