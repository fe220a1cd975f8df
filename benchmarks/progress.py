"""One live line on a terminal, plain lines elsewhere: what is done, what is to do, and how long it will take."""

import time
from collections import defaultdict
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from benchmarks.store import Fit


class Display:
    """Use as a context manager; `step` tells about decoding and the like, `fitted` about fits.

    Args:
        console: where to write; only a terminal gets a live line.
    """

    PAUSE = 5.0
    """s between two plain lines."""

    def __init__(self, console: Console) -> None:
        self.console = console
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
        )
        self.live = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.task = self.live.add_task("", total=None, visible=False, left="")
        self.said = -self.PAUSE

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()

    def step(self, what: str, done: int, of: int, left: str = "") -> None:
        """Show that ``done`` of ``of`` are done."""
        self.live.update(self.task, description=what, completed=done, total=of, visible=True, left=left)
        now = time.monotonic()
        if not self.console.is_terminal and (now - self.said >= self.PAUSE or done == of):
            self.said = now
            self.console.print(f"{what}: {done} of {of} {left}".rstrip(), highlight=False)

    def say(self, line: str) -> None:
        """A line that stays."""
        self.live.console.print(line, highlight=False, markup=False)


class TimeLeft:
    """Estimates the time left from the measured durations, model by model, since models differ by a thousand times.

    Args:
        fits: what is to do.
        workers: how many are done at once.
    """

    def __init__(self, fits: list[Fit], workers: int) -> None:
        self.waiting: dict[str, int] = defaultdict(int)
        for fit in fits:
            self.waiting[fit.model] += 1
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.workers = workers

    def done(self, fit: Fit, seconds: float) -> None:
        """One fit has ended."""
        self.waiting[fit.model] -= 1
        self.seconds[fit.model].append(seconds)

    def left(self) -> str:
        """Such as ``about 3 min left``; a model that was not met yet counts like the average of the others."""
        known = {model: sum(seconds) / len(seconds) for model, seconds in self.seconds.items()}
        if not known:
            return ""
        usual = sum(known.values()) / len(known)
        left = sum(known.get(model, usual) * count for model, count in self.waiting.items()) / self.workers
        return f"about {left / 60:.0f} min left" if left >= 90 else f"about {left:.0f} s left"
