"""Execute jobs on a Dask cluster so that a run never waits for ever, whatever happens to the cluster.

Needs the optional package ``distributed``.
"""

import ipaddress
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed
from distributed.comm.addressing import get_address_host, parse_address

from respbench.corpora.problems import InputError

SCHEDULER_TIMEOUT = 10
"""s in which a scheduler must answer."""

PATIENCE = 60
"""s without workers after which the user is told, or the run ends."""

AGAIN = "run the same command again: what is finished is kept"

WARNING = (
    "WARNING: the Dask cluster ({}) listens on the network without TLS: whoever reaches it can run any code as you on "
    "its machines and read your recordings; use TLS as docs/security.md says, or keep others off that network"
)
"""Shown where `exposed` finds addresses."""

LOCAL_SETTINGS = {
    # A worker that is just being restarted would be dropped after 15 s.
    "distributed.deploy.lost-worker-timeout": "1 day",
    # What a worker died of is executed once more, alone; elsewhere workers come and go for other reasons.
    "distributed.scheduler.allowed-failures": 0,
}
"""Settings of a cluster on this machine."""


@contextmanager
def connected(scheduler: str | None, workers: int, say: Callable[[str], None] = print) -> Iterator[Client]:
    """Connect to the cluster of a scheduler, or to one started on this machine, which ends with the context.

    Args:
        scheduler: its address; None = start a cluster on this machine.
        workers: number of processes of a cluster on this machine.
        say: shows the user a line: the warning where anyone on the network could give the cluster orders.

    Raises:
        InputError: no scheduler answers, or one with TLS is not let in without certificates.
    """
    for name in ("distributed", "distributed.client"):  # a message of our own states what matters of their logs
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        address: Any = scheduler
        if address is None:
            stack.enter_context(dask.config.set(LOCAL_SETTINGS))
            address = stack.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    dashboard_address="127.0.0.1:0",
                    silence_logs=logging.CRITICAL,
                )
            )
        try:
            client = stack.enter_context(Client(address, timeout=SCHEDULER_TIMEOUT))
        except (OSError, TimeoutError, ValueError) as error:
            raise InputError(
                f"no Dask scheduler answers at {scheduler} ({error}); start one with `dask scheduler`, and workers "
                "with `dask worker ADDRESS --nthreads 1`"
            ) from error
        except TypeError as error:  # what Dask raises where the configuration names no certificates
            raise InputError(
                f"the Dask scheduler at {scheduler} talks TLS, and this machine has no certificates for it ({error}); "
                "name them in Dask's configuration as docs/security.md says"
            ) from error
        known = client.scheduler_info()
        if bare := exposed([known["address"], *known["workers"]]):
            say(WARNING.format(", ".join(bare)))
        yield client


def exposed(addresses: Iterable[str]) -> list[str]:
    """List the addresses that others on the network can reach and that don't ask for a certificate.

    Args:
        addresses: of a scheduler and its workers, such as ``tcp://10.0.0.1:8786``. A scheduler that listens on all
            interfaces has that of the machine, also where this process came through loopback.
    """
    return sorted({address for address in addresses if not (_is_encrypted(address) or _is_local(address))})


def _is_encrypted(address: str) -> bool:
    return parse_address(address)[0] in ("tls", "wss")


def _is_local(address: str) -> bool:
    if parse_address(address)[0] == "inproc":
        return True
    host = get_address_host(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def results(
    client: Client, jobs: Sequence[Any], attempt: Callable[[Any], Any], say: Callable[[str], None]
) -> Iterator[tuple[Any, Any]]:
    """Yield each job with its result, as they end; None = its worker died.

    Args:
        client: connected to the cluster.
        jobs: to execute.
        attempt: executes one job on a worker and returns its errors as values.
        say: shows the user a line.

    Raises:
        InputError: the cluster is lost, or can't execute the jobs.
    """
    waiting, running = iter(jobs), dict[Future[Any], Any]()
    completed = as_completed()
    workers = _Workers(client, say)
    try:
        while True:
            # As many as there are threads: of what waits on a worker that dies, Dask would say that it died of it.
            for job in islice(waiting, max(0, max(1, workers.threads) - len(running))):
                future = client.submit(attempt, job, pure=False)
                running[future] = job
                completed.add(future)
            if not running:
                return
            for future in completed.next_batch(block=False):
                try:
                    result = _result(future)
                except TimeoutError:  # lost with its worker; the scheduler has it executed again
                    completed.add(future)
                else:
                    yield running.pop(future), result
            workers.watch()
            time.sleep(0.01)
    finally:
        client.cancel(list(running))  # must not run beside the next call's jobs


def _result(future: Future[Any]) -> Any:
    try:
        return future.result(timeout=1)
    except TimeoutError:
        raise
    except KilledWorker:
        return None
    except (CancelledError, OSError) as error:
        raise InputError(f"the Dask scheduler was lost; start it and its workers, then {AGAIN}") from error
    except Exception as error:
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(
            f"the Dask cluster can't do the work ({why}); start it as README.md says, then {AGAIN}"
        ) from error


class _Workers:
    """Watches the workers of a cluster.

    Elsewhere some may come later, say from the queue of SLURM; on this machine they don't come back.
    """

    def __init__(self, client: Client, say: Callable[[str], None]) -> None:
        self.client, self.say = client, say
        self.seen = self.looked = time.monotonic()
        self.told = False
        self.threads = sum(client.ncores().values())

    def watch(self) -> None:
        """Look once per second.

        Raises:
            InputError: a cluster of this machine has had no worker for `PATIENCE` s.
        """
        now = time.monotonic()
        if now - self.looked < 1:
            return
        self.looked = now
        try:
            self.threads = sum(self.client.ncores().values())
            if self.threads:
                self.seen, self.told = now, False
        except (OSError, TimeoutError):  # a scheduler that is lost cancels the futures
            return
        if now - self.seen < PATIENCE or self.told:
            return
        self.told = True
        if self.client.cluster is not None:
            raise InputError(f"all workers of the Dask cluster have ended; {AGAIN}")
        self.say(
            f"the Dask cluster has had no worker for {PATIENCE} s; the run goes on as soon as there is one: "
            "start some with `dask worker ADDRESS --nthreads 1`"
        )
