"""Whether the fits of a model are complete, as tables show it and read it back."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Completion(StrEnum):
    """Whether all fits of a model are stored; if not, whether that is for a failure."""

    COMPLETE = "complete"
    FAILED = "failed"
    UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Status:
    """The completion of a model with what is lacking, as a table shows it."""

    completion: Completion
    detail: str = ""

    @property
    def complete(self) -> bool:
        """Whether nothing is lacking."""
        return self.completion is Completion.COMPLETE

    def __str__(self) -> str:
        return f"{self.completion}: {self.detail}" if self.detail else str(self.completion)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str`` wrote.

        Raises:
            ValueError: it wrote no such text.
        """
        completion, _, detail = text.partition(": ")
        return cls(Completion(completion), detail)
