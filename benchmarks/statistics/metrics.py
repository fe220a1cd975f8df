"""The numbers of a table, from stored probabilities alone, for many weightings of the patients at once.

Every function takes weights (rows, patients). A row of ones gives the metric itself, rows that leave out one patient
each give its interval, so that value and interval can't be computed differently.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

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
    "auroc_within_recordings": "AUROC within recordings",
    "auroc_within_strata": "AUROC within strata",
    "patient_macro_score": "score, mean over patients",
    "challenge_score": "SPRSound challenge score",
}
"""The metrics in the order of leaderboard.csv, each with its name for readers."""

LEADING = ("score", "auroc")
"""The metrics by which a model may lead."""

COMPARED = (*LEADING, "auroc_within_patients")
"""The metrics of every comparison. AUROC within patients only shows where a lead comes from."""

GROUPED = ("durations", "recordings", "strata")
"""Groups of clips within which an AUROC is computed, beside patients: of similar duration, of one recording, and of one
device, location, mode and fifth of the durations."""

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
        clip: (clips,) row in the table of the corpus' clips; None = there is no such table.
        groups: by name in `GROUPED`, (clips,) the number of the group that a clip is in; unknown ones are absent.
    """

    label: Ints
    probabilities: Floats
    patient: Ints
    fold: Ints
    classes: tuple[str, ...]
    clip: Ints | None = None
    groups: Mapping[str, Ints] = field(default_factory=dict)

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
    """Every metric of ``METRICS``, each (rows,); NaN where a row gives no weight to any clip that the metric needs.

    Args:
        predictions: of one model and seed.
        weights: (rows, patients).
    """
    by_patient = _confusions(predictions, weights.shape[1])
    confusion = np.einsum("bp,pij->bij", weights, by_patient)
    return {
        **_decision_metrics(confusion, predictions.normal),
        "auroc": auroc_over_folds(predictions, weights),
        "auroc_within_patients": auroc_within(predictions, predictions.patient, weights),
        **{
            f"auroc_within_{name}": auroc_within(predictions, predictions.groups.get(name), weights) for name in GROUPED
        },
        "patient_macro_score": _patient_macro_score(by_patient, predictions.normal, weights),
    }


def evaluate_leading(predictions: Predictions, weights: Floats) -> dict[str, Floats]:
    """The metrics of ``LEADING`` alone, which take a fraction of the time; arguments and values as in `evaluate`."""
    confusion = np.einsum("bp,pij->bij", weights, _confusions(predictions, weights.shape[1]))
    found = {**_decision_metrics(confusion, predictions.normal), "auroc": auroc_over_folds(predictions, weights)}
    return {metric: found[metric] for metric in LEADING}


def confusion_matrix(predictions: Predictions) -> Ints:
    """(classes, classes): rows are the true class, columns the decision."""
    patients = int(predictions.patient.max()) + 1
    counts: Ints = _confusions(predictions, patients).sum(axis=0).astype(np.int64)
    return counts


def auroc(score: Floats, positive: NDArray[np.bool_], patient: Ints, weights: Floats) -> Floats:
    """Area under the ROC curve for many weightings of the same patients; ties count half.

    The pairs that are in the right order are counted once for each pair of patients; weights only multiply the counts.
    They are whole and half numbers, so that no order of summation can change the result.

    Args:
        score: (clips,).
        positive: (clips,).
        patient: (clips,) index into the columns of ``weights``.
        weights: (rows, patients).

    Returns:
        (rows,); NaN where one side has no weight.
    """
    people, owner = np.unique(patient, return_inverse=True)
    right, pairs = _pairs(score, positive, owner, len(people))
    return _share(right, pairs, weights[:, people])


def auroc_over_folds(predictions: Predictions, weights: Floats) -> Floats:
    """(rows,) mean over the folds, each of which has a model, and so a scale of probabilities, of its own."""
    return nanmean(auroc_by_fold(predictions, weights))


def auroc_by_fold(predictions: Predictions, weights: Floats) -> Floats:
    """(folds, rows), with more than two classes the mean of each against the rest; NaN where a fold lacks a class."""
    folds, classes = np.unique(predictions.fold), len(predictions.classes)
    areas = np.full((len(folds), len(weights)), np.nan)
    for area, fold in zip(areas, folds, strict=True):
        rows = np.flatnonzero(predictions.fold == fold)
        label, p, patient = predictions.label[rows], predictions.probabilities[rows], predictions.patient[rows]
        if len(np.unique(label)) == classes:
            judged = (1,) if classes == 2 else range(classes)
            area[:] = np.mean([auroc(p[:, c], label == c, patient, weights) for c in judged], axis=0)
    return areas


