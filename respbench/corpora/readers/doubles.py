"""Files that claim to be the same thing."""

from collections.abc import Sequence
from pathlib import Path

from respbench.corpora.problems import Problem


def problems_of_doubles(what: str, name: str, patient: str, paths: Sequence[Path], copies: bool) -> list[Problem]:
    """Return the problems of several files that are the same recording, cycle or annotation.

    Args:
        what: kind of what they are, for the message.
        name: of what they are.
        patient: whose it is.
        paths: the files.
        copies: whether they agree, so that the first is used and each other one is a problem; else nothing says which
            is right, and there is one problem for all.
    """
    unusable = paths[1:] if copies else [paths[1]]
    text = f"{what} {name} is also in {paths[0]}; remove one of the two"
    return [Problem(name=name, text=f"{path}: {text}", patient=patient) for path in unusable]


def same_bytes(paths: Sequence[Path]) -> bool:
    """Whether files have equal content; those that can't be read have not."""
    if len(paths) < 2:
        return True
    try:
        if len({path.stat().st_size for path in paths}) > 1:
            return False
        return len({path.read_bytes() for path in paths}) == 1
    except OSError:
        return False
