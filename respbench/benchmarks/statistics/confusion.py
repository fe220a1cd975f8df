"""Confusion matrices, classification reports and ROC curves of a model, averaged over its seeds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from respbench.benchmarks.statistics.metrics import Floats, Ints, Predictions, confusions
from respbench.benchmarks.statistics.results import ModelResults

GRID = np.linspace(0, 1, 101)
"""False-positive rates at which ROC curves are averaged (Fawcett 2006, vertical averaging)."""


def confusion_matrix(predictions: Predictions) -> Ints:
    """(classes, classes): rows are the true class, columns the decision."""
    patients = int(predictions.patient.max()) + 1
    counts: Ints = confusions(predictions, patients).sum(axis=0).astype(np.int64)
    return counts


def mean_confusion(model: ModelResults) -> Floats:
    """(classes, classes) confusion matrix of a complete model, averaged over its seeds."""
    mean: Floats = np.mean([confusion_matrix(predictions) for predictions in model.predictions.values()], axis=0)
    return mean


def class_shares(confusion: Floats) -> Floats:
    """(classes, classes) a confusion matrix as shares of the true class; 0 for a class without clips."""
    shares: Floats = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    return shares


def classification_report(model: ModelResults) -> Floats:
    """(classes, 4): precision, recall, F1 and number of clips, each averaged over the seeds.

    A class that was never predicted has precision 0, as its F1.
    """
    reports = []
    for predictions in model.predictions.values():
        confusion = confusion_matrix(predictions).astype(np.float64)
        right, clips, decided = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
        precision, recall = right / np.maximum(decided, 1), right / np.maximum(clips, 1)
        reports.append(np.stack([precision, recall, 2 * right / np.maximum(clips + decided, 1), clips], axis=1))
    mean: Floats = np.mean(reports, axis=0)
    return mean


def mean_roc(seeds: Sequence[Predictions]) -> tuple[Floats, float]:
    """ROC of ``1 - p(normal)``, averaged over folds and seeds at the false-positive rates ``GRID``.

    Returns:
        (101,) true-positive rates, and the mean exact area; NaN if no fold has both normal and abnormal clips.
    """
    curves, areas = [], []
    for predictions in seeds:
        abnormal = predictions.label != predictions.normal
        score = 1 - predictions.probabilities[:, predictions.normal]
        for fold in np.unique(predictions.fold):
            rows = predictions.fold == fold
            if 0 < abnormal[rows].sum() < rows.sum():
                false, true = _roc(score[rows], abnormal[rows])
                curves.append(np.interp(GRID, false, true))
                areas.append(float(np.trapezoid(true, false)))
    if not curves:
        return np.full(len(GRID), np.nan), float("nan")
    return np.mean(curves, axis=0), float(np.mean(areas))


def _roc(score: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """False- and true-positive rates at every threshold; clips of equal score change sides together."""
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    true, false = np.cumsum(positive[order])[last], np.cumsum(~positive[order])[last]
    return np.append(0, false / false[-1]), np.append(0, true / true[-1])
