"""Peak resident memory of this process."""

import resource
import sys
from pathlib import Path


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
