"""The numbers of a table, from stored probabilities alone, for many weightings of the patients at once.

Every function takes weights (rows, patients). A row of ones gives the metric itself, rows that leave out one patient
each give its interval, so that value and interval can't be computed differently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.cycles import NORMAL

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

WITHOUT_NORMAL = {
    "score": METRICS["score"],
    "auroc_all_classes": "AUROC over folds that test every class",
    **{metric: METRICS[metric] for metric in ("auroc", "macro_f1", "accuracy", "auroc_within_patients")},
    **{metric: METRICS[metric] for metric in ("auroc_within_durations", "patient_macro_score")},
}
"""Those of a task without a class ``normal``, such as one of activities."""

NO_INTERVAL = ("auroc_all_classes",)
"""Metrics of so few folds that leaving out their patients one by one doesn't measure precision."""

LEADING = ("score", "auroc")
"""The metrics by which a model may lead."""

COMPARED = (*LEADING, "auroc_within_patients")
"""The metrics of every comparison. AUROC within patients only shows where a lead comes from."""

GROUPED = ("durations", "recordings", "strata")
"""Groups of clips within which an AUROC is computed, beside patients: of similar duration, of one recording, and of one
device, location, mode and fifth of the durations."""


@dataclass(frozen=True)
class Predictions:
    """The out-of-fold predictions of one model and seed, pooled over the folds.

    Attributes:
        label: (clips,) index into ``classes``.
        probabilities: (clips, classes).
        patient: (clips,) index of the patient, the same numbering for all models of a table.
        fold: (clips,) which fold tested the clip.
        classes: names.
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
        """Index of the class ``normal``; ValueError where there is none."""
        return self.classes.index(NORMAL)

    @property
    def decision(self) -> Ints:
        """(clips,) the most probable class."""
        decision: Ints = self.probabilities.argmax(axis=1)
        return decision


def evaluate(predictions: Predictions, weights: Floats) -> dict[str, Floats]:
    """Every metric of `metrics_of`, each (rows,); NaN where a row gives no weight to any clip that the metric needs.

    Args:
        predictions: of one model and seed.
        weights: (rows, patients).
    """
    by_patient = confusions(predictions, weights.shape[1])
    groups = {"patients": predictions.patient, **predictions.groups}
    compute = {
        "auroc": lambda: auroc_over_folds(predictions, weights),
        "auroc_all_classes": lambda: nanmean(auroc_by_fold(predictions, weights, every_class=True)),
        "patient_macro_score": lambda: _patient_macro_score(by_patient, predictions.classes, weights),
    }
    for name in ("patients", *GROUPED):
        compute[f"auroc_within_{name}"] = partial(auroc_within, predictions, groups.get(name), weights)
    decided = _decision_metrics(np.einsum("bp,pij->bij", weights, by_patient), predictions.classes)
    return decided | {metric: compute[metric]() for metric in metrics_of(predictions.classes) if metric in compute}


def metrics_of(classes: Sequence[str]) -> Mapping[str, str]:
    """Return the metrics of a task, each with its name, by the names of its classes."""
    return METRICS if NORMAL in classes else WITHOUT_NORMAL


def evaluate_leading(predictions: Predictions, weights: Floats) -> dict[str, Floats]:
    """The metrics of ``LEADING`` alone, which take a fraction of the time; arguments and values as in `evaluate`."""
    confusion = np.einsum("bp,pij->bij", weights, confusions(predictions, weights.shape[1]))
    score = _decision_metrics(confusion, predictions.classes)["score"]
    return {"score": score, "auroc": auroc_over_folds(predictions, weights)}


def auroc(score: Floats, positive: NDArray[np.bool_], patient: Ints, weights: Floats) -> Floats:
    """Area under the ROC curve for many weightings of the same patients; ties count half.

    The pairs that are in the right order are counted once for each pair of patients; weights only multiply the counts.
    They are whole and half numbers, so that no order of summation can change the result.

    Args:
        score: (clips,); likewise ``positive``.
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


def auroc_by_fold(predictions: Predictions, weights: Floats, every_class: bool = False) -> Floats:
    """(folds, rows), with more than two classes the mean of each against the rest.

    NaN where a fold lacks a class; where none is ``normal``, its classes count alone, unless with ``every_class``.
    """
    every_class = every_class or NORMAL in predictions.classes
    folds, classes = np.unique(predictions.fold), len(predictions.classes)
    areas = np.full((len(folds), len(weights)), np.nan)
    for area, fold in zip(areas, folds, strict=True):
        rows = np.flatnonzero(predictions.fold == fold)
        label, p, patient = predictions.label[rows], predictions.probabilities[rows], predictions.patient[rows]
        present = np.unique(label)
        if len(present) == classes or (len(present) > 1 and not every_class):
            judged = (1,) if classes == 2 else present
            each = np.array([auroc(p[:, c], label == c, patient, weights) for c in judged])
            area[:] = each.mean(axis=0) if every_class else _mean_over_classes(each)
    return areas


