"""What a pool of workers executes, and what comes back."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """How a job ended.

    Attributes:
        name: of the job.
        group: jobs of one group take about the same time.
        seconds: it took.
        error: the last line of a traceback, or None.
        value: of a trial, its objective; None where there is none.
        fatal: an error that must stop the run, such as a full disk.
    """

    name: str
    group: str
    seconds: float = 0.0
    error: str | None = None
    value: float | None = None
    fatal: Exception | None = None


class Job(Protocol):
    """A unit of work that one process executes and stores by itself."""

    @property
    def name(self) -> str:
        """Unique in a run."""
        ...

    @property
    def group(self) -> str:
        """Jobs of one group take about the same time."""
        ...

    def execute(self) -> JobResult:
        """Do the work and store it; raise only what makes all further jobs pointless."""
        ...

    def give_up(self, reason: str) -> JobResult:
        """Store that circumstances kept the job from being finished."""
        ...
