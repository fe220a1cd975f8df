"""Give every reader damaged files: each must be used, all of it, or be refused in a sentence.

``make fuzz`` tries 100,000 inputs (``N=`` for another number), shows the time left, and counts how they ended by kind;
Ctrl-C ends it early, with the counts so far. ``make fuzz START=`` goes on behind the inputs of an earlier call. Inputs
that ended otherwise (a traceback, a hang, something lost without a word, a message of several lines) are kept, the
shortest one of each fault. Exit status 1 if there are any. `tests/test_fuzz.py` tries some of each kind.
"""

import argparse
import faulthandler
import pickle
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from fuzz_kinds import KINDS, Kind
from hypothesis import HealthCheck, Phase, given, seed, settings
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from respbench.corpora.problems import InputError, InputErrors

BATCH = 250
"""Inputs of a kind that are drawn at a time."""

PATIENCE = 30
"""s after which an input hangs."""


class Hang(BaseException):
    """An input was neither used nor refused in time; no reader may swallow it."""


def ending(kind: Kind, folder: Path, content: Any) -> str:
    """Try one input: ``used`` or ``refused``.

    Raises:
        AssertionError: something of it was lost, or the refusal is no sentence.
        Exception: whatever a user would see as a traceback.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            kind.use(folder, content)
        except InputError as refusal:
            check_refusal(refusal)
            return "refused"
    return "used"


def check_refusal(refusal: InputError) -> None:
    """Check that a message is a line, or a list of them, that can be printed and says what to do."""
    lines = str(refusal).splitlines()
    several = isinstance(refusal, InputErrors)
    assert several or len(lines) == 1, lines
    assert all(line.isprintable() for line in lines), lines
    assert all(len(line) < 2000 for line in lines), f"a message of {max(map(len, lines))} letters"
    assert several or any(mark in lines[0] for mark in ";:,"), lines


class Tally:
    """How inputs ended.

    Args:
        kept: folder for the inputs that ended otherwise.
    """

    def __init__(self, kept: Path) -> None:
        self.kept, self.counts, self.faults, self.shortest = kept, Counter[tuple[str, str]](), Counter[str](), {}

    def one(self, kind: Kind, folder: Path, content: Any) -> None:
        """Try one input and count its ending."""
        (self.kept / "current").write_bytes(pickle.dumps((kind.name, content)))  # stays behind where Python crashes
        signal.alarm(PATIENCE)
        try:
            end = ending(kind, folder, content)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            end = "FAULT"
            self._keep(kind, content, error)
        finally:
            signal.alarm(0)
        self.counts[kind.name, end] += 1

    def _keep(self, kind: Kind, content: Any, error: BaseException) -> None:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
        fault = f"{kind.name}: {type(error).__name__} in {place}"
        self.faults[fault] += 1
        size = len(repr(content))
        if size < self.shortest.get(fault, sys.maxsize):
            self.shortest[fault] = size
            name = self.kept / "".join(letter if letter.isalnum() else "-" for letter in fault)
            name.with_suffix(".pickle").write_bytes(pickle.dumps((kind.name, content)))
            text = "".join(traceback.format_exception(error))
            name.with_suffix(".txt").write_text(f"{content!r:.3000}\n\n{text[-3000:]}", encoding="utf-8")

    def show(self, console: Console) -> None:
        """Print the counts by kind, then the faults."""
        for kind in KINDS:
            if not any(name == kind.name for name, _ in self.counts):
                continue
            used, refused, bad = (self.counts[kind.name, end] for end in ("used", "refused", "FAULT"))
            console.print(f"{kind.name:12} {used:8,} used {refused:8,} refused in a sentence {bad:6,} ended otherwise")
        total = self.counts.total()
        console.print(f"{total:,} inputs, {self.faults.total():,} of them ended in one of {len(self.faults)} faults")
        for fault, count in self.faults.most_common():
            console.print(f"  {count:6,} x {fault}")


def draw(kind: Kind, number: int, count: int, use: Callable[[Any], None]) -> None:
    """Draw so many inputs of a kind, the same ones whenever the number of the batch is the same."""

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=False,
    )
    @given(kind.inputs)
    def test(content: Any) -> None:
        use(content)

    test()


def main(arguments: Sequence[str] | None = None) -> int:
    """Try so many inputs; 0 = each was used or refused."""
    parser = argparse.ArgumentParser(prog="python tests/fuzz.py")
    parser.add_argument("--inputs", type=int, default=100_000, help="how many (default: 100000)")
    parser.add_argument("--start", type=int, default=0, help="behind how many of an earlier call (default: 0)")
    parser.add_argument("--kinds", default=",".join(kind.name for kind in KINDS), help="comma-separated; default: all")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "respbench-fuzz")
    options = parser.parse_args(arguments)
    kinds = [kind for kind in KINDS if kind.name in options.kinds.split(",")]
    options.keep.mkdir(parents=True, exist_ok=True)
    tally, console = Tally(options.keep), Console(soft_wrap=True, highlight=False)
    faulthandler.enable()
    signal.signal(signal.SIGALRM, _hang)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell starts what is in the background with Ctrl-C ignored
        signal.signal(number, signal.default_int_handler)
    turns = range(max(kind.share for kind in kinds))
    batches = [kind for turn in turns for kind in kinds if turn < kind.share]  # what ends early has tried all
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="respbench-fuzz-") as base, Progress(*columns, console=console) as progress:
        task = progress.add_task("inputs", total=options.inputs)
        done = 0
        number = options.start // BATCH
        try:
            while done < options.inputs:
                kind = batches[number % len(batches)]
                folder = Path(base, kind.name)
                if not folder.exists():
                    folder.mkdir()
                    kind.begin(folder)
                draw(kind, number, min(BATCH, options.inputs - done), partial(tally.one, kind, folder))
                done = tally.counts.total()
                number += 1
                progress.update(task, completed=done, description=f"inputs, {len(tally.faults)} faults")
                if not console.is_terminal and number % 8 == 0:
                    left = (options.inputs - done) * (time.monotonic() - begin) / max(1, done)
                    console.print(
                        f"{done:,} of {options.inputs:,}, {tally.faults.total()} faults, {left / 60:.0f} min left"
                    )
        except KeyboardInterrupt:
            console.print(f"interrupted; START={number * BATCH} goes on")
    tally.show(console)
    if tally.faults:
        console.print(f"The shortest input of each fault: {options.keep}")
    return 1 if tally.faults else 0


def _hang(*_: object) -> None:
    raise Hang(f"{PATIENCE} s")


if __name__ == "__main__":
    sys.exit(main())
