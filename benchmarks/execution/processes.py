"""Worker processes of this machine, one executor per worker, so that a worker's death is attributed to its job.

`concurrent.futures.ProcessPoolExecutor` with several workers fails every pending job when one worker dies.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, Self

from benchmarks.execution.timeout import too_long


class ProcessPool:
    """A context manager: workers start with the first jobs, and end with the context or with this process.

    Args:
        workers: number of processes.
        timeout: s after which a job ends its worker by itself; None = no limit.
    """

    def __init__(self, workers: int, timeout: float | None) -> None:
        self.timeout = timeout
        self.context = multiprocessing.get_context("spawn")
        self.lifeline, self.held = self.context.Pipe(duplex=False)
        self.threads = ThreadPoolExecutor(workers)
        self.idle: SimpleQueue[ProcessPoolExecutor] = SimpleQueue()
        for _ in range(workers):
            self.idle.put(self._start())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.held.close()  # every worker ends at once, whatever it is doing
        self.threads.shutdown(cancel_futures=True)
        while not self.idle.empty():
            self.idle.get().shutdown()
        self.lifeline.close()

    def results(self, jobs: Sequence[Any], attempt: Callable[[Any], Any]) -> Iterator[tuple[Any, Any]]:
        """Each job with its result, as they end; None = its worker died.

        Args:
            jobs: to execute.
            attempt: executes one job in a worker.
        """
        futures = {self.threads.submit(self._execute, job, attempt): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future.result()

    def _execute(self, job: Any, attempt: Callable[[Any], Any]) -> Any:
        executor, begin = self.idle.get(), time.monotonic()
        try:
            return executor.submit(attempt, job).result()
        except BrokenProcessPool:
            executor.shutdown()
            executor = self._start()
            overdue = self.timeout is not None and time.monotonic() - begin > self.timeout
            return job.give_up(f"{too_long(self.timeout)}, and did not react") if overdue else None
        finally:
            self.idle.put(executor)

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, self.context, initializer=_begin_worker, initargs=(self.lifeline,))


def _begin_worker(lifeline: Connection) -> None:
    """Leave Ctrl-C to the parent, and end with it, however it ends: an orphan would go on writing results."""

    def watch() -> None:
        try:
            lifeline.recv()
        except EOFError:
            os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=watch, daemon=True).start()
