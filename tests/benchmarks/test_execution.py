"""Work on every engine: it ends, or is given up with a reason, whatever happens to the processes that do it."""

import gc
import multiprocessing
import os
import platform
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from made_up_work import Piece

from respbench.benchmarks.cli import main
from respbench.benchmarks.execution import deaths, pool, processes
from respbench.benchmarks.execution.job import JobResult
from respbench.benchmarks.execution.pool import Engine, Executor, attempt
from respbench.benchmarks.execution.progress import Best, TimeLeft
from respbench.benchmarks.execution.timeout import OutOfTime, deadline
from respbench.corpora.problems import InputError


def done(folder: Path, engine: Engine, *deeds: str) -> dict[str, str | None]:
    """The errors of pieces of work by name, as they were reported."""
    outcomes: list[JobResult] = []
    with Executor(engine, print) as executor:
        executor.run([Piece(f"{i} {deed}", folder, deed) for i, deed in enumerate(deeds)], outcomes.append)
    with warnings.catch_warnings():  # where workers died, loky leaves its pipes to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    assert len({outcome.name for outcome in outcomes}) == len(outcomes) == len(deeds), "each is reported once"
    for outcome in outcomes:
        assert (folder / f"{outcome.name}.done").exists() == (outcome.error is None)
        assert (folder / f"{outcome.name}.given up").exists() == (outcome.error is not None)
    assert not list(folder.glob(".running*"))
    return {outcome.name: outcome.error for outcome in outcomes}


def test_a_worker_that_dies_costs_what_it_was_doing(tmp_path: Path) -> None:
    """Jobs whose worker died are executed again alone; only one whose worker dies then, too, is given up."""
    errors = done(tmp_path, Engine(workers=2), "fine", "dies", "dies once", "fine", "fine")
    assert [name for name, error in errors.items() if error] == ["1 dies"]
    assert "its worker process was killed" in str(errors["1 dies"])


def test_workers_that_die_before_any_job_has_ended_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without memory, every job of a run would be tried twice."""
    monkeypatch.setattr(pool, "MAX_STARTUP_CRASHES", 1)
    with pytest.raises(InputError, match=r"die before they finish anything; of . dies, its worker process was"):
        done(tmp_path, Engine(workers=2), "dies", "dies", "dies", "dies")
    assert not list(tmp_path.glob("*.given up")), "no job is to blame"


def test_workers_that_die_after_a_job_has_ended_cost_their_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MAX_STARTUP_CRASHES", 0)

    def in_order(executor: Executor, jobs: list[Piece]) -> Iterator[tuple[Piece, JobResult | str]]:
        yield from ((job, "its worker process was killed" if job.deed == "dies" else job.execute()) for job in jobs)

    monkeypatch.setattr(Executor, "_results", in_order)
    errors = done(tmp_path, Engine(workers=0), "fine", "dies", "dies")
    assert [name for name, error in errors.items() if error] == ["1 dies", "2 dies"]


def test_what_takes_too_long_is_given_up(tmp_path: Path) -> None:
    errors = done(tmp_path, Engine(workers=0, timeout=2), "fine", "sleeps", "fine")
    assert errors == {
        "0 fine": None,
        "1 sleeps": "took longer than 2 s, the limit set by --fit-timeout",
        "2 fine": None,
    }


def test_a_full_disk_stops_everything(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left on device"):
        done(tmp_path, Engine(workers=0), "fine", "full disk", "fine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0 fine.done"]


def test_work_that_ends_in_time_is_left_alone() -> None:
    before = threading.active_count()
    with deadline(3600):
        pass
    while threading.active_count() > before:  # whoever watched the clock ends with the work
        time.sleep(0.01)


@pytest.mark.parametrize("thread", [False, True])
def test_a_deadline_reaches_any_thread(thread: bool) -> None:
    said: list[str] = []

    def work() -> None:
        try:
            with deadline(0.1):
                while True:
                    time.sleep(0.01)
        except OutOfTime as error:
            said.append(str(error))

    if thread:
        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
    else:
        work()
    assert said == ["took longer than 0.1 s, the limit set by --fit-timeout"]


def test_what_does_not_react_costs_its_time_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled code sees no exception before it returns, and some code swallows it."""
    monkeypatch.setattr(processes, "GRACE", 0.2)
    errors = done(tmp_path, Engine(workers=2, timeout=0.5), "is stuck", "swallows", "fine")
    reason = "took longer than 0.5 s, the limit set by --fit-timeout, and did not react"
    assert errors == {"0 is stuck": reason, "1 swallows": reason, "2 fine": None}


def test_what_turns_the_exception_into_another_one_took_too_long(tmp_path: Path) -> None:
    late = Piece("late", tmp_path, "fails late")
    assert attempt(late, timeout=0.2).error == "took longer than 0.2 s, the limit set by --fit-timeout"


@pytest.mark.parametrize("own_process", [False, True])
@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("sys.exit(0)", "it calls sys.exit(0), which would end the benchmark; let it raise an exception"),
        ("sys.exit()", "it calls sys.exit(), which"),
        ("sys.exit('bye')", "it calls sys.exit('bye'), which"),
        ("os._exit(0)", "it calls os._exit(0), which"),
        ("raise GeneratorExit", "GeneratorExit: "),
    ],
)
def test_what_would_end_the_run_is_given_up(tmp_path: Path, deed: str, said: str, own_process: bool) -> None:
    leave = os._exit
    result = attempt(Piece("piece", tmp_path, deed), timeout=None, own_process=own_process)
    assert str(result.error).startswith(said)
    assert result.fatal is None
    assert os._exit is leave


