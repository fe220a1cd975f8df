"""Errors that a user can correct: one sentence that names the file and the remedy."""

from collections.abc import Sequence


class InputError(Exception):
    """Bad input or a request that can't be met; the message is one sentence for the user, shown without a traceback."""


class InputErrors(InputError):
    """Several problems found in one pass, so that a user can correct all of them at once."""

    SHOWN = 20

    def __init__(self, problems: Sequence[str], remedy: str) -> None:
        self.problems = list(problems)
        self.remedy = remedy
        lines = [f"- {problem}" for problem in self.problems[: self.SHOWN]]
        if len(self.problems) > self.SHOWN:
            lines.append(f"- … and {len(self.problems) - self.SHOWN} more")
        heading = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"{heading} found in the data:", *lines, remedy]))

    def __reduce__(self) -> tuple[type["InputErrors"], tuple[list[str], str]]:
        # Exceptions pickle as their message alone, and worker processes send theirs home pickled.
        return InputErrors, (self.problems, self.remedy)
