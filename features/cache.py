"""Features of a prepared corpus, computed once and kept on disk beside its audio.

The cache key holds the audio's content (by the prepared corpus' folder) and the extractor's parameters and code, so
that no entry is ever stale.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from corpora.clips import Clips, Signal, StoredSignals
from corpora.code_identity import code_identity, target_of
from corpora.digests import digest
from corpora.problems import InputError
from features.threads import one_thread

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

    Of several processes, one computes and the others wait. A damaged file, detected by header and size, is computed
    again. Labels and patients are not used.

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
        with FileLock(path.with_suffix(".lock")):
            matrix = _open(path, len(whole))
            if matrix is None:
                matrix = _write(path, _chunks(extractor, whole, clips.rate), len(whole))
                _prune(folder, limit, keep=path)
    return np.asarray(matrix[clips.signals.rows])


def key(extractor: Extractor, rate: int) -> str:
    """Cache key of an extractor: changes with its class, parameters and code, and with the rate in Hz."""
    kind = type(extractor)
    code = code_identity(target_of(kind))
    return f"{kind.__name__.lower()}-{digest([kind.__qualname__, repr(extractor), str(rate), code])}"


def _chunks(extractor: Extractor, signals: Sequence[Signal], rate: int) -> Iterator[NDArray[np.float32]]:
    for start in range(0, max(1, len(signals)), CHUNK):
        part = signals[start : start + CHUNK]
        with one_thread():
            rows = extractor(part, rate)
        if len(rows) != len(part):
            raise ValueError(f"{extractor!r} made {len(rows)} rows of {len(part)} clips")
        yield np.ascontiguousarray(rows, dtype=np.float32)


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
    """Delete the least recently used files until at most ``limit`` bytes are left; open memory maps stay readable."""
    now = time.time()
    for partial in folder.glob("*.tmp"):
        with suppress(FileNotFoundError):
            if now - partial.stat().st_mtime > ABANDONED:
                partial.unlink()
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
