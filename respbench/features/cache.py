"""Features of a prepared corpus, computed once and kept on disk beside its audio.

The cache key holds the audio's content (by the prepared corpus' folder) and the extractor's parameters and code, so
that no entry is ever stale.
"""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from respbench.corpora.clips import Clips, Signal, StoredSignals
from respbench.corpora.code_identity.identity import code_identity, target_of
from respbench.corpora.digests import digest
from respbench.corpora.prepared.durable import delete
from respbench.corpora.problems import InputError
from respbench.features.threads import one_thread

CHUNK = 256
"""Clips measured at a time, so that memory stays bounded."""

LIMIT_VARIABLE = "RESPBENCH_CACHE_GB"
"""The environment variable that sets how large a corpus' features folder may grow, in GiB."""

DEFAULT_LIMIT_GB = 4.0

ABANDONED = 3600.0
"""s without growth after which a temporary file is taken for that of a killed process."""


class Extractor(Protocol):
    """Computes features of clips: a frozen dataclass whose repr states every parameter that the result depends on."""

    def __call__(self, signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
        """Clips at ``rate`` Hz to an array whose row i, of any shape, depends on clip i alone."""
        ...


def cached(extractor: Extractor, clips: Clips) -> NDArray[np.float32]:
    """Features of clips; those of a prepared corpus are computed once for all its clips, then read from disk.

    Processes that want the same features share the work, a chunk each at a time. A damaged file, detected by header and
    size, is computed again. Labels and patients are not used.

    Returns:
        (clips, …) float32, a copy.

    Raises:
        InputError: the extractor's settings don't fit the clips, or RESPBENCH_CACHE_GB is not a number above 0.
        OSError: the disk is full or can't be written; no partial file is left.
    """
    if not isinstance(clips.signals, StoredSignals):
        return np.concatenate(list(_chunks(extractor, clips.signals, clips.rate)))
    limit = _limit_bytes()
    folder = clips.signals.folder / "features"
    path = folder / f"{key(extractor, clips.rate)}.npy"
    whole = clips.signals.whole()
    matrix = _open(path, len(whole))
    if matrix is None:
        folder.mkdir(exist_ok=True)
        matrix = _compute_together(path, extractor, whole, clips.rate)
        _prune(folder, limit, keep=path)
    return np.asarray(matrix[clips.signals.rows])


def key(extractor: Extractor, rate: int) -> str:
    """Cache key of an extractor: changes with its class, parameters and code, and with the rate in Hz."""
    kind = type(extractor)
    code = code_identity(target_of(kind))
    return f"{kind.__name__.lower()}-{digest([kind.__qualname__, repr(extractor), str(rate), code])}"


def _chunks(extractor: Extractor, signals: Sequence[Signal], rate: int) -> Iterator[NDArray[np.float32]]:
    for start in range(0, max(1, len(signals)), CHUNK):
        yield _measure(extractor, signals[start : start + CHUNK], rate)


def _measure(extractor: Extractor, signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
    with one_thread():
        rows = extractor(signals, rate)
    if len(rows) != len(signals):
        raise ValueError(f"{extractor!r} made {len(rows)} rows of {len(signals)} clips")
    return np.ascontiguousarray(rows, dtype=np.float32)


def _compute_together(path: Path, extractor: Extractor, signals: StoredSignals, rate: int) -> NDArray[np.float32]:
    """Compute the chunks that no other process is at, wait for the rest, and put them together.

    The system frees the locks of a killed process, whose chunk another one then computes.
    """
    parts = path.with_suffix(".parts")

    def chunk(number: int, wait: bool = True) -> NDArray[np.float32]:
        own = signals[number * CHUNK : (number + 1) * CHUNK]
        part = parts / f"{number}.npy"
        with FileLock(part.with_suffix(".lock"), blocking=wait):
            rows = _open(part, len(own))
            return _write(part, iter([_measure(extractor, own, rate)]), len(own)) if rows is None else rows

    numbers = range(max(1, -(-len(signals) // CHUNK)))
    with suppress(FileNotFoundError):  # another process has put them together
        parts.mkdir(exist_ok=True)
        for number in numbers:
            with suppress(Timeout):  # another process computes it
                if _open(path, len(signals)) is None:
                    chunk(number, wait=False)
    with FileLock(path.with_suffix(".lock")):
        matrix = _open(path, len(signals))
        if matrix is None:
            parts.mkdir(exist_ok=True)
            matrix = _write(path, map(chunk, numbers), len(signals))
        shutil.rmtree(parts, ignore_errors=True)
    return matrix


def _open(path: Path, rows: int) -> NDArray[np.float32] | None:
    """The stored matrix, memory-mapped and marked as used; None if it is missing or damaged."""
    try:
        matrix = np.lib.format.open_memmap(path, mode="r")
    except (FileNotFoundError, ValueError, EOFError):
        return None
    with suppress(OSError):  # another process may just have pruned it: the map stays readable
        os.utime(path)
    intact = matrix.dtype == np.float32 and matrix.shape[:1] == (rows,)
    return matrix if intact else None


def _write(path: Path, chunks: Iterator[NDArray[np.float32]], rows: int) -> NDArray[np.float32]:
    """Write chunk by chunk under a temporary name, then rename; the caller holds the lock."""
    partial = path.with_suffix(".tmp")
    try:
        with partial.open("wb") as file:
            for number, chunk in enumerate(chunks):
                if number == 0:
                    shape = (rows, *chunk.shape[1:])
                    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                    np.lib.format.write_array_header_1_0(file, header)
                # Not through a memory map: there a full disk kills the process instead of raising OSError.
                file.write(chunk.astype("<f4", copy=False).data)
            file.flush()
            os.fsync(file.fileno())
        # Opened before the rename, so that another process can't prune it in between.
        matrix: NDArray[np.float32] = np.lib.format.open_memmap(partial, mode="r")
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return matrix


def _prune(folder: Path, limit: float, keep: Path) -> None:
    """Delete the least recently used files until at most ``limit`` bytes are left; open memory maps stay readable.

    Nothing is deleted where the folder is a link: what else lies there is unknown.
    """
    if folder.is_symlink():
        return
    now = time.time()
    for abandoned in (*folder.glob("*.tmp"), *folder.glob("*.parts")):
        with suppress(FileNotFoundError):
            if now - abandoned.stat().st_mtime > ABANDONED:
                delete(abandoned)
    stored = []
    for path in folder.glob("*.npy"):
        with suppress(FileNotFoundError):
            status = path.stat()
            stored.append((status.st_mtime_ns, status.st_size, path))
    excess = sum(size for _, size, _ in stored) - limit
    for _, size, path in sorted(stored):
        if excess > 0 and path != keep:
            path.unlink(missing_ok=True)
            excess -= size


def _limit_bytes() -> float:
    text = os.environ.get(LIMIT_VARIABLE, "")
    try:
        limit = float(text or DEFAULT_LIMIT_GB)
    except ValueError:
        limit = 0.0
    if not limit > 0:
        raise InputError(f"{LIMIT_VARIABLE} must be a number of GiB above 0, such as 4; it is {text!r}")
    return limit * 2**30
