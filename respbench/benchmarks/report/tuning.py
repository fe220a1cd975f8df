"""The section about tuned models: each beside itself with its default parameters, and what its studies chose."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from respbench.benchmarks.report.costs import formatted_costs
from respbench.benchmarks.report.tables import Row
from respbench.benchmarks.statistics.comparisons import Pair, Verdict, tuned_pairs, verdict
from respbench.benchmarks.statistics.formatting import number
from respbench.benchmarks.statistics.metrics import LEADING, nanmean
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.benchmarks.storage.records import TrialRecord, TrialState
from respbench.benchmarks.tuning.analysis import (
    confirmations_of,
    defaults_chosen,
    inner_gain,
    outer_gains,
    trials_of,
    without_extreme,
)
from respbench.benchmarks.tuning.choice import CHALLENGERS
from respbench.benchmarks.tuning.folds import INNER
from respbench.benchmarks.tuning.study import BATCH, REPEATS, REPEATS_BY_EPOCH, WARM_UP


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """What the section shows.

    Attributes:
        budgets: trials per study, by model.
        rows: of the table of models before and after.
        verdicts: by metric, of the models with several repeats that differ from their defaults.
        single: those with one repeat, of which nothing is concluded.
        kept: models whose studies all kept the defaults.
        studies: rows of the table of studies.
        folds: rows of the table of outer folds: model, repeat, the difference of each fold.
        fold_names: headers of these.
        unconfirmed: models whose parameters an earlier version chose by the trials' values alone.
        obstacles: why models can't be compared.
        attempts: by "trials" and "confirmations", those of each model.
        untouched: models that were not tuned.
    """

    batch: int = BATCH
    inner_folds: int = INNER.folds
    warm_up: int = WARM_UP
    challengers: int = CHALLENGERS
    confirmed_on: int = REPEATS * INNER.folds
    networks_confirmed_on: int = REPEATS_BY_EPOCH * INNER.folds
    budgets: dict[str, int]
    rows: list[list[object]]
    verdicts: dict[str, Verdict]
    single: list[str]
    kept: list[str]
    studies: list[list[object]]
    folds: list[list[object]]
    fold_names: list[str]
    unconfirmed: list[str]
    obstacles: dict[str, str]
    attempts: dict[str, dict[str, list[TrialRecord]]]
    untouched: list[str]


def tuning(results: Results) -> Tuning | None:
    """Compare tuned models with their defaults; None where there are none."""
    pairs = tuned_pairs(results)
    compared = [pair for pair in pairs if pair.comparable]
    if not pairs:
        return None
    tuned = {name for pair in pairs for name in (pair.model.name, pair.model.untuned)}
    kept = [pair.model.name for pair in compared if defaults_chosen(pair.model) == len(pair.model.fits)]
    changed = [pair for pair in compared if pair.model.name not in kept]
    repeated = [pair for pair in changed if pair.shared_repeats > 1]
    fold_numbers = sorted({fit.key.fold for pair in compared for fit in pair.model.fits})
    return Tuning(
        budgets={pair.model.name: trial_budget(pair.model) for pair in pairs},
        rows=[_row(pair) for pair in compared],
        verdicts={metric: verdict({p.model.name: p.gain(metric) for p in repeated}) for metric in LEADING},
        single=[pair.model.name for pair in changed if pair.shared_repeats == 1],
        kept=kept,
        studies=[_study(pair) for pair in pairs],
        folds=[row for pair in compared for row in _fold_rows(pair, fold_numbers)],
        fold_names=[f"fold {fold}" for fold in fold_numbers],
        unconfirmed=[pair.model.name for pair in pairs if not any(f.record.confirmations for f in pair.model.fits)],
        obstacles={pair.model.name: pair.obstacle for pair in pairs if not pair.comparable},
        attempts={
            "trials": {pair.model.name: trials_of(pair.model) for pair in pairs},
            "confirmations": {pair.model.name: confirmations_of(pair.model) for pair in pairs},
        },
        untouched=[model.name for model in results.models if model.name not in tuned and model.fits],
    )


def tuning_rows(results: Results) -> Iterator[Row]:
    """Yield the rows of tuning.csv; values are empty where ``status`` is not ``complete``.

    No seconds: the same results give the same file.
    """
    for pair in tuned_pairs(results):
        model, gain = pair.model, inner_gain(pair.model)
        row: dict[str, object] = {"model": model.name, "untuned": model.untuned, "repeats": pair.shared_repeats}
        row |= {"studies": len(model.fits), "trials": trial_budget(model), **_states(model)}
        row |= {"defaults_chosen": defaults_chosen(model)}
        row |= {"found_gain": gain.found, "fresh_gain": gain.fresh, "fresh_gain_error": gain.error}
        for metric in LEADING:
            if pair.reference and pair.comparable:
                row[f"{metric}_before"], row[f"{metric}_after"] = pair.reference.value(metric), model.value(metric)
            row[f"{metric}_gain"] = pair.gain(metric)
        row["auroc_gain_without_extreme_fold"] = without_extreme([*_outer_gains(pair).values()])
        yield {**row, "status": pair.obstacle or "complete", "warning": "; ".join(results.flags)}


def trial_budget(model: ModelResults) -> int:
    """Trials per study; the same in all fits of a model, whose identity it is part of."""
    return len(model.fits[0].record.trials)


def _states(model: ModelResults) -> dict[str, int]:
    counts = Counter(trial.state for trial in trials_of(model))
    return {state: counts[state] for state in TrialState}


def _row(pair: Pair) -> list[object]:
    row: list[object] = [pair.model.name, pair.shared_repeats]
    for metric in LEADING:
        before = pair.reference.estimate(metric) if pair.reference else None
        row += [before, pair.model.estimate(metric), pair.gain(metric)]
    return row


def _study(pair: Pair) -> list[object]:
    model, gain = pair.model, inner_gain(pair.model)
    return [
        model.name,
        len(model.fits),
        trial_budget(model),
        " / ".join(str(count) for count in _states(model).values()),
        formatted_costs(model)["tune_seconds"],
        number(gain.found, "+.3f"),
        number(gain.fresh, "+.3f"),
        number(gain.error),
        f"{defaults_chosen(model)} of {len(model.fits)}",
    ]


def _outer_gains(pair: Pair) -> dict[tuple[int, int], float]:
    return outer_gains(pair.model, pair.reference) if pair.reference and pair.comparable else {}


def _fold_rows(pair: Pair, folds: list[int]) -> Iterator[list[object]]:
    """Yield a row for each repeat, and one for all of them."""
    gains = _outer_gains(pair)
    for seed in sorted({seed for seed, _ in gains}):
        values = [gains.get((seed, fold), np.nan) for fold in folds]
        yield [
            pair.model.name,
            seed,
            *(number(value, "+.3f") for value in values),
            number(float(nanmean(np.array(values))), "+.3f"),
        ]
    rest = number(without_extreme([*gains.values()]), "+.3f")
    yield [pair.model.name, "all, without the most extreme fold", *("" for _ in folds), rest]
