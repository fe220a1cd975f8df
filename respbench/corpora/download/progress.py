"""Show the progress of a transfer: a bar on a terminal, a line per tenth elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from respbench.corpora.download.unpack import Report


@contextmanager
def shown(what: str) -> Iterator[Report]:
    """Yield what shows progress and the time left on standard output."""
    if not sys.stdout.isatty():
        yield _Lines(what)
        return
    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = None

        def report(done: int, total: int | None) -> None:
            nonlocal task
            if task is None:  # begins where an earlier run stopped, so that the speed counts this run's bytes only
                task = bar.add_task(what, completed=done, total=total)
            bar.update(task, completed=done, total=total)

        yield report


class _Lines:
    def __init__(self, what: str) -> None:
        self.what = what
        self.step = -1
        self.first = self.last = 0
        self.begun = time.monotonic()

    def __call__(self, done: int, total: int | None) -> None:
        if self.step < 0 or done < self.last:  # the first piece, or the first after starting over
            self.first, self.begun, self.step = done, time.monotonic(), -1
        self.last = done
        step = 10 * done // max(total, 1) if total is not None else done // 100_000_000
        if step == self.step:
            return
        self.step = step
        if total is None:
            print(f"{self.what}: {done / 1e6:.0f} MB", flush=True)
            return
        line = f"{self.what}: {10 * step} % of {total / 1e6:.0f} MB"
        if self.first < done < total:
            left = (total - done) * (time.monotonic() - self.begun) / (done - self.first)
            line += f", {left / 60:.0f} min left" if left > 90 else f", {left:.0f} s left"
        print(line, flush=True)
