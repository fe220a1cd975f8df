"""The figure of coverage: how often intervals hold the truth, scenario by scenario."""

from collections.abc import Sequence

import numpy as np

from respbench.benchmarks.report.figures.style import COLORS, LABEL, REFERENCE, SMALL, grid, new_figure, png
from respbench.benchmarks.statistics.coverage import DESIGNS, GOAL, Cell
from respbench.benchmarks.statistics.intervals import LEVEL


def draw_coverage(cells: Sequence[Cell]) -> bytes:
    """Coverage of every cell, a panel per design and a row per scenario, beside that of bootstrap intervals.

    Only some studies have a bootstrap interval, so that only the mean over a row's cells is worth a point.
    """
    scenarios = list(dict.fromkeys(cell.scenario for cell in cells))
    figure = new_figure(11, 1.6 + 0.42 * len(scenarios), f"How often {LEVEL} % intervals hold the expected performance")
    panels = figure.subplots(1, len(DESIGNS), sharex=True, sharey=True, squeeze=False)[0]
    for axes, design in zip(panels, DESIGNS, strict=True):
        axes.axvspan(*(100 * end for end in GOAL), color=COLORS[2], alpha=0.15, linewidth=0)
        axes.axvline(LEVEL, **REFERENCE)
        own = [cell for cell in cells if cell.design == design]
        rows = [scenarios.index(cell.scenario) for cell in own]
        shares = [100 * cell.method for cell in own]
        axes.scatter(shares, rows, s=16, color=COLORS[0], alpha=0.7, linewidth=0, label="ours, one point per cell")
        means = [100 * np.mean([c.bootstrap_method for c in own if c.scenario == name]) for name in scenarios]
        axes.scatter(means, range(len(scenarios)), s=36, marker="D", color=COLORS[1], label="bootstrap, mean of cells")
        axes.set_title(design, fontsize=LABEL)
        axes.set_yticks(range(len(scenarios)), scenarios, fontsize=SMALL)
        grid(axes, "x")
    panels[0].invert_yaxis()
    panels[1].set_xlabel("% of the studies whose interval holds it", fontsize=LABEL)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return png(figure)
