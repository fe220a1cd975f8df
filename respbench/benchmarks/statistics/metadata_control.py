"""What a model adds to `metadata`, the control that predicts from device, location, mode and duration.

From two marginal AUROCs nothing follows: equal AUROCs are not equal information. So the model is judged by what it adds
to `metadata`, and among clips whose metadata are the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from respbench.benchmarks.statistics.intervals import UNKNOWN_DIFFERENCE, Difference, Estimate, interval, leave_one_out
from respbench.benchmarks.statistics.metrics import Floats, Ints, Predictions, auroc_over_folds
from respbench.benchmarks.statistics.multiplicity import holm
from respbench.benchmarks.statistics.results import METADATA, ModelResults, Results
from respbench.corpora.cycles import NORMAL
from respbench.models.spec import ModelKind

CERTAIN = 1e-6
"""Probabilities nearer to 0 or 1 are moved here, so that each has a logit."""

MAX_STEPS = 50
"""Newton's method takes about six."""

WITHIN = ("auroc_within_strata", "auroc_within_recordings")
"""Metrics among clips of equal metadata: one device, location, mode and fifth of the durations; one recording."""


@dataclass(frozen=True, kw_only=True)
class MetadataControl:
    """What one model adds to `metadata`; p-values are adjusted by `holm` over the models of the folder.

    Attributes:
        model: name of the model.
        gain: AUROC of model and `metadata` together minus that of `metadata`, see `gain_over_metadata`.
        gain_p: p-value of no gain.
        within: by metric in `WITHIN`, its value.
        within_p: by metric in `WITHIN`, p-value of chance.
    """

    model: str
    gain: Difference
    gain_p: float
    within: dict[str, Estimate | None]
    within_p: dict[str, float]


def metadata_control(results: Results) -> list[MetadataControl]:
    """Judge each complete model that is no control; gains are NaN where `metadata` is not complete."""
    metadata = results.find(METADATA)
    models = [model for model in results.complete if model.kind is not ModelKind.CONTROL]
    gains = [gain_of(model, metadata, len(results.patients)) for model in models]
    gain_p = holm(np.array([gain.p_value for gain in gains]))
    within_p = {metric: holm(np.array([excess(model, metric).p_value for model in models])) for metric in WITHIN}
    return [
        MetadataControl(
            model=model.name,
            gain=gains[i],
            gain_p=float(gain_p[i]),
            within={metric: model.estimate(metric) for metric in WITHIN},
            within_p={metric: float(within_p[metric][i]) for metric in WITHIN},
        )
        for i, model in enumerate(models)
    ]


def gain_of(model: ModelResults, metadata: ModelResults | None, patients: int) -> Difference:
    """Compute `gain_over_metadata` on the repeats that both have; NaN without `metadata`."""
    if metadata is None:
        return UNKNOWN_DIFFERENCE
    shared = model.shared_seeds(metadata)
    repeats = [(model.predictions[seed], metadata.predictions[seed]) for seed in shared]
    return gain_over_metadata(repeats, patients, model.draws)


def gain_over_metadata(
    repeats: Sequence[tuple[Predictions, Predictions]], patients: int, draws: bool = False
) -> Difference:
    """AUROC of a model and `metadata` together minus that of `metadata`, both by `combined`.

    A model that adds nothing comes out at 0 or slightly below. The interval leaves out one tested patient at a time;
    the logistic regressions are not fitted again.

    Args:
        repeats: predictions of the model and of `metadata` in each common repeat, the same clips in the same order.
        patients: number of patients in the numbering of the predictions.
        draws: see `interval`.

    Returns:
        NaN without a repeat, or where fewer than two folds have both normal and abnormal clips.
    """
    weights = leave_one_out(patients)
    values = []
    for model, metadata in repeats:
        together, alone = combined([model, metadata]), combined([metadata])
        if together is None or alone is None:
            return UNKNOWN_DIFFERENCE
        values.append(auroc_over_folds(together, weights) - auroc_over_folds(alone, weights))
    if not values:
        return UNKNOWN_DIFFERENCE
    return Difference(**vars(interval(np.array(values), "plain", draws)))


