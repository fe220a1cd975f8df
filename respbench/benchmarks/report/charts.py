"""The interactive figures of report.html: leaderboard, ROC curves and learning curves."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from respbench.benchmarks.report.chart_data import Chart, Intervals, Line, Lines
from respbench.benchmarks.report.figures.curves import LEARNING, REACHED, curves_by_twin, twin_figure
from respbench.benchmarks.statistics.confusion import GRID, mean_roc
from respbench.benchmarks.statistics.intervals import LEVEL
from respbench.benchmarks.statistics.metrics import NO_INTERVAL, metrics_of
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.benchmarks.storage.records import CurveRow
from respbench.corpora.wording import in_words_of

DIGITS = 6
"""Of every number: rounding again for the screen gives what the tables show."""

EPOCHS = 60
"""Points per learning curve at most; longer ones are thinned evenly."""

QUANTITIES = {
    "train_loss": "training loss",
    "valid_loss": "validation loss",
    "train_accuracy": "training accuracy",
    "valid_accuracy": "validation accuracy",
    "valid_score": "validation score",
    "unsupervised_loss": "unsupervised loss",
    "alpha": "weight of the unsupervised loss",
    "confident": "share of confident pseudo-labels",
    "confident_accuracy": "share of these that are right",
}
"""What learning curves record, with names for readers; anything else is shown by its own name."""

TOGETHER = {"losses": ("train_loss", "valid_loss"), "accuracy": ("train_accuracy", "valid_accuracy")}
"""What is shown on the same axes for one model."""


def plan_charts(results: Results) -> dict[str, Chart]:
    """List the interactive figures by the name of the figure that they replace."""
    charts = {}
    if results.complete:
        charts["leaderboard.png"] = leaderboard_chart(results)
        if results.has_normal:
            charts["roc.png"] = roc_chart(results.complete)
    semi_supervised = curves_by_twin(results)
    shown = {model.name for models in semi_supervised.values() for model in models}
    networks = [model for model in results.models if curves_of(model) and model.name not in shown]
    if networks:
        charts[LEARNING] = training_chart(networks)
    charts |= {twin_figure(twin): training_chart(models) for twin, models in semi_supervised.items()}
    return {name: _in_words_of(chart, results) for name, chart in charts.items()}


def _in_words_of(chart: Chart, results: Results) -> Chart:
    """The same chart, in the words of the corpus."""
    views = [replace(view, name=in_words_of(view.name, results.corpus)) for view in chart.views]
    return replace(chart, caption=in_words_of(chart.caption, results.corpus), views=views)


def leaderboard_chart(results: Results) -> Chart:
    """Every metric of complete models with its interval."""
    views = []
    for metric, name in metrics_of(results.classes).items():
        if metric in NO_INTERVAL:
            continue
        estimates = [(model.name, model.estimate(metric)) for model in results.complete]
        rows: list[list[str | float | None]] = [
            [model, *_rounded((found.value, found.low, found.high))]
            for model, found in estimates
            if found and math.isfinite(found.value) and math.isfinite(found.low)
        ]
        if rows:
            reference = results.chance if metric == "score" else 0.5 if metric.startswith("auroc") else None
            views.append(Intervals(name=name, reference=reference, rows=rows))
    caption = (
        f"Each model with its {LEVEL} % interval over patients, in the order of the table; dashed: {_chance(results)}."
    )
    return Chart(caption=caption, label="Metric", views=views, lines={})


def roc_chart(models: Sequence[ModelResults]) -> Chart:
    """The mean ROC curve of complete models."""
    lines, labels = {}, []
    for model in models:
        curve, area = mean_roc(list(model.predictions.values()))
        if math.isfinite(area):
            lines[model.name] = Line(first=0, step=float(GRID[1]), y=_rounded(curve), low=[], high=[])
            labels.append((f"{model.name} ({area:.2f})", model.name))
    x, y = "normal clips called abnormal (1 - specificity)", "abnormal clips called abnormal"
    view = Lines(group="", name="all models", x=x, y=y, diagonal=True, lines=labels)
    caption = (
        "ROC curves, abnormal against normal: the mean over folds and repeats, with the area under it in brackets."
    )
    return Chart(caption=caption, label="Models", views=[view], lines=lines)


def training_chart(models: Sequence[ModelResults]) -> Chart:
    """Learning curves: the mean over fits with the range of all fits, by quantity and by model."""
    lines = {}
    recorded = defaultdict(list)
    for model in models:
        curves = curves_of(model)
        keys = dict.fromkeys(key for curve in curves for row in curve for key in row if key not in ("epoch", "kept"))
        for key in keys:
            if line := mean_curve(curves, key):
                lines[f"{model.name} {key}"] = line
                recorded[key].append(model.name)
    views = [
        Lines(
            group="One model",
            name=f"{model.name}: {what}",
            x="epoch",
            y=what,
            diagonal=False,
            lines=[(_quantity(key), f"{model.name} {key}") for key in keys],
        )
        for model in models
        for what, keys in TOGETHER.items()
        if all(f"{model.name} {key}" in lines for key in keys)
    ]
    views += [
        Lines(
            group="All models",
            name=_quantity(key),
            x="epoch",
            y=_quantity(key),
            diagonal=False,
            lines=[(name, f"{name} {key}") for name in names],
        )
        for key, names in recorded.items()
    ]
    caption = "Learning curves: the mean over fits, and a band from the lowest to the highest fit."
    return Chart(caption=caption, label="Curves", views=views, lines=lines)


def mean_curve(curves: Sequence[Sequence[CurveRow]], key: str) -> Line | None:
    """Average a quantity over fits by epoch, while at least `REACHED` of them still train; None if there is none.

    A band goes from the lowest to the highest fit.
    """
    by_epoch = defaultdict(list)
    for curve in curves:
        for row in curve:
            if (value := row.get(key)) is not None and math.isfinite(value):
                by_epoch[int(row["epoch"])].append(value)
    epochs = [epoch for epoch in sorted(by_epoch) if len(by_epoch[epoch]) >= REACHED * len(curves)]
    if not epochs:
        return None
    step = math.ceil((epochs[-1] - epochs[0] + 1) / EPOCHS)
    values = [by_epoch[epoch] for epoch in range(epochs[0], epochs[-1] + 1, step)]
    return Line(
        first=epochs[0],
        step=step,
        y=_rounded(float(np.mean(each)) if each else math.nan for each in values),
        low=_rounded(min(each, default=math.nan) for each in values),
        high=_rounded(max(each, default=math.nan) for each in values),
    )


def curves_of(model: ModelResults) -> list[Sequence[CurveRow]]:
    """The learning curves of a model's fits; none for a model without epochs."""
    return [fit.record.curve for fit in model.fits if fit.record.curve]


def _chance(results: Results) -> str:
    return "0.5" if results.has_normal else "chance"


def _quantity(key: str) -> str:
    return QUANTITIES.get(key, key.replace("_", " "))


def _rounded(values: Iterable[float]) -> list[float | None]:
    """Few digits, and None where a number is undefined, which JSON has no name for."""
    return [float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None for value in values]
