"""The figure of subgroups: AUROC of the leading model and of a control in each, with intervals."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from respbench.benchmarks.report.figures.style import COLORS, LABEL, REFERENCE, SMALL, Drawings, grid, new_figure, png
from respbench.benchmarks.statistics.forecasting import forecasts_by, leading_and_controls
from respbench.benchmarks.statistics.forecasts import auroc_in_folds
from respbench.benchmarks.statistics.formatting import bracketed
from respbench.benchmarks.statistics.intervals import LEVEL, Estimate
from respbench.benchmarks.statistics.results import METADATA, Results
from respbench.benchmarks.statistics.subgroups import MeasuredSubgroup, measured_subgroups, subgroups, tested_clips

SUBGROUPS = "subgroups.png"

APART = 0.18
"""Of the distance between two rows, from the middle to a model's marker."""


def plan_subgroups(results: Results) -> Drawings:
    """List the figure, if there are subgroups."""
    shown = leading_and_controls(results)
    if results.clips is None or results.protocol.ablation_of or not shown:
        return {}
    tested = tested_clips(results.clips, forecasts_by(results, shown[0]))
    if not subgroups(results.clips, tested):
        return {}
    return {SUBGROUPS: partial(draw_subgroups, results)}


def draw_subgroups(results: Results) -> bytes:
    """Draw a row per subgroup, a marker per model."""
    assert results.clips is not None
    leader, *others = leading_and_controls(results)
    models = {m.name: forecasts_by(results, m) for m in (leader, *others) if m in (leader, results.find(METADATA))}
    measured = measured_subgroups(results.clips, models)
    figure = new_figure(8, 1.3 + 0.27 * len(measured), results.title + bracketed(results.flags))
    axes = figure.subplots()
    for number, (name, repeats) in enumerate(models.items()):
        color = COLORS[number]
        overall = repeats.estimate(auroc_in_folds).value
        axes.axvline(overall, color=color, linewidth=0.8, alpha=0.6)
        offset = APART * (2 * number - len(models) + 1)
        _draw(axes, [one.auroc[name] for one in measured], measured, offset, color)
        axes.plot([], [], "o", color=color, markersize=5, label=name)
    axes.axvline(0.5, **REFERENCE)
    for row in _borders(measured):
        axes.axhline(row - 0.5, color="0.85", linewidth=0.8)
    labels = [f"{one.subgroup.value} ({one.size.patients} / {one.size.clips})" for one in measured]
    axes.set_yticks(range(len(measured)), labels, fontsize=SMALL)
    for first, last in zip([0, *_borders(measured)], [*_borders(measured), len(measured)], strict=True):
        axes.text(1.01, (first + last - 1) / 2, measured[first].subgroup.by, transform=axes.get_yaxis_transform())
    axes.set_ylim(len(measured) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"AUROC ({LEVEL} % interval); in brackets: patients / clips", fontsize=LABEL)
    grid(axes, "x")
    figure.legend(loc="outside lower center", ncols=len(models), frameon=False)
    return png(figure)


def _draw(
    axes: Axes, estimates: Sequence[Estimate], measured: Sequence[MeasuredSubgroup], offset: float, color: str
) -> None:
    for row, (found, one) in enumerate(zip(estimates, measured, strict=True)):
        if one.size.few:
            axes.plot([found.value], [row + offset], "o", color="0.6", markersize=5, markerfacecolor="none")
        else:
            axes.plot([found.low, found.high], [row + offset] * 2, color=color, linewidth=1.6)
            axes.plot([found.value], [row + offset], "o", color=color, markersize=5)


def _borders(measured: Sequence[MeasuredSubgroup]) -> list[int]:
    """Rows at which another column begins, but the first."""
    columns = [one.subgroup.by for one in measured]
    changed: list[int] = np.flatnonzero(
        [one != other for one, other in zip(columns[1:], columns, strict=False)]
    ).tolist()
    return [row + 1 for row in changed]
