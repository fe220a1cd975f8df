"""``make coverage``: simulate studies whose truth is known, count how often intervals hold it, and write the page."""

import argparse
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from rich.console import Console

from respbench.benchmarks.execution.pool import cpu_count
from respbench.benchmarks.report.figures.coverage import draw_coverage
from respbench.benchmarks.report.markdown import render
from respbench.benchmarks.statistics.coverage import (
    CHECKED_WITH,
    CHOSEN_BY,
    GOAL,
    LAYOUTS,
    MEASUREMENTS,
    QUANTITIES,
    SCENARIOS,
    SHARING,
    Batch,
    Cell,
    Found,
    measure,
    range_of,
    read_coverage,
    tabulate,
    to_csv,
)
from respbench.benchmarks.statistics.metrics import METRICS
from respbench.benchmarks.statistics.studies import MEASURED
from respbench.benchmarks.storage.files import write_atomically
from respbench.corpora.catalog import CACHE
from respbench.features.threads import one_thread

PAGE, FIGURE = "coverage.md", "figures/coverage.png"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the table for the package and the results, the page and its figure."""
    parser = argparse.ArgumentParser(prog="python -m respbench.benchmarks.report.coverage", description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"), help="where coverage.md goes")
    parser.add_argument(
        "--workers", type=int, choices=range(1, 1 + cpu_count()), default=min(2, cpu_count()), help="processes"
    )
    options = parser.parse_args(arguments)
    console = Console(soft_wrap=True)
    batches = [Batch(name, number, CACHE / "coverage") for name in SCENARIOS for number in range(LAYOUTS)]
    with one_thread(), ProcessPoolExecutor(options.workers) as pool:
        try:
            found = list(_shown(pool.map(measure, batches), len(batches), console))
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            console.print("stopped; the same command goes on from here")
            return 130
    cells = [
        cell
        for number, name in enumerate(SCENARIOS)
        for cell in tabulate(name, found[number * LAYOUTS : (number + 1) * LAYOUTS])
    ]
    for path in (MEASUREMENTS, options.results / MEASUREMENTS.name):
        write_atomically(path, to_csv(cells).encode())
    write_coverage(options.results, read_coverage(MEASUREMENTS))  # as rounded in the table
    console.print(f"wrote {options.results / PAGE}")
    return 0


def write_coverage(results: Path, cells: Sequence[Cell]) -> None:
    """Write the page and its figure from measured coverages."""
    write_atomically(results / FIGURE, draw_coverage(cells))
    write_atomically(results / PAGE, page(cells).encode())


def page(cells: Sequence[Cell]) -> str:
    """Render the page."""
    return render(
        f"{PAGE}.j2",
        cells=cells,
        scenarios=SCENARIOS,
        columns=[f"{METRICS[metric]}, {quantity}" for metric in MEASURED for quantity in QUANTITIES],
        blocks={block: [cell for cell in cells if cell.block == block] for block in (CHOSEN_BY, CHECKED_WITH)},
        rows=rows,
        outside=outside,
        range_of=range_of,
        mean=np.mean([cell.method for cell in cells]),
        bootstrapped=np.mean([cell.bootstrap_method for cell in cells]),
        studies=min(cell.studies for cell in cells),
        sharing=SHARING,
        figure_path=FIGURE,
    )


def rows(cells: Sequence[Cell], column: str) -> list[list[str]]:
    """Rows of a table, one per scenario and design, with the % of a column by metric and quantity."""
    found: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        found.setdefault((cell.scenario, cell.design), []).append(f"{100 * getattr(cell, column):.1f}")
    return [[*names, *shares] for names, shares in found.items()]


def outside(cells: Sequence[Cell]) -> list[Cell]:
    """Those whose coverage misses the goal."""
    return [cell for cell in cells if not GOAL[0] <= cell.method <= GOAL[1]]


def _shown(found: Iterator[Found], of: int, console: Console) -> Iterator[Found]:
    """Pass on what is found, and say how long the rest takes."""
    start = said = time.monotonic()
    for done, one in enumerate(found, 1):
        yield one
        now = time.monotonic()
        if done == of or now - said > 5:
            said = now
            left = (now - start) / done * (of - done)
            console.print(f"{done} of {of} layouts, {left / 60:.1f} min left", highlight=False)


if __name__ == "__main__":
    raise SystemExit(main())
