"""What the harness owes to models and to users: labels stay hidden, blame goes to the right place, nothing is lost."""

import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import threadpoolctl
import torch

from respbench.benchmarks.cli import main
from respbench.benchmarks.execution import jobs as fitting
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store
from respbench.corpora.clips import Clips
from respbench.corpora.splits.folds import Fold
from respbench.models import registry
from respbench.models.spec import ModelKind, ModelSpec

OPTIONS = ("--patients", "12", "--clips", "4", "--corpus-seed", "1", "--protocol", "patients-2fold", "--workers", "0")

MODEL = '''"""A made-up model."""
import os
import sys
from dataclasses import dataclass

import numpy as np

from respbench.features.cache import cached


@dataclass(frozen=True)
class Loudness:
    """A feature of the user's own."""

    power: int = 2

    def __call__(self, signals, rate):
        return np.array([[np.mean(np.abs(s) ** self.power)] for s in signals], dtype=np.float32)


class MadeUp:
    n_parameters = np.int64(1)
    curve = []

    def fit(self, train, valid, unlabeled=None):
        FIT
        return self

    def predict_proba(self, clips):
        loud = cached(Loudness(), clips)[:, 0].astype(np.float64)
        p = loud / loud.max()
        PREDICT
        return np.stack([1 - p, p], axis=1)


def build(*, seed):
    return MadeUp()
'''

THREADS = """import threadpoolctl
import torch


def threads():
    return {torch.get_num_threads(), *(pool["num_threads"] for pool in threadpoolctl.threadpool_info())}
"""


def run(results: Path, *more: str) -> int:
    return main(["run", *OPTIONS, "--trials", "none", "--results", str(results), *more])


def made_up(folder: Path, fit: str = "pass", predict: str = "pass") -> str:
    path = folder / "made_up.py"
    path.write_text(MODEL.replace("FIT", fit).replace("PREDICT", predict))
    return str(path)


def store(results: Path) -> Store:
    return Store(results / "simulated" / "abnormal" / "patients-2fold")


def test_a_model_file_may_bring_features_of_its_own(tmp_path: Path) -> None:
    assert run(tmp_path, "--models", "prior", "--model", made_up(tmp_path)) == 0
    assert FitKey("made-up", 0, 1) in store(tmp_path).fits()


def test_no_label_of_a_test_clip_reaches_a_model(tmp_path: Path) -> None:
    look = 'assert (clips.label == -1).all() and not any("sim" in name for name in clips.clip_id.tolist())'
    assert run(tmp_path, "--models", "prior", "--model", made_up(tmp_path, predict=look)) == 0


def test_a_model_has_one_thread_whatever_the_caller_has(tmp_path: Path) -> None:
    """The tests themselves have one, so that the caller is given two."""
    alone = "assert threads() == {1}"
    path = Path(made_up(tmp_path, fit=alone, predict=alone))
    path.write_text(path.read_text().replace("import numpy as np\n", f"import numpy as np\n\n{THREADS}\n", 1))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with threadpoolctl.threadpool_limits(2):
            assert run(tmp_path, "--models", "prior", "--model", str(path)) == 0
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("models", ["svm,xgboost,metadata,prior"])
def test_scrambled_test_labels_change_no_stored_prediction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: str
) -> None:
    """Through the whole harness: the labels are scrambled where the harness itself takes them from."""
    assert run(tmp_path / "one", "--models", models) == 0
    folds_of = fitting.folds_of

    def scrambled(*arguments: Any) -> tuple[Clips, tuple[Fold, ...]]:
        clips, folds = folds_of(*arguments)
        # Only one fold's test labels: those clips train the other fold.
        source = np.arange(len(clips))
        source[folds[0].test] = np.random.default_rng(0).permutation(folds[0].test)
        return replace(clips, label=clips.label[source], sound=clips.sound[source]), folds

    monkeypatch.setattr(fitting, "folds_of", scrambled)
    assert run(tmp_path / "other", "--models", models) == 0
    for model in models.split(","):
        one, other = (store(tmp_path / name).read(FitKey(model, 0, 0)).predictions for name in ("one", "other"))
        assert not one["label"].equals(other["label"])
        assert one.drop(columns="label").equals(other.drop(columns="label")), model


