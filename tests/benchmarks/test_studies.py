"""What stored studies tell: inner AUROC, values at the edge of their space, and which parameters matter."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from made_up_results import made_up_results
from made_up_studies import entry_of, studied, trial, tune
from test_report import found_by

from benchmarks.report.leaderboard import leaderboard
from benchmarks.report.markdown import Page
from benchmarks.report.studies import add_studies
from benchmarks.tuning.analysis import at_the_edge, best_so_far, importances, inner_auroc

EDGES = 12
"""Number of the check."""


def test_inner_auroc_is_of_studies_with_both(tmp_path: Path) -> None:
    def study(n: int) -> list[dict[str, Any]]:
        first = trial(0, None, error="it failed") if n == 0 else trial(0, 0.6)
        pruned = trial(2, None, state="pruned") if n == 1 else trial(2, 0.9)
        return [first, trial(1, 0.5), pruned, trial(3, 0.7)]

    entry = entry_of(studied(tmp_path, study, seeds=1), "svm-tuned")
    assert inner_auroc(entry) == pytest.approx((0.6, (0.7 + 0.9) / 2))
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
    assert dict(at_the_edge(entry_of(results, "svm-tuned"))) == found
    assert ("edge in 6 of 6 studies" in found_by(results, EDGES)) == bool(found)


def test_edges_are_reported_from_a_quarter_of_the_studies_on(tmp_path: Path) -> None:
    def study(n: int) -> list[dict[str, Any]]:
        if n >= high:  # the defaults of the others are best, and may lie where they want
            return [trial(0, 0.8, suggested={"C": 100.0}), trial(1, 0.7, suggested={"C": 100.0})]
        return [trial(0, 0.6), trial(1, 0.7, suggested={"C": 100.0})]

    said = []
    for high in (1, 2):
        said += [found_by(studied(tmp_path / str(high), study), EDGES)]
    assert said[0] == "fine", "1 of 6 may be chance"
    assert said[1] == (
        "`svm-tuned`: C lies at the upper edge in 2 of 6 studies; widen its space in models/svm.py, if it can be wider"
    )


def test_the_file_of_an_unknown_model_is_its_own(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"mine-tuned": 1.0}, seeds=1)
    tune(store, "mine-tuned", lambda n: [trial(0, 0.6), trial(1, 0.7, suggested={"depth": 2})])
    assert "`mine-tuned`: depth lies at the lower edge in 3 of 3 studies; widen its space in its file" in found_by(
        load_results(store), EDGES
    )


def drawn(n: int, count: int = 12) -> list[dict[str, Any]]:
    """A study in which AUROC hangs on C alone; every other trial knows images."""
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
    entry = entry_of(results, "svm-tuned")
    shares = importances(entry)
    assert optuna.logging.get_verbosity() == level
    assert list(shares) == ["C", "depth"]
    assert [len(each) for each in shares.values()] == [2, 2], "the third study has too few completed trials"
    assert min(shares["C"]) > 0.8
    assert max(map(sum, zip(*shares.values(), strict=True))) < 1, "what several explain at once is nobody's"
    assert importances(entry) == shares
    page = Page()
    add_studies(page, entry)
    row = rf"\| C \| {np.mean(shares['C']):.2f} \| {min(shares['C']):.2f} to {max(shares['C']):.2f} \| 2 of 3 \|"
    assert re.search(row, re.sub(" +", " ", str(page)))
    assert "Not told, since not every trial has it: `images`." in str(page)


@pytest.mark.parametrize("why", ["few", "equal", "nothing shared"])
def test_importance_that_cannot_be_told_is_not(tmp_path: Path, why: str) -> None:
    def study(n: int) -> list[dict[str, Any]]:
        if why == "few":
            return drawn(n, 9)
        if why == "equal":
            return [t | {"value": 0.5} for t in drawn(n)]
        return [t | {"suggested": {"C": 1.0} if t["number"] % 2 else {"depth": 3}} for t in drawn(n)]

    entry = entry_of(studied(tmp_path, study, seeds=1), "svm-tuned")
    assert importances(entry) == {}
    page = Page()
    add_studies(page, entry)
    assert "Which parameters matter can't be told" in str(page)
