"""The numbers of a table, from stored probabilities alone, for many patient resamples at once.

Every function takes weights (resamples, patients): how often each patient was drawn. A row of ones gives the metric
itself, rows of bootstrap counts give its distribution, so that value and interval can't be computed differently.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

METRICS = {
    "score": "score",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "auroc": "AUROC",
    "macro_f1": "macro F1",
    "accuracy": "accuracy",
    "auroc_within_patients": "AUROC within patients",
    "auroc_within_durations": "AUROC within durations",
}
"""The metrics in the order of leaderboard.csv, each with its name for readers."""

LEADING = ("score", "auroc")
"""The metrics by which a model may lead."""

COMPARED = (*LEADING, "auroc_within_patients")
"""The metrics of every comparison. AUROC within patients only shows where a lead comes from."""

NORMAL = "normal"
STRATA = 10


@dataclass(frozen=True)
class Predictions:
    """The out-of-fold predictions of one model and seed, pooled over the folds.

    Attributes:
        label: (clips,) index into ``classes``.
        probabilities: (clips, classes).
        patient: (clips,) index of the patient, the same numbering for all models of a table.
        fold: (clips,) which fold tested the clip.
        classes: names; one of them is ``normal``.
        stratum: (clips,) the tenth of the durations that a clip is in, see `duration_strata`; None = unknown.
    """

    label: Ints
    probabilities: Floats
    patient: Ints
    fold: Ints
    classes: tuple[str, ...]
    stratum: Ints | None = None

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
        "auroc_within_durations": auroc_within_durations(predictions, weights),
    }


def confusion_matrix(predictions: Predictions) -> Ints:
    """(classes, classes): rows are the true class, columns the decision."""
    patients = int(predictions.patient.max()) + 1
    counts: Ints = _confusions(predictions, patients).sum(axis=0).astype(np.int64)
    return counts


def auroc(score: Floats, positive: NDArray[np.bool_], patient: Ints, weights: Floats) -> Floats:
    """Area under the ROC curve for many weightings of the same patients; ties count half.

    The pairs that are in the right order are counted once for each pair of patients; a resample only weighs the counts.
    They are whole and half numbers, so that no order of summation can change the result.

    Args:
        score: (clips,).
        positive: (clips,).
        patient: (clips,) index into the columns of ``weights``.
        weights: (resamples, patients).

    Returns:
        (resamples,); NaN where one side has no weight.
    """
    people, owner = np.unique(patient, return_inverse=True)
    right, pairs = _pairs(score, positive, owner, len(people))
    return _share(right, pairs, weights[:, people])


def auroc_over_folds(predictions: Predictions, weights: Floats) -> Floats:
    """(resamples,) mean over the folds, each of which has a model, and so a scale of probabilities, of its own."""
    present = range(len(predictions.classes))
    folds = []
    for fold in np.unique(predictions.fold):
        rows = np.flatnonzero(predictions.fold == fold)
        label, p, patient = predictions.label[rows], predictions.probabilities[rows], predictions.patient[rows]
        if len(np.unique(label)) < len(predictions.classes):
            continue
        if len(predictions.classes) == 2:
            folds.append(auroc(p[:, 1], label == 1, patient, weights))
        else:
            folds.append(np.mean([auroc(p[:, c], label == c, patient, weights) for c in present], axis=0))
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


def auroc_within_durations(predictions: Predictions, weights: Floats) -> Floats:
    """(resamples,) over all pairs of an abnormal and a normal clip of one fold and one tenth of the durations.

    A pair of two patients counts as often as both were drawn together, as in `auroc`. NaN where the durations are
    unknown, or all the same.
    """
    if predictions.stratum is None or len(np.unique(predictions.stratum)) < 2:
        return np.full(len(weights), np.nan)
    abnormal = predictions.label != predictions.normal
    score = 1 - predictions.probabilities[:, predictions.normal]
    right, pairs = np.zeros((2, weights.shape[1], weights.shape[1]))
    for fold, stratum in np.unique(np.stack([predictions.fold, predictions.stratum]), axis=1).T:
        rows = (predictions.fold == fold) & (predictions.stratum == stratum)
        people, owner = np.unique(predictions.patient[rows], return_inverse=True)
        place = np.ix_(people, people)
        for total, part in zip((right, pairs), _pairs(score[rows], abnormal[rows], owner, len(people)), strict=True):
            total[place] += part
    return _share(right, pairs, weights)


def duration_strata(seconds: Floats) -> Ints:
    """(clips,) which tenth of the clips, sorted by duration, each is in; clips of equal duration stay together.

    Equal clips are placed by the middle of their ranks, so that the strata are as equal in size as ties allow.

    Args:
        seconds: (clips,) durations in s.
    """
    _, place, count = np.unique(seconds, return_inverse=True, return_counts=True)
    twice_the_middle = 2 * (count.cumsum() - count) + count
    strata: Ints = (STRATA * twice_the_middle // (2 * len(seconds)))[place]
    return strata


def nanmean(values: Floats) -> Floats:
    """Mean over the first axis of the values that are there; NaN where none is."""
    there = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(there, values, 0).sum(axis=0) / there.sum(axis=0)
    return mean


def _pairs(score: Floats, positive: NDArray[np.bool_], owner: Ints, people: int) -> tuple[Floats, Floats]:
    """(people, people), twice: pairs of a positive and a negative clip by their owners: those in the right order, all.

    Whole and half numbers, so that no order of summation can change what is made of them.
    """
    levels, level = np.unique(score, return_inverse=True)
    negatives = np.zeros((len(levels), people))
    np.add.at(negatives, (level[~positive], owner[~positive]), 1)
    below = negatives.cumsum(axis=0) - negatives / 2
    right = np.zeros((people, people))
    np.add.at(right, owner[positive], below[level[positive]])
    clips = [np.bincount(owner[side], minlength=people).astype(np.float64) for side in (positive, ~positive)]
    return right, np.outer(*clips)


def _share(right: Floats, pairs: Floats, weights: Floats) -> Floats:
    """(resamples,) the share of the pairs that is right, each counted as often as both its patients were drawn."""
    with np.errstate(invalid="ignore"):
        share: Floats = ((weights @ right) * weights).sum(axis=1) / ((weights @ pairs) * weights).sum(axis=1)
    return share


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
