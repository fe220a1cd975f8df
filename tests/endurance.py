"""Kill runs at random moments, start them again, and compare what they end in with an undisturbed run, byte by byte.

``make endurance`` kills 20 times, ``KILLS=200`` as often as that; no part of ``make test``, which kills at chosen
moments. Each run has a results folder and a cache of its own, is killed and started again `EACH` times, and then left
to end. Most starts are forks of this process, with everything imported, so that they are at work at once, one fit at a
time; one of `WITH_WORKERS` is the command with two workers. Of these, by turns all processes are killed, as by a power
cut, and the parent alone, as where memory runs out: then its workers must end by themselves. Prints a line per kill and
per run; exit status 1 if any run ends in other bytes.
"""

import argparse
import importlib
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

RUN = (
    *("run", "--patients", "16", "--clips", "4", "--corpus-seed", "1", "--protocol", "patients-2fold"),
    *("--models", "prior,svm,cnn-gru", "--repeats", "2", "--trials", "3"),
)
"""Fits and trials of classical models and of a network."""

HEAVY = (
    "torch",
    "sklearn.svm",
    "xgboost",
    "optuna",
    "matplotlib.pyplot",
    "respbench.benchmarks.run",
    "respbench.benchmarks.report.pages",
)
"""Modules that a run imports."""

EACH = 20
"""Times that one run is killed before it is left to end."""

WITH_WORKERS = 10
"""One of so many starts is the command, with workers."""

MOST = 2
"""Fits and trials that a start may finish before it is killed, at most."""

PATIENCE = 20.0
"""s that workers whose parent was killed may take to notice it."""


class Run:
    """A run with everything it writes in ``folder``, in a session of its own.

    Args:
        folder: made where needed.
        workers: as a command with so many workers; 0 = as a fork of this process.
    """

    def __init__(self, folder: Path, workers: int) -> None:
        folder.mkdir(exist_ok=True)
        words = [*RUN, "--workers", str(workers), "--results", str(folder / "results")]
        environment = {**os.environ, "RESPBENCH_CACHE": str(folder / "cache")}
        self.output = folder / "output"
        if workers:
            command = [sys.executable, "-m", "respbench", *words]
            with self.output.open("ab") as output:
                process = subprocess.Popen(
                    command, env=environment, start_new_session=True, stdout=output, stderr=output
                )
            self.pid, self.wait = process.pid, process.wait
            self.ended = lambda: process.poll() is not None
        else:
            fork = multiprocessing.get_context("fork").Process(target=_execute, args=(folder, words))
            fork.start()
            self.pid = fork.pid or 0
            self.ended = lambda: fork.exitcode is not None

            def wait() -> int:
                fork.join()
                return fork.exitcode or 0

            self.wait = wait


def _execute(folder: Path, words: Sequence[str]) -> None:
    """Run the command in this process, a fork."""
    os.setsid()
    with (folder / "output").open("ab") as output:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(output.fileno(), stream.fileno())
    from respbench.benchmarks.cli import main
    from respbench.corpora import catalog

    catalog.CACHE = folder / "cache"
    status = main(words)
    sys.stdout.flush()
    os._exit(status)


def finish(folder: Path) -> float:
    """Run to the end; the seconds it took.

    Raises:
        RuntimeError: the run failed.
    """
    begin = time.monotonic()
    if Run(folder, 0).wait():
        raise RuntimeError((folder / "output").read_text())
    return time.monotonic() - begin


def stored(folder: Path) -> int:
    """How many fits and trials are stored."""
    return len((*folder.rglob("seed*-fold*.json"), *folder.rglob("trials/*/*/[0-9]*.json")))


def killed(folder: Path, rng: random.Random, workers: int, whole: bool, longest: float) -> tuple[float, int, int]:
    """Start a run and kill it within 2 s after some more is stored, or after ``longest`` s.

    Returns:
        s that it ran, how much is stored, and how many of its processes live on.
    """
    begin, enough, more = time.monotonic(), stored(folder) + rng.randrange(MOST + 1), rng.uniform(0, 2)
    run = Run(folder, workers)
    while not run.ended() and stored(folder) < enough and time.monotonic() < begin + longest:
        time.sleep(0.02)
    time.sleep(more)
    if not run.ended():
        (os.killpg if whole and workers else os.kill)(run.pid, signal.SIGKILL)
    run.wait()
    seconds = time.monotonic() - begin
    deadline = time.monotonic() + PATIENCE
    while (orphans := members(run.pid)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return seconds, stored(folder), orphans


def members(session: int) -> int:
    """How many processes of a session are alive."""
    listed = subprocess.run(["ps", "-eo", "sid,stat"], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()[1:]]
    return sum(int(row[0]) == session and not row[1].startswith("Z") for row in rows)


def content(folder: Path) -> dict[str, bytes]:
    """The tables and predictions of a run, none of which may depend on how long things took."""
    results = folder / "results"
    files = [path for path in results.rglob("*") if path.suffix in {".csv", ".gz"} and path.name != "costs.csv"]
    return {str(path.relative_to(results)): path.read_bytes() for path in files}


def killed_and_ended(folder: Path, kills: range, longest: float, console: Console) -> list[str]:
    """Kill a run again and again, and let it end; what is wrong then, in words."""
    faults = []
    for number in kills:
        workers, whole = 2 * (number % WITH_WORKERS == 0), number % (2 * WITH_WORKERS) == 0
        seconds, done, orphans = killed(folder, random.Random(number), workers, whole, longest)
        faults += [f"{orphans} processes outlived it"] if orphans else []
        what = "one process" if not workers else "all" if whole else "the parent"
        console.print(f"  {what} killed after {seconds:.1f} s with {done} fits and trials done")
    finish(folder)
    return faults + [f"{path.name} was left" for path in folder.rglob("*.tmp")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill and restart runs; 0 = all ended like the undisturbed one."""
    parser = argparse.ArgumentParser(prog="python tests/endurance.py")
    parser.add_argument("--kills", type=int, default=20, help="how often runs are killed in all (default: 20)")
    options = parser.parse_args(arguments)
    console, faulty = Console(soft_wrap=True, highlight=False), 0
    os.environ["OMP_NUM_THREADS"] = "1"  # a fork has no threads but its own
    for module in HEAVY:
        importlib.import_module(module)
    runs = [range(begin, min(begin + EACH, options.kills)) for begin in range(0, options.kills, EACH)]
    with tempfile.TemporaryDirectory(prefix="respbench-endurance-") as base:
        undisturbed = Path(base, "undisturbed")
        seconds = finish(undisturbed)
        expected = content(undisturbed)
        console.print(f"undisturbed: {seconds:.0f} s, {stored(undisturbed)} fits, {len(expected)} files to compare")
        for number, kills in enumerate(runs):
            folder = Path(base, f"killed-{number}")
            faults = killed_and_ended(folder, kills, seconds / 4, console)
            faults += [] if content(folder) == expected else ["other bytes"]
            faulty += bool(faults)
            console.print(
                f"{number + 1} of {len(runs)}, killed {len(kills)} times: {'; '.join(faults) or 'same bytes'}"
            )
            shutil.rmtree(folder)
    console.print(f"{len(runs)} runs were killed {options.kills} times, {faulty} ended with a fault")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
