"""The figure of tuning: the gain of more trials where they were judged, and in the outer test patients."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from benchmarks.report.figures.style import REFERENCE, Drawings, grid, line_style, new_figure, png
from benchmarks.statistics.comparisons import Pair, tuned_pairs
from benchmarks.statistics.formatting import bracketed
from benchmarks.statistics.results import Results
from benchmarks.tuning.analysis import best_so_far

FIGURE = "tuning.png"


def plan_tuning(results: Results) -> Drawings:
    """List the figure by its name; none without a tuned model that can be compared with its defaults."""
    pairs = [pair for pair in tuned_pairs(results) if np.isfinite(pair.gain("auroc").value)]
    return {FIGURE: partial(draw_tuning, results, pairs)} if pairs else {}


def draw_tuning(results: Results, pairs: Sequence[Pair]) -> bytes:
    """Left, the best inner AUROC by number of trials; right, inner and outer gains of the chosen trial."""
    figure = new_figure(10.5, 2.6 + 0.3 * len(pairs), results.title + bracketed(results.flags))
    by_trial, gains = figure.subplots(1, 2)
    for number, pair in enumerate(pairs):
        style = line_style(number)
        best = best_so_far(pair.model)
        by_trial.plot(np.arange(len(best)), best, linewidth=1.8, **style)
        gain = pair.gain("auroc")
        gains.plot([gain.low, gain.high], [number, number], linewidth=2, **style)
        gains.plot([gain.value], [number], "o", color=style["color"], markersize=7)
        gains.plot(best[-1:], [number] * len(best[-1:]), "D", color=style["color"], markersize=7, fillstyle="none")
    by_trial.locator_params(axis="x", integer=True)
    by_trial.set_xlabel("trials beside the defaults")
    by_trial.set_ylabel("gain in inner AUROC of the best so far")
    gains.set_yticks(np.arange(len(pairs)), [pair.model.name for pair in pairs])
    gains.set_ylim(len(pairs) - 0.5, -0.5)
    gains.locator_params(axis="x", nbins=5)
    gains.axvline(0, **REFERENCE)
    gains.set_xlabel("gain in AUROC: inner (diamond), test patients (dot)")
    for axes in (by_trial, gains):
        grid(axes)
    return png(figure)
