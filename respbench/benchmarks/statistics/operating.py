"""What a model is worth at a threshold: sensitivity at a chosen specificity, and net benefit of acting on it."""

from dataclasses import dataclass

import numpy as np

from respbench.benchmarks.statistics.forecasts import Bools, Forecasts, Repeats
from respbench.benchmarks.statistics.intervals import Difference, Estimate
from respbench.benchmarks.statistics.metrics import Floats

SPECIFICITY = 0.9
"""That a threshold is chosen for."""

ROUNDING = 1e-9
"""In units of clips: a share that is reached exactly counts as reached."""

THRESHOLDS = np.linspace(0.02, 0.8, 40)
"""Probabilities of a decision curve from which on one would act."""


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """What is reached with thresholds that were chosen for `SPECIFICITY`, each on the folds that it is not used on.

    Attributes:
        sensitivity: share of the abnormal clips above the threshold.
        specificity: share of the normal clips at or below it, in patients by whom it was not chosen.
        lowest: specificity of the fold where it is lowest, over all repeats: what one threshold may do.
        highest: of the fold where it is highest.
    """

    sensitivity: Estimate
    specificity: Estimate
    lowest: float
    highest: float


def operating_point(repeats: Repeats) -> OperatingPoint | None:
    """Measure a model, averaged over repeats; None where nothing is ranked, or one fold alone has normal clips."""
    if any(f.constant or len(np.unique(f.fold[~f.abnormal])) < 2 for f in repeats.forecasts):
        return None
    above = [shares_above(forecasts, repeats.weights) for forecasts in repeats.forecasts]
    folds = [one for forecasts in repeats.forecasts for one in specificity_by_fold(forecasts)]
    return OperatingPoint(
        sensitivity=repeats.interval([abnormal for abnormal, _ in above], "logit"),
        specificity=repeats.interval([1 - normal for _, normal in above], "logit"),
        lowest=min(folds),
        highest=max(folds),
    )


def specificity_by_fold(forecasts: Forecasts) -> list[float]:
    """Share of each fold's normal clips, if any, at or below the threshold that the other folds choose."""
    everyone = np.ones((1, forecasts.patients))
    found = []
    for fold in np.unique(forecasts.fold[~forecasts.abnormal]):
        threshold = chosen_threshold(forecasts, forecasts.fold != fold, everyone)[0]
        normal = (forecasts.fold == fold) & ~forecasts.abnormal
        found.append(float((forecasts.probability[normal] <= threshold).mean()))
    return found


def shares_above(forecasts: Forecasts, weights: Floats) -> tuple[Floats, Floats]:
    """(rows of weights,) twice: share of the abnormal and of the normal clips above the threshold of their fold, which
    the other folds choose.
    """
    counts = np.zeros((2, 2, len(weights)))
    for fold in np.unique(forecasts.fold):
        threshold = chosen_threshold(forecasts, forecasts.fold != fold, weights)
        for side, abnormal in zip(counts, (True, False), strict=True):
            tested = np.flatnonzero((forecasts.fold == fold) & (forecasts.abnormal == abnormal))
            weight = weights[:, forecasts.patient[tested]]
            side += np.sum([weight * (forecasts.probability[tested] > threshold[:, None]), weight], axis=2)
    with np.errstate(invalid="ignore"):
        shares: Floats = counts[:, 0] / counts[:, 1]
    return shares[0], shares[1]


def chosen_threshold(forecasts: Forecasts, rows: Bools, weights: Floats) -> Floats:
    """(rows of weights,) the lowest probability at or below which `SPECIFICITY` of some clips' normal ones lie."""
    normal = np.flatnonzero(rows & ~forecasts.abnormal)
    ranked = normal[np.argsort(forecasts.probability[normal], kind="stable")]
    below = weights[:, forecasts.patient[ranked]].cumsum(axis=1)
    reached = below >= SPECIFICITY * below[:, -1:] - ROUNDING
    threshold: Floats = forecasts.probability[ranked[reached.argmax(axis=1)]]
    return threshold


def net_benefit(forecasts: Forecasts, threshold: float, weights: Floats) -> Floats:
    """(rows,) net benefit per clip of acting from a threshold on.

    At a threshold of t, a false alarm costs t / (1 - t) of what a missed abnormal clip does (Vickers & Elkin 2006,
    doi:10.1177/0272989X06295361).
    """
    return _benefit(forecasts, forecasts.probability >= threshold, threshold, weights)


def net_benefit_of_all(forecasts: Forecasts, threshold: float, weights: Floats) -> Floats:
    """(rows,) net benefit per clip of acting on every clip; acting on none has 0."""
    return _benefit(forecasts, np.ones(len(forecasts.fold), dtype=np.bool_), threshold, weights)


def gain_in_net_benefit(repeats: Repeats, threshold: float) -> Difference:
    """Net benefit of a model minus that of the better of acting on all clips and on none, averaged over repeats."""
    values = []
    for forecasts in repeats.forecasts:
        every = net_benefit_of_all(forecasts, threshold, repeats.weights)
        values.append(net_benefit(forecasts, threshold, repeats.weights) - (every if every[0] > 0 else 0.0))
    return Difference(**vars(repeats.interval(values, "plain")))


def _benefit(forecasts: Forecasts, acted: Bools, threshold: float, weights: Floats) -> Floats:
    gains = np.where(forecasts.abnormal, 1.0, -threshold / (1 - threshold)) * acted
    return forecasts.mean(gains, weights)
