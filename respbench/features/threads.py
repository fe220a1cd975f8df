"""One thread for reproducible results: with more threads, the order of sums varies."""

from collections.abc import Iterator
from contextlib import contextmanager

import threadpoolctl
import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """torch and the BLAS libraries compute with one thread inside."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpoolctl.threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)
