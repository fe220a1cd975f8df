"""The page of all metrics of all models: who ranks best, overall and within groups of like clips, and the decisions."""

from dataclasses import dataclass

from respbench.benchmarks.statistics.formatting import number
from respbench.benchmarks.statistics.intervals import Estimate
from respbench.benchmarks.statistics.metrics import NO_INTERVAL, metrics_of
from respbench.benchmarks.statistics.results import DURATION, ModelResults, Results
from respbench.benchmarks.storage.store import CLIPS

RANKING = ("score", "auroc", "auroc_all_classes", "patient_macro_score")
WITHIN = ("auroc_within_patients", "auroc_within_recordings", "auroc_within_durations", "auroc_within_strata")
DECISIONS = ("sensitivity", "specificity", "macro_f1", "accuracy")
CHALLENGES = {"sprsound": ("challenge_score",)}
"""Metrics that the decisions on a corpus are also judged by, since its challenge defines them."""


@dataclass(frozen=True, kw_only=True)
class MetricTable:
    """The models by some metrics; with a column of what is lacking unless all are complete."""

    metrics: tuple[str, ...]
    rows: list[list[object]]
    incomplete: bool


@dataclass(frozen=True, kw_only=True)
class MetricTables:
    """The tables of the page, and AUROC within durations of the control `duration`; None if that is not complete."""

    ranking: MetricTable
    within: MetricTable
    decisions: MetricTable
    duration: Estimate | None
    clips_file: str = CLIPS


def metric_tables(results: Results) -> MetricTables:
    """Collect every metric of every model."""
    duration = results.find(DURATION)
    return MetricTables(
        ranking=_table(results, RANKING),
        within=_table(results, WITHIN),
        decisions=_table(results, DECISIONS + CHALLENGES.get(results.corpus.name, ())),
        duration=duration.estimate("auroc_within_durations") if duration else None,
    )


def _table(results: Results, wanted: tuple[str, ...]) -> MetricTable:
    metrics = tuple(metric for metric in wanted if metric in metrics_of(results.classes))
    incomplete = len(results.complete) < len(results.models)
    rows: list[list[object]] = [
        [model.name, model.kind or "", *(_cell(model, metric) for metric in metrics), *([model.status] * incomplete)]
        for model in results.models
    ]
    return MetricTable(metrics=metrics, rows=rows, incomplete=incomplete)


def _cell(model: ModelResults, metric: str) -> Estimate | str | None:
    return number(model.value(metric)) if metric in NO_INTERVAL else model.estimate(metric)
