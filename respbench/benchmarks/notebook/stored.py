"""What runs have stored, as tidy tables."""

from pathlib import Path

import pandas as pd

from respbench.benchmarks.opening import stored_reports
from respbench.benchmarks.report.leaderboard import leaderboard_rows
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import NO_INTERVAL, metrics_of


def results(path: Path | str = "results") -> pd.DataFrame:
    """Load the leaderboards of runs: one row per model and metric.

    Numbers are computed from the stored predictions, whether or not a report was written.

    Args:
        path: the folder of one report, ``results/<corpus>/<task>/<protocol>``, or one above several.

    Returns:
        corpus, task, protocol, model, metric, value, low, high (95 % interval over patients), repeats, status, warning;
        numbers are NaN where they can't be computed, or a model isn't complete.

    Raises:
        InputError: there are no stored runs, or their files can't be used.
    """
    rows = []
    for store in stored_reports(Path(path)):
        found = load_results(store)
        where = {"corpus": found.corpus.name, "task": found.task, "protocol": found.protocol.name}
        for row in leaderboard_rows(found):
            about = {"repeats": row["repeats"], "status": str(row["status"]), "warning": row["warning"]}
            for metric in metrics_of(found.classes):
                value = row[metric]
                numbers = (
                    (value,) if metric in NO_INTERVAL else () if value is None else (value.value, value.low, value.high)
                )
                cells = dict(zip(("value", "low", "high"), numbers, strict=False))
                nothing = dict.fromkeys(("value", "low", "high"), float("nan"))
                rows.append({**where, "model": row["model"], "metric": metric, **nothing, **cells, **about})
    return pd.DataFrame(rows)


def predictions(path: Path | str = "results") -> pd.DataFrame:
    """Load the predictions of runs: one row per prediction of a clip.

    Args:
        path: the folder of one report, ``results/<corpus>/<task>/<protocol>``, or one above several.

    Returns:
        corpus, task, protocol, model, repeat, fold, clip_id, patient, label (class name), and a probability column per
        class, named ``p_<class>``; NaN where a task has no such class.

    Raises:
        InputError: there are no stored runs, or their files can't be used.
    """
    parts = []
    for store in stored_reports(Path(path)):
        for fit in store:
            record = fit.record
            corpus = record.corpus.tested or record.corpus
            where = {"corpus": corpus.name, "task": record.task, "protocol": record.protocol, "model": fit.key.model}
            about = {**where, "repeat": fit.key.seed, "fold": fit.key.fold}
            table = fit.predictions.rename(columns={name: f"p_{name}" for name in record.classes})
            parts.append(pd.concat([pd.DataFrame(about, index=table.index), table], axis=1))
    return pd.concat(parts, ignore_index=True)
