"""CONTRIBUTING's "add a model in one page", followed to the letter in a copy of the clone; and README's promises."""

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from respbench.benchmarks.report import pages
from respbench.benchmarks.report.coverage import PAGE as COVERAGE
from respbench.benchmarks.report.folders import report_folders
from respbench.benchmarks.report.generalization import write_generalization
from respbench.benchmarks.report.index import write_index
from respbench.benchmarks.report.label_efficiency import PAGE as LABEL_EFFICIENCY
from respbench.benchmarks.report.label_efficiency import write_label_efficiency
from respbench.benchmarks.report.pages import write_report
from respbench.benchmarks.report.readme import PAGES, RESULTS, render
from respbench.benchmarks.report.tables import COSTS, LEADERBOARD, RANKS, TUNING, TWINS
from respbench.benchmarks.storage.store import Store
from respbench.models.registry import REGISTRY

PROJECT = Path(__file__).resolve().parents[1]
TIMED = {
    Path(name) for name in ("speed.md", "lecture-speed.md", "step-speed.md", "suite-speed.md", COVERAGE, "coverage.csv")
}
"""Not written by `make tables`, but by `make speed` and `make coverage`."""
REPORTS = [folder.relative_to(PROJECT / RESULTS) for folder in report_folders(PROJECT / RESULTS)]
MADE_TABLES = [table.filename for table in (LEADERBOARD, COSTS, RANKS, TWINS, TUNING)]


def block(name: str) -> str:
    text = (PROJECT / "CONTRIBUTING.md").read_text()
    found = re.search(rf"<!-- begin {re.escape(name)} -->\n```(?:python)?\n(.*?)```", text, re.DOTALL)
    assert found, f"CONTRIBUTING.md shows no {name}"
    return found[1]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the model added as CONTRIBUTING says."""
    clone = tmp_path_factory.mktemp("clone")
    for name in ("respbench", "tests"):
        shutil.copytree(PROJECT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", clone)
    if (PROJECT / ".mypy_cache").is_dir():  # of `make check`: the libraries' types need not be read again
        shutil.copytree(PROJECT / ".mypy_cache", clone / ".mypy_cache", ignore_dangling_symlinks=True)
    (clone / "respbench" / "models" / "nearest.py").write_text(block("respbench/models/nearest.py"))
    registry = clone / "respbench" / "models" / "registry.py"
    before, bracket, after = registry.read_text().partition("REGISTRY = _entries(\n")
    registry.write_text(before + bracket + block("registry line") + after)
    (clone / "respbench" / "models" / "semi_supervised" / "entropy.py").write_text(
        block("respbench/models/semi_supervised/entropy.py")
    )
    entries = clone / "respbench" / "models" / "semi_supervised" / "entries.py"
    before, bracket, after = entries.read_text().partition("SEMI_SUPERVISED = {\n")
    entries.write_text(before + bracket + block("method line") + after)
    return clone


def in_clone(clone: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(clone), "RESPBENCH_CACHE": str(clone / "cache")}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=clone, env=environment, capture_output=True, text=True, timeout=200
    )


def test_the_model_passes_the_contract(clone: Path) -> None:
    done = in_clone(
        clone,
        "pytest",
        "tests/models/test_contract.py",
        "tests/benchmarks/test_fairness.py",
        "-k",
        "nearest or entropy-mlp",
        "-p",
        "no:xdist",
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_the_model_passes_the_checks(clone: Path) -> None:
    for check in (
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy", "respbench/models/nearest.py", "respbench/models/semi_supervised/entropy.py"),
    ):
        done = in_clone(clone, *check)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_model_runs_beside_the_others_and_from_outside_and_the_method_beside_its_twin(
    clone: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "near_by.py"
    outside.write_text(block("respbench/models/nearest.py"))
    options = ("--patients", "20", "--clips", "4", "--protocol", "patients-2fold-labels50", "--seeds", "1")
    models = ("--models", "prior,nearest,entropy-mlp", "--model", str(outside))
    done = in_clone(clone, "respbench", "run", *options, *models, "--workers", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("nearest", "near-by", "entropy-mlp", "supervised-mlp"):
        assert re.search(rf"^ *{name} .* complete", done.stdout, re.MULTILINE), done.stdout


def test_a_method_is_one_short_file_and_one_line() -> None:
    assert len(block("respbench/models/semi_supervised/entropy.py").splitlines()) < 80
    assert len(block("method line").splitlines()) == 1


def test_there_are_committed_reports() -> None:
    assert REPORTS


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_the_committed_results(page: str) -> None:
    text = (PROJECT / page).read_text(encoding="utf-8")
    assert text == render(page, text, PROJECT / RESULTS), "run `make tables`"


@pytest.mark.parametrize("place", REPORTS, ids=str)
def test_every_committed_report_is_what_its_predictions_give(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No table is edited by hand, and none is older than the code that writes it.

    The HTML page, which is not committed, is made of one folder.
    """
    if place != REPORTS[0]:
        monkeypatch.setattr(pages, "report_html", lambda source, texts: "")
    committed, copy = PROJECT / RESULTS / place, tmp_path / place
    shutil.copytree(committed, copy, ignore=shutil.ignore_patterns("*.md", *MADE_TABLES, "figures"))
    if (drawn := committed / "figures" / "errors.png").exists():  # stays where the corpus isn't there to draw it again
        (copy / "figures").mkdir()
        shutil.copy(drawn, copy / "figures")
    for beside in REPORTS:  # the page about leakage reads the other protocol
        if beside.parent == place.parent and beside != place:
            (tmp_path / beside).symlink_to(PROJECT / RESULTS / beside)
    write_report(Store(copy), draw=False, overview=False)
    assert_same_tables(copy, committed)


