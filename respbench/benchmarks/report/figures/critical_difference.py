"""The critical-difference diagram: mean ranks over corpora, with bars over models that are not separated."""

from matplotlib.axes import Axes

from respbench.benchmarks.report.figures.style import LABEL, SMALL, new_figure, png
from respbench.benchmarks.statistics.critical_difference import CriticalDifference

AXIS = 4.6
"""Its width, in inches."""

LINE, GAP = 0.24, 0.13
"""Heights of a name and of a bar, in inches."""


def draw_critical_difference(found: CriticalDifference) -> bytes:
    """Mean ranks on an axis, best left, each joined to its model's name; a bar covers models of no separated pair."""
    models = list(found.ranks)
    left = models[: (len(models) + 1) // 2]
    bars = 0.3 + GAP * len(found.groups)
    height = 1.1 + bars + LINE * len(left)
    title = f"AUROC: mean ranks over {found.corpora} corpora; a bar joins models that are not separated"
    margin = max(1.2, 0.6 + 0.078 * max(map(len, models)))
    width = AXIS + 2 * margin
    figure = new_figure(width, height, title, computed_layout=False)
    figure.texts[0].set_y(1 - 0.12 / height)
    axes = figure.add_axes((margin / width, 0.1 / height, AXIS / width, 1 - 0.85 / height))
    axes.set_xlim(1, len(models))
    axes.set_ylim(height - 0.95, 0)  # inches below the axis
    axes.xaxis.tick_top()
    axes.set_yticks([])
    for side in ("left", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_xticks(range(1, 1 + len(models)))
    axes.tick_params(labelsize=SMALL)
    for number, group in enumerate(found.groups):
        ends = [found.ranks[group[0]] - 0.04, found.ranks[group[-1]] + 0.04]
        axes.plot(ends, [0.15 + GAP * number] * 2, color="0.3", linewidth=4, solid_capstyle="butt", clip_on=False)
    for number, model in enumerate(models):
        first = model in left
        row = number if first else len(models) - 1 - number
        _name(axes, model, found.ranks[model], bars + LINE * (row + 0.5), first, len(models))
    return png(figure)


def _name(axes: Axes, model: str, rank: float, depth: float, left: bool, worst: int) -> None:
    edge, sign = (1.0, -1) if left else (float(worst), 1)
    axes.plot([rank, rank, edge], [0, depth, depth], color="0.3", linewidth=0.9, clip_on=False)
    text = f"{model}  {rank:.2f}"
    offset = (4 * sign, 0)
    alignment = "right" if left else "left"
    axes.annotate(
        text, (edge, depth), offset, textcoords="offset points", ha=alignment, va="center", fontsize=LABEL - 1
    )
