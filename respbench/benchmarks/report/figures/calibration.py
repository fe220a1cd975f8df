"""The figures about probabilities: reliability before and after recalibration, and decision curves."""

import math
from collections.abc import Mapping
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
from respbench.benchmarks.statistics.calibration import recalibrated, reliability
from respbench.benchmarks.statistics.forecasting import forecasts_by, leading_and_controls
from respbench.benchmarks.statistics.forecasts import Repeats
from respbench.benchmarks.statistics.formatting import bracketed
from respbench.benchmarks.statistics.operating import THRESHOLDS, net_benefit, net_benefit_of_all
from respbench.benchmarks.statistics.results import ModelResults, Results

RELIABILITY = "reliability.png"
DECISION_CURVE = "decision_curve.png"

BEFORE: Mapping[str, Any] = {"color": COLORS[1], "marker": "o"}
AFTER: Mapping[str, Any] = {"color": COLORS[0], "marker": "s"}

SHOWN_LOSS = 0.05
"""Net benefit below 0 that the figure still shows: acting on all clips falls without end."""


def plan_calibration(results: Results) -> Drawings:
    """List the figures, by file name; none without a complete model that ranks, or for an ablation."""
    ranking = [model for model in results.complete if not forecasts_by(results, model).constant]
    if not ranking or results.protocol.ablation_of:
        return {}
    drawings: Drawings = {RELIABILITY: partial(draw_reliability, results, ranking)}
    if recalibrated(forecasts_by(results, ranking[0])):
        drawings[DECISION_CURVE] = partial(draw_decision_curve, results)
    return drawings


def draw_reliability(results: Results, models: list[ModelResults]) -> bytes:
    """Observed share by stated probability, a panel per model, repeats pooled."""
    columns = min(4, len(models))
    rows = math.ceil(len(models) / columns)
    title = results.title + bracketed(results.flags)
    figure = new_figure(0.75 + 2.1 * columns, 1.25 + 2.2 * rows, title, computed_layout=False)
    all_axes = panels(figure, rows, columns, bottom=0.85, across=0.25, down=0.4, sharex=True, sharey=True)
    for number, axes in enumerate(all_axes.flat):
        if number >= len(models):
            axes.set_axis_off()
            continue
        repeats = forecasts_by(results, models[number])
        axes.plot([0, 1], [0, 1], **REFERENCE)
        _reliability(axes, repeats, "as predicted", BEFORE)
        if corrected := recalibrated(repeats):
            _reliability(axes, corrected, "recalibrated", AFTER)
        axes.set_title(models[number].name, fontsize=LABEL)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_aspect("equal")
        axes.tick_params(labelsize=SMALL, labelbottom=number + columns >= len(models))
        grid(axes)
    width, height = figure.get_size_inches()
    figure.supxlabel("stated probability of abnormal", fontsize=LABEL, y=0.38 / height, va="bottom")
    figure.supylabel("observed share of abnormal clips", fontsize=LABEL, x=0.08 / width, ha="left")
    handles, labels = all_axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=2, frameon=False, bbox_to_anchor=(0.5, 0.02 / height))
    return png(figure)


def draw_decision_curve(results: Results) -> bytes:
    """Net benefit by threshold, averaged over repeats."""
    figure = new_figure(8, 4.4, results.title + bracketed(results.flags))
    axes = figure.subplots()
    highest = 0.0
    for number, model in enumerate(leading_and_controls(results)):
        if repeats := recalibrated(forecasts_by(results, model)):
            benefit = [_mean(repeats, threshold) for threshold in THRESHOLDS]
            highest = max(highest, *benefit)
            axes.plot(100 * THRESHOLDS, benefit, label=model.name, linewidth=1.8, **line_style(number))
    first = forecasts_by(results, results.complete[0]).forecasts[0]
    everyone = np.ones((1, first.patients))
    of_all = [float(net_benefit_of_all(first, threshold, everyone)[0]) for threshold in THRESHOLDS]
    axes.plot(100 * THRESHOLDS, of_all, color="0.4", linewidth=1, label="act on every clip")
    axes.axhline(0, label="act on none", **REFERENCE)
    axes.set_ylim(-SHOWN_LOSS, 1.1 * max(highest, of_all[0]))
    axes.set_xlim(0, 100 * THRESHOLDS[-1])
    axes.set_xlabel("probability from which on one acts (%)", fontsize=LABEL)
    axes.set_ylabel("net benefit per clip", fontsize=LABEL)
    grid(axes)
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
    return png(figure)


def _reliability(axes: Axes, repeats: Repeats, label: str, style: Mapping[str, Any]) -> None:
    bins = reliability(repeats.pooled)
    axes.plot(bins[:, 0], bins[:, 1], markersize=3.5, linewidth=1.3, label=label, **style)


def _mean(repeats: Repeats, threshold: float) -> float:
    everyone = np.ones((1, repeats.forecasts[0].patients))
    return float(np.mean([net_benefit(forecasts, threshold, everyone) for forecasts in repeats.forecasts]))