def test_every_committed_page_over_reports_is_what_they_give(tmp_path: Path) -> None:
    """Label efficiency, the page over all corpora and the index, from the reports that the test above makes sure of."""
    results = PROJECT / RESULTS
    for place in REPORTS:
        shutil.copytree(results / place, tmp_path / place, ignore=shutil.ignore_patterns("figures"))
    for folder in {tmp_path / place.parent for place in REPORTS}:
        (folder / LABEL_EFFICIENCY).unlink(missing_ok=True)
        write_label_efficiency(folder, draw=False)
    shutil.copy(results / COVERAGE, tmp_path)  # which the index links
    write_generalization(tmp_path, draw=False)
    write_index(tmp_path)
    assert_same_tables(tmp_path, results)


def assert_same_tables(made: Path, committed: Path) -> None:
    """Both hold the same Markdown and CSV files, but for what is timed and what is simulated."""
    for suffix in ("md", "csv"):
        tables = {path.relative_to(made) for path in made.rglob(f"*.{suffix}")} - TIMED
        expected = {path.relative_to(committed) for path in committed.rglob(f"*.{suffix}")} - TIMED
        assert tables == {path for path in expected if "simulated" not in path.parts}, "run `make tables`"
        for table in tables:
            assert (made / table).read_text() == (committed / table).read_text(), f"run `make tables`: {table}"


def test_links_in_the_documents_lead_somewhere() -> None:
    documents = [*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")]
    for document in documents:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            assert target.startswith("https://") or (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_name_in_the_architecture_page_exists() -> None:
    text = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    names = set(re.findall(r"`((?:corpora|features|models|benchmarks)(?:\.\w+)+)`", text))
    assert len(names) > 15
    for name in names:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(f"respbench.{module}"), attribute), name
    for place in re.findall(r"^ *(\w+/|\w+\.py) +", text, re.MULTILINE):
        assert list(PROJECT.glob(f"*/**/{place}")) or (PROJECT / place).exists(), place


def test_make_help_lists_every_target() -> None:
    said = subprocess.run(["make", "help"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert "benchmark" in targets
    for target in targets:
        assert f"make {target} " in said


def test_the_issue_of_seven_models_is_kept() -> None:
    assert {"prior", "metadata", "svm", "xgboost", "cnn-lecture", "cnn", "cnn-gru"} <= REGISTRY.keys()


def test_every_test_in_the_page_on_odd_inputs_exists() -> None:
    text = (PROJECT / "docs" / "odd-inputs.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/.]+)::(\w+)`", text)
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| input ")]
    assert len(named) == len(rows) >= 46
    for file, test in named:
        assert f"def {test}(" in (PROJECT / file).read_text(encoding="utf-8"), f"{file} has no {test}"
