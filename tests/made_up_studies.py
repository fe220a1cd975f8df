"""Made-up studies for stored fits, as tuning would leave them, for the tests of the report."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from made_up_results import change_record, made_up_results
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.benchmarks.storage.records import TrialRecord, TrialState
from respbench.benchmarks.storage.store import Store
from respbench.benchmarks.tuning.choice import candidates, choose

SPACE: dict[str, BaseDistribution] = {
    "C": FloatDistribution(1e-2, 1e2, log=True),
    "depth": IntDistribution(2, 8),
    "images": CategoricalDistribution(["resized", "repeated"]),
}
MIDDLE = {"C": 1.0, "depth": 5, "images": "resized"}

Study = Callable[[int], list[TrialRecord]]
"""The trials of the n-th fit."""


def trial(number: int, value: float | None, **changes: Any) -> TrialRecord:
    """A trial as a run stores it; without a value, it failed unless ``state`` says otherwise."""
    suggested = changes.pop("suggested", {"C": 1.0} if number == 0 else MIDDLE)
    texts = {name: distribution_to_json(SPACE[name]) for name in suggested}
    state = TrialState.COMPLETE if value is not None else changes.pop("state", TrialState.FAILED)
    return TrialRecord(
        number=number, state=state, value=value, suggested=suggested, distributions=texts, seconds=0.5, **changes
    )


def confirmations(trials: list[TrialRecord]) -> list[TrialRecord]:
    """Of the candidates: half of each gain remains on fresh folds, ± 0.01 from fold to fold."""
    found = []
    for one in candidates(trials):
        value = trials[0].value or 0.5
        mean = value + ((one.value or 0.0) - value) / 2
        values = tuple(mean + (0.01 if one.number else 0.0) * (-1) ** fold for fold in range(8))
        found.append(replace(one, value=mean, inner_values=values, suggested={}, distributions={}))
    return found


def tune(store: Store, model: str, study: Study, confirmed: bool = True) -> None:
    """Turn the stored fits of a model into tuned ones; unless ``confirmed``, as versions without confirmations did."""
    for n, key in enumerate(sorted(key for key in store.fits() if key.model == model)):
        trials = study(n)
        fresh = confirmations(trials) if confirmed else []
        best = max((t for t in trials if t.value is not None), key=lambda t: (t.value, -t.number))
        change_record(
            store,
            key,
            untuned=model.removesuffix("-tuned"),
            chosen_trial=(choose(trials, fresh) if confirmed else best).number,
            trials=tuple(trials),
            confirmations=tuple(fresh),
            tune_seconds=2.0,
            kind="baseline",
            supervised_baseline="",
            curve=(),
        )


def usual(n: int) -> list[TrialRecord]:
    """Defaults 0.6, then 0.5, 0.7 and 0.65; in the study 0, the defaults are best."""
    return [trial(0, 0.9 if n == 0 else 0.6), trial(1, 0.5), trial(2, 0.7), trial(3, 0.65)]


def model_of(results: Results, name: str) -> ModelResults:
    """A model, complete or not."""
    return next(model for model in results.models if model.name == name)


def studied(folder: Path, study: Study, seeds: int = 2) -> Results:
    """`svm` and `svm-tuned` with these studies."""
    store = made_up_results(folder, {"svm": 1.0, "svm-tuned": 1.2}, seeds=seeds)
    tune(store, "svm-tuned", study)
    return load_results(store)
