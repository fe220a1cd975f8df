"""Runs as a user has them: repeated, interrupted, killed, with models that fail. The table comes out the same."""

import contextlib
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from respbench.benchmarks.cli import main
from respbench.benchmarks.execution.progress import Display
from respbench.benchmarks.report import pages
from respbench.benchmarks.report.figures.style import write_figures
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store

CORPUS = ("--patients", "20", "--clips", "5", "--corpus-seed", "1")
CLASSICAL = ("--models", "prior,metadata,svm,xgboost", "--protocol", "patients-3fold", "--seeds", "2")

BROKEN = '''"""A model that fails on one of the folds."""
import numpy as np


class Broken:
    n_parameters = 1

    def fit(self, train, valid, unlabeled=None):
        if "sim003" in {*train.patient, *valid.patient}:
            raise RuntimeError("no luck")
        return self

    def predict_proba(self, clips):
        return np.full((len(clips), 2), 0.5)


def build(*, seed):
    return Broken()
'''


NETWORK = '''"""A network that is trained for two epochs."""
from respbench.models.networks.mlp import build as mlp


def build(*, seed):
    return mlp(seed=seed, epochs=2)
'''

WAITS = '''"""A model whose fit has no end."""
import threading
from pathlib import Path


def build(*, seed):
    Path(__file__).with_suffix(".begun").touch()
    threading.Event().wait()
'''


def respbench(results: Path, *more: str) -> int:
    return main(["run", *CORPUS, "--results", str(results), "--workers", "0", "--trials", "none", *more])


def command(results: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "respbench", "run", *CORPUS, "--results", str(results), "--trials", "none", *more]


