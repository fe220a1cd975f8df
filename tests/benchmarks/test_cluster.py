"""A Dask cluster on loopback: the same bytes as without one; where it fails, a sentence, and no run that waits on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from distributed import Client, KilledWorker
from made_up_work import Piece

from respbench.benchmarks.cli import main
from respbench.benchmarks.execution import dask_pool as cluster
from respbench.benchmarks.execution.deaths import cause_of_death
from respbench.benchmarks.execution.pool import Backend, Engine, Executor
from respbench.corpora.problems import InputError

RUN = ("--patients", "12", "--clips", "4", "--corpus-seed", "1", "--protocol", "patients-2fold", "--models", "prior")

GATED = '''"""Predicts by loudness and chance; all trials but those of the defaults wait until a gate is open."""
import os
import time
from pathlib import Path

import numpy as np

GATE = Path(__file__).with_name("open")


class Gated:
    n_parameters = 1

    def __init__(self, seed, waits, near):
        self.rng, self.waits, self.near = np.random.default_rng(seed), waits, near

    def fit(self, train, valid, unlabeled=None):
        if self.waits:
            GATE.with_name(f"{os.getpid()}.waits").touch()
            while not GATE.exists():
                time.sleep(0.02)
        return self

    def predict_proba(self, clips):
        loud = np.array([np.abs(signal).mean() for signal in clips])
        p = 1 / (1 + np.exp(-self.near * (loud - loud.mean()) - self.rng.normal(0, 0.1, len(clips))))
        return np.stack([1 - p, p], axis=1)


def build(*, seed, waits=False, near=1.0):
    return Gated(seed, waits, near)


def space(trial):
    return {"waits": True, "near": trial.suggest_float("near", 0.0, 10.0)}
'''


class Cluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        contact = folder / "scheduler.json"
        self.where = ("--no-dashboard", "--scheduler-file", str(contact))
        self.folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler = background("distributed.cli.dask_scheduler", *self.where, "--host", "127.0.0.1", "--port", "0")
        wait_for(lambda: address_in(contact) or self.scheduler.poll() is not None)
        self.address = address_in(contact)

    def start_worker(self) -> None:
        alone = ("--nthreads", "1", "--local-directory", str(self.folder))
        self.workers.append(background("distributed.cli.dask_worker", *self.where, *alone))


@contextmanager
def running(folder: Path, workers: int) -> Iterator[Cluster]:
    dask = Cluster(folder)
    try:
        for _ in range(workers):
            dask.start_worker()
        yield dask
    finally:
        for process in (dask.scheduler, *dask.workers):
            kill(process)


def background(module: str, *options: str) -> subprocess.Popen[bytes]:
    """A process in a session of its own, so that a worker is killed together with its nanny.

    It runs in the folder of the tests, and so can import their made-up work.
    """
    return subprocess.Popen(
        [sys.executable, "-m", module, *options],
        cwd=Path(__file__).parents[1],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=30)


def address_in(contact: Path) -> str:
    """The address in a file that a scheduler may still be writing; empty if it isn't there."""
    try:
        return str(json.loads(contact.read_text())["address"])
    except (FileNotFoundError, ValueError):
        return ""


def through(address: str) -> tuple[str, ...]:
    return "--backend", "dask", "--scheduler", address


def command(folder: Path, results: str, *more: str) -> list[str]:
    """A run of a control and a gated model, with four trials of which two can wait."""
    model = folder / "gated.py"
    model.write_text(GATED)
    return ["run", *RUN, "--model", str(model), "--trials", "2", "--results", str(folder / results), *more]


@contextmanager
def begun(folder: Path, dask: Cluster) -> Iterator[subprocess.Popen[str]]:
    """A run on a cluster all of whose workers, two at most, wait for the gate in the middle of a trial."""
    run = subprocess.Popen(
        [sys.executable, "-m", "respbench", *command(folder, "cluster", *through(dask.address))],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with run:
        wait_for(lambda: len(list(folder.glob("*.waits"))) == len(dask.workers) or run.poll() is not None)
        assert run.poll() is None, run.communicate()[0]
        yield run


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until the test's own time is over, however busy the machine is."""
    while not condition():
        time.sleep(0.02)


def test_a_cluster_that_loses_a_worker_gives_the_same_bytes(tmp_path: Path) -> None:
    """One of two workers is killed in the middle of a trial."""
    gate = tmp_path / "open"
    with running(tmp_path, workers=2) as dask, begun(tmp_path, dask) as run:
        kill(dask.workers[0])
        gate.touch()
        said, _ = run.communicate()
    assert run.returncode == 0, said
    assert main(command(tmp_path, "serial", "--workers", "0")) == 0
    one, other = (next((tmp_path / name).rglob("leaderboard.csv")).read_bytes() for name in ("serial", "cluster"))
    assert one == other
    assert b"gated-tuned" in one
    assert not list((tmp_path / "cluster").rglob("*.tmp"))


def test_a_run_that_loses_its_scheduler_ends_with_a_sentence(tmp_path: Path) -> None:
    with running(tmp_path, workers=1) as dask, begun(tmp_path, dask) as run:
        kill(dask.scheduler)
        said, _ = run.communicate()
    assert run.returncode == 2, said
    assert "the Dask scheduler was lost; start it and its workers, then run the same command" in said
    assert "Traceback" not in said


def test_a_cluster_without_workers_is_told_and_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    said: list[str] = []
    errors: list[str | None] = []
    with running(tmp_path, workers=0) as dask:

        def say(line: str) -> None:
            said.append(line)
            dask.start_worker()

        with Executor(Engine(backend=Backend.DASK, scheduler=dask.address), say) as executor:
            executor.run([Piece("piece", tmp_path)], lambda outcome: errors.append(outcome.error))
    assert errors == [None]
    assert len(said) == 1
    assert "has had no worker for 1 s; the run goes on as soon as there is one: start some with" in said[0]


def test_workers_of_this_machine_that_all_ended_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    with Executor(Engine(workers=1, backend=Backend.DASK), print) as executor:
        executor.client.cluster.scale(0)
        wait_for(lambda: not executor.client.ncores())
        with pytest.raises(InputError, match="all workers of the Dask cluster have ended; run the same command again"):
            executor.run([Piece("piece", tmp_path)], print)


def test_a_scheduler_that_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster, "SCHEDULER_TIMEOUT", 1)
    address = "tcp://127.0.0.1:9"
    assert (
        main(["run", *RUN, "--trials", "none", "--results", str(tmp_path), "--backend", "dask", "--scheduler", address])
        == 2
    )
    assert f"no Dask scheduler answers at {address}" in capsys.readouterr().err


