"""The leaderboard and the costs of all models: their CSV files, and the summary for the terminal."""

from collections.abc import Iterator

import numpy as np
from tabulate import tabulate

from benchmarks.report.tables import COSTS, Row
from benchmarks.statistics.bootstrap import LEVEL
from benchmarks.statistics.formatting import bracketed, cell
from benchmarks.statistics.metrics import METRICS
from benchmarks.statistics.results import ModelResults, Results

SUMMARY = {"score": "score", "auroc": "AUROC", "auroc_within_patients": "AUROC in patients"}
"""The metrics that fit on a terminal."""


def leaderboard_rows(results: Results) -> Iterator[Row]:
    """Yield the rows of leaderboard.csv."""
    for model in results.models:
        metrics = {metric: model.estimate(metric) for metric in METRICS}
        yield {"model": model.name, **metrics, "status": model.status, "warning": "; ".join(results.flags)}


def costs(model: ModelResults) -> Row:
    """Compute what a fit of this model costs: medians over its stored fits; only its name if there are none.

    Not means: the first fit that needs a feature computes it for all.
    """
    records = [fit.record for fit in model.fits]
    if not records:
        return {"model": model.name}
    predicted = sum(record.predict_seconds for record in records) / sum(record.test_clips for record in records)
    return {
        "model": model.name,
        "fit_seconds": float(np.median([record.fit_seconds for record in records])),
        "tune_seconds": float(np.median([record.tune_seconds for record in records])),
        "predict_ms_per_clip": 1000 * predicted,
        "parameters": round(np.mean([record.n_parameters for record in records])),
        "peak_mb": max(record.peak_mb for record in records),
        "threads": " or ".join(str(n) for n in sorted({record.threads for record in records})),
        "hardware": "; ".join(sorted({record.hardware for record in records})),
    }


def cost_rows(results: Results) -> Iterator[Row]:
    """Yield the rows of costs.csv, in the leaderboard's order."""
    return ({**costs(model), "warning": "; ".join(results.flags)} for model in results.models)


def formatted_costs(model: ModelResults) -> dict[str, str]:
    """Format the costs of a model as costs.csv does, by column."""
    row = costs(model)
    return {column.name: next(column.cells(row.get(column.name))) for column in COSTS.columns[1:-1]}


def summary(results: Results) -> str:
    """Format the leaderboard for a terminal of 80 columns: three metrics with their intervals."""
    rows = []
    for model in results.models:
        shown = [cell(model.estimate(metric), 2) for metric in SUMMARY]
        rows.append([model.name, *shown, str(model.status).partition(" (")[0]])
    table = tabulate(rows, headers=["model", *SUMMARY.values(), "status"], tablefmt="simple", disable_numparse=True)
    note = f"{LEVEL} % intervals over {len(results.patients)} patients; sorted by score"
    return "\n".join([results.title + bracketed(results.flags), *results.warnings, "", table, "", note])
