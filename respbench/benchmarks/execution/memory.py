"""Memory of this process: its peak, and whether what is freed stays for the next allocation."""

import ctypes
import resource
import sys
from pathlib import Path

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1
"""Parameters of ``mallopt`` (glibc, malloc.h)."""

LARGEST_KEPT, MOST_KEPT = 128 << 20, 512 << 20
"""Bytes of an allocation that is kept when freed, and of all that is kept at the end of the heap."""


def reset_peak_memory() -> None:
    """Let Linux count the peak of this process from here on; elsewhere it counts since the process started."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    except OSError:
        return


def peak_memory() -> float:
    """Peak resident memory of this process in MB."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return kilobytes / (1024 * 1024 if sys.platform == "darwin" else 1024)


def keep_freed_memory() -> None:
    """Keep what is freed for the next allocation, with glibc; elsewhere nothing changes.

    By default, the memory of a large tensor returns to Linux when the tensor is freed, and every step of a training
    pays for fresh, zeroed pages: thousands of page faults, an eighth of the time of a step of `cnn-lecture`
    (docs/decisions/0022-speed-of-training.md).
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if set_option is not None:
        set_option(MMAP_THRESHOLD, LARGEST_KEPT)
        set_option(TRIM_THRESHOLD, MOST_KEPT)


def return_freed_memory() -> None:
    """Return what was kept to Linux, with glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
