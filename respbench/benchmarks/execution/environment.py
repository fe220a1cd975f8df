"""Where a fit was made: versions of the libraries, processor, memory."""

import os
import platform
from functools import lru_cache
from pathlib import Path

import torch

from respbench.benchmarks.storage.identity import library_versions


def versions() -> dict[str, str]:
    """The versions of Python and of the numerical libraries."""
    return {"python": platform.python_version(), **library_versions()}


@lru_cache(maxsize=1)
def hardware() -> str:
    """The processor's name, the number of cores and, where networks use one, the GPU."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    gpu = f", {torch.cuda.get_device_name(0)}" if torch.cuda.is_available() else ""
    return f"{name}, {os.cpu_count()} cores{gpu}"
