"""The page about training: learning curves, epochs kept, and what picking them on the test patients would be worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from respbench.benchmarks.report.figures.curves import LEARNING, curves_by_twin, twin_figure
from respbench.benchmarks.report.source import Source
from respbench.benchmarks.statistics.formatting import number
from respbench.benchmarks.statistics.intervals import Estimate
from respbench.benchmarks.statistics.metrics import LEADING
from respbench.benchmarks.statistics.picked import PickedOnTest, picked_on_test
from respbench.benchmarks.statistics.results import ModelResults, chooses_epoch
from respbench.benchmarks.storage.store import Store

COVERAGE, ACCURACY = "confident", "confident_accuracy"
"""Columns of the learning curves: share of the unlabeled clips with a pseudo-label, and of these with a right one."""

COLUMNS = 5
"""Of the table of pseudo-labels, at most."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """What the page shows.

    Attributes:
        learning: name of the figure of all networks.
        semi_supervised: of each figure of semi-supervised models, the twin.
        epochs: rows of the table of epochs.
        pseudo_labels: rows of the table of pseudo-labels; empty if no model has any.
        shown: of these, the epochs of its columns.
        picked: rows of the table of epochs picked on the test patients; empty if no run recorded them.
        reported: of each metric, by model, what would be reported with the epoch picked on the test patients.
        same_epoch: fits whose epoch picked on the test patients is the one that was kept, and all fits.
    """

    learning: str
    semi_supervised: dict[str, str]
    epochs: list[list[object]]
    pseudo_labels: list[list[object]]
    shown: tuple[int, ...]
    picked: list[list[object]]
    reported: dict[str, dict[str, Estimate]]
    same_epoch: tuple[int, int]


def training(source: Source) -> Training | None:
    """Describe how the networks of a results folder were trained; None where it has none."""
    networks = [model for model in source.results.models if any(fit.record.curve for fit in model.fits)]
    if not networks:
        return None
    shown = epochs_shown(networks)
    picks = picked_on_test(Store(source.folder), source.results)
    return Training(
        learning=LEARNING,
        semi_supervised={twin_figure(twin): twin for twin in curves_by_twin(source.results)},
        epochs=[_epochs(model) for model in networks],
        pseudo_labels=pseudo_label_rows(networks, shown),
        shown=shown,
        picked=[_picked(pick) for pick in picks],
        reported={metric: {pick.honest.name: pick.estimate(metric) for pick in picks} for metric in LEADING},
        same_epoch=(sum(pick.same_epoch for pick in picks), sum(len(pick.kept) for pick in picks)),
    )


def _epochs(model: ModelResults) -> list[object]:
    """Model, how its epoch is chosen, epochs trained, the one kept, and accuracy in training and validation there."""
    curves = [fit.record.curve for fit in model.fits if fit.record.curve]
    kept = [row for curve in curves for row in curve if row.get("kept")]
    accuracies = [
        [row[key] for row in kept if row.get(key) is not None] for key in ("train_accuracy", "valid_accuracy")
    ]
    return [
        model.name,
        "best on validation patients" if chooses_epoch(model) else "last of a fixed schedule",
        number(float(np.median([len(curve) for curve in curves])), "g"),
        number(float(np.median([row["epoch"] for row in kept])) if kept else np.nan, "g"),
        *(number(float(np.mean(values)) if values else np.nan) for values in accuracies),
    ]


def epochs_shown(models: Sequence[ModelResults]) -> tuple[int, ...]:
    """Choose up to `COLUMNS` epochs, evenly from the first to the last, of models that record pseudo-labels."""
    epochs = {
        int(row["epoch"]) for model in models for fit in model.fits for row in fit.record.curve if COVERAGE in row
    }
    if not epochs:
        return ()
    return tuple(np.unique(np.linspace(0, max(epochs), min(COLUMNS, max(epochs) + 1)).round().astype(int)).tolist())


def pseudo_label_rows(models: Sequence[ModelResults], epochs: Sequence[int]) -> list[list[object]]:
    """Model, and for each epoch the means over fits of coverage and accuracy of its pseudo-labels."""
    rows: list[list[object]] = []
    for model in models:
        curve = [row for fit in model.fits for row in fit.record.curve if COVERAGE in row]
        if curve:
            rows.append([model.name, *(_coverage_and_accuracy(curve, epoch) for epoch in epochs)])
    return rows


def _coverage_and_accuracy(curve: Sequence[Mapping[str, Any]], epoch: int) -> str:
    """Both as ``share (share that is right)``; fits without a confident clip count for the first only."""
    rows = [row for row in curve if row["epoch"] == epoch]
    coverage, right = ([row[key] for row in rows if row.get(key) is not None] for key in (COVERAGE, ACCURACY))
    if not coverage:
        return number(np.nan)
    return f"{number(float(np.mean(coverage)), '.2f')} ({number(float(np.mean(right)) if right else np.nan, '.2f')})"


def _picked(pick: PickedOnTest) -> list[object]:
    row: list[object] = [pick.honest.name, pick.flattered.repeats, number(float(np.mean(pick.gains)), "+.3f")]
    for metric in LEADING:
        row += [pick.honest.estimate(metric), pick.estimate(metric), pick.gain(metric)]
    return row