def test_ctrl_c_is_the_users_where_it_reaches_the_process(tmp_path: Path) -> None:
    piece = Piece("piece", tmp_path, "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        attempt(piece, timeout=None)
    assert str(attempt(piece, timeout=None, own_process=True).error).startswith("KeyboardInterrupt")


def test_what_a_job_forks_may_end_itself(tmp_path: Path) -> None:
    """As the processes of a torch DataLoader do."""
    assert attempt(Piece("piece", tmp_path, "assert os.fork() or os._exit(0)"), timeout=None).error is None


STARTS = f"assert __import__('multiprocessing').get_start_method() == '{multiprocessing.get_all_start_methods()[0]}'"
"""What a job starts, such as the processes of a torch DataLoader, starts as it would outside a worker."""


def test_a_job_that_ends_its_process_or_crashes_is_told_by_its_cause(tmp_path: Path) -> None:
    errors = done(tmp_path, Engine(workers=1), "fine", "exits in C", "is terminated", STARTS)
    assert errors == {
        "0 fine": None,
        "1 exits in C": "its worker process ended with exit status 3",
        "2 is terminated": "its worker process died of SIGTERM (Terminated)",
        f"3 {STARTS}": None,
    }


@pytest.mark.parametrize(
    ("code", "kills", "said"),
    [
        (-9, (0, 1), "its worker process was killed because memory ran out; run the same command with fewer workers"),
        (-9, (1, 1), "its worker process was killed by another process (SIGKILL), not for lack of memory"),
        (-9, (None, None), "its worker process was killed (SIGKILL); if memory ran out, run the same command with"),
        (-11, (0, 1), "its worker process died of SIGSEGV (Segmentation fault)"),
        (-7, (0, 0), "its worker process died of SIGBUS (Bus error)"),
        (-40, (0, 0), "its worker process died of signal 40"),
        (0, (0, 1), "its worker process ended with exit status 0"),
        (None, (0, 1), "its worker process died; if memory ran out, run the same command with fewer workers"),
    ],
)
def test_memory_is_blamed_only_where_it_ran_out(
    monkeypatch: pytest.MonkeyPatch, code: int | None, kills: tuple[int | None, int | None], said: str
) -> None:
    monkeypatch.setattr(deaths, "kills_for_memory", lambda: kills[1])
    assert deaths.cause_of_death(code, kills[0]).startswith(said)


def test_no_more_workers_than_jobs(tmp_path: Path) -> None:
    engine = Engine(workers=400).for_jobs(6)
    assert engine.workers == 6
    assert Engine(workers=400).for_jobs(0).workers == 1, "a process of its own, as with several workers"
    assert Engine(workers=0).for_jobs(6).workers == 0
    with processes.ProcessPool(6, None) as workers:  # a process starts with its first job
        for wave in range(2):
            jobs = [Piece(f"{wave}", tmp_path)]
            assert [result.error for _, result in workers.results(jobs, partial(attempt, timeout=None))] == [None]
        assert [worker.process is not None for worker in workers.workers] == [False] * 5 + [True]


def test_time_left_counts_each_group_at_its_own_pace() -> None:
    left = TimeLeft({"slow": 3, "fast": 100}, workers=2)
    assert left.left() == ""
    left.done("slow", 60.0)
    left.done("fast", 0.1)
    assert left.left() == "about 65 s left"  # (2 x 60 + 99 x 0.1) / 2
    left.done("slow", 60.0)
    left.done("slow", 60.0)
    assert left.left() == "about 5 s left"


def test_an_untimed_group_takes_as_long_as_the_one_it_is_like() -> None:
    left = TimeLeft({"svm": 1, "cnn": 1, "svm trials": 10, "others": 1}, workers=1, like={"svm trials": "svm"})
    left.done("svm", 1.0)
    left.done("cnn", 59.0)
    assert left.left() == "about 40 s left"  # 10 x 1 + (1 + 59) / 2
    left.done("svm trials", 3.0)
    assert left.left() == "about 48 s left"  # 9 x 3 + (1 + 59 + 3) / 3


def test_controls_that_take_no_time_tell_nothing_of_the_others() -> None:
    left = TimeLeft({"prior": 5, "svm": 5}, workers=2)
    for _ in range(5):
        left.done("prior", 0.01)
    assert left.left() == ""
    left.done("svm", 3.0)
    assert left.left() == "about 6 s left"


def test_the_best_of_each_model_is_shown() -> None:
    best = Best()
    assert str(best) == ""
    for value in (0.6, 0.71, None, 0.7):
        best.seen("svm", value)
    assert str(best) == "best inner AUROC: svm 0.71"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--backend", "cloud"), "--backend: invalid choice: 'cloud' (choose from 'processes', 'dask')"),
        (("--scheduler", "tcp://127.0.0.1:8786"), "a scheduler goes with the backend dask only"),
        (("--fit-timeout", "0"), "0 is no number of seconds above 0"),
        (("--trials", "many"), "--trials: many is no number of trials; give one, or none, quick, standard, thorough"),
        (("--trials", "-3"), "--trials: -3 is no number of trials"),
    ],
)
def test_wrong_options_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    assert main(["run", "--results", str(tmp_path), *options]) == 2
    assert said in capsys.readouterr().err


FAULTS = """
import resource, torch
from respbench.benchmarks.execution.memory import keep_freed_memory
keep_freed_memory()
for _ in range(40):  # until the heap has its size, after about ten
    torch.ones(4 << 20)  # 16 MB, or 4,096 pages
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.ones(4 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep memory")
def test_a_job_keeps_freed_memory_for_its_next_allocation() -> None:
    """In a process of its own, as every job is."""
    faults = subprocess.run([sys.executable, "-c", FAULTS], check=True, capture_output=True, text=True).stdout
    assert int(faults) < 1000, "4,096 pages, had they been returned"
