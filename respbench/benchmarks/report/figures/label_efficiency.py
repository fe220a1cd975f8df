"""The figure of label efficiency: metrics by budget, a column per backbone, the supervised twin in the foreground."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from respbench.benchmarks.report.figures.style import LABEL, grid, line_style, new_figure, png
from respbench.benchmarks.statistics.intervals import LEVEL, Estimate

SPREAD = 0.5
"""Of the distance between two budgets, over which the models of one budget are drawn side by side."""

TWIN = "supervised-"
"""How the names of twins begin; the rest is the backbone's, in which the names of its semi-supervised models end."""


@dataclass(frozen=True)
class Panel:
    """A twin and the semi-supervised models over the same backbone: a metric of each by budget (%).

    Attributes:
        twin: its name.
        supervised: the twin's; empty if it isn't complete anywhere.
        lines: by model.
    """

    twin: str
    supervised: Mapping[int, Estimate]
    lines: Mapping[str, Mapping[int, Estimate]]

    @property
    def backbone(self) -> str:
        """The twin's name without what all twins have in common."""
        return self.twin.removeprefix(TWIN)

    def method(self, model: str) -> str:
        """A model's name without that of the backbone."""
        return model.replace(f"-{self.backbone}", "", 1)


def draw_label_efficiency(title: str, metrics: Mapping[str, Sequence[Panel]]) -> bytes:
    """Metrics with intervals by budget.

    Args:
        title: with the flags.
        metrics: by name, its panels; at least one, and the same backbones for each metric.
    """
    every = [panel for panels in metrics.values() for panel in panels]
    budgets = sorted({b for p in every for line in (p.supervised, *p.lines.values()) for b in line})
    methods = sorted({panel.method(model) for panel in every for model in panel.lines})
    columns = len(every) // len(metrics)
    figure = new_figure(2.2 + (3.2 + 0.45 * len(budgets)) * columns, 0.6 + 3.2 * len(metrics), title)
    all_axes = figure.subplots(len(metrics), columns, squeeze=False, sharex=True, sharey="row")
    for row, (name, panels) in zip(all_axes, metrics.items(), strict=True):
        row[0].set_ylabel(f"{name} ({LEVEL} % interval)", fontsize=LABEL)
        for axes, panel in zip(row, panels, strict=True):
            _draw(axes, panel, budgets, methods)
    for axes, panel in zip(all_axes[0], every, strict=False):
        axes.set_title(panel.backbone, fontsize=LABEL)
    labels = [axes.get_legend_handles_labels() for axes in all_axes.flat]
    handles = {name: handle for pair in labels for handle, name in zip(*pair, strict=True)}
    order = [name for name in ("supervised twin", *methods) if name in handles]
    figure.legend([handles[name] for name in order], order, loc="outside right center", frameon=False)
    figure.supxlabel("training patients whose labels are kept (%)", fontsize=LABEL)
    return png(figure)


def _draw(axes: Axes, panel: Panel, budgets: Sequence[int], methods: Sequence[str]) -> None:
    """One backbone. Every method has the same color and position in every panel."""
    step = SPREAD / (len(methods) + 1)
    for model, line in sorted(panel.lines.items()):
        number = methods.index(panel.method(model))
        offset = step * (number + 1) - SPREAD / 2
        _line(axes, line, budgets, offset, panel.method(model), width=1.4, marker="o", **line_style(number))
    twin = {"color": "black", "linestyle": "-"}
    _line(axes, panel.supervised, budgets, -SPREAD / 2, "supervised twin", width=3, marker="s", **twin)
    axes.set_xticks(range(len(budgets)), [str(budget) for budget in budgets])
    axes.set_xlim(-0.5, len(budgets) - 0.5)
    axes.tick_params(labelbottom=True)
    grid(axes, "y")


def _line(
    axes: Axes,
    line: Mapping[int, Estimate],
    budgets: Sequence[int],
    offset: float,
    name: str,
    width: float,
    marker: str,
    color: str,
    linestyle: str,
) -> None:
    known = {budgets.index(budget) + offset: value for budget, value in line.items() if math.isfinite(value.value)}
    if not known:
        return
    axes.vlines(
        list(known), [v.low for v in known.values()], [v.high for v in known.values()], color=color, linewidth=width
    )
    axes.plot(
        list(known),
        [value.value for value in known.values()],
        linewidth=width,
        linestyle=linestyle,
        marker=marker,
        markersize=3 + width,
        color=color,
        label=name,
    )
