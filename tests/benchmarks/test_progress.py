"""What a run shows while it goes on: order of the fits, provisional scores, live and plain display."""

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from respbench.benchmarks.cli import main
from respbench.benchmarks.execution.job import JobResult
from respbench.benchmarks.execution.progress import Display, in_words
from respbench.benchmarks.provisional import Provisional
from respbench.benchmarks.report.tables import read_leaderboard
from respbench.benchmarks.session import in_order
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store
from respbench.models.registry import REGISTRY


def jobs(*models: str) -> list[Any]:
    return [
        SimpleNamespace(spec=REGISTRY[model], key=FitKey(model, 0, fold), name=f"{model}{fold}")
        for model in models
        for fold in range(2)
    ]


def test_cheap_models_come_first_then_one_fit_of_each_other_then_the_rest() -> None:
    order = [job.name for job in in_order(jobs("cnn", "quant", "cnn-gru", "svm", "prior"))]
    cheap, costly = ["prior0", "prior1", "svm0", "svm1"], ["cnn0", "quant0", "cnn-gru0", "cnn1", "quant1", "cnn-gru1"]
    assert order == cheap + costly


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("results")
    corpus = ("--patients", "20", "--clips", "4", "--protocol", "patients-2fold", "--seeds", "2")
    assert main(["run", *corpus, "--models", "prior,metadata", "--workers", "0", "--results", str(results)]) == 0
    return results / "simulated" / "abnormal" / "patients-2fold"


def keys(model: str) -> list[FitKey]:
    return [FitKey(model, seed, fold) for seed in range(2) for fold in range(2)]


def test_a_model_is_scored_once_its_last_fit_is_stored_as_the_leaderboard_scores_it(finished: Path) -> None:
    rows = read_leaderboard(finished)
    provisional = Provisional(Store(finished), [*keys("prior"), *keys("metadata")], keys("prior"), ["SIMULATED"])
    assert str(provisional) == "best score so far: prior 0.50 (provisional, SIMULATED)"
    ended = JobResult(name="any", group="metadata")
    said = [provisional.finished(ended) for _ in range(4)]
    score, auroc = (rows["metadata"][metric].value for metric in ("score", "auroc"))
    assert said == ["", "", "", f"metadata: score {score:.2f}, AUROC {auroc:.2f} of 4 fits (provisional, SIMULATED)"]
    best = max(("prior", "metadata"), key=lambda model: float(rows[model]["score"].value))
    assert str(provisional).startswith(f"best score so far: {best} ")


def test_a_model_with_a_failed_fit_has_no_score(finished: Path) -> None:
    provisional = Provisional(Store(finished), keys("metadata"), [])
    ended = JobResult(name="any", group="metadata")
    assert [provisional.finished(one) for one in (ended, ended, ended, replace(ended, error="no luck"))] == [""] * 4
    assert provisional.finished(JobResult(name="any", group="svm trials")) == ""
    assert str(provisional) == ""


@pytest.mark.parametrize("terminal", [False, True])
def test_the_display_shows_what_runs_and_for_how_long_and_the_best(terminal: bool) -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=terminal, width=200)
    with Display(console) as display:
        display.running = lambda: [("cnn-seed0-fold1", 12.4), ("svm-seed0-fold0", 3.0)]
        display.step("fits", 2, 5, "about 9 s left", "best score so far: svm 0.71 (provisional)")
        display.live.refresh()
    for words in ("fits", "about 9 s left", "svm 0.71 (provisional)", "cnn-seed0-fold1 12 s, svm-seed0-fold0 3 s"):
        assert words in written.getvalue()
    assert ("\x1b" in written.getvalue()) is terminal


def test_of_many_running_jobs_the_longest_are_named() -> None:
    assert in_words([]) == ""
    many = [(f"job{number}", 60.0 - number) for number in range(6)]
    assert in_words(many) == "running: job0 60 s, job1 59 s, job2 58 s, job3 57 s and 2 more"