@pytest.mark.parametrize(
    ("fit", "predict", "said"),
    [
        ("self.curve = [{'epoch': 0, 'train_loss': float('nan')}]", "pass", "ValueError"),
        ("raise MemoryError('too big')", "pass", "MemoryError: too big"),
        ("sys.exit(0)", "pass", "failed: it calls sys.exit(0), which would end the benchmark; let it raise"),
        ("pass", "os._exit(0)", "failed: EndsPython: it calls os._exit(0)"),
        ("raise FileNotFoundError(2, 'No such file', 'weights.pt')", "pass", "FileNotFoundError"),
        ("pass", "return np.array([[1.5, -0.5]] * len(clips))", "negative"),
        ("pass", "return np.full((len(clips), 2), np.nan)", "not finite"),
        ("pass", "return np.full((len(clips), 3), 1 / 3)", "instead of"),
    ],
)
def test_a_faulty_model_fails_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fit: str, predict: str, said: str
) -> None:
    assert run(tmp_path, "--models", "prior", "--model", made_up(tmp_path, fit, predict)) == 1
    assert said in capsys.readouterr().out
    assert {fit.model for fit in store(tmp_path).fits()} == {"prior"}
    assert len(store(tmp_path).failures()) == 2
    # The failure is this model's, and not of the model that runs next.
    assert run(tmp_path, "--models", "prior") == 0


def test_a_model_that_can_not_be_imported_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = ModelSpec(name="lost", target="respbench.models.lost:build", source="nowhere", kind=ModelKind.NETWORK)
    monkeypatch.setitem(registry.REGISTRY, "lost", lost)
    assert run(tmp_path, "--models", "prior,lost") == 1
    assert "lost failed: ModuleNotFoundError" in capsys.readouterr().out
    assert len(store(tmp_path).fits()) == 2


def test_a_full_disk_is_no_models_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "features.npy")
    monkeypatch.setattr(fitting, "evaluate", lambda *arguments, **more: (_ for _ in ()).throw(full))
    assert run(tmp_path, "--models", "svm") == 2
    assert "No space left on device" in capsys.readouterr().err
    assert not store(tmp_path).failures()


def test_a_fit_with_a_failure_beside_it_is_repeated(tmp_path: Path) -> None:
    assert run(tmp_path, "--models", "prior") == 0
    store(tmp_path).write_failure(FitKey("prior", 0, 0), "Traceback\nRuntimeError: killed between two files")
    assert run(tmp_path, "--models", "prior") == 0
    assert not store(tmp_path).failures()


def test_two_corpora_of_one_name_take_turns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        for seed in ("1", "2"):
            assert run(tmp_path, "--models", "prior", "--corpus-seed", seed) == 0
    said = capsys.readouterr().out
    assert said.count("2 of 2 fits are stored already") == 2
    assert said.count("are back in") == 2


def test_one_damaged_file_costs_one_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--models", "prior,metadata") == 0
    for damage in ("", "null", "[]"):
        (store(tmp_path).folder / "runs" / "metadata" / "seed0-fold0.json").write_text(damage)
        assert run(tmp_path, "--models", "prior,metadata") == 0
        assert "3 of 4 fits are stored already" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--repeats", "0"), "--repeats: 0 is no whole number from 1 on"),
        (("--seeds", "x"), "--seeds: x is no whole number"),
        (("--models", "svn"), "unknown model 'svn'; choose from svm"),
        (("--models", ","), "no model is named"),
        (("--corpus", "icbih"), "--corpus: invalid choice: 'icbih'"),
        (("--task", "five-class"), "--task: invalid choice: 'five-class'"),
        (("--protocol", "patients-fold"), "unknown protocol"),
        (("--protocol", "patients-40fold"), "too few for 40 folds"),
        (("--protocol", "official"), "choose the protocol patients-5fold"),
        (("--model", "nowhere.py"), "nowhere.py does not exist"),
        (("--data", "somewhere"), "the simulated corpus takes no DATA"),
    ],
)
def test_a_wrong_request_gets_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    assert run(tmp_path, *options) == 2
    message = capsys.readouterr().err
    assert said in message
    assert "Traceback" not in message
    assert not list(tmp_path.rglob("*.csv*"))


RUN_THAT_WAITS = """
import sys
from pathlib import Path

from made_up_work import Piece

from respbench.benchmarks.execution.pool import Engine, Executor
from respbench.benchmarks.execution.signals import listening

if __name__ == "__main__":
    try:
        with listening(), Executor(Engine(workers=2), print) as executor:
            executor.run([Piece(name, Path(sys.argv[1]), "waits") for name in ("one", "two")], print)
    except KeyboardInterrupt:
        sys.exit(130)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see whether a process lives")
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_its_run(tmp_path: Path, sign: signal.Signals) -> None:
    """Only the parent is hit, as by the out-of-memory killer or `kill`, while both workers have a job without end."""
    script = tmp_path / "run.py"
    script.write_text(RUN_THAT_WAITS)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen([sys.executable, str(script), str(tmp_path)], env=environment)
    while len(noted := [path for path in tmp_path.glob("*.begun") if path.read_text()]) < 2:
        assert process.poll() is None
        time.sleep(0.02)
    workers = [int(path.read_text()) for path in noted]
    process.send_signal(sign)
    assert process.wait() == (-signal.SIGKILL if sign == signal.SIGKILL else 130)
    while any(map(alive, workers)):  # until the test's own time is over
        time.sleep(0.02)
