"""The figures of a report but for its learning curves: leaderboard, ROC, confusion matrices. Same input, same bytes."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.report.models import mean_confusion
from benchmarks.statistics.metrics import Floats, Predictions
from benchmarks.statistics.results import Board, Entry

DPI = 110

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe & Ito 2008: told apart with every kind of colour blindness (their yellow is too faint on white)."""

STYLES = ("-", "--", ":", "-.")
"""A second cue beside colour, and a third, fourth … set of seven models."""

GRID = np.linspace(0, 1, 101)
"""False-positive rates at which ROC curves are averaged (Fawcett 2006, vertical averaging)."""


@dataclass(frozen=True)
class Drawn:
    """A figure: its PNG file, and what it shows in words."""

    png: bytes
    caption: str


Figures = dict[str, Drawn]


def draw_figures(board: Board) -> Figures:
    """The figures of the models' predictions, as far as there are any, by file name."""
    figures: Figures = {}
    if board.complete:
        figures["leaderboard.png"] = draw_leaderboard(board)
        figures["roc.png"] = draw_roc(board)
        figures["confusion.png"] = draw_confusion(board)
    return figures


def new_figure(width: float, height: float, title: str) -> Figure:
    """An empty figure of so many inches that no global state knows of."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a PNG file without date or version, so that drawing it again gives the same bytes."""
    # With an engine that still has to lay it out, savefig draws everything twice.
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def draw_leaderboard(board: Board) -> Drawn:
    """Score and AUROC of every complete model, with intervals."""
    entries = board.complete
    figure = new_figure(8, 1.6 + 0.38 * len(entries), board.title + board.flagged)
    panels = figure.subplots(1, 2, sharey=True)
    rows = np.arange(len(entries))
    for axes, metric, name in zip(panels, ("score", "auroc"), ("score", "AUROC"), strict=True):
        for row, entry in zip(rows.tolist(), entries, strict=True):
            value = entry.estimate(metric)
            axes.plot([value.low, value.high], [row, row], color=COLOURS[0], linewidth=2)
            axes.plot([value.value], [row], "o", color=COLOURS[0], markersize=7)
        axes.axvline(0.5, color="0.4", linestyle="--", linewidth=1)
        axes.set_xlabel(f"{name} (95 % interval; dashed: 0.5)")
        axes.grid(axis="x", color="0.9")
        axes.set_axisbelow(True)
    panels[0].set_yticks(rows, [entry.model for entry in entries])
    panels[0].invert_yaxis()
    words = "Score and AUROC of each model with 95 % intervals over patients, in the order of the table"
    return Drawn(png(figure), f"{words}. The dashed line, 0.5, is what calling every clip normal gives.")


def draw_roc(board: Board) -> Drawn:
    """The mean ROC curve of every complete model: abnormal, of whatever kind, against normal."""
    longest = max((len(entry.model) for entry in board.complete), default=0)
    height = max(5.2, 1.1 + 0.24 * len(board.complete))
    figure = new_figure(6.4 + 0.085 * longest, height, board.title + board.flagged)  # the legend needs its room
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--", label="chance")
    for number, entry in enumerate(board.complete):
        curve, area = mean_roc(list(entry.seeds.values()))
        if math.isfinite(area):
            axes.plot(
                np.append(0, GRID),
                np.append(0, curve),
                label=f"{entry.model} ({area:.2f})",
                linewidth=1.8,
                **look(number),
            )
    axes.set_xlabel("normal clips called abnormal (1 - specificity)")
    axes.set_ylabel("abnormal clips called abnormal")
    axes.set_aspect("equal")
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, title="model (area)", alignment="left")
    words = "ROC curves, abnormal against normal: the mean over folds and seeds, with the area under it in brackets"
    if len(board.classes) > 2:
        words += " (the AUROC of the tables is another: the average of each class against the rest)"
    return Drawn(png(figure), f"{words}.")


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


def draw_confusion(board: Board) -> Drawn:
    """Every complete model's confusion matrix, coloured by the share of the true class."""
    entries = board.complete
    columns = min(4, len(entries))
    rows = math.ceil(len(entries) / columns)
    side = 1.0 + 0.5 * len(board.classes)
    figure = new_figure(max(4.5, columns * side + 0.8), rows * (side + 0.55) + 0.6, board.title + board.flagged)
    grid = figure.subplots(rows, columns, squeeze=False)
    for number, axes in enumerate(grid.flat):
        if number < len(entries):
            _confusion(axes, entries[number], board.classes, first=number % columns == 0)
        else:
            axes.set_axis_off()
    figure.supxlabel("called", fontsize=10)
    figure.supylabel("true class", fontsize=10)
    words = "Confusion matrices: clips a seed, and their share of the true class (darker is more)"
    return Drawn(png(figure), f"{words}.")


def look(number: int) -> dict[str, Any]:
    """Colour and line style of the number-th of many lines."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": STYLES[(number // len(COLOURS) + number % len(COLOURS)) % len(STYLES)],
    }


def _roc(score: Floats, positive: np.ndarray[Any, np.dtype[np.bool_]]) -> tuple[Floats, Floats]:
    """False- and true-positive rates at every threshold, ties passed in one step."""
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    true, false = np.cumsum(positive[order])[last], np.cumsum(~positive[order])[last]
    return np.append(0, false / false[-1]), np.append(0, true / true[-1])


def _confusion(axes: Axes, entry: Entry, classes: tuple[str, ...], first: bool) -> None:
    confusion = mean_confusion(entry)
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (true, called), share in np.ndenumerate(shares):
        colour = "white" if share > 0.6 else "black"
        text = f"{confusion[true, called]:.0f}\n{100 * share:.0f} %"
        axes.text(called, true, text, ha="center", va="center", color=colour, fontsize=8)
    positions = np.arange(len(classes))
    axes.set_xticks(positions, classes, fontsize=8)
    axes.set_yticks(positions, classes if first else [""] * len(classes), fontsize=8)
    axes.set_title(entry.model, fontsize=10)
