"""The learning curves of a report: those of the networks, and those of the semi-supervised models, twin by twin."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from benchmarks.report.figures.leaderboard import COLOURS, Drawn, Figures, look, new_figure, png
from benchmarks.statistics.results import Board, Entry, chooses_epoch

REACHED = 0.5
"""A mean learning curve goes on as long as this share of the fits still trains; later, it would be of a selection."""

LEARNING = "learning_curves"
SEMI_SUPERVISED = "semi_supervised_curves"

Curve = list[dict[str, float]]


def draw_curves(board: Board) -> Figures:
    """One figure of all supervised networks, and one of each group of semi-supervised models with the same twin."""
    figures: Figures = {}
    supervised, by_twin = [], defaultdict(list)
    for entry in board.entries:
        curves = _curves(entry)
        if _has(curves, "unsupervised_loss"):
            by_twin[entry.twin].append(entry)
        elif curves:
            supervised.append(entry)
    if supervised:
        figures[f"{LEARNING}.png"] = draw_learning_curves(board, supervised)
    for twin, entries in sorted(by_twin.items()):
        name = f"{SEMI_SUPERVISED}-{twin}" if twin else SEMI_SUPERVISED
        figures[f"{name}.png"] = draw_semi_supervised_curves(board, twin, sorted(entries, key=lambda e: e.model))
    return figures


def draw_learning_curves(board: Board, entries: Sequence[Entry]) -> Drawn:
    """Losses and validation score by epoch: each fit faint, the mean over fits strong, dots on the epochs kept."""
    figure = new_figure(8.5, 0.7 + 2.3 * len(entries), board.title + board.flagged)
    grid = figure.subplots(len(entries), 2, squeeze=False)
    for row, entry in zip(grid, entries, strict=True):
        curves = _curves(entry)
        _plot_curves(row[0], curves, "train_loss", 0, "training")
        row[0].set_title(f"{entry.model}: loss", fontsize=10)
        _plot_curves(row[0], curves, "valid_loss", 1, "validation")
        _plot_score(row[1], entry, f"{entry.model}: ")
        for axes in row:
            _tidy(axes)
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
    words = "Learning curves of the networks: each fit faint, the mean over fits strong; dots mark the epochs kept"
    return Drawn(png(figure), f"{words}.")


def draw_semi_supervised_curves(board: Board, twin: str, entries: Sequence[Entry]) -> Drawn:
    """Losses, the weight of the unsupervised one, confident pseudo-labels and validation score, a row a model."""
    figure = new_figure(13, 0.7 + 2.2 * len(entries), board.title + board.flagged)
    grid = figure.subplots(len(entries), 4, squeeze=False, width_ratios=(1.25, 0.75, 1, 1))
    for row, entry in zip(grid, entries, strict=True):
        curves = _curves(entry)
        unsupervised = _plot_losses(row[0], curves)
        row[0].set_title(f"{entry.model}: losses", fontsize=10)
        _plot_curves(row[1], curves, "alpha", 2, "")
        row[1].set_ylim(0, 1.1 * max((epoch.get("alpha", 0) for curve in curves for epoch in curve), default=0) or 1)
        row[1].set_title(r"weight $\alpha$, unsupervised loss", fontsize=10)
        _plot_confidence(row[2], curves)
        _plot_score(row[3], entry, "")
        for axes in row:
            _tidy(axes)
        unsupervised.grid(visible=False)
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
    words = (
        (f"Learning curves of the semi-supervised models whose twin is {twin}: " if twin else "Learning curves: ")
        + "each fit faint, the mean over fits strong. The unsupervised loss has an axis of its own, on the right. "
        "How often the confident pseudo-labels are right is known afterwards, never to the model. Dots mark the epochs "
        "kept, where the validation score chooses them"
    )
    return Drawn(png(figure), f"{words}.")


def _plot_losses(axes: Axes, curves: Sequence[Curve]) -> Axes:
    """Supervised, validation and, on the right axis that is returned, unsupervised loss.

    The unsupervised loss of some methods is a thousandth of the supervised one: on one axis it would be a flat line.
    """
    _plot_curves(axes, curves, "train_loss", 0, "supervised")
    _plot_curves(axes, curves, "valid_loss", 1, "validation")
    right = axes.twinx()
    _plot_curves(right, curves, "unsupervised_loss", 2, "unsupervised")
    right.tick_params(axis="y", colors=COLOURS[2], labelsize=8)
    right.ticklabel_format(axis="y", scilimits=(-2, 3))
    right.yaxis.get_offset_text().set_fontsize(8)
    axes.plot([], [], linewidth=2.2, label="unsupervised (right)", **look(2))  # one legend for both axes
    return right


def _plot_confidence(axes: Axes, curves: Sequence[Curve]) -> None:
    axes.set_title("confident pseudo-labels", fontsize=10)
    if not _has(curves, "confident"):
        _say(axes, "none noted")
        return
    _plot_curves(axes, curves, "confident", 0, "share of the unlabeled")
    if _has(curves, "confident_accuracy"):
        _plot_curves(axes, curves, "confident_accuracy", 3, "of these right (known afterwards)")
    axes.set_ylim(-0.03, 1.45)  # room for the legend above 1
    axes.set_yticks((0, 0.25, 0.5, 0.75, 1))


def _plot_score(axes: Axes, entry: Entry, prefix: str) -> None:
    """The validation score, with dots on the epochs that were chosen by it, if any were."""
    curves = _curves(entry)
    if not _has(curves, "valid_score"):
        _say(axes, "fixed schedule: no epoch is chosen")
        return
    _plot_curves(axes, curves, "valid_score", 1, "mean")
    if chooses_epoch(entry):
        kept = [row for curve in curves for row in curve if row["kept"] and _known(row, "valid_score")]
        axes.plot(
            [row["epoch"] for row in kept], [row["valid_score"] for row in kept], "ko", markersize=3, label="kept"
        )
        axes.set_title(f"{prefix}validation score", fontsize=10)
    else:
        axes.set_title(f"{prefix}validation score (chooses nothing)", fontsize=10)


def _plot_curves(axes: Axes, curves: Sequence[Curve], key: str, number: int, label: str) -> None:
    """Each fit faint, their mean strong; nothing where no fit knows the number ``key``."""
    if not _has(curves, key):
        return
    looks = look(number)
    by_epoch: dict[float, list[float]] = {}
    for curve in curves:
        series = [(row["epoch"], row[key]) for row in curve if _known(row, key)]
        axes.plot([epoch for epoch, _ in series], [value for _, value in series], linewidth=0.8, alpha=0.25, **looks)
        for epoch, value in series:
            by_epoch.setdefault(epoch, []).append(value)
    epochs = [epoch for epoch in sorted(by_epoch) if len(by_epoch[epoch]) >= REACHED * len(curves)]
    axes.plot(epochs, [float(np.mean(by_epoch[epoch])) for epoch in epochs], linewidth=2.2, label=label, **looks)


def _tidy(axes: Axes) -> None:
    if not axes.axison:
        return
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=8, frameon=False)
    axes.locator_params(axis="x", integer=True)


def _say(axes: Axes, words: str) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, words, ha="center", transform=axes.transAxes)


def _curves(entry: Entry) -> list[Curve]:
    """The learning curves of a model's fits; none for a model without epochs."""
    return [list(stored.record.curve) for stored in entry.stored if stored.record.curve]


def _known(row: dict[str, float], key: str) -> bool:
    """Whether an epoch has this number: where no clip is confident, for example, no accuracy is known."""
    return row.get(key) is not None


def _has(curves: Sequence[Curve], key: str) -> bool:
    return any(_known(row, key) for curve in curves for row in curve)
