"""The figure of tuning: what the best trial gains where it was found, on fresh inner folds, and in each outer fold."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from respbench.benchmarks.report.figures.style import REFERENCE, Drawings, grid, line_style, new_figure, png
from respbench.benchmarks.statistics.comparisons import Pair, tuned_pairs
from respbench.benchmarks.statistics.formatting import bracketed
from respbench.benchmarks.statistics.results import Results
from respbench.benchmarks.tuning.analysis import best_so_far, inner_gain, outer_gains

FIGURE = "tuning.png"


def plan_tuning(results: Results) -> Drawings:
    """List the figure by its name; none without a tuned model that can be compared with its defaults."""
    pairs = [pair for pair in tuned_pairs(results) if np.isfinite(pair.gain("auroc").value)]
    return {FIGURE: partial(draw_tuning, results, pairs)} if pairs else {}


def draw_tuning(results: Results, pairs: Sequence[Pair]) -> bytes:
    """Left, the best inner AUROC by number of trials; right, the gains: found, fresh, and in the outer folds."""
    figure = new_figure(10.5, 2.6 + 0.4 * len(pairs), results.title + bracketed(results.flags))
    by_trial, gains = figure.subplots(1, 2)
    for row, pair in enumerate(pairs):
        style = line_style(row)
        best = best_so_far(pair.model)
        by_trial.plot(np.arange(len(best)), best, linewidth=1.8, **style)
        _draw_gains(gains, row, pair, style)
    by_trial.locator_params(axis="x", integer=True)
    by_trial.set_xlabel("trials beside the defaults")
    by_trial.set_ylabel("gain in inner AUROC of the best so far")
    gains.set_yticks(np.arange(len(pairs)), [pair.model.name for pair in pairs])
    gains.set_ylim(len(pairs) - 0.5, -0.5)
    gains.locator_params(axis="x", nbins=5)
    gains.axvline(0, **REFERENCE)
    gains.set_xlabel(
        "gain in AUROC: best trial where found (diamond),\non fresh inner folds (square); outer folds (dots)"
    )
    for axes in (by_trial, gains):
        grid(axes)
    return png(figure)


def _draw_gains(axes: Axes, row: int, pair: Pair, style: dict[str, Any]) -> None:
    """Draw the gains of one model: inner ones above its line, each outer fold below it."""
    color, inner, outer = style["color"], inner_gain(pair.model), pair.gain("auroc")
    for value, marker in ((inner.found, "D"), (inner.fresh, "s")):
        axes.plot([value], [row - 0.2], marker, color=color, markersize=6, fillstyle="none")
    axes.plot([outer.low, outer.high], [row, row], linewidth=2, **style)
    axes.plot([outer.value], [row], "o", color=color, markersize=7)
    folds = [*outer_gains(pair.model, pair.reference).values()] if pair.reference else []
    axes.plot(folds, [row + 0.2] * len(folds), "o", color=color, markersize=3, alpha=0.7)
