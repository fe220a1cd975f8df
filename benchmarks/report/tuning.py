"""The section about tuned models: each beside itself with its default parameters, and what was tried for it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.report.leaderboard import formatted_costs
from benchmarks.report.tables import Row
from benchmarks.statistics.comparisons import Pair, Verdict, tuned_pairs, verdict
from benchmarks.statistics.formatting import number
from benchmarks.statistics.metrics import LEADING
from benchmarks.statistics.results import ModelResults, Results
from benchmarks.storage.records import TrialRecord, TrialState
from benchmarks.tuning.analysis import defaults_chosen, inner_auroc, trials_of
from benchmarks.tuning.folds import INNER
from benchmarks.tuning.study import BATCH, WARM_UP


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """What the section shows: rows of its tables, and by model its trials, how many per study, and why not compared."""

    budgets: dict[str, int]
    batch: int
    inner_folds: int
    warm_up: int
    rows: list[list[object]]
    verdicts: dict[str, Verdict]
    studies: list[list[object]]
    obstacles: dict[str, str]
    trials: dict[str, list[TrialRecord]]
    untouched: list[str]


def tuning(results: Results) -> Tuning | None:
    """Compare tuned models with their defaults; None where there are none."""
    pairs = tuned_pairs(results)
    compared = [pair for pair in pairs if pair.comparable]
    if not pairs:
        return None
    tuned = {name for pair in pairs for name in (pair.model.name, pair.model.untuned)}
    return Tuning(
        budgets={pair.model.name: trial_budget(pair.model) for pair in pairs},
        batch=BATCH,
        inner_folds=INNER.folds,
        warm_up=WARM_UP,
        rows=[_row(pair) for pair in compared],
        verdicts={metric: verdict({p.model.name: p.gain(metric) for p in compared}) for metric in LEADING},
        studies=[_study(pair) for pair in pairs],
        obstacles={pair.model.name: pair.obstacle for pair in pairs if not pair.comparable},
        trials={pair.model.name: trials_of(pair.model) for pair in pairs},
        untouched=[model.name for model in results.models if model.name not in tuned and model.fits],
    )


def tuning_rows(results: Results) -> Iterator[Row]:
    """Yield the rows of tuning.csv; values are empty where ``status`` is not ``complete``.

    No seconds: the same results give the same file.
    """
    for pair in tuned_pairs(results):
        model, before, after = pair.model, *inner_auroc(pair.model)
        row: dict[str, object] = {"model": model.name, "untuned": model.untuned, "studies": len(model.fits)}
        row |= {"trials": trial_budget(model), **_states(model), "defaults_chosen": defaults_chosen(model)}
        row |= {"inner_auroc_before": before, "inner_auroc_after": after}
        for metric in LEADING:
            if pair.reference and pair.comparable:
                row[f"{metric}_before"], row[f"{metric}_after"] = pair.reference.value(metric), model.value(metric)
            row[f"{metric}_gain"] = pair.gain(metric)
        yield {**row, "status": pair.obstacle or "complete", "warning": "; ".join(results.flags)}


def trial_budget(model: ModelResults) -> int:
    """Trials per study; the same in all fits of a model, whose identity it is part of."""
    return len(model.fits[0].record.trials)


def _states(model: ModelResults) -> dict[str, int]:
    counts = Counter(trial.state for trial in trials_of(model))
    return {state: counts[state] for state in TrialState}


def _row(pair: Pair) -> list[object]:
    row: list[object] = [pair.model.name]
    for metric in LEADING:
        before = pair.reference.estimate(metric) if pair.reference else None
        row += [before, pair.model.estimate(metric), pair.gain(metric)]
    return row


def _study(pair: Pair) -> list[object]:
    model, before, after = pair.model, *inner_auroc(pair.model)
    return [
        model.name,
        len(model.fits),
        trial_budget(model),
        " / ".join(str(count) for count in _states(model).values()),
        f"{defaults_chosen(model)} of {len(model.fits)}",
        formatted_costs(model)["tune_seconds"],
        number(before),
        number(after),
        number(after - before, "+.3f"),
        number(pair.gain("auroc").value, "+.3f"),
    ]
