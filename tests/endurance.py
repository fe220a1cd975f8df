"""Kill runs at random moments, start each again, and compare what it ends in with an undisturbed run, byte by byte.

``make endurance``: half an hour on two cores, so no part of ``make test``, which kills at chosen moments. Each run has
a results folder and a cache of its own. By turns the whole run is killed, as by a power cut, and only its parent, as
where memory runs out: then its workers must end by themselves. Prints a line a run; exit status 1 if any differs.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

RUN = (
    *("--patients", "20", "--clips", "5", "--corpus-seed", "1", "--protocol", "patients-3fold", "--workers", "2"),
    *("--models", "prior,metadata,svm,xgboost,cnn-gru", "--trials", "6"),
)
"""Fits and trials of classical models and of a network."""

PATIENCE = 20.0
"""s that workers whose parent was killed may take to notice it."""


def start(folder: Path) -> subprocess.Popen[bytes]:
    """A run with everything it writes in ``folder``, in a session of its own."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "benchmarks", "run", *RUN, "--results", str(folder / "results")]
    environment = {**os.environ, "RESPBENCH_CACHE": str(folder / "cache")}
    with (folder / "output").open("ab") as output:
        return subprocess.Popen(command, env=environment, start_new_session=True, stdout=output, stderr=output)


def finish(folder: Path) -> float:
    """Run to the end; the seconds it took.

    Raises:
        RuntimeError: the run failed.
    """
    begin = time.monotonic()
    if start(folder).wait():
        raise RuntimeError((folder / "output").read_text())
    return time.monotonic() - begin


def killed(folder: Path, after: float, whole: bool) -> tuple[int, int]:
    """Start a run and kill it ``after`` so many s: how much is stored then, and how many of its processes live on."""
    process = start(folder)
    try:
        process.wait(timeout=after)
    except subprocess.TimeoutExpired:
        (os.killpg if whole else os.kill)(process.pid, signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + PATIENCE
    while (orphans := members(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.2)
    stored = (*folder.rglob("seed*-fold*.json"), *folder.rglob("trials/*/*/[0-9]*.json"))
    return len(stored), orphans


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill and restart so many runs; 0 = all ended like the undisturbed one."""
    parser = argparse.ArgumentParser(prog="python tests/endurance.py")
    parser.add_argument("--runs", type=int, default=20, help="how many runs are killed (default: 20)")
    options = parser.parse_args(arguments)
    console, rng, faulty = Console(soft_wrap=True, highlight=False), random.Random(0), 0
    with tempfile.TemporaryDirectory(prefix="respbench-endurance-") as base:
        undisturbed = Path(base, "undisturbed")
        seconds = finish(undisturbed)
        expected = content(undisturbed)
        console.print(f"undisturbed: {seconds:.0f} s, {len(expected)} files to compare")
        for number in range(options.runs):
            folder, after, whole = Path(base, f"killed-{number}"), rng.uniform(0, seconds), number % 2 == 0
            done, orphans = killed(folder, after, whole)
            finish(folder)
            faults = [f"{orphans} processes outlived it"] if orphans else []
            faults += [f"{path.name} was left" for path in folder.rglob("*.tmp")]
            faults += [] if content(folder) == expected else ["other bytes"]
            faulty += bool(faults)
            console.print(
                f"{number + 1} of {options.runs}: {'all' if whole else 'the parent'} killed after {after:.1f} s with "
                f"{done} fits and trials done: {'; '.join(faults) or 'same bytes'}"
            )
    console.print(f"{options.runs} runs were killed, {faulty} with a fault")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
