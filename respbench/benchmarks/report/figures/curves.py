"""The learning curves of a report: those of the networks, and those of the semi-supervised models, twin by twin."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from respbench.benchmarks.report.figures.style import (
    COLORS,
    LABEL,
    SMALL,
    Drawings,
    grid,
    line_style,
    new_figure,
    panels,
    png,
)
from respbench.benchmarks.statistics.formatting import bracketed
from respbench.benchmarks.statistics.results import ModelResults, Results, chooses_epoch
from respbench.benchmarks.storage.records import CurveRow

REACHED = 0.5
"""A mean learning curve ends where less than this share of the fits still trains: it would be of a selection."""

LEARNING = "learning_curves.png"

Curve = Sequence[CurveRow]


def plan_curves(results: Results) -> Drawings:
    """List the figures by name: one of all networks, and one per group of semi-supervised models with the same twin."""
    semi_supervised = curves_by_twin(results)
    shown = {model.name for models in semi_supervised.values() for model in models}
    networks = [model for model in results.models if _curves(model) and model.name not in shown]
    drawings: Drawings = {LEARNING: partial(draw_learning_curves, results, networks)} if networks else {}
    for twin, models in semi_supervised.items():
        drawings[twin_figure(twin)] = partial(draw_semi_supervised_curves, results, models)
    return drawings


def curves_by_twin(results: Results) -> dict[str, list[ModelResults]]:
    """Group the models with an unsupervised loss by their twin, both sorted by name."""
    found = defaultdict(list)
    for model in sorted(results.models, key=lambda model: model.name):
        if _has(_curves(model), "unsupervised_loss"):
            found[model.twin].append(model)
    return dict(sorted(found.items()))


def twin_figure(twin: str) -> str:
    """Name the figure of the semi-supervised models of a twin."""
    return f"semi_supervised_curves-{twin}.png" if twin else "semi_supervised_curves.png"


def draw_learning_curves(results: Results, models: Sequence[ModelResults]) -> bytes:
    """Loss, accuracy and validation score by epoch: each fit faint, the mean over fits strong, dots on epochs kept."""
    recorded = _records_accuracy(models)
    size = (10 if recorded else 8.5, 1.1 + 2.3 * len(models))
    figure = new_figure(*size, results.title + bracketed(results.flags), computed_layout=False)
    all_axes = panels(figure, len(models), 3 if recorded else 2)
    for row, model in zip(all_axes, models, strict=True):
        curves = _curves(model)
        _plot(row[0], curves, "train_loss", 0, "training")
        _plot(row[0], curves, "valid_loss", 1, "validation")
        row[0].set_title(f"{model.name}: loss", fontsize=LABEL)
        if recorded:
            _plot_accuracy(row[1], curves, f"{model.name}: ")
        _plot_score(row[-1], model, f"{model.name}: ")
        for axes in row:
            _finish(axes)
    for axes in all_axes[-1]:
        axes.set_xlabel("epoch")
    return png(figure)


def draw_semi_supervised_curves(results: Results, models: Sequence[ModelResults]) -> bytes:
    """Losses, the weight of the unsupervised one, confident pseudo-labels, accuracy and score, a row per model."""
    recorded = _records_accuracy(models)
    widths = (1.25, 0.75, 1, 1, *([1] if recorded else []))
    size = (3.25 * len(widths), 1.1 + 2.2 * len(models))
    figure = new_figure(*size, results.title + bracketed(results.flags), computed_layout=False)
    all_axes = panels(figure, len(models), len(widths), across=0.65, sharex=True, width_ratios=widths)
    for row, model in zip(all_axes, models, strict=True):
        curves = _curves(model)
        unsupervised = _plot_losses(row[0], curves)
        row[0].set_title(f"{model.name}: losses", fontsize=LABEL)
        _plot(row[1], curves, "alpha", 2, "")
        row[1].set_ylim(0, 1.1 * max((epoch.get("alpha", 0) for curve in curves for epoch in curve), default=0) or 1)
        row[1].set_title("weight \N{GREEK SMALL LETTER ALPHA}, unsupervised loss", fontsize=LABEL)
        _plot_confidence(row[2], curves)
        if recorded:
            _plot_accuracy(row[3], curves, "")
        _plot_score(row[-1], model, "")
        for axes in row:
            _finish(axes)
        unsupervised.grid(visible=False)
    for axes in all_axes[-1]:
        axes.set_xlabel("epoch")
    return png(figure)


def _plot_losses(axes: Axes, curves: Sequence[Curve]) -> Axes:
    """Supervised, validation and, on the right axis that is returned, unsupervised loss.

    The unsupervised loss of some methods is a thousandth of the supervised one: on one axis it would be a flat line.
    """
    _plot(axes, curves, "train_loss", 0, "supervised")
    _plot(axes, curves, "valid_loss", 1, "validation")
    right = axes.twinx()
    _plot(right, curves, "unsupervised_loss", 2, "unsupervised")
    right.tick_params(axis="y", colors=COLORS[2], labelsize=SMALL)
    right.ticklabel_format(axis="y", scilimits=(-2, 3))
    right.yaxis.get_offset_text().set_fontsize(SMALL)
    axes.plot([], [], linewidth=2.2, label="unsupervised (right)", **line_style(2))  # one legend for both axes
    return right


def _plot_confidence(axes: Axes, curves: Sequence[Curve]) -> None:
    axes.set_title("confident pseudo-labels", fontsize=LABEL)
    if not _has(curves, "confident"):
        _explain(axes, "not recorded")
        return
    _plot(axes, curves, "confident", 0, "share of the unlabeled")
    if _has(curves, "confident_accuracy"):
        _plot(axes, curves, "confident_accuracy", 3, "of these right (known afterwards)")
    axes.set_ylim(-0.03, 1.45)  # room for the legend above 1
    axes.set_yticks((0, 0.25, 0.5, 0.75, 1))


def _records_accuracy(models: Sequence[ModelResults]) -> bool:
    """Whether any of the models has the accuracy of its epochs: fits from older versions lack it."""
    return any(_has(_curves(model), "train_accuracy") for model in models)


def _plot_accuracy(axes: Axes, curves: Sequence[Curve], prefix: str) -> None:
    """Accuracy on training clips, as they were seen in training, and on validation clips."""
    axes.set_title(f"{prefix}accuracy", fontsize=LABEL)
    if not _has(curves, "train_accuracy"):
        _explain(axes, "not recorded")
        return
    _plot(axes, curves, "train_accuracy", 0, "training")
    _plot(axes, curves, "valid_accuracy", 1, "validation")
    axes.set_ylim(0, 1.03)
    axes.legend(fontsize=SMALL, framealpha=0.85, edgecolor="none", loc="lower right")  # where few curves run


def _plot_score(axes: Axes, model: ModelResults, prefix: str) -> None:
    """The validation score, with dots on the epochs that were chosen by it, if any were."""
    curves = _curves(model)
    if not _has(curves, "valid_score"):
        _explain(axes, "fixed schedule: no epoch is chosen")
        return
    _plot(axes, curves, "valid_score", 1, "mean")
    if chooses_epoch(model):
        kept = [row for curve in curves for row in curve if row.get("kept") and _known(row, "valid_score")]
        axes.plot(
            [row["epoch"] for row in kept], [row["valid_score"] for row in kept], "ko", markersize=3, label="kept"
        )
        axes.set_title(f"{prefix}validation score", fontsize=LABEL)
    else:
        axes.set_title(f"{prefix}validation score (chooses nothing)", fontsize=LABEL)


def _plot(axes: Axes, curves: Sequence[Curve], key: str, number: int, label: str) -> None:
    """Each fit faint, their mean strong; nothing where no fit has the number ``key``."""
    if not _has(curves, key):
        return
    lines, by_epoch = [], defaultdict(list)
    for curve in curves:
        lines.append([(row["epoch"], row[key]) for row in curve if _known(row, key)])
        for epoch, value in lines[-1]:
            by_epoch[epoch].append(value)
    style = line_style(number)
    faint = {"colors": style["color"], "linestyles": style["linestyle"]}
    axes.add_collection(LineCollection([line for line in lines if line], linewidths=0.8, alpha=0.25, **faint))
    epochs = [epoch for epoch in sorted(by_epoch) if len(by_epoch[epoch]) >= REACHED * len(curves)]
    axes.plot(epochs, [float(np.mean(by_epoch[epoch])) for epoch in epochs], linewidth=2.2, label=label, **style)
    axes.autoscale_view()


def _finish(axes: Axes) -> None:
    if not axes.axison:
        return
    grid(axes)
    if axes.get_legend() is None and axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=SMALL, framealpha=0.85, edgecolor="none", loc="upper right")
    axes.locator_params(axis="x", integer=True)
    axes.tick_params(labelsize=SMALL)


def _explain(axes: Axes, words: str) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, words, ha="center", transform=axes.transAxes)


def _curves(model: ModelResults) -> list[Curve]:
    """The learning curves of a model's fits; none for a model without epochs."""
    return [fit.record.curve for fit in model.fits if fit.record.curve]


def _known(row: CurveRow, key: str) -> bool:
    """Whether an epoch has this number: where no clip is confident, for example, there is no accuracy."""
    return row.get(key) is not None


def _has(curves: Sequence[Curve], key: str) -> bool:
    return any(_known(row, key) for curve in curves for row in curve)
