"""joblib's Dask backend, as the pool of workers needs it: nothing waits for ever, whatever happens to the cluster.

Needs the optional package ``distributed``.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from typing import Any

import dask
from distributed import Client, KilledWorker, LocalCluster, as_completed
from joblib._dask import DaskDistributedBackend
from joblib.externals.loky.process_executor import TerminatedWorkerError

from corpora.problems import InputError

ANSWER = 10
"""s in which a scheduler must answer."""

PATIENCE = 60
"""s after which it is said that a cluster has no workers."""

AGAIN = "run the same command again: what is finished is kept"

HERE = {
    # A worker that is just being started again would be dropped after 15 s.
    "distributed.deploy.lost-worker-timeout": "1 day",
    # What a worker died of is done once more, alone; elsewhere workers come and go for other reasons.
    "distributed.scheduler.allowed-failures": 0,
}
"""Settings of a cluster on this machine."""


@contextmanager
def connected(scheduler: str | None, workers: int) -> Iterator[Client]:
    """A client of the cluster of a scheduler, or of one on this machine.

    Args:
        scheduler: its address; None = start a cluster on this machine, which ends with the context.
        workers: how many it then has.

    Raises:
        InputError: no scheduler answers.
    """
    for name in ("distributed", "distributed.client"):  # what matters of their logs is said in a sentence
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        address: Any = scheduler
        if address is None:
            stack.enter_context(dask.config.set(HERE))
            address = stack.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    dashboard_address="127.0.0.1:0",
                    silence_logs=logging.CRITICAL,
                )
            )
        try:
            client = stack.enter_context(Client(address, timeout=ANSWER))
        except (OSError, TimeoutError, ValueError) as error:
            raise InputError(
                f"no Dask scheduler answers at {scheduler} ({error}); start one with `dask scheduler`, and workers "
                "with `dask worker ADDRESS --nthreads 1`"
            ) from error
        yield client


class Dask(DaskDistributedBackend):  # type: ignore[misc]
    """joblib's backend, which by itself waits for ever where Dask gave up work, because workers died of it.

    One for each call of joblib: one whose call was broken off is of no use any more.
    """

    def __init__(self, client: Client, say: Callable[[str], None]) -> None:
        super().__init__(client=client, wait_for_workers_timeout=None)
        self.say = say
        completed: Any = _Completed
        self.waiting_futures = completed([], loop=client.loop, with_results=True, raise_errors=False)

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Workers of the cluster, at least two: with one, joblib does the work in this very process."""
        return max(2, int(super().effective_n_jobs(n_jobs)))

    def start_call(self) -> None:
        """Keep an eye on the cluster as long as there is work."""
        super().start_call()
        self.client.loop.add_callback(self._watch)

    async def _watch(self) -> None:
        """Elsewhere workers may come later, say from the queue of SLURM; on this machine they don't come back."""
        seconds = 0
        while self._continue and self.client.status == "running":
            try:
                workers = await self.client.scheduler.ncores()
            except OSError:  # a scheduler that is lost ends the work anyway
                return
            seconds = 0 if workers else seconds + 1
            if seconds == PATIENCE and self.client.cluster is None:
                self.say(
                    f"the Dask cluster has had no worker for {PATIENCE} s; the run goes on as soon as there is one: "
                    "start some with `dask worker ADDRESS --nthreads 1`"
                )
            elif seconds == PATIENCE:
                gone = InputError(f"all workers of the Dask cluster have ended; {AGAIN}")
                for future in list(self._results.values()):
                    future.set_exception(gone)
            await asyncio.sleep(1)

    def submit(self, func: Any, callback: Any = None) -> Any:
        """Tell joblib of work that ended in an error, too."""
        future = super().submit(func, callback)
        future.add_done_callback(lambda ended: callback(ended.exception()) if ended.exception() else None)
        return future

    def retrieve_result_callback(self, out: Any) -> Any:
        """The result.

        Raises:
            TerminatedWorkerError: workers died of the work, again and again.
            InputError: the cluster is gone, or can't do any work.
        """
        if isinstance(out, KilledWorker):
            raise TerminatedWorkerError(str(out)) from out
        if isinstance(out, CancelledError):
            raise InputError(f"the Dask scheduler was lost; start it and its workers, then {AGAIN}") from out
        if isinstance(out, InputError):
            raise out
        if isinstance(out, BaseException):  # work hands over its own errors as values
            why = f"{type(out).__name__}: {out}".splitlines()[0]
            raise InputError(
                f"the Dask cluster can't do the work ({why}); start it as README.md says, then {AGAIN}"
            ) from out
        return super().retrieve_result_callback(out)

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Take back what was not begun, too: it will be handed in again, and might kill the workers of other work."""
        super().abort_everything(ensure_ready)
        self.client.cancel(list(self._results))


class _Completed(as_completed):
    """Futures as they end, those among them whose result was lost with its worker and that then failed."""

    async def _track_future(self, future: Any) -> None:
        track: Any = super()._track_future
        try:
            await track(future)
        except Exception:  # Dask would forget the future; by now its error is known
            await track(future)
