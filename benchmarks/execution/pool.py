"""Doing work in parallel: on this machine's cores, or on a Dask cluster; through workers that die and work that hangs.

Results never depend on where or in which order work is done. The engines are joblib's: loky processes, or Dask.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from benchmarks.execution.jobs import JobResult
from benchmarks.execution.signals import check
from benchmarks.execution.timeout import OutOfTime, deadline
from benchmarks.storage.store import Store
from corpora.problems import InputError

BACKENDS = ("processes", "dask")

FEWER = "run the same command with fewer workers (WORKERS for make), or where there is more memory"
KILLED = f"its worker process was killed, probably because memory ran out; {FEWER}"
BARREN = 3
"""Times that workers may die without having been at anything."""

_ONE_AT_A_TIME = threading.Lock()
"""A fit has the process's random generators and thread settings to itself, also where a cluster's workers have several
threads.
"""


class Work(Protocol):
    """A piece of work that a process does and stores by itself."""

    @property
    def name(self) -> str:
        """Unique."""
        ...

    @property
    def group(self) -> str:
        """Work of one group takes about the same time."""
        ...

    @property
    def results(self) -> Path:
        """Folder in which it is stored."""
        ...

    def execute(self) -> JobResult:
        """Do it and store it; raises only what makes all further work pointless."""
        ...

    def give_up(self, reason: str) -> JobResult:
        """Note that it couldn't be done."""
        ...


@dataclass(frozen=True)
class Engine:
    """Where and how work is done.

    Attributes:
        workers: pieces of work done at once on this machine.
        backend: one of `BACKENDS`.
        scheduler: address of a Dask scheduler; None = a cluster of ``workers`` processes on this machine.
        timeout: s that a piece of work may take; None = any time.
    """

    workers: int = joblib.cpu_count()
    backend: str = BACKENDS[0]
    scheduler: str | None = None
    timeout: float | None = None


class Executor:
    """Does work on an engine; use as a context manager, which ends a cluster that was started for it.

    Args:
        engine: where and how.
        say: tells the user why nothing happens, should it be so.

    Raises:
        InputError: the engine can't be had.
    """

    def __init__(self, engine: Engine, say: Callable[[str], None]) -> None:
        self.engine, self.say = engine, say
        self.stack = ExitStack()
        self.client: Any = None

    def __enter__(self) -> "Executor":
        if self.engine.backend == "dask":
            self.client = self.stack.enter_context(_connected(self.engine))
        return self

    def __exit__(self, *error: object) -> None:
        self.stack.close()

    @property
    def at_once(self) -> int:
        """How many pieces of work are done at once."""
        return max(1, sum(self.client.ncores().values())) if self.client else self.engine.workers

    def run(self, work: Sequence[Work], done: Callable[[JobResult], None]) -> None:
        """Do all of it; ``done`` is told of every piece that has ended.

        Where a worker dies, what was being done then is done again, piece by piece; who dies alone is given up.
        """
        left = {piece.name: piece for piece in work}
        suspects: dict[str, str] = {}  # and the notes that they left behind
        barren = 0
        while together := [piece for piece in left.values() if piece.name not in suspects]:
            if not self._all(together, left, done):
                found = {piece.name: note for piece in left.values() if (note := _take_note(piece)) is not None}
                barren += not found
                if barren > BARREN:
                    raise InputError(f"worker processes die before they do anything; {FEWER}")
                suspects |= found
        for name, reason in suspects.items():
            if name in left and (reason or not self._all([left[name]], left, done)):
                _take_note(left[name])
                done(left.pop(name).give_up(reason or KILLED))

    def _all(self, work: Sequence[Work], left: dict[str, Work], done: Callable[[JobResult], None]) -> bool:
        """Do work until it is done, or a worker dies: then False."""
        try:
            for outcome in self._outcomes(work):
                if outcome.fatal is not None:
                    raise outcome.fatal
                del left[outcome.name]
                done(outcome)
                check()
        except TerminatedWorkerError:
            return False
        return True

    def _outcomes(self, work: Sequence[Work]) -> Iterator[JobResult]:
        """In the order in which they end."""
        if self.client:
            from benchmarks.execution.dask_pool import Dask

            parallel = joblib.Parallel(
                backend=Dask(self.client, self.say), return_as="generator_unordered", batch_size=1, pre_dispatch="all"
            )
            parent = None
        elif self.engine.workers == 1:
            yield from (attempt(piece, None, self.engine.timeout) for piece in work)
            return
        else:
            parallel = joblib.Parallel(
                self.engine.workers,
                backend="loky",
                return_as="generator_unordered",
                batch_size=1,
                pre_dispatch="2*n_jobs",
            )
            parent = os.getpid()
        yield from parallel(joblib.delayed(attempt)(piece, parent, self.engine.timeout) for piece in work)


def attempt(work: Work, parent: int | None, timeout: float | None) -> JobResult:
    """Do a piece of work, in whatever process this is.

    Args:
        work: the piece.
        parent: the process that this one must not outlive; None = this is no worker of one process.
        timeout: s that it may take; None = any time.
    """
    in_worker = parent is not None and parent != os.getpid()
    if in_worker:
        _end_with(parent)

    def stuck() -> None:
        """Compiled code doesn't react: the process must go, and leaves a note why."""
        if in_worker:
            marker.write_text(f"took longer than {timeout:g} s, the limit set by --fit-timeout, and did not react")
            os._exit(1)

    marker = _marker(work)
    with _ONE_AT_A_TIME:
        try:
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.touch()
            # Libraries that use joblib themselves would send their parts of a fit round the cluster.
            with deadline(timeout, stuck), joblib.parallel_config("sequential"):
                return work.execute()
        except OutOfTime as error:
            return work.give_up(str(error))
        except Exception as error:  # handed over as a value: not every engine hands over what is raised
            return JobResult(work.name, work.group, 0.0, fatal=error)
        finally:
            marker.unlink(missing_ok=True)


def _marker(work: Work) -> Path:
    return Store(work.results).running_marker(work.name)


def _take_note(work: Work) -> str | None:
    """What a process that died left behind of the work it was doing: mostly nothing, ``""``; None = it wasn't at it."""
    marker = _marker(work)
    if not marker.exists():
        return None
    note = marker.read_text()
    marker.unlink()
    return note


@cache
def _end_with(parent: int | None) -> None:
    """End this worker process soon after its parent, however that ended: an orphan would go on writing results."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _connected(engine: Engine) -> AbstractContextManager[Any]:
    """A client of a Dask cluster."""
    try:
        from benchmarks.execution.dask_pool import connected
    except ImportError as error:
        raise InputError("the backend dask needs the package distributed; install respbench with [dask]") from error
    return connected(engine.scheduler, engine.workers)
