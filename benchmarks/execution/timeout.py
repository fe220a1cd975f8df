"""Limit how long a job may take, in whatever thread or process it is executed."""

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

GRACE = 30.0
"""s after the limit in which a job may still end by itself: an exception waits while compiled code is running."""


class OutOfTime(Exception):
    """The job took longer than it may."""


def too_long(seconds: float | None) -> str:
    """Name the limit that was exceeded, in s."""
    return f"took longer than {seconds:g} s, the limit set by --fit-timeout"


@contextmanager
def deadline(seconds: float | None, stuck: Callable[[], None] | None = None, grace: float = GRACE) -> Iterator[None]:
    """Raise `OutOfTime` inside, in the thread that entered, when time is up.

    A signal would do so in a process's main thread only, and workers of a cluster execute jobs in others.

    Args:
        seconds: the limit; None = none.
        stuck: called, in another thread, where the job does not react.
        grace: s until then.
    """
    if seconds is None:
        yield
        return
    thread, over, lock = threading.get_ident(), threading.Event(), threading.Lock()

    def watch() -> None:
        if over.wait(seconds):
            return
        with lock:
            if over.is_set():
                return
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(OutOfTime))
        if stuck is not None and not over.wait(grace):
            stuck()

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    except OutOfTime as error:
        raise OutOfTime(too_long(seconds)) from error
    finally:
        try:
            with lock:
                over.set()
        finally:
            over.set()  # also where the exception arrives here, so that `stuck` is not called for the next job
