"""The page about training: learning curves, epochs kept, and what picking them on the test patients would be worth."""

from dataclasses import dataclass

import numpy as np

from benchmarks.report.figures.curves import LEARNING, curves_by_twin, twin_figure
from benchmarks.report.source import Source
from benchmarks.statistics.formatting import number
from benchmarks.statistics.intervals import Estimate
from benchmarks.statistics.metrics import LEADING
from benchmarks.statistics.picked import PickedOnTest, picked_on_test
from benchmarks.statistics.results import ModelResults, chooses_epoch
from benchmarks.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class Training:
    """What the page shows.

    Attributes:
        learning: name of the figure of all networks.
        semi_supervised: of each figure of semi-supervised models, the twin.
        epochs: rows of the table of epochs.
        picked: rows of the table of epochs picked on the test patients; empty if no run recorded them.
        reported: of each metric, by model, what would be reported with the epoch picked on the test patients.
        same_epoch: fits whose epoch picked on the test patients is the one that was kept, and all fits.
    """

    learning: str
    semi_supervised: dict[str, str]
    epochs: list[list[object]]
    picked: list[list[object]]
    reported: dict[str, dict[str, Estimate]]
    same_epoch: tuple[int, int]


def training(source: Source) -> Training | None:
    """Describe how the networks of a results folder were trained; None where it has none."""
    networks = [model for model in source.results.models if any(fit.record.curve for fit in model.fits)]
    if not networks:
        return None
    picks = picked_on_test(Store(source.folder), source.results)
    return Training(
        learning=LEARNING,
        semi_supervised={twin_figure(twin): twin for twin in curves_by_twin(source.results)},
        epochs=[_epochs(model) for model in networks],
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


def _picked(pick: PickedOnTest) -> list[object]:
    row: list[object] = [pick.honest.name, pick.flattered.repeats, number(float(np.mean(pick.gains)), "+.3f")]
    for metric in LEADING:
        row += [pick.honest.estimate(metric), pick.estimate(metric), pick.gain(metric)]
    return row