def auroc_within(predictions: Predictions, group: Ints | None, weights: Floats) -> Floats:
    """(rows,) over all pairs of an abnormal and a normal clip of one fold and one group.

    A pair has the product of the weights of its two patients, as in `auroc`. NaN where groups are unknown or hold no
    such pair.

    Args:
        predictions: of one model and seed.
        group: (clips,) number of the group of each clip; None = unknown.
        weights: (rows, patients).
    """
    if group is None:
        return np.full(len(weights), np.nan)
    abnormal, normal = _pairs_within(predictions, group)
    score = 1 - predictions.probabilities[:, predictions.normal]
    right = (score[abnormal] > score[normal]) + (score[abnormal] == score[normal]) / 2
    patients = weights.shape[1]
    both = predictions.patient[abnormal] * patients + predictions.patient[normal]
    ordered = np.bincount(both, right, patients**2).reshape(patients, patients)
    pairs = np.bincount(both, minlength=patients**2).reshape(patients, patients).astype(np.float64)
    return _share(ordered.astype(np.float64), pairs, weights)


def equal_parts(values: Floats, parts: int) -> Ints:
    """(clips,) which part each clip is in, if all are sorted by a value and cut into equal parts; ties stay together.

    Equal values are placed by the middle of their ranks, so that the parts are as equal in size as ties allow.

    Args:
        values: (clips,), such as durations in s.
        parts: number of them.
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    twice_the_middle = 2 * (count.cumsum() - count) + count
    part: Ints = (parts * twice_the_middle // (2 * len(values)))[place]
    return part


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
    """(rows,) the share of the pairs that is right, each with the product of its patients' weights."""
    with np.errstate(invalid="ignore"):
        share: Floats = ((weights @ right) * weights).sum(axis=1) / ((weights @ pairs) * weights).sum(axis=1)
    return share


def _pairs_within(predictions: Predictions, group: Ints) -> tuple[Ints, Ints]:
    """(pairs,) twice: the abnormal and the normal clip of every pair of one fold and one group."""
    abnormal = predictions.label != predictions.normal
    part = np.unique(predictions.fold * (group.max() + 1) + group, return_inverse=True)[1]
    return _enumerated(abnormal.tobytes(), part.astype(np.int64).tobytes())


@lru_cache(maxsize=256)  # the same for every model of a repeat
def _enumerated(abnormal_bytes: bytes, part_bytes: bytes) -> tuple[Ints, Ints]:
    """See `_pairs_within`; arguments are (clips,) bool and int64, as bytes, by which they are found in the cache."""
    abnormal, part = np.frombuffer(abnormal_bytes, dtype=np.bool_), np.frombuffer(part_bytes, dtype=np.int64)
    order = np.argsort(part, kind="stable")
    pairs = [np.empty((2, 0), dtype=np.int64)]
    for rows in np.split(order, np.cumsum(np.bincount(part))[:-1]):
        one, other = rows[abnormal[rows]], rows[~abnormal[rows]]
        pairs.append(np.stack([np.repeat(one, len(other)), np.tile(other, len(one))]))
    both: Ints = np.concatenate(pairs, axis=1)
    return both[0], both[1]


def _patient_macro_score(by_patient: Floats, normal: int, weights: Floats) -> Floats:
    """(rows,) mean of sensitivity and specificity, each the mean over the patients who have such clips."""
    right, clips = np.diagonal(by_patient, axis1=1, axis2=2), by_patient.sum(axis=2)
    abnormal = np.arange(clips.shape[1]) != normal
    sides = []
    for side in (abnormal, ~abnormal):
        count = clips[:, side].sum(axis=1)
        share = np.divide(right[:, side].sum(axis=1), count, out=np.zeros(len(count)), where=count > 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            sides.append((weights @ share) / (weights @ (count > 0)))
    score: Floats = np.mean(sides, axis=0)
    return score


def _confusions(predictions: Predictions, patients: int) -> Floats:
    """(patients, classes, classes): each patient's confusion matrix."""
    classes = len(predictions.classes)
    counts = np.zeros((patients, classes, classes))
    np.add.at(counts, (predictions.patient, predictions.label, predictions.decision), 1)
    return counts


def _decision_metrics(confusion: Floats, normal: int) -> dict[str, Floats]:
    """Metrics of the decisions, from confusion matrices (rows, classes, classes)."""
    right = np.diagonal(confusion, axis1=1, axis2=2)
    clips, decided = confusion.sum(axis=2), confusion.sum(axis=1)
    abnormal = np.arange(confusion.shape[1]) != normal
    with np.errstate(invalid="ignore", divide="ignore"):
        specificity = right[:, normal] / clips[:, normal]
        sensitivity = right[:, abnormal].sum(axis=1) / clips[:, abnormal].sum(axis=1)
        f1 = 2 * right / (clips + decided)
        accuracy = right.sum(axis=1) / clips.sum(axis=1)
        harmonic = 2 * sensitivity * specificity / (sensitivity + specificity)
    score = (sensitivity + specificity) / 2
    return {
        "score": score,
        "challenge_score": (score + np.where(score == 0, 0, harmonic)) / 2,  # Zhang et al. 2022, IEEE BioCAS
        "sensitivity": sensitivity,
        "specificity": specificity,
        "macro_f1": nanmean(f1.T),
        "accuracy": accuracy,
    }