def folder(results: Path, protocol: str = "patients-3fold") -> Path:
    return results / "simulated" / "abnormal" / protocol


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of one undisturbed, serial run, beside which the file of its network lies; with figures."""
    results = tmp_path_factory.mktemp("whole")
    network_of(results).write_text(NETWORK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "write_figures", write_figures)
        assert respbench(results, *CLASSICAL, "--model", str(network_of(results))) == 0
    return folder(results)


def network_of(results: Path) -> Path:
    return results.with_name("network.py")


def test_a_run_leaves_what_the_design_promises(whole: Path) -> None:
    assert {path.name for path in whole.iterdir()} >= {
        *("README.md", "leaderboard.csv", "costs.csv", "clips.csv.gz"),
        *("figures", "runs"),
    }
    facts = json.loads((whole / "runs" / "svm" / "seed1-fold2.json").read_text())
    assert facts["classes"] == ["normal", "abnormal"]
    assert facts["threads"] == 1
    parts = [set(facts[f"{part}_patients"]) for part in ("train", "valid", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 20
    header = gzip.decompress((whole / "runs" / "svm" / "seed1-fold2.csv.gz").read_bytes()).decode().splitlines()[0]
    assert header == "clip_id,patient,label,normal,abnormal"


def test_a_second_run_fits_nothing_and_changes_nothing(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.glob("runs/*/*")}
    table = (whole / "leaderboard.csv").read_bytes()
    assert respbench(whole.parents[2], *CLASSICAL, "--model", str(network_of(whole.parents[2]))) == 0
    assert "30 of 30 fits are stored already" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in whole.glob("runs/*/*")} == before
    assert (whole / "leaderboard.csv").read_bytes() == table


def test_two_workers_give_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    """Classical models and a network."""
    network = ("--model", str(network_of(whole.parents[2])))
    assert respbench(tmp_path, *CLASSICAL, *network, "--workers", "2") == 0
    predictions = sorted(path.relative_to(whole) for path in whole.glob("runs/*/*.csv.gz"))
    assert len(predictions) == 30
    for name in (Path("leaderboard.csv"), *predictions):
        assert (folder(tmp_path) / name).read_bytes() == (whole / name).read_bytes(), name


def test_interrupted_it_says_how_to_go_on(tmp_path: Path) -> None:
    # One worker stores the fits of a control, the other one has a fit without end.
    model = tmp_path / "waits.py"
    model.write_text(WAITS)
    options = ("--protocol", "patients-2fold", "--models", "prior", "--model", str(model), "--workers", "2")
    run = command(tmp_path, *options)
    process = subprocess.Popen(run, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (list(tmp_path.rglob("seed*.json")) and model.with_suffix(".begun").exists()):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does on Ctrl-C: to every process of the run
    _, said = process.communicate()
    assert process.returncode == 130
    assert "run the same command to go on" in said
    assert "Traceback" not in said
    assert not list(tmp_path.rglob("*.tmp"))


def test_an_interruption_that_python_swallows_still_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    step = Display.step

    def swallow(self: Display, what: str, done: int, of: int, *more: str) -> None:
        step(self, what, done, of, *more)
        if what == "fits" and done == 2:
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Display, "step", swallow)
    assert respbench(tmp_path, *CLASSICAL) == 130
    assert "run the same command to go on" in capsys.readouterr().err
    assert len(Store(folder(tmp_path)).fits()) == 2


def test_a_failing_model_leaves_a_row_and_the_others_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "broken.py"
    model.write_text(BROKEN)
    options = ("--models", "prior", "--model", str(model), "--protocol", "patients-3fold", "--seeds", "1")
    assert respbench(tmp_path / "results", *options) == 1
    assert "RuntimeError: no luck" in capsys.readouterr().out
    rows = (folder(tmp_path / "results") / "leaderboard.csv").read_text().splitlines()
    assert any(row.startswith("broken,") and "failed" in row for row in rows)
    assert any(row.startswith("prior,0.5") for row in rows)
    assert "broken" in (folder(tmp_path / "results") / "README.md").read_text()
    # Mended, the model is fitted anew and the failure is forgotten.
    model.write_text(BROKEN.replace('raise RuntimeError("no luck")', "pass"))
    assert respbench(tmp_path / "results", *options) == 0
    assert "failed" not in (folder(tmp_path / "results") / "leaderboard.csv").read_text()


def test_changed_code_is_noticed_and_never_mixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "mine.py"
    model.write_text(BROKEN.replace('raise RuntimeError("no luck")', "pass"))
    options = ("--models", "prior", "--model", str(model), "--protocol", "patients-3fold", "--seeds", "1")
    assert respbench(tmp_path / "results", *options) == 0
    model.write_text(model.read_text().replace('"""A model', '"""Another sentence about a model'))
    assert respbench(tmp_path / "results", *options) == 0
    assert "6 of 6 fits are stored already" in capsys.readouterr().out
    model.write_text(model.read_text().replace("0.5)", "[0.6, 0.4])"))
    assert respbench(tmp_path / "results", *options) == 0
    said = capsys.readouterr().out
    assert "3 stored fits of mine came from other code" in said
    assert "3 of 6 fits are stored already" in said
    # What was set aside is in no table, and is restored with its code.
    model.write_text(model.read_text().replace("[0.6, 0.4])", "0.5)"))
    assert respbench(tmp_path / "results", *options) == 0
    said = capsys.readouterr().out
    assert "3 stored fits of mine came from other code" in said
    assert "3 stored fits of mine have the identity of this run again and are restored" in said
    assert "6 of 6 fits are stored already" in said
    assert len(list(folder(tmp_path / "results").glob("stale/mine/*/*.json"))) == 3


def test_another_corpus_of_the_same_name_is_set_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--models", "prior", "--protocol", "patients-3fold")
    assert respbench(tmp_path, *options) == 0
    assert respbench(tmp_path, *options, "--corpus-seed", "2") == 0
    assert "held results of another corpus" in capsys.readouterr().out
    assert len(list(folder(tmp_path).parent.glob("patients-3fold-of-*/runs/prior/*.json"))) == 3


def test_a_full_disk_stops_the_run_with_a_sentence_and_keeps_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[int] = []
    fsync = os.fsync

    def full(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) > 6:  # facts of the corpus, the table of clips, and two files of each of two fits
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    options = ("--models", "prior,metadata", "--protocol", "patients-3fold")
    assert main(["prepare", *CORPUS]) == 0  # so that only results are written
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert respbench(tmp_path, *options) == 2
    said = capsys.readouterr().err
    assert "No space left on device" in said
    assert "free some space" in said
    assert "Traceback" not in said
    store = Store(folder(tmp_path))
    assert store.fits() == [FitKey("prior", 0, 0), FitKey("prior", 0, 1)]
    assert not list(tmp_path.rglob("*.tmp"))
    assert respbench(tmp_path, *options) == 0
    assert len(store.fits()) == 6


def test_a_stored_fit_whose_model_was_unavailable_meanwhile_is_not_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--models", "prior", "--protocol", "patients-3fold")
    assert respbench(tmp_path, *options) == 0
    store = Store(folder(tmp_path))
    store.write_failure(FitKey("prior", 0, 0), "ModuleNotFoundError: No module named 'a_library'")
    assert respbench(tmp_path, *options) == 0
    assert "3 of 3 fits are stored already" in capsys.readouterr().out
    assert not store.failures()


def test_a_stored_fit_is_looked_at_once(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[FitKey] = []
    has = Store.has

    def counted(self: Store, fit: FitKey, fingerprint: str) -> bool:
        asked.append(fit)
        return has(self, fit, fingerprint)

    monkeypatch.setattr(Store, "has", counted)
    assert respbench(whole.parents[2], *CLASSICAL) == 0
    assert len(asked) == len(set(asked)) == 24
