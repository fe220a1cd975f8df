"""The leaderboard: leaderboard.csv, and the summary for the terminal."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text
from tabulate import tabulate

from respbench.benchmarks.report.tables import Row
from respbench.benchmarks.statistics.formatting import bracketed, cell
from respbench.benchmarks.statistics.intervals import LEVEL
from respbench.benchmarks.statistics.metrics import NO_INTERVAL, metrics_of
from respbench.benchmarks.statistics.results import Results
from respbench.corpora.problems import printable
from respbench.corpora.wording import in_words_of

SUMMARY = {"score": "score", "auroc": "AUROC", "auroc_within_patients": "AUROC in patients"}
"""The metrics that fit on a terminal."""


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes:
        page: its README.md.
        results: the numbers in it.
    """

    page: Path
    results: Results

    @property
    def summary(self) -> Text:
        """The leaderboard for the terminal."""
        return Text(printable(summary(self.results)), no_wrap=True, overflow="ignore")


def leaderboard_rows(results: Results) -> Iterator[Row]:
    """Yield the rows of leaderboard.csv."""
    for model in results.models:
        metrics: Row = {
            metric: model.value(metric) if metric in NO_INTERVAL else model.estimate(metric)
            for metric in metrics_of(results.classes)
        }
        row = {"model": model.name, **metrics, "repeats": model.repeats, "status": model.status}
        yield {**row, "warning": results.warning_of(model)}


def summary(results: Results) -> str:
    """Format the leaderboard for a terminal of 80 columns: three metrics with their intervals."""
    rows = []
    for model in results.models:
        shown = [cell(model.estimate(metric), 2) for metric in SUMMARY]
        name = model.name + (" (from outside)" if model.from_outside else "")
        rows.append([name, *shown, str(model.status).partition(" (")[0]])
    table = tabulate(rows, headers=["model", *SUMMARY.values(), "status"], tablefmt="simple", disable_numparse=True)
    note = f"{LEVEL} % intervals over {len(results.patients)} patients; sorted by score"
    text = "\n".join([results.title + bracketed(results.flags), *results.warnings, "", table, "", note])
    return in_words_of(text, results.corpus)
