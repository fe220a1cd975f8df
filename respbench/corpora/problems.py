"""Errors that a user can correct: one sentence that names the file and the remedy, printed safely."""

from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 1500
"""Characters of a message; a damaged table may have a cell of megabytes."""


def printable(text: str, kept: str = "\n\t") -> str:
    """Escape the control characters and changes of direction that a terminal or an editor obeys instead of showing.

    Args:
        text: from outside.
        kept: characters that stay although they can't be printed.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in kept else ascii(char)[1:-1] for char in text)


def one_line(text: str) -> str:
    """Make a text one printable line of about `LONGEST` characters at most, whatever the names and cells in it hold."""
    text = printable(text, kept="")
    if len(text) > LONGEST:  # what is wrong begins it, and the remedy ends it
        text = f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"
    return text


class InputError(Exception):
    """Bad input or a request that can't be met; the message is one sentence for the user, shown without a traceback."""

    def __init__(self, sentence: str) -> None:
        super().__init__(one_line(sentence))


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What of a corpus can't be used: a clip or, where it yields none, an event, a row, a recording or a file.

    Attributes:
        name: the clip's ID, or the name of what yields no clip.
        text: what is wrong, where, and what to do; one sentence.
        patient: whose it is; empty = unknown.
    """

    name: str
    text: str
    patient: str = ""


class InputErrors(InputError):
    """Several problems found in one pass, so that a user can correct all of them at once."""

    SHOWN = 20

    def __init__(self, problems: Sequence[str], remedy: str) -> None:
        self.problems = list(dict.fromkeys(problems))  # several clips may share one
        self.remedy = remedy
        lines = [f"- {one_line(problem)}" for problem in self.problems[: self.SHOWN]]
        if len(self.problems) > self.SHOWN:
            lines.append(f"- … and {len(self.problems) - self.SHOWN} more")
        heading = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        self.args = ("\n".join([f"{heading} found in the data:", *lines, one_line(remedy)]),)

    def __reduce__(self) -> tuple[type["InputErrors"], tuple[list[str], str]]:
        # Exceptions pickle as their message alone, and worker processes send theirs home pickled.
        return InputErrors, (self.problems, self.remedy)
