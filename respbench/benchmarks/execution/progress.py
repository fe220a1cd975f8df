"""What a run shows: on a terminal a live part, elsewhere plain lines.

How much is done of how much, the time left, the best model so far, and what is running for how long.
"""

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from respbench.corpora.problems import printable

SHOWN = 4
"""Jobs that are named of those that run at once."""


class Output(Console):
    """A console whose reader may leave, as ``head`` does: the work goes on, unseen. Names that it prints do nothing.

    Attributes:
        words: turns a sentence into what is printed; see `corpora.wording.in_words_of`.
    """

    words: Callable[[str], str] = staticmethod(str)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print sentences in the words of the corpus that is worked on."""
        super().print(*(self.words(one) if isinstance(one, str) else one for one in objects), **options)

    def render_str(self, text: str, **how: Any) -> Text:
        """Show a string; see `corpora.problems.printable`."""
        return super().render_str(printable(text), **how)

    def on_broken_pipe(self) -> None:
        """Say nothing more, where rich would end the process."""
        self.quiet = True
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), sys.stdout.fileno())  # so that Python's last flush doesn't fail either


Running = Callable[[], Sequence[tuple[str, float]]]
"""Returns the names of what is running, each with its s so far, the longest first."""


class Display:
    """Use as a context manager.

    Args:
        console: where to write; only a terminal gets a live part.

    Attributes:
        running: asked each time that something is shown.
        best: the last that `step` was given.
    """

    PAUSE = 5.0
    """s between two plain lines."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.running: Running = tuple
        self.best = ""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
        )
        self.live = _LivePart(self, *columns, console=console, transient=True, disable=not console.is_terminal)
        self.task = self.live.add_task("", total=None, visible=False, left="")
        self.said = -self.PAUSE

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()

    def step(self, what: str, done: int, of: int, left: str = "", best: str = "") -> None:
        """Show that ``done`` of ``of`` are done, how long the rest takes, and the best so far."""
        self.best = best
        self.live.update(self.task, description=what, completed=done, total=of, visible=True, left=left)
        now = time.monotonic()
        if not self.console.is_terminal and (now - self.said >= self.PAUSE or done == of):
            self.said = now
            shown = (f"{what}: {done} of {of}", left, best, in_words(self.running()))
            self.console.print("; ".join(filter(None, shown)), highlight=False)

    def say(self, line: str) -> None:
        """A line that stays."""
        self.live.console.print(line, highlight=False, markup=False)


class _LivePart(Progress):
    """A bar, and below it what is running and the best so far, drawn anew ten times per second.

    Args:
        display: which knows both.
        columns: of the bar.
        options: of rich's Progress.
    """

    def __init__(self, display: Display, *columns: ProgressColumn, **options: Any) -> None:
        self.display = display
        super().__init__(*columns, **options)

    def get_renderables(self) -> Iterator[RenderableType]:
        """One line each, cut where the terminal ends."""
        yield self.make_tasks_table(self.tasks)
        for line in (in_words(self.display.running()), self.display.best):
            if line:
                yield Text(printable(f"  {line}"), style="dim", no_wrap=True, overflow="ellipsis")


def in_words(running: Sequence[tuple[str, float]]) -> str:
    """Such as ``running: cnn-seed0-fold1 12 s, svm-seed0-fold0 3 s``; of many jobs, the longest and a number."""
    shown = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in running[:SHOWN])
    more = f" and {len(running) - SHOWN} more" if len(running) > SHOWN else ""
    return f"running: {shown}{more}" if shown else ""


class TimeLeft:
    """Estimates the time left from measured durations, group by group, since models differ by a thousand times.

    Args:
        work: what is to do: how much of each group.
        workers: how much is done at once.
        like: of a group, another one that takes about as long, as long as none of its own was timed.
    """

    def __init__(self, work: Mapping[str, int], workers: int, like: Mapping[str, str] | None = None) -> None:
        self.waiting, self.like = dict(work), dict(like or {})
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.workers = workers

    def done(self, group: str, seconds: float) -> None:
        """One piece of work has ended."""
        self.waiting[group] -= 1
        self.seconds[group].append(seconds)

    def left(self) -> str:
        """Such as ``about 3 min left``; a group of which nothing is known counts like the average of the others.

        Empty if nothing is known, or of such groups only that others took no time: the controls of a run end first.
        """
        known = {group: sum(seconds) / len(seconds) for group, seconds in self.seconds.items()}
        if not known:
            return ""
        usual = sum(known.values()) / len(known)
        pace = {group: known.get(group, known.get(self.like.get(group, ""), usual)) for group in self.waiting}
        left = sum(pace[group] * count for group, count in self.waiting.items()) / self.workers
        if left < 1 and any(count and group not in known for group, count in self.waiting.items()):
            return ""
        return f"about {left / 60:.0f} min left" if left >= 90 else f"about {left:.0f} s left"


class Best:
    """The best value of each model so far, in words."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def seen(self, model: str, value: float | None) -> None:
        """A piece of work has ended; None = it has no value."""
        if value is not None:
            self.values[model] = max(value, self.values.get(model, value))

    def __str__(self) -> str:
        """Such as ``best inner AUROC: svm 0.71``; empty if there is none."""
        best = ", ".join(f"{model} {value:.2f}" for model, value in self.values.items())
        return f"best inner AUROC: {best}" if best else ""