def combined(parts: Sequence[Predictions]) -> Predictions | None:
    """Combine out-of-fold predictions of several models for the same clips, abnormal against normal.

    For each fold a logistic regression on the models' log-odds, fitted on the clips of the other folds, where every
    fold and class has the same weight. No patient of a patient-disjoint protocol is both among the clips that fit the
    regression and among those that it is applied to. As in any stacking, the models that predicted the other folds were
    trained on patients of this one (Wolpert 1992, doi:10.1016/S0893-6080(05)80023-1); the regression has one
    coefficient per model to pass that on.

    Args:
        parts: of one repeat, the same clips in the same order.

    Returns:
        Probabilities of (normal, abnormal); None where fewer than two folds have both.
    """
    first = parts[0]
    abnormal = first.label != first.normal
    both = [fold for fold in np.unique(first.fold) if len(np.unique(abnormal[first.fold == fold])) == 2]
    if len(both) < 2:
        return None
    evidence = np.stack([log_odds(part) for part in parts], axis=1)
    probabilities = np.full((len(abnormal), 2), 0.5)
    for fold in both:
        test, others = first.fold == fold, np.isin(first.fold, both) & (first.fold != fold)
        weights = balanced(first.fold[others], abnormal[others])
        coefficients = logistic(evidence[others], abnormal[others], weights)
        probabilities[test, 1] = expit(coefficients[0] + evidence[test] @ coefficients[1:])
    probabilities[:, 0] = 1 - probabilities[:, 1]
    return replace(first, label=abnormal.astype(np.int64), probabilities=probabilities, classes=(NORMAL, "abnormal"))


def log_odds(predictions: Predictions) -> Floats:
    """(clips,) logit of the probability of being abnormal, less its mean over the clips of the fold.

    The model of each fold has a level of its own, which follows the share of abnormal clips that it was trained on. The
    AUROC within a fold does not depend on it.
    """
    odds: Floats = logit(np.clip(1 - predictions.probabilities[:, predictions.normal], CERTAIN, 1 - CERTAIN))
    for fold in np.unique(predictions.fold):
        odds[predictions.fold == fold] -= odds[predictions.fold == fold].mean()
    return odds


def balanced(fold: Ints, abnormal: NDArray[np.bool_]) -> Floats:
    """(clips,) weights with mean 1 that give the same sum to the clips of each fold and class."""
    _, part, count = np.unique(2 * fold + abnormal, return_inverse=True, return_counts=True)
    weights: Floats = (len(fold) / len(count) / count)[part]
    return weights


def logistic(inputs: Floats, positive: NDArray[np.bool_], weights: Floats) -> Floats:
    """Fit a logistic regression by Newton's method, much faster for so few inputs than scikit-learn's, which it equals.

    Args:
        inputs: (clips, inputs).
        positive: (clips,).
        weights: (clips,).

    Returns:
        (1 + inputs,) intercept and coefficients; with scikit-learn's default ridge, for inputs scaled to variance 1.
    """
    spread = np.maximum(inputs.std(axis=0), 1e-12)
    design = np.column_stack([np.ones(len(inputs)), inputs / spread])
    ridge = np.diag([0.0, *np.ones(len(spread))])
    coefficients = np.zeros(len(ridge))
    for _ in range(MAX_STEPS):
        p = expit(design @ coefficients)
        gradient = design.T @ (weights * (positive - p)) - ridge @ coefficients
        if np.abs(gradient).max() < 1e-6:
            break
        curvature = (design * (weights * p * (1 - p))[:, None]).T @ design + ridge
        coefficients += np.linalg.solve(curvature, gradient)
    scaled: Floats = coefficients / [1, *spread]
    return scaled


def excess(model: ModelResults, metric: str) -> Difference:
    """An AUROC of a complete model minus 0.5, its value by chance."""
    return Difference(**vars(interval(model.values[metric] - 0.5, "plain", model.draws)))
