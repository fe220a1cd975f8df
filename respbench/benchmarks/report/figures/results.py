"""The figures of the models' predictions: leaderboard, ROC curves, confusion matrices. Same input, same bytes."""

import math
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from respbench.benchmarks.report.figures.style import (
    COLORS,
    LABEL,
    REFERENCE,
    SMALL,
    Drawings,
    grid,
    line_style,
    new_figure,
    panels,
    png,
)
from respbench.benchmarks.statistics.confusion import GRID, class_shares, mean_confusion, mean_roc
from respbench.benchmarks.statistics.formatting import bracketed
from respbench.benchmarks.statistics.intervals import LEVEL
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.models.spec import ModelKind

MANY = 7
"""With more classes than these, confusion matrices show shares alone, of `SHOWN_OF_MANY` models."""

SHOWN_OF_MANY = 4


def plan_figures(results: Results) -> Drawings:
    """List the figures, by file name; none without a complete model."""
    if not results.complete:
        return {}
    roc: Drawings = {"roc.png": partial(draw_roc, results)} if results.has_normal else {}
    return {
        "leaderboard.png": partial(draw_leaderboard, results),
        **roc,
        "confusion.png": partial(draw_confusion, results),
    }


def draw_leaderboard(results: Results) -> bytes:
    """Score and AUROC of every complete model, with intervals."""
    models = results.complete
    figure = new_figure(8, 1.6 + 0.38 * len(models), results.title + bracketed(results.flags))
    both = figure.subplots(1, 2, sharey=True)
    rows = np.arange(len(models))
    shown = (("score", "score", results.chance), ("auroc", "AUROC", 0.5))
    for axes, (metric, name, chance) in zip(both, shown, strict=True):
        for row, value in enumerate(model.estimate(metric) for model in models):
            assert value is not None, "the model is complete"
            axes.plot([value.low, value.high], [row, row], color=COLORS[0], linewidth=2)
            axes.plot([value.value], [row], "o", color=COLORS[0], markersize=7)
        axes.axvline(chance, **REFERENCE)
        axes.set_xlabel(f"{name} ({LEVEL} % interval; dashed: {chance:.2g})")
        grid(axes, "x")
    both[0].set_yticks(rows, [model.name for model in models])
    both[0].invert_yaxis()
    return png(figure)


def draw_roc(results: Results) -> bytes:
    """The mean ROC curve of every complete model: abnormal, of whatever kind, against normal."""
    longest = max((len(model.name) for model in results.complete), default=0)
    height = max(5.2, 1.1 + 0.24 * len(results.complete))
    figure = new_figure(6.4 + 0.085 * longest, height, results.title + bracketed(results.flags))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], label="chance", **REFERENCE)
    for number, model in enumerate(results.complete):
        curve, area = mean_roc(list(model.predictions.values()))
        if math.isfinite(area):
            label = f"{model.name} ({area:.2f})"
            axes.plot(np.append(0, GRID), np.append(0, curve), label=label, linewidth=1.8, **line_style(number))
    axes.set_xlabel("normal clips called abnormal (1 - specificity)")
    axes.set_ylabel("abnormal clips called abnormal")
    axes.set_aspect("equal")
    grid(axes)
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, title="model (area)", alignment="left")
    return png(figure)


def draw_confusion(results: Results) -> bytes:
    """Every complete model's confusion matrix, colored by the share of the true class; of many classes, the first."""
    many = len(results.classes) > MANY
    models = [model for model in results.complete if model.kind is not ModelKind.CONTROL or not many]
    models = (models or list(results.complete))[: SHOWN_OF_MANY if many else None]
    columns = min(SHOWN_OF_MANY // 2 if many else 4, len(models))
    rows = math.ceil(len(models) / columns)
    side, left = (0.33 if many else 0.55) * len(results.classes), 1.25
    apart = max(0.75, 0.08 * max(len(model.name) for model in models) - side)  # names are wider than matrices
    width = max(4.5, left + columns * (side + apart))
    below = 0.6 if _fit_side_by_side(results.classes) else 1.2  # inches for the names of the classes
    if many:  # names beside the rows of one column of matrices state numbers of clips, too
        left, below = 1.75, 1.45
        width = left + columns * (side + apart)
    title = results.title + bracketed(results.flags)
    figure = new_figure(width, rows * (side + below - 0.05) + 1.0, title, computed_layout=False)
    all_axes = panels(
        figure, rows, columns, left=left, right=0.6 * apart, bottom=below, across=apart, down=below - 0.05
    ).flat
    for number, axes in enumerate(all_axes):
        if number < len(models):
            _confusion(axes, models[number], results.classes, first=number % columns == 0)
        else:
            axes.set_axis_off()
    figure.supxlabel("called", fontsize=LABEL, y=0.08 / figure.get_figheight(), va="bottom")
    figure.supylabel("true class", fontsize=LABEL, x=0.08 / width, ha="left")
    return png(figure)


def _fit_side_by_side(classes: tuple[str, ...]) -> bool:
    """Whether names of classes fit below the columns of a confusion matrix."""
    return max(map(len, classes)) <= 9


def _confusion(axes: Axes, model: ModelResults, classes: tuple[str, ...], first: bool) -> None:
    confusion = mean_confusion(model)
    shares = class_shares(confusion)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    many = len(classes) > MANY
    for (true, called), share in np.ndenumerate(shares):
        text = f"{confusion[true, called]:.0f}\n{100 * share:.0f} %"
        if many:
            text = f"{100 * share:.0f}" if share > 0.005 else ""
        color = "white" if share > 0.6 else "black"
        axes.text(called, true, text, ha="center", va="center", color=color, fontsize=SMALL)
    positions = np.arange(len(classes))
    tilt: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    if many:
        axes.set_xticks(positions[:-1] + 0.5, minor=True)
        axes.set_yticks(positions[:-1] + 0.5, minor=True)
        axes.grid(which="minor", color="0.9", linewidth=0.5)
        axes.tick_params(which="minor", length=0)
    names = [f"{name} ({clips:.0f})" if many else name for name, clips in zip(classes, confusion.sum(1), strict=True)]
    axes.set_xticks(positions, classes, fontsize=SMALL, **({} if _fit_side_by_side(classes) else tilt))
    axes.set_yticks(positions, names if first else [""] * len(classes), fontsize=SMALL)
    axes.set_title(model.name, fontsize=LABEL)
