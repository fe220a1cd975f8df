"""What one model of a results folder is above or below each of the others, for the terminal."""

from tabulate import tabulate

from respbench.benchmarks.report.leaderboard import SUMMARY
from respbench.benchmarks.statistics.comparisons import difference
from respbench.benchmarks.statistics.formatting import cell
from respbench.benchmarks.statistics.intervals import LEVEL
from respbench.benchmarks.statistics.results import Results


def differences_from(results: Results, name: str) -> str:
    """Format what a model is above or below every other complete one, for a terminal of 80 columns.

    Args:
        results: of a folder.
        name: of a complete model in it.
    """
    model = next(model for model in results.complete if model.name == name)
    rows = [
        [other.name, *(cell(difference(model, other, metric), 2) for metric in SUMMARY)]
        for other in results.complete
        if other is not model
    ]
    if not rows:
        return f"No other model is complete here; run some to compare {name} with."
    table = tabulate(rows, headers=[f"{name} minus", *SUMMARY.values()], tablefmt="simple", disable_numparse=True)
    note = f"{LEVEL} % intervals over the same patients, on the repeats that both have"
    return f"{table}\n\n{note}"