def auroc_within(predictions: Predictions, group: Ints | None, weights: Floats) -> Floats:
    """(rows,) over all pairs of an abnormal and a normal clip of one fold and one group.

    Where no class is ``normal``, the mean over the classes of each against the rest. A pair has the product of the
    weights of its two patients, as in `auroc`. NaN where groups are unknown or hold no such pair.

    Args:
        predictions: of one model and seed.
        group: (clips,) number of the group of each clip; None = unknown.
        weights: (rows, patients).
    """
    if group is None:
        return np.full(len(weights), np.nan)
    _, part = np.unique(predictions.fold * (group.max() + 1) + group, return_inverse=True)
    label, p, patients = predictions.label, predictions.probabilities, weights.shape[1]
    one_side = NORMAL in predictions.classes
    areas = []
    for c in (predictions.normal,) if one_side else range(p.shape[1]):
        score, positive = (1 - p[:, c], label != c) if one_side else (p[:, c], label == c)
        above, below = _enumerated(positive.tobytes(), part.astype(np.int64).tobytes())
        right = (score[above] > score[below]) + (score[above] == score[below]) / 2
        both = predictions.patient[above] * patients + predictions.patient[below]
        ordered = np.bincount(both, right, patients**2).reshape(patients, patients)
        pairs = np.bincount(both, minlength=patients**2).reshape(patients, patients).astype(np.float64)
        areas.append(_share(ordered.astype(np.float64), pairs, weights))
    return areas[0] if one_side else _mean_over_classes(np.array(areas))


def nanmean(values: Floats) -> Floats:
    """Mean over the first axis of the values that are there; NaN where none is."""
    there = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(there, values, 0).sum(axis=0) / there.sum(axis=0)
    return mean


def _mean_over_classes(values: Floats) -> Floats:
    """(rows,) from (classes, rows); a class that a row has no clip of counts as in the first row, that of all patients.

    Else a class of one patient would come and go with them: how it varies over patients can't be known.
    """
    there = np.isfinite(values)
    return np.where(there.any(axis=0), nanmean(np.where(there, values, values[:, :1])), np.nan)


def _pairs(score: Floats, positive: NDArray[np.bool_], owner: Ints, people: int) -> tuple[Floats, Floats]:
    """(people, people), twice: pairs of a positive and a negative clip by owners: those in the right order, all."""
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


@lru_cache(maxsize=256)  # the same for every model of a repeat
def _enumerated(positive_bytes: bytes, part_bytes: bytes) -> tuple[Ints, Ints]:
    """(pairs,) twice: the positive and the other clip of every pair of one part.

    Arguments are (clips,) bool and int64, as bytes, by which they are found in the cache.
    """
    positive, part = np.frombuffer(positive_bytes, dtype=np.bool_), np.frombuffer(part_bytes, dtype=np.int64)
    order = np.argsort(part, kind="stable")
    pairs = [np.empty((2, 0), dtype=np.int64)]
    for rows in np.split(order, np.cumsum(np.bincount(part))[:-1]):
        one, other = rows[positive[rows]], rows[~positive[rows]]
        pairs.append(np.stack([np.repeat(one, len(other)), np.tile(other, len(one))]))
    both: Ints = np.concatenate(pairs, axis=1)
    return both[0], both[1]


def _patient_macro_score(by_patient: Floats, classes: tuple[str, ...], weights: Floats) -> Floats:
    """(rows,) mean of sensitivity and specificity, each the mean over the patients who have such clips.

    Where no class is ``normal``, the mean over the classes of their recalls.
    """
    right, clips = np.diagonal(by_patient, axis1=1, axis2=2), by_patient.sum(axis=2)
    abnormal = np.array([name != NORMAL for name in classes])
    sides = []
    for side in np.eye(len(classes), dtype=np.bool_) if abnormal.all() else (abnormal, ~abnormal):
        count = clips[:, side].sum(axis=1)
        share = np.divide(right[:, side].sum(axis=1), count, out=np.zeros(len(count)), where=count > 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            sides.append((weights @ share) / (weights @ (count > 0)))
    score: Floats = _mean_over_classes(np.array(sides)) if abnormal.all() else np.mean(sides, axis=0)
    return score


def confusions(predictions: Predictions, patients: int) -> Floats:
    """(patients, classes, classes): each patient's confusion matrix."""
    classes = len(predictions.classes)
    counts = np.zeros((patients, classes, classes))
    np.add.at(counts, (predictions.patient, predictions.label, predictions.decision), 1)
    return counts


def _decision_metrics(confusion: Floats, classes: tuple[str, ...]) -> dict[str, Floats]:
    """Metrics of the decisions, from confusion matrices (rows, classes, classes)."""
    right = np.diagonal(confusion, axis1=1, axis2=2)
    clips, decided = confusion.sum(axis=2), confusion.sum(axis=1)
    abnormal = np.array([name != NORMAL for name in classes])
    with np.errstate(invalid="ignore", divide="ignore"):
        recall, accuracy, f1 = right / clips, right.sum(axis=1) / clips.sum(axis=1), 2 * right / (clips + decided)
        specificity = right[:, ~abnormal].sum(axis=1) / clips[:, ~abnormal].sum(axis=1)
        sensitivity = right[:, abnormal].sum(axis=1) / clips[:, abnormal].sum(axis=1)
        harmonic = 2 * sensitivity * specificity / (sensitivity + specificity)
    if abnormal.all():
        f1[(clips == 0) & (clips[0] > 0)] = np.nan
        return {"score": _mean_over_classes(recall.T), "macro_f1": _mean_over_classes(f1.T), "accuracy": accuracy}
    score = (sensitivity + specificity) / 2
    return {
        "score": score,
        "challenge_score": (score + np.where(score == 0, 0, harmonic)) / 2,  # Zhang et al. 2022, IEEE BioCAS
        "sensitivity": sensitivity,
        "specificity": specificity,
        "macro_f1": nanmean(f1.T),
        "accuracy": accuracy,
    }
