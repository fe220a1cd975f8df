"""Runs as a user has them: repeated, interrupted, killed, with models that fail. The table comes out the same."""

import contextlib
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks import fitting
from benchmarks.cli import main
from benchmarks.progress import Display
from benchmarks.store import Fit, Store
from corpora.clips import Clips
from corpora.splits import Fold
from models import registry
from models.spec import ModelSpec

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


def respbench(results: Path, *more: str) -> int:
    return main(["run", *CORPUS, "--results", str(results), "--workers", "1", *more])


def command(results: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks", "run", *CORPUS, "--results", str(results), *more]


def folder(results: Path, protocol: str = "patients-3fold") -> Path:
    return results / "simulated" / "abnormal" / protocol


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of one undisturbed, serial run."""
    results = tmp_path_factory.mktemp("whole")
    assert respbench(results, *CLASSICAL) == 0
    return folder(results)


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
    assert respbench(whole.parents[2], *CLASSICAL) == 0
    assert "24 of 24 fits are stored already" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in whole.glob("runs/*/*")} == before
    assert (whole / "leaderboard.csv").read_bytes() == table


def test_two_workers_give_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    assert respbench(tmp_path, *CLASSICAL, "--workers", "2") == 0
    for name in ("leaderboard.csv", "runs/xgboost/seed0-fold1.csv.gz", "runs/svm/seed1-fold0.csv.gz"):
        assert (folder(tmp_path) / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_network_gives_the_same_bytes_in_a_worker(tmp_path: Path) -> None:
    options = ("--models", "cnn-gru", "--protocol", "patients-2fold", "--patients", "10", "--clips", "4")
    for workers in ("1", "2"):
        assert respbench(tmp_path / workers, *options, "--workers", workers) == 0
    one, two = (folder(tmp_path / workers, "patients-2fold") / "leaderboard.csv" for workers in ("1", "2"))
    assert one.read_bytes() == two.read_bytes()


def test_killed_at_five_moments_and_restarted_it_ends_the_same(whole: Path, tmp_path: Path) -> None:
    """SIGKILL to the whole process group at five moments spread over the run, as a reboot would."""
    run = command(tmp_path, *CLASSICAL, "--workers", "2")
    for moment in range(5):
        process = subprocess.Popen(run, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        # Wait for progress, then for a little more: the five kills hit different fits, not five times the imports.
        fits = 3 * moment
        deadline = time.monotonic() + 60
        while len(list(tmp_path.rglob("seed*.json"))) < fits and process.poll() is None:
            assert time.monotonic() < deadline, "the run makes no progress"
            time.sleep(0.01)
        time.sleep(0.05 * moment)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    subprocess.run(run, check=True, capture_output=True, timeout=120)
    assert (folder(tmp_path) / "leaderboard.csv").read_bytes() == (whole / "leaderboard.csv").read_bytes()
    assert not list(tmp_path.rglob("*.tmp"))


def test_interrupted_it_says_how_to_go_on(tmp_path: Path) -> None:
    # The first fit is stored at once, the others take long enough to be interrupted.
    run = command(tmp_path, "--models", "prior,cnn-lecture", "--seeds", "3", "--workers", "2")
    process = subprocess.Popen(run, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.rglob("seed*.json")) and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does on Ctrl-C: to every process of the run
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run the same command to go on" in said
    assert "Traceback" not in said


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
        if len(written) > 5:  # the table of clips, and two files of each of two fits
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    options = ("--models", "prior,metadata", "--protocol", "patients-3fold")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert respbench(tmp_path, *options) == 2
    said = capsys.readouterr().err
    assert "No space left on device" in said
    assert "free some space" in said
    assert "Traceback" not in said
    store = Store(folder(tmp_path))
    assert store.fits() == [Fit("metadata", 0, 0), Fit("prior", 0, 0)]
    assert not list(tmp_path.rglob("*.tmp"))
    assert respbench(tmp_path, *options) == 0
    assert len(store.fits()) == 6


# Models that learn from unlabeled clips

BUDGET = ("--protocol", "patients-3fold-labels25", "--seeds", "1")

PSEUDO = '''"""Takes loud unlabeled clips for abnormal ones in its second epoch, and predicts how many there were."""
import numpy as np

UNLABELED = True


class Pseudo:
    n_parameters = 1

    def fit(self, train, valid, unlabeled=None):
        assert len(train) and len(valid) and len(unlabeled)
        assert (unlabeled.label == -1).all() and (unlabeled.sound == -1).all()
        assert not any("sim" in name for name in unlabeled.clip_id)
        assert not {*unlabeled.patient} & {*train.patient, *valid.patient}
        loud = np.array([np.abs(signal).mean() for signal in unlabeled])
        confident = loud > np.median(loud)
        self.curve = [{"epoch": 0, "train_loss": 2.0}, {"epoch": 1, "train_loss": 1.0}]
        self.pseudo_labels = [np.full(len(loud), -1), np.where(confident, 1, -1)]
        self.share = loud.mean() / loud.max() + unlabeled.label.mean() + unlabeled.sound.mean() + 2
        return self

    def predict_proba(self, clips):
        return np.tile([1 - self.share, self.share], (len(clips), 1))


def build(*, seed):
    return Pseudo()
'''


def pseudo(folder: Path, code: str = PSEUDO) -> tuple[str, ...]:
    (folder / "pseudo.py").write_text(code)
    return *BUDGET, "--models", "prior", "--model", str(folder / "pseudo.py")


def budget_store(results: Path) -> Store:
    return Store(folder(results, "patients-3fold-labels25"))


def test_confident_labels_are_judged_afterwards(tmp_path: Path) -> None:
    assert respbench(tmp_path, *pseudo(tmp_path)) == 0
    labels = budget_store(tmp_path).clips()
    assert labels is not None
    for fold in range(3):
        facts = budget_store(tmp_path).facts(Fit("pseudo", 0, fold))
        first, second = facts["curve"]
        assert first == {"epoch": 0, "train_loss": 2.0}, "nothing to be confident of, nothing to judge"
        assert second["train_loss"] == 1.0
        assert 0 < second["confident_accuracy"] < 1
        unlabeled = labels[labels["patient"].isin(facts["unlabeled_patients"])]
        assert facts["unlabeled_clips"] == len(unlabeled) == 5 * len(facts["unlabeled_patients"])
        # Half of the unlabeled clips were called abnormal: a number of them is right.
        right = second["confident_accuracy"] * (len(unlabeled) // 2)
        assert right == pytest.approx(round(right))
        assert "confident_accuracy" not in str(budget_store(tmp_path).facts(Fit("prior", 0, fold)))


@pytest.mark.parametrize(
    ("guesses", "truth", "accuracy"),
    [
        ([0, 1, -1, 1], [0, 0, 1, 1], 2 / 3),
        ([0, 1, -1, 1], [0, -1, 1, -1], 1.0),
        ([-1, -1, -1, -1], [0, 0, 1, 1], None),
        ([0, 1, 1, 1], [-1, -1, -1, -1], None),
        ([], [], None),
    ],
)
def test_accuracy_is_that_of_the_confident_clips_with_a_known_label(
    guesses: list[int], truth: list[int], accuracy: float | None
) -> None:
    class Fitted:
        curve: tuple[dict[str, int], ...] = ({"epoch": 0},)
        pseudo_labels: tuple[Any, ...] = (np.array(guesses, dtype=np.int64),)

    model: Any = Fitted()
    expected = [{"epoch": 0}] if accuracy is None else [{"epoch": 0, "confident_accuracy": accuracy}]
    assert fitting._with_accuracy(model, np.array(truth, dtype=np.int64)) == expected
    assert Fitted.curve == ({"epoch": 0},)


def test_a_model_may_have_taken_nothing_for_a_label() -> None:
    class Supervised:
        curve: tuple[dict[str, int], ...] = ({"epoch": 0},)
        pseudo_labels: tuple[Any, ...] = ()

    model: Any = Supervised()
    assert fitting._with_accuracy(model, np.array([0, 1])) == [{"epoch": 0}]


def test_epochs_without_their_guesses_are_a_fault_of_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = pseudo(tmp_path, PSEUDO.replace("[np.full(len(loud), -1), np", "[np"))
    assert respbench(tmp_path, *model) == 1
    assert "pseudo-seed0-fold0 failed: ValueError" in capsys.readouterr().out


def test_scrambled_labels_of_the_unlabeled_change_no_prediction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the whole harness: they are scrambled where the harness itself takes them from."""
    assert respbench(tmp_path / "one", *pseudo(tmp_path)) == 0
    folds_of = fitting.folds_of

    def scrambled(*arguments: Any) -> tuple[Clips, tuple[Fold, ...]]:
        clips, folds = folds_of(*arguments)
        rows = folds[0].unlabeled
        label, sound = clips.label.copy(), clips.sound.copy()
        label[rows], sound[rows] = 1 - label[rows], 3 - sound[rows]
        return replace(clips, label=label, sound=sound), folds

    monkeypatch.setattr(fitting, "folds_of", scrambled)
    assert respbench(tmp_path / "other", *pseudo(tmp_path)) == 0
    one, other = (budget_store(tmp_path / name).read(Fit("pseudo", 0, 0)) for name in ("one", "other"))
    pd.testing.assert_frame_equal(one.predictions, other.predictions)
    accuracies = [stored.facts["curve"][1]["confident_accuracy"] for stored in (one, other)]
    assert sum(accuracies) == pytest.approx(1), "the scrambled labels reached nothing, not even the judgement"


def test_a_twin_comes_along_and_gets_no_unlabeled_clips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pseudo(tmp_path)
    target = f"{tmp_path / 'pseudo.py'}:build"
    semi = ModelSpec("semi", target, "made up", "semi-supervised", unlabeled=True, twin="metadata")
    monkeypatch.setitem(registry.REGISTRY, "semi", semi)
    assert respbench(tmp_path, *BUDGET, "--models", "prior,semi") == 0
    said = capsys.readouterr().out.replace("\n", " ")
    assert "semi is compared with metadata, the same without unlabeled clips; it runs too." in said
    store = budget_store(tmp_path)
    assert {fit.model for fit in store.fits()} == {"prior", "metadata", "semi"}
    assert store.facts(Fit("semi", 0, 0))["twin"] == "metadata"
    assert store.facts(Fit("semi", 0, 0))["kind"] == "semi-supervised"
    assert store.facts(Fit("metadata", 0, 0))["twin"] == ""
    # Named, it needs no word.
    assert respbench(tmp_path, *BUDGET, "--models", "metadata,prior,semi") == 0
    assert "it runs too" not in capsys.readouterr().out


def test_a_stored_fit_is_looked_at_once(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Fit] = []
    has = Store.has

    def counted(self: Store, fit: Fit, fingerprint: str) -> bool:
        asked.append(fit)
        return has(self, fit, fingerprint)

    monkeypatch.setattr(Store, "has", counted)
    assert respbench(whole.parents[2], *CLASSICAL) == 0
    assert len(asked) == len(set(asked)) == 24
