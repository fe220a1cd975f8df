"""The matrix of differences between all models of a folder."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes

from respbench.benchmarks.report.figures.style import SMALL, Drawings, new_figure, png
from respbench.benchmarks.statistics.formatting import bracketed
from respbench.benchmarks.statistics.metrics import LEADING, METRICS
from respbench.benchmarks.statistics.pairwise import Pairwise
from respbench.benchmarks.statistics.results import Results

STRONGEST = 0.2
"""Difference from which on the color is no stronger."""

CELL = 0.42
"""Width and height of a cell, in inches."""


def plan_comparisons(results: Results) -> Drawings:
    """List the figures, one per metric that at least two models have."""
    families = {metric: Pairwise.of(results, metric) for metric in LEADING}
    return {
        f"differences-{metric}.png": partial(draw_differences, pairs, results.title + bracketed(results.flags))
        for metric, pairs in families.items()
        if len(pairs.models) > 1
    }


def draw_differences(pairs: Pairwise, title: str) -> bytes:
    """Each row's model minus each column's; a pair that is not separated stays white, with a gray number."""
    models = pairs.models
    side, left, top = CELL * len(models), 0.5 + 0.066 * max(len(name) for name in models), 0.75
    width, height = max(left + side + 0.15, 5.0), top + side + 0.1
    figure = new_figure(width, height, f"{title}: differences in {METRICS[pairs.metric]}", computed_layout=False)
    figure.texts[0].set_y(1 - 0.12 / height)
    axes = figure.add_axes((left / width, 0.1 / height, side / width, side / height))
    shown = [[_color(pairs, model, other) for other in models] for model in models]
    axes.imshow(np.array(shown), cmap="PuOr_r", vmin=-STRONGEST, vmax=STRONGEST)
    for row, model in enumerate(models):
        for column, other in enumerate(models):
            if model != other:
                _number(axes, pairs, row, column)
    positions = np.arange(len(models))
    axes.set_xticks(positions, [str(1 + i) for i in positions], fontsize=SMALL)
    axes.set_yticks(positions, [f"{name}  {i}" for i, name in enumerate(models, 1)], fontsize=SMALL)
    axes.set_xticks(positions[:-1] + 0.5, minor=True)
    axes.set_yticks(positions[:-1] + 0.5, minor=True)
    axes.grid(which="minor", color="0.85")
    axes.tick_params(which="both", length=0, labeltop=True, labelbottom=False)
    return png(figure)


def _color(pairs: Pairwise, model: str, other: str) -> float:
    separated = model != other and pairs.separated(model, other)
    return pairs.differences[model, other].value if separated else np.nan


def _number(axes: Axes, pairs: Pairwise, row: int, column: int) -> None:
    pair = (pairs.models[row], pairs.models[column])
    value, separated = pairs.differences[pair].value, pairs.separated(*pair)
    color = "0.6" if not separated else "white" if abs(value) > 0.6 * STRONGEST else "black"
    weight = "bold" if separated else "normal"
    axes.text(column, row, f"{value:+.2f}", ha="center", va="center", color=color, fontsize=SMALL - 0.5, weight=weight)
