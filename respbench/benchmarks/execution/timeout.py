"""Limit how long a job may take, in whatever thread or process it is executed."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class OutOfTime(Exception):
    """The job took longer than it may."""


def too_long(seconds: float | None) -> str:
    """Name the limit that was exceeded, in s."""
    return f"took longer than {seconds or 0:g} s, the limit set by --fit-timeout"


@contextmanager
def deadline(seconds: float | None) -> Iterator[threading.Event]:
    """Raise `OutOfTime` inside, in the thread that entered, when time is up.

    A signal would do so in a process's main thread only, and workers of a cluster execute jobs in others. Compiled code
    sees no exception before it returns.

    Args:
        seconds: the limit; None = none.

    Yields:
        An event that is set when time is up, also where the exception is swallowed.
    """
    late = threading.Event()
    if seconds is None:
        yield late
        return
    thread, over, lock = threading.get_ident(), threading.Event(), threading.Lock()

    def watch() -> None:
        if over.wait(seconds):
            return
        with lock:
            if not over.is_set():
                late.set()
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(OutOfTime))

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield late
    except OutOfTime as error:
        raise OutOfTime(too_long(seconds)) from error
    finally:
        try:
            with lock:
                over.set()
        finally:
            over.set()  # also where the exception arrives here
