"""Ctrl-C, a closed terminal and a shutdown end a run alike, also where Python swallows the exception.

A signal that arrives inside a destructor or a callback is reported and forgotten; the note taken here is not.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_asked = threading.Event()


@contextmanager
def listening() -> Iterator[None]:
    """Turn the signals that end a process into KeyboardInterrupt, inside; those that nohup ignores stay so."""
    _asked.clear()
    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        yield
        return
    heard = [signal.SIGINT, signal.SIGTERM]  # also where a shell ignores SIGINT, as it does for jobs in the background
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:
        heard.append(hangup)
    before = {number: signal.signal(number, _interrupt) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupted() -> bool:
    """Whether the user asked to end, also where what came of it is another exception."""
    return _asked.is_set()


def check() -> None:
    """Raise KeyboardInterrupt if the user asked for it and it was swallowed."""
    if interrupted():
        raise KeyboardInterrupt


def _interrupt(number: int, frame: FrameType | None) -> None:
    _asked.set()
    raise KeyboardInterrupt
