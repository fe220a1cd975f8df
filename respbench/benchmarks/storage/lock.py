"""One process at a time writes to a results folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from respbench.corpora.digests import digest
from respbench.corpora.problems import InputError


@contextmanager
def writing_to(folder: Path, cache: Path) -> Iterator[None]:
    """Hold the lock of a results folder.

    Args:
        folder: of the results; need not exist.
        cache: the lock lies here, since a results folder may be on a disk without locks.

    Raises:
        InputError: another process holds the lock.
    """
    locks = cache / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(locks / digest([str(folder.resolve())]))
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(f"another run is writing to {folder}; wait for it, or choose another RESULTS") from error
    try:
        yield
    finally:
        lock.release()