def test_a_job_whose_result_was_lost_and_whose_workers_then_die_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker died before the result was fetched, and so did those that executed it again."""

    async def lost(self: Client, futures: list[Any], *more: Any, **options: Any) -> list[Any]:
        error = KilledWorker(futures[0].key, SimpleNamespace(address="tcp://127.0.0.1:9"), 3)
        self.futures[futures[0].key].set_error(error, None)
        raise error

    monkeypatch.setattr(Client, "_gather", lost)
    errors: list[str | None] = []
    with Executor(Engine(workers=1, backend=Backend.DASK), print) as executor:
        executor.run([Piece("piece", tmp_path)], lambda result: errors.append(result.error))
    assert errors == [cause_of_death(None, None)]


class _Foreign(Piece):
    """A job that workers elsewhere can't unpickle, as where respbench is not installed."""

    def __reduce__(self) -> Any:
        return partial(__import__, "nowhere"), ()


def test_a_cluster_that_can_not_do_the_work_is_named(tmp_path: Path) -> None:
    said = r"the Dask cluster can't do the work \(.+\); start it as README.md says"
    with (
        Executor(Engine(workers=1, backend=Backend.DASK), print) as executor,
        pytest.raises(InputError, match=said),
    ):
        executor.run([_Foreign("piece", tmp_path)], print)


def test_what_always_dies_on_a_cluster_is_given_up_alone(tmp_path: Path) -> None:
    errors: dict[str, str | None] = {}
    deeds = ("fine", "dies", "fine", "dies once", "fine")
    with Executor(Engine(workers=2, backend=Backend.DASK), print) as executor:
        executor.run(
            [Piece(f"{i} {deed}", tmp_path, deed) for i, deed in enumerate(deeds)],
            lambda outcome: errors.update({outcome.name: outcome.error}),
        )
    assert [name for name, error in errors.items() if error] == ["1 dies"]
    assert len(errors) == len(deeds)


@pytest.mark.parametrize(
    ("address", "is_exposed"),
    [
        ("tcp://192.0.2.1:8786", True),
        ("tcp://0.0.0.0:8786", True),
        ("tcp://[2001:db8::1]:8786", True),
        ("tcp://cluster.example:8786", True),
        ("cluster.example:8786", True),
        ("ws://192.0.2.1:8786", True),
        ("tls://192.0.2.1:8786", False),
        ("wss://192.0.2.1:8786", False),
        ("tcp://127.0.0.1:8786", False),
        ("tcp://127.8.8.8:8786", False),
        ("tcp://[::1]:8786", False),
        ("localhost:8786", False),
        ("inproc://192.0.2.1/7/1", False),
    ],
)
def test_an_address_without_tls_off_loopback_is_exposed(address: str, is_exposed: bool) -> None:
    assert cluster.exposed([address]) == [address] * is_exposed


@pytest.mark.parametrize(("scheduler", "worker"), [("192.0.2.1:1", "127.0.0.1:2"), ("127.0.0.1:1", "192.0.2.1:2")])
def test_what_anyone_on_the_network_could_do_is_said(
    monkeypatch: pytest.MonkeyPatch, scheduler: str, worker: str
) -> None:
    """Also where this process reaches a scheduler on all interfaces through loopback."""
    known = {"address": f"tcp://{scheduler}", "workers": {f"tcp://{worker}": {}}}
    client = SimpleNamespace(scheduler_info=lambda: known)
    monkeypatch.setattr(cluster, "Client", lambda address, timeout: nullcontext(client))
    said: list[str] = []
    with cluster.connected("127.0.0.1:1", 1, said.append):
        pass
    assert said == [cluster.WARNING.format("tcp://192.0.2.1:" + ("1" if "192" in scheduler else "2"))]
    assert "can run any code as you" in said[0]


def test_tls_without_certificates_names_where_they_go() -> None:
    with (
        pytest.raises(InputError, match=r"has no certificates for it .*; name them .* as docs/security.md says"),
        cluster.connected("tls://127.0.0.1:9", 1),
    ):
        pytest.fail("connected")
