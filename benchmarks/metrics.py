"""The numbers of a table, from stored probabilities alone, for many patient resamples at once.

Every function takes weights (resamples, patients): how often each patient was drawn. A row of ones gives the metric
itself, rows of bootstrap counts give its distribution, so that value and interval can't be computed differently.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

METRICS = ("score", "sensitivity", "specificity", "auroc", "macro_f1", "accuracy", "auroc_within_patients")
DEFINITIONS = {
    "score": "mean of sensitivity and specificity (the ICBHI challenge's score; on two classes, balanced accuracy)",
    "sensitivity": "share of abnormal clips that are given their own class",
    "specificity": "share of normal clips that are called normal",
    "auroc": "area under the ROC curve, the mean over folds (four classes: one against the rest, averaged)",
    "macro_f1": "mean over the classes of F1",
    "accuracy": "share of clips that are given their own class",
    "auroc_within_patients": "probability that, of an abnormal and a normal clip of the same patient, the abnormal one "
    "gets the higher probability of being abnormal; over all such pairs. Telling people apart does not help here",
}
NORMAL = "normal"


@dataclass(frozen=True)
class Predictions:
    """The out-of-fold predictions of one model and seed, pooled over the folds.

    Attributes:
        label: (clips,) index into ``classes``.
        probabilities: (clips, classes).
        patient: (clips,) index of the patient, the same numbering for all models of a table.
        fold: (clips,) which fold tested the clip.
        classes: names; one of them is ``normal``.
    """

    label: Ints
    probabilities: Floats
    patient: Ints
    fold: Ints
    classes: tuple[str, ...]

    @property
    def normal(self) -> int:
        """Index of the class ``normal``."""
        return self.classes.index(NORMAL)

    @property
    def decision(self) -> Ints:
        """(clips,) the most probable class."""
        decision: Ints = self.probabilities.argmax(axis=1)
        return decision


def evaluate(predictions: Predictions, weights: Floats) -> dict[str, Floats]:
    """Every metric of ``METRICS``, each (resamples,); NaN where a resample has no clip that the metric needs.

    Args:
        predictions: of one model and seed.
        weights: (resamples, patients).
    """
    confusion = np.einsum("bp,pij->bij", weights, _confusions(predictions, weights.shape[1]))
    return {
        **_decision_metrics(confusion, predictions.normal),
        "auroc": auroc_over_folds(predictions, weights),
        "auroc_within_patients": auroc_within_patients(predictions, weights),
    }


def confusion_matrix(predictions: Predictions) -> Ints:
    """(classes, classes): rows are the true class, columns the decision."""
    patients = int(predictions.patient.max()) + 1
    counts: Ints = _confusions(predictions, patients).sum(axis=0).astype(np.int64)
    return counts


def auroc(score: Floats, positive: NDArray[np.bool_], weights: Floats) -> Floats:
    """Area under the ROC curve for many weightings of the same clips; ties count half.

    Args:
        score: (clips,).
        positive: (clips,).
        weights: (resamples, clips).

    Returns:
        (resamples,); NaN where one side has no weight.
    """
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    sorted_weights = weights[:, order]
    up = np.add.reduceat(sorted_weights * positive[order], starts, axis=1)
    down = np.add.reduceat(sorted_weights * ~positive[order], starts, axis=1)
    below = np.cumsum(down, axis=1) - down
    pairs = up.sum(axis=1) * down.sum(axis=1)
    with np.errstate(invalid="ignore"):
        area: Floats = (up * (below + down / 2)).sum(axis=1) / pairs
    return area


def auroc_over_folds(predictions: Predictions, weights: Floats) -> Floats:
    """(resamples,) mean over the folds, each of which has a model, and so a scale of probabilities, of its own."""
    present = range(len(predictions.classes))
    folds = []
    for fold in np.unique(predictions.fold):
        rows = np.flatnonzero(predictions.fold == fold)
        label, p = predictions.label[rows], predictions.probabilities[rows]
        if len(np.unique(label)) < len(predictions.classes):
            continue
        clip_weights = weights[:, predictions.patient[rows]]
        if len(predictions.classes) == 2:
            folds.append(auroc(p[:, 1], label == 1, clip_weights))
        else:
            folds.append(np.mean([auroc(p[:, c], label == c, clip_weights) for c in present], axis=0))
    return nanmean(np.array(folds)) if folds else np.full(len(weights), np.nan)


def auroc_within_patients(predictions: Predictions, weights: Floats) -> Floats:
    """(resamples,) over all pairs of an abnormal and a normal clip of one patient in one fold."""
    abnormal = predictions.label != predictions.normal
    score = 1 - predictions.probabilities[:, predictions.normal]
    right, pairs = np.zeros(weights.shape[1]), np.zeros(weights.shape[1])
    for stratum in np.unique(np.stack([predictions.patient, predictions.fold]), axis=1).T:
        rows = (predictions.patient == stratum[0]) & (predictions.fold == stratum[1])
        difference = score[rows & abnormal][:, None] - score[rows & ~abnormal][None, :]
        right[stratum[0]] += (difference > 0).sum() + (difference == 0).sum() / 2
        pairs[stratum[0]] += difference.size
    with np.errstate(invalid="ignore"):
        area: Floats = (weights @ right) / (weights @ pairs)
    return area


def nanmean(values: Floats) -> Floats:
    """Mean over the first axis of the values that are there; NaN where none is."""
    there = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(there, values, 0).sum(axis=0) / there.sum(axis=0)
    return mean


def _confusions(predictions: Predictions, patients: int) -> Floats:
    """(patients, classes, classes): each patient's confusion matrix."""
    classes = len(predictions.classes)
    counts = np.zeros((patients, classes, classes))
    np.add.at(counts, (predictions.patient, predictions.label, predictions.decision), 1)
    return counts


def _decision_metrics(confusion: Floats, normal: int) -> dict[str, Floats]:
    """Metrics of the decisions, from confusion matrices (resamples, classes, classes)."""
    right = np.diagonal(confusion, axis1=1, axis2=2)
    clips, decided = confusion.sum(axis=2), confusion.sum(axis=1)
    abnormal = np.arange(confusion.shape[1]) != normal
    with np.errstate(invalid="ignore", divide="ignore"):
        specificity = right[:, normal] / clips[:, normal]
        sensitivity = right[:, abnormal].sum(axis=1) / clips[:, abnormal].sum(axis=1)
        f1 = 2 * right / (clips + decided)
        accuracy = right.sum(axis=1) / clips.sum(axis=1)
    return {
        "score": (sensitivity + specificity) / 2,
        "sensitivity": sensitivity,
        "specificity": specificity,
        "macro_f1": nanmean(f1.T),
        "accuracy": accuracy,
    }
