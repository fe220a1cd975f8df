"""Keep the code of a model from ending Python, and with it the benchmark."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class EndsPython(Exception):
    """A model called what ends the process."""


@contextmanager
def refusing_exits() -> Iterator[None]:
    """Turn ``sys.exit`` and ``os._exit`` inside into `EndsPython`; processes forked inside may end themselves."""
    owner, leave = os.getpid(), os._exit

    def refuse(status: int) -> NoReturn:
        if os.getpid() != owner:
            leave(status)
        raise EndsPython(f"it calls os._exit({status})")

    os._exit = refuse
    try:
        yield
    except SystemExit as error:
        raise EndsPython(f"it calls sys.exit({'' if error.code is None else repr(error.code)})") from error
    finally:
        os._exit = leave
