"""The figure over all corpora: AUROC of each model in each corpus, trained there or elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from respbench.benchmarks.report.figures.style import COLORS, LABEL, REFERENCE, SMALL, grid, new_figure, panels, png
from respbench.benchmarks.statistics.intervals import LEVEL, Estimate

MOST_COLUMNS = 4
"""Panels side by side."""

LEGEND_COLUMNS = 2

PANEL = 3.0
"""Width of a panel, in inches."""

MARKERS = "osD^vPX"
"""A second cue beside color."""

STEP = 0.13
"""Between two intervals of one model, in inches."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One task of one corpus.

    Attributes:
        title: of the panel.
        models: names, from top to bottom; the same in every panel.
        lines: by what a legend calls it, the AUROC of each model; the first is drawn on top.
    """

    title: str
    models: Sequence[str]
    lines: Mapping[str, Mapping[str, Estimate]]


def draw_generalization(shown: Sequence[Panel]) -> bytes:
    """AUROC with intervals: a panel per task and corpus, a row per model, one color per way of training."""
    names = list(dict.fromkeys(name for panel in shown for name in panel.lines))
    models = shown[0].models
    columns = min(len(shown), MOST_COLUMNS)
    rows = -(-len(shown) // columns)
    left, bottom = 0.25 + 0.068 * max(map(len, models)), 0.45 + 0.19 * -(-len(names) // LEGEND_COLUMNS)
    row_height = 0.12 + STEP * max(len(panel.lines) for panel in shown)
    width = max(left + 0.15 + PANEL * columns + 0.15 * (columns - 1), 7.0)
    height = rows * row_height * len(models) + (rows - 1) * 0.6 + bottom + 0.65
    title = f"AUROC in each corpus ({LEVEL} % intervals; dashed: chance)"
    figure = new_figure(width, height, title, computed_layout=False)
    margins = {"left": left, "bottom": bottom, "across": 0.15, "down": 0.6}
    all_axes = panels(figure, rows, columns, sharex=True, sharey=True, **margins)
    for axes in all_axes.flat[len(shown) :]:
        axes.set_axis_off()
    for axes, panel in zip(all_axes.flat, shown, strict=False):
        _draw(axes, panel, names)
    all_axes[0, 0].set_ylim(len(models) - 0.5, -0.5)
    labels = [axes.get_legend_handles_labels() for axes in all_axes.flat]
    handles = {name: handle for pair in labels for handle, name in zip(*pair, strict=True)}
    figure.legend(
        [handles[name] for name in names],
        names,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.02 / height),
        ncols=LEGEND_COLUMNS,
        frameon=False,
    )
    return png(figure)


def _draw(axes: Axes, panel: Panel, names: Sequence[str]) -> None:
    for row in range(0, len(panel.models), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="0.97", linewidth=0)
    axes.axvline(0.5, **REFERENCE)
    step = 1 / (len(panel.lines) + 1)
    for number, (name, line) in enumerate(panel.lines.items()):
        color = COLORS[names.index(name) % len(COLORS)]
        known = {row: line[model] for row, model in enumerate(panel.models) if model in line}
        places = [row - 0.5 + step * (number + 1) for row in known]
        axes.hlines(
            places, [v.low for v in known.values()], [v.high for v in known.values()], color=color, linewidth=1.6
        )
        marker = MARKERS[names.index(name) % len(MARKERS)]
        values = [value.value for value in known.values()]
        axes.plot(values, places, marker, markersize=5, color=color, label=name)
    for row, model in enumerate(panel.models):
        if not any(model in line for line in panel.lines.values()):
            axes.text(0.5, row, " not run", color="0.5", fontsize=SMALL, va="center")
    axes.set_title(panel.title, fontsize=LABEL)
    axes.set_yticks(range(len(panel.models)), panel.models, fontsize=SMALL)
    axes.tick_params(labelbottom=True)
    grid(axes, "x")
