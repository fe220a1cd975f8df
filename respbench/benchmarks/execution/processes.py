"""Worker processes of this machine, each with one job at a time, so that a worker's death is attributed to its job.

`concurrent.futures.ProcessPoolExecutor` fails every pending job when one worker dies, neither says what it died of, nor
can end a job that is stuck.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from math import inf
from multiprocessing.connection import Connection
from queue import LifoQueue
from typing import Any, Self

from respbench.benchmarks.execution.deaths import cause_of_death, kills_for_memory
from respbench.benchmarks.execution.timeout import too_long

GRACE = 1.0
"""s after the limit in which a job may still end by itself: an exception waits while compiled code is running."""

PAUSE = 0.1
"""s between two looks at whether a worker is alive: what it forked may hold its pipe open after its death."""


class ProcessPool:
    """A context manager: workers start with the first jobs, and end with the context or with this process.

    Args:
        workers: number of processes.
        timeout: s after which a job ends by itself; its worker is killed soon after. None = no limit.
    """

    def __init__(self, workers: int, timeout: float | None) -> None:
        self.limit = inf if timeout is None else timeout + GRACE
        self.stuck = f"{too_long(timeout)}, and did not react"
        self.lifeline, self.held = multiprocessing.get_context("spawn").Pipe(duplex=False)
        self.threads = ThreadPoolExecutor(workers)
        self.workers = [_Worker(self.lifeline) for _ in range(workers)]
        self.idle: LifoQueue[_Worker] = LifoQueue()  # a later wave finds workers that run already
        for worker in self.workers:
            self.idle.put(worker)
        self.closing = False
        self.began: dict[str, float] = {}  # the jobs that are being executed, by name, see `time.monotonic`

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.closing = True
        self.held.close()  # a worker that is starting ends by itself
        for worker in self.workers:
            worker.kill()
        self.threads.shutdown(cancel_futures=True)
        for worker in self.workers:
            worker.end()
        self.lifeline.close()

    def results(self, jobs: Sequence[Any], attempt: Callable[[Any], Any]) -> Iterator[tuple[Any, Any]]:
        """Each job with its result, as they end; in place of a result, in words, the signal that its worker died of.

        Args:
            jobs: to execute.
            attempt: executes one job in a worker.
        """
        futures = {self.threads.submit(self._execute, job, attempt): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future.result()

    def _execute(self, job: Any, attempt: Callable[[Any], Any]) -> Any:
        worker, kills = self.idle.get(), kills_for_memory()
        self.began[job.name] = time.monotonic()
        try:
            result = worker.execute(job, attempt, self.limit)
        except TimeoutError:
            worker.end()
            return job.give_up(self.stuck)
        except (EOFError, OSError):
            code = worker.end()
            cause = cause_of_death(code, kills)
            exited = code is not None and code >= 0 and not self.closing
            return job.give_up(cause) if exited else cause
        else:
            return result
        finally:
            self.began.pop(job.name, None)
            self.idle.put(worker)


class _Worker:
    """A process that executes jobs, started when it is needed.

    Args:
        lifeline: it ends when the other end of this is closed.
    """

    def __init__(self, lifeline: Connection) -> None:
        self.lifeline, self.lock = lifeline, threading.Lock()
        self.process: Any = None
        self.connection: Any = None

    def execute(self, job: Any, attempt: Callable[[Any], Any], limit: float) -> Any:
        """Execute a job; the limit in s counts from when the process has imported what the job needs.

        Raises:
            TimeoutError: it took longer.
            EOFError, OSError: the process died.
        """
        if self.process is None:
            self._start()
        self.connection.send((attempt, job))
        self._receive(inf)
        return self._receive(limit)

    def kill(self) -> None:
        """Kill the process, if there is one, from any thread."""
        with self.lock:
            if self.process is not None:
                self.process.kill()

    def end(self) -> int | None:
        """Kill the process unless it has died, and return its exit status; -n = signal n, None = there was none."""
        self.kill()
        with self.lock:
            if self.process is None:
                return None
            self.process.join()
            code: int | None = self.process.exitcode
            self.process.close()
            self.connection.close()
            self.process = None
            return code

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        with self.lock:
            self.connection, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, self.lifeline))
            process.start()
            self.process = process
            theirs.close()

    def _receive(self, limit: float) -> Any:
        end = time.monotonic() + limit
        while not self.connection.poll(PAUSE):
            if not self.process.is_alive() and not self.connection.poll():
                raise EOFError
            if time.monotonic() > end:
                raise TimeoutError
        return self.connection.recv()


def _serve(connection: Connection, lifeline: Connection) -> None:
    """Execute what comes, in a worker; say when each job begins and what it gave.

    Leaves Ctrl-C and a closed terminal to the parent, and ends with it, however it ends: an orphan would go on writing
    results.
    """
    leave = os._exit  # which models are kept from

    def watch() -> None:
        try:
            lifeline.recv()
        except EOFError:
            leave(1)

    for name in {"SIGINT", "SIGHUP"} & {known.name for known in signal.Signals}:
        signal.signal(signal.Signals[name], signal.SIG_IGN)
    threading.Thread(target=watch, daemon=True).start()
    multiprocessing.set_start_method(None, force=True)  # for what a model starts, such as torch's DataLoader
    while True:
        attempt, job = connection.recv()
        connection.send(None)
        connection.send(attempt(job))
