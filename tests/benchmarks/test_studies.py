"""The analysis of stored studies: inner AUROC, values at the edge of their space, and which parameters matter."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from made_up_results import found_by, made_up_results
from made_up_studies import model_of, studied, trial, tune

from respbench.benchmarks.report.checks import best_at_the_edge
from respbench.benchmarks.report.models import studies
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.storage.records import TrialRecord
from respbench.benchmarks.tuning.analysis import at_the_edge, best_so_far, importances, inner_gain


def test_inner_gains_are_of_studies_with_both(tmp_path: Path) -> None:
    def study(n: int) -> list[TrialRecord]:
        first = trial(0, None, error="it failed") if n == 0 else trial(0, 0.6)
        pruned = trial(2, None, state="pruned") if n == 1 else trial(2, 0.9)
        return [first, trial(1, 0.5), pruned, trial(3, 0.7)]

    entry = model_of(studied(tmp_path, study, seeds=1), "svm-tuned")
    gain = inner_gain(entry)
    assert [gain.found, gain.fresh] == pytest.approx([(0.1 + 0.3) / 2, (0.05 + 0.15) / 2])
    assert gain.error == pytest.approx(np.sqrt((1 / 8 + 1 / 3) * 8 / 7) * 0.01)
    np.testing.assert_allclose(best_so_far(entry), [0, 0, 0.15, 0.2], atol=1e-12)


@pytest.mark.parametrize(
    ("suggested", "found"),
    [
        ({"C": 75.0}, {("C", "upper"): 6}),  # 97 % of the way on the log scale, and 75 % on the linear one
        ({"C": 0.0125}, {("C", "lower"): 6}),
        ({"C": 60.0}, {}),
        ({"C": 2.0}, {}),  # 2 % of the way on the linear scale
        ({"depth": 8}, {("depth", "upper"): 6}),
        ({"depth": 3, "images": "repeated"}, {}),
    ],
)
def test_edges_are_near_the_ends_on_the_scale_of_the_space(
    tmp_path: Path, suggested: dict[str, Any], found: dict[tuple[str, str], int]
) -> None:
    results = studied(tmp_path, lambda n: [trial(0, 0.6), trial(1, 0.7, suggested=suggested)])
    assert dict(at_the_edge(model_of(results, "svm-tuned"))) == found
    edges = {(one["parameter"], one["end"]): one["count"] for one in found_by(results, best_at_the_edge)}
    assert edges == found


def test_edges_are_reported_from_a_quarter_of_the_studies_on(tmp_path: Path) -> None:
    def study(n: int) -> list[TrialRecord]:
        if n >= high:  # the defaults of the others are best, and may lie where they want
            return [trial(0, 0.8, suggested={"C": 100.0}), trial(1, 0.7, suggested={"C": 100.0})]
        return [trial(0, 0.6), trial(1, 0.7, suggested={"C": 100.0})]

    high = 1
    assert found_by(studied(tmp_path / "one", study), best_at_the_edge) == [], "1 of 6 may be chance"
    high = 2
    expected = {"parameter": "C", "end": "upper", "count": 2, "of": 6, "where": "respbench/models/svm.py"}
    assert found_by(studied(tmp_path / "two", study), best_at_the_edge) == [{"model": "svm-tuned", **expected}]


def test_the_file_of_an_unknown_model_is_its_own(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"mine-tuned": 1.0}, seeds=1)
    tune(store, "mine-tuned", lambda n: [trial(0, 0.6), trial(1, 0.7, suggested={"depth": 2})])
    (finding,) = found_by(load_results(store), best_at_the_edge)
    assert (finding["model"], finding["where"]) == ("mine-tuned", "its file")


def drawn(n: int, count: int = 12) -> list[TrialRecord]:
    """A study in which AUROC depends on C alone; every other trial has images."""
    rng = np.random.default_rng(n)
    trials = [trial(0, 0.5, suggested={})]
    for number in range(1, count + 1):
        suggested = {"C": float(10 ** rng.uniform(-2, 2)), "depth": int(rng.integers(2, 9))}
        known = suggested | ({"images": "resized"} if number % 2 else {})
        trials.append(trial(number, 0.6 + 0.05 * np.log10(suggested["C"]), suggested=known))
    return trials


def test_importance_is_that_of_the_parameter_that_matters(tmp_path: Path) -> None:
    results = studied(tmp_path, lambda n: drawn(n, 9 if n == 2 else 12) + [trial(13, None)] * (n != 2), seeds=1)
    level = optuna.logging.get_verbosity()
    entry = model_of(results, "svm-tuned")
    shares = importances(entry)
    assert optuna.logging.get_verbosity() == level
    assert list(shares) == ["C", "depth"]
    assert [len(each) for each in shares.values()] == [2, 2], "the third study has too few completed trials"
    assert min(shares["C"]) > 0.8
    assert max(map(sum, zip(*shares.values(), strict=True))) < 1, "what several explain at once belongs to none"
    assert importances(entry) == shares
    found = studies(entry)
    shown = f"{min(shares['C']):.2f} to {max(shares['C']):.2f}"
    assert found.importances[0] == ["C", f"{np.mean(shares['C']):.2f}", shown, "2 of 3"]
    assert found.unknown == ["images"]


@pytest.mark.parametrize("why", ["few", "equal", "nothing shared"])
def test_importance_that_cannot_be_told_is_not(tmp_path: Path, why: str) -> None:
    def study(n: int) -> list[TrialRecord]:
        if why == "few":
            return drawn(n, 9)
        if why == "equal":
            return [replace(t, value=0.5) for t in drawn(n)]
        return [replace(t, suggested={"C": 1.0} if t.number % 2 else {"depth": 3}) for t in drawn(n)]

    entry = model_of(studied(tmp_path, study, seeds=1), "svm-tuned")
    assert importances(entry) == {}
    assert studies(entry).importances == []
