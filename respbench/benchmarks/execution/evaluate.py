"""Fit a model on one fold and predict its test clips: the one place where that is done, and where labels are hidden."""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from respbench.benchmarks.execution.memory import peak_memory, reset_peak_memory
from respbench.benchmarks.storage.records import CLIP_METADATA
from respbench.corpora.clips import HIDDEN, Clips
from respbench.corpora.splits.folds import Fold
from respbench.corpora.splits.seen_classes import SeenClasses
from respbench.features.threads import one_thread
from respbench.models.spec import HasLearningCurve, HasPseudoLabels, Model, TrainedByEpoch


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What one fit gave.

    Attributes:
        probabilities: (test clips, classes) float64, rows sum to 1.
        curve: learning curve, one row per epoch; empty for models without epochs.
        fit_seconds: s of fitting.
        predict_seconds: s of predicting the test clips.
        n_parameters: numbers that the fitted model keeps.
        peak_mb: MB, peak resident memory of the process.
    """

    probabilities: NDArray[np.float64]
    curve: tuple[dict[str, Any], ...]
    fit_seconds: float
    predict_seconds: float
    n_parameters: int
    peak_mb: float


def hide_labels(clips: Clips) -> Clips:
    """Hide everything about clips that may give their label away: what a model gets of test and unlabeled clips.

    Clips are numbered, since names in a user's manifest, such as ``pos/1.wav``, may contain the label. Of the metadata
    only facts of the recording stay: a diagnosis, for example, all but determines the label.
    """
    known = [column for column in CLIP_METADATA if column in clips.meta]
    numbers = np.arange(len(clips)).astype(np.str_)
    return replace(clips.hide_labels(), clip_id=numbers, meta=clips.meta[known])


def evaluate(model: Model, clips: Clips, fold: Fold, *, unlabeled: bool) -> Evaluation:
    """Fit a model and predict the test clips, in one thread, whatever the fold: outer, of tuning, or of a comparison.

    Args:
        model: unfitted.
        clips: the task's, with labels.
        fold: rows of ``clips``.
        unlabeled: whether the model learns from unlabeled clips.

    Raises:
        ValueError: what the model predicts are not probabilities.
    """
    test, seen = hide_labels(clips.take(fold.test)), SeenClasses.of(clips, fold.train)
    _watch(model, seen)
    with one_thread():
        reset_peak_memory()
        begin = time.perf_counter()
        offered = seen.restrict(hide_labels(clips.take(fold.unlabeled))) if unlabeled else None
        model.fit(seen.labeled(clips.take(fold.train)), seen.labeled(clips.take(fold.valid)), offered)
        fitted = time.perf_counter()
        probabilities = seen.expand(np.asarray(model.predict_proba(seen.restrict(test)), dtype=np.float64))
        predicted = time.perf_counter()
    expected = (len(test), len(test.classes))
    if probabilities.shape != expected:
        raise ValueError(f"predict_proba gave shape {probabilities.shape} instead of {expected}")
    if not (probabilities >= 0).all() or np.abs(probabilities.sum(axis=1) - 1).max() > 1e-6:
        raise ValueError("predict_proba gave probabilities that are negative, not finite, or do not sum to 1")
    return Evaluation(
        probabilities=probabilities,
        curve=tuple(with_pseudo_label_accuracy(model, seen.renumber(clips.label[fold.unlabeled]))),
        fit_seconds=fitted - begin,
        predict_seconds=predicted - fitted,
        n_parameters=int(model.n_parameters),
        peak_mb=peak_memory(),
    )


def _watch(model: Model, seen: SeenClasses) -> None:
    """Show what watches the epochs of a model the probabilities of all classes, also those that it has not seen."""
    if isinstance(model, TrainedByEpoch) and (watcher := model.on_epoch) is not None:
        model.on_epoch = lambda epoch, predict: watcher(epoch, lambda clips: seen.expand(predict(seen.restrict(clips))))


def with_pseudo_label_accuracy(model: Model, truth: NDArray[np.int64]) -> list[dict[str, Any]]:
    """The learning curve; for a model that reports its pseudo-labels, each epoch gains their accuracy.

    The true labels are looked up after the model was fitted and has predicted.

    Args:
        model: fitted. ``curve``: one row per epoch. ``pseudo_labels``, if it has any: for each epoch (unlabeled,) the
            class it was confident of, -1 = none.
        truth: (unlabeled,) the labels that were hidden from the model; -1 = unknown.
    """
    curve: list[dict[str, Any]] = [dict(row) for row in model.curve] if isinstance(model, HasLearningCurve) else []
    pseudo_labels = model.pseudo_labels if isinstance(model, HasPseudoLabels) else []
    if not pseudo_labels:
        return curve
    rows = []
    for row, guess in zip(curve, pseudo_labels, strict=True):
        judged = (guess != HIDDEN) & (truth != HIDDEN)
        right = {"confident_accuracy": float((guess == truth)[judged].mean())} if judged.any() else {}
        rows.append({**row, **right})
    return rows
