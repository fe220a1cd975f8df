"""The costs of all models: fits and predictions as stored, and the extraction of their features, measured apart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from respbench.benchmarks.report.tables import COSTS, Row
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.benchmarks.storage.feature_costs import FeatureCost

UNMEASURED = "not measured"

SHOWN = (
    "fit_seconds",
    "tune_seconds",
    "features_ms_per_clip",
    "predict_ms_per_clip",
    "cold_ms_per_clip",
    "parameters",
    "peak_mb",
    "threads",
)
"""The columns of costs.csv that the page shows."""

FeatureCosts = Mapping[str, FeatureCost]


@dataclass(frozen=True, kw_only=True)
class Costs:
    """The section about costs.

    Attributes:
        rows: of the table: model, then the columns `SHOWN`.
        clips: number of clips that feature extraction was measured on, such as 32; empty if it wasn't measured.
        hardware: on which it was measured.
        other_hardware: on which fits were timed, unless that is the same.
        unmeasured: models whose feature extraction wasn't measured.
    """

    rows: list[list[object]]
    clips: list[int]
    hardware: list[str]
    other_hardware: list[str]
    unmeasured: list[str]


def costs(results: Results, measured: FeatureCosts) -> Costs:
    """Compute the section.

    Args:
        results: of the folder.
        measured: see `benchmarks.storage.feature_costs.read_feature_costs`.
    """
    rows = list(cost_rows(results, measured))
    used = [cost for model in results.models for cost in feature_costs(model, measured)]
    return Costs(
        rows=[[row["model"], *_shown(row)] for row in rows],
        clips=sorted({cost.clips for cost in used}),
        hardware=(hardware := sorted({cost.hardware for cost in used})),
        other_hardware=[] if hardware == (timed := sorted({fit.record.hardware for fit in results.fits})) else timed,
        unmeasured=[row["model"] for row in rows if len(row) > 2 and row.get("features_ms_per_clip") is None],
    )


def cost_rows(results: Results, measured: FeatureCosts) -> Iterator[Row]:
    """Yield the rows of costs.csv, in the leaderboard's order."""
    return ({**model_costs(model, measured), "warning": results.warning_of(model)} for model in results.models)


def model_costs(model: ModelResults, measured: FeatureCosts) -> Row:
    """Compute what a fit of this model costs: medians over its stored fits; only its name if there are none.

    Of predictions from outside, costs are unknown.

    Not means: the first fit that needs a feature computes it for all.
    """
    records = [fit.record for fit in model.fits]
    if not records or model.from_outside:
        return {"model": model.name}
    predicted = sum(record.predict_seconds for record in records) / sum(record.test_clips for record in records)
    row: dict[str, object] = {
        "model": model.name,
        "fit_seconds": float(np.median([record.fit_seconds for record in records])),
        "tune_seconds": float(np.median([record.tune_seconds for record in records])),
        "predict_ms_per_clip": 1000 * predicted,
        "parameters": round(np.mean([record.n_parameters for record in records])),
        "peak_mb": max(record.peak_mb for record in records),
        "threads": " or ".join(str(n) for n in sorted({record.threads for record in records})),
        "hardware": "; ".join(sorted({record.hardware for record in records})),
    }
    if extraction := feature_costs(model, measured):
        features = sum(cost.ms_per_clip for cost in extraction)
        row["features_ms_per_clip"] = features
        row["cold_ms_per_clip"] = features + 1000 * predicted
        row["features_hardware"] = "; ".join(sorted({cost.hardware for cost in extraction}))
    return row


def feature_costs(model: ModelResults, measured: FeatureCosts) -> list[FeatureCost]:
    """What extracting its features was measured to cost: of an ensemble, one cost per member; empty if unknown.

    A tuned model counts as the untuned one. An ensemble's members are added up although some share features: each has
    to be computed once, so that this is an upper bound.
    """
    if not model.fits or model.from_outside:
        return []
    names = sorted(model.fits[0].record.members) or [model.untuned or model.name]
    return [measured[name] for name in names] if all(name in measured for name in names) else []


def formatted_costs(model: ModelResults) -> dict[str, str]:
    """Format the stored costs of a model's fits as costs.csv does, by column."""
    row = model_costs(model, {})
    known = (column for column in COSTS.columns[1:] if column.name in row)
    return {column.name: next(column.cells(row[column.name])) for column in known}


def _shown(row: Row) -> list[str]:
    columns = {column.name: column for column in COSTS.columns}
    cells = [next(columns[name].cells(row.get(name))) for name in SHOWN]
    return [
        cell or (UNMEASURED if name.endswith("_ms_per_clip") else "") for name, cell in zip(SHOWN, cells, strict=True)
    ]
