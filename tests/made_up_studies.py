"""Made-up studies for stored fits, as tuning would leave them, for the tests of the report."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from made_up_results import made_up_results
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from test_report import change_facts

from benchmarks.report.leaderboard import leaderboard
from benchmarks.statistics.results import Results, ModelResults
from benchmarks.storage.store import Store

SPACE: dict[str, BaseDistribution] = {
    "C": FloatDistribution(1e-2, 1e2, log=True),
    "depth": IntDistribution(2, 8),
    "images": CategoricalDistribution(["resized", "repeated"]),
}
MIDDLE = {"C": 1.0, "depth": 5, "images": "resized"}


def trial(number: int, value: float | None, **changes: Any) -> dict[str, Any]:
    """The record of a trial, as the runner stores it."""
    state = "complete" if value is not None else changes.get("state", "failed")
    suggested = changes.pop("suggested", {"C": 1.0} if number == 0 else MIDDLE)
    texts = {name: distribution_to_json(SPACE[name]) for name in suggested}
    record = {"number": number, "state": state, "value": value, "parameters": {}, "suggested": suggested}
    return {**record, "distributions": texts, "curve": [], "patients": [], "error": "", "seconds": 0.5, **changes}


def tune(store: Store, model: str, study: Callable[[int], list[dict[str, Any]]]) -> None:
    """Turn the stored fits of a model into tuned ones; ``study`` gives the trials of the n-th."""
    fits = sorted(fit for fit in store.fits() if fit.model == model)
    for n, fit in enumerate(fits):
        trials = study(n)
        best = max((t for t in trials if t["value"] is not None), key=lambda t: (t["value"], -t["number"]))
        changes = {
            "untuned": model.removesuffix("-tuned"),
            "chosen_trial": best["number"],
            "supervised_baseline": "",
            "curve": [],
        }
        change_facts(store, fit, trials=trials, tune_seconds=2.0, kind="baseline", supervised_baseline="", **changes)


def usual(n: int) -> list[dict[str, Any]]:
    """Defaults 0.6, then 0.5, 0.7 and 0.65; in the study 0, the defaults are best."""
    return [trial(0, 0.9 if n == 0 else 0.6), trial(1, 0.5), trial(2, 0.7), trial(3, 0.65)]


def entry_of(results: Results, model: str) -> ModelResults:
    return next(entry for entry in results.models if entry.name == model)


def studied(folder: Path, study: Callable[[int], list[dict[str, Any]]], seeds: int = 2) -> Results:
    """`svm` and `svm-tuned` with these studies."""
    store = made_up_results(folder, {"svm": 1.0, "svm-tuned": 1.2}, seeds=seeds)
    tune(store, "svm-tuned", study)
    return load_results(store)
