"""Execute jobs in this process, in worker processes, or on a Dask cluster, whatever happens to the workers.

A job stores its own result, so that results depend neither on the worker nor on the order, and nothing finished is
lost.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from respbench.benchmarks.execution.deaths import cause_of_death
from respbench.benchmarks.execution.job import Job, JobResult
from respbench.benchmarks.execution.memory import keep_freed_memory, return_freed_memory
from respbench.benchmarks.execution.signals import check
from respbench.benchmarks.execution.timeout import OutOfTime, deadline, too_long
from respbench.corpora.problems import InputError
from respbench.models.exits import EndsPython, refusing_exits

if TYPE_CHECKING:
    from respbench.benchmarks.execution.processes import ProcessPool

MAX_STARTUP_CRASHES = 8
"""Workers that may die before the first job of a run has ended."""

_ONE_AT_A_TIME = threading.Lock()
"""A fit has the process's random generators and thread settings to itself, also where a cluster's workers have several
threads.
"""


class Backend(StrEnum):
    """Where jobs are executed."""

    PROCESSES = "processes"
    DASK = "dask"


def cpu_count() -> int:
    """Count the cores that this process may use, also in a container."""
    import joblib  # slow to import

    return int(joblib.cpu_count())


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Where and how jobs are executed.

    Attributes:
        workers: jobs executed at once on this machine, each in a process of its own; 0 = one at a time in this process,
            which then ends where a job crashes.
        backend: processes of this machine, or Dask.
        scheduler: address of a Dask scheduler; None = a cluster of ``workers`` processes on this machine.
        timeout: s that a job may take; None = no limit.
    """

    workers: int = field(default_factory=cpu_count)
    backend: Backend = Backend.PROCESSES
    scheduler: str | None = None
    timeout: float | None = None

    def for_jobs(self, number: int) -> "Engine":
        """The same with no more workers than jobs."""
        return replace(self, workers=min(self.workers, max(1, number)))


class Executor:
    """Execute jobs on an engine; a context manager, which ends the workers that it started.

    Args:
        engine: where and how.
        say: shows the user a line, such as why nothing happens.

    Raises:
        InputError: the engine is not available.
    """

    def __init__(self, engine: Engine, say: Callable[[str], None]) -> None:
        self.engine, self.say = engine, say
        self.stack = ExitStack()
        self.client: Any = None
        self.processes: ProcessPool | None = None
        self.began: dict[str, float] = {}
        self.crashes = self.finished = 0

    def __enter__(self) -> "Executor":
        if self.engine.backend == Backend.DASK:
            try:
                from respbench.benchmarks.execution.dask_pool import connected
            except ImportError as error:
                raise InputError(
                    "the backend dask needs the package distributed; install respbench with [dask]"
                ) from error
            workers = max(1, self.engine.workers)
            self.client = self.stack.enter_context(connected(self.engine.scheduler, workers, self.say))
        elif self.engine.workers:
            from respbench.benchmarks.execution.processes import ProcessPool  # slow to import

            self.processes = self.stack.enter_context(ProcessPool(self.engine.workers, self.engine.timeout))
        return self

    def __exit__(self, *error: object) -> None:
        self.stack.close()

    @property
    def at_once(self) -> int:
        """How many jobs are executed at once."""
        return max(1, sum(self.client.ncores().values()) if self.client else self.engine.workers)

    def running(self) -> list[tuple[str, float]]:
        """The jobs that are being executed on this machine, each with its s so far, the longest first."""
        began = self.processes.began if self.processes else self.began
        now = time.monotonic()
        return sorted(((name, now - since) for name, since in list(began.items())), key=lambda job: -job[1])

    def run(self, jobs: Sequence[Job], done: Callable[[JobResult], None]) -> None:
        """Execute all jobs; ``done`` receives the result of each as it ends.

        A job whose worker dies is executed once more, after the others and alone; if that worker dies too, the job is
        given up. One that ends its worker by itself is given up at once.

        Raises:
            InputError: workers die before any job ends, or the cluster is lost.
            Exception: whatever a job raised as pointless to go on from.
        """
        suspects = []
        for job, result in self._results(jobs):
            if isinstance(result, str):
                suspects.append(job)
                self.crashes += 1
                if self.crashes > MAX_STARTUP_CRASHES and not self.finished:
                    raise InputError(f"worker processes die before they finish anything; of {job.name}, {result}")
            else:
                self._finish(result, done)
        for suspect in suspects:
            for job, result in self._results([suspect]):
                self._finish(job.give_up(result) if isinstance(result, str) else result, done)

    def _finish(self, result: JobResult, done: Callable[[JobResult], None]) -> None:
        if result.fatal is not None:
            raise result.fatal
        self.finished += 1
        done(result)
        check()

    def _results(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, JobResult | str]]:
        """Each job with its result, as they end, or what its worker died of."""
        if self.client:
            from respbench.benchmarks.execution.dask_pool import results

            execute = partial(attempt, timeout=self.engine.timeout)
            for job, result in results(self.client, jobs, execute, self.say):
                yield job, cause_of_death(None, None) if result is None else result
        elif self.processes:
            yield from self.processes.results(jobs, partial(attempt, timeout=self.engine.timeout, own_process=True))
        else:
            for job in jobs:
                self.began = {job.name: time.monotonic()}
                result = attempt(job, timeout=self.engine.timeout)
                self.began = {}
                yield job, result


def attempt(job: Job, *, timeout: float | None, own_process: bool = False) -> JobResult:
    """Execute a job, in whatever process this is; errors are returned, since not every engine transports them.

    Args:
        job: what to execute.
        timeout: s that it may take; None = no limit.
        own_process: whether Ctrl-C doesn't reach this process, so that a KeyboardInterrupt is the job's own.
    """
    with _ONE_AT_A_TIME:
        keep_freed_memory()
        try:
            with deadline(timeout) as late, refusing_exits():
                result = job.execute()
            # A model may turn the exception that ends it into another one.
            return job.give_up(too_long(timeout)) if result.error and late.is_set() else result
        except OutOfTime:
            return job.give_up(too_long(timeout))
        except EndsPython as error:
            return job.give_up(f"{error}, which would end the benchmark; let it raise an exception")
        except Exception as error:
            return JobResult(name=job.name, group=job.group, fatal=error)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and not own_process:
                raise
            return job.give_up(f"{type(error).__name__}: {error}")
        finally:
            return_freed_memory()
