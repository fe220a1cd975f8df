"""The page over all reports of a results folder: which there are, and which model leads in each."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from benchmarks.report.coverage import PAGE as COVERAGE
from benchmarks.report.html import REPORT
from benchmarks.report.label_efficiency import PAGE as LABEL_EFFICIENCY
from benchmarks.report.markdown import render
from benchmarks.report.tables import LEADERBOARD
from benchmarks.statistics.formatting import cell
from benchmarks.statistics.intervals import Estimate
from benchmarks.statistics.results import FROM_OUTSIDE, SIMULATED
from benchmarks.storage.files import write_atomically
from corpora.protocols import of_folder


@dataclass(frozen=True, kw_only=True)
class ReportLine:
    """One report in the index, with the best model and its number by ``score`` and ``auroc``."""

    place: Path
    warning: str
    best: dict[str, tuple[str, Estimate]]
    complete: int
    models: int

    @property
    def link(self) -> str:
        """Markdown links to the report and to its HTML page."""
        return f"{link(self.place)} ([HTML]({quote(self.place.as_posix())}/{REPORT}))"

    @property
    def cells(self) -> list[str]:
        """What its row shows beside link and warning; no number without its warning."""
        flagged = f" ({self.warning})" if self.warning else ""
        found = []
        for metric in ("score", "auroc"):
            model, value = self.best.get(metric, ("none", None))
            found += [model, cell(value) + flagged if value else ""]
        return [*found, f"{self.complete} of {self.models} complete"]

    @property
    def trust(self) -> tuple[bool, bool, list[str | int]]:
        """Sorts reports without a warning first, simulated ones last; then by name, in which 5 comes before 10."""
        name = re.split(r"(\d+)", " · ".join(self.place.parts))
        return bool(self.warning), SIMULATED in self.warning, [int(p) if p.isdigit() else p for p in name]


@dataclass(frozen=True, kw_only=True)
class Index:
    """All reports by what they are; ``repeated`` ones lie a folder deeper, ablations and budgets are links.

    ``coverage`` is the page on the coverage of the intervals, if it is there.
    """

    benchmarks: list[ReportLine]
    repeated: list[ReportLine]
    crossings: list[ReportLine]
    ablations: list[str]
    budgets: list[str]
    coverage: str


def write_index(results: Path) -> Path:
    """Write the page that lists every report below a results folder."""
    page = results / "README.md"
    write_atomically(page, results_index(results).encode())
    return page


def results_index(results: Path) -> str:
    """Render ``results/README.md``: one row per report, those that can be trusted first, warnings in their row.

    Args:
        results: holds ``<corpus>/<task>/<protocol>/leaderboard.csv``, and folders that hold the same for repetitions.
    """
    return render("index.md.j2", index=read_index(results))


def read_index(results: Path) -> Index:
    """Read every report below a results folder."""
    coverage = COVERAGE if (results / COVERAGE).exists() else ""
    index = Index(benchmarks=[], repeated=[], crossings=[], ablations=[], budgets=[], coverage=coverage)
    folders = report_folders(results)
    for folder in folders:
        protocol = of_folder(folder.name)
        if protocol and protocol.ablation_of:
            index.ablations.append(link(folder.relative_to(results)))
        elif protocol and protocol.trained_on:
            index.crossings.append(report_line(folder, results))
        elif folder.parents[2] != results:
            index.repeated.append(report_line(folder, results))
        else:
            index.benchmarks.append(report_line(folder, results))
    pages = sorted({page for folder in folders if (page := folder.parent / LABEL_EFFICIENCY).exists()})
    index.budgets.extend(link(page.parent.relative_to(results), page.name) for page in pages)
    for lines in (index.benchmarks, index.repeated):
        lines.sort(key=lambda line: line.trust)
    return index


def report_folders(results: Path) -> list[Path]:
    """List the folders of all reports that are committed, also of those of repetitions, sorted."""
    paths = [path for depth in ("*/*/*", "*/*/*/*") for path in results.glob(f"{depth}/{LEADERBOARD.filename}")]
    # Simulations can be repeated in minutes, are not committed, and don't belong on a page about patients.
    return sorted(path.parent for path in paths if path.parts[-4] != "simulated")


def report_line(folder: Path, results: Path) -> ReportLine:
    """Read the leaderboard of a report, but for rows from outside: what those were trained on can't be checked."""
    rows = {model: row for model, row in LEADERBOARD.read(folder).items() if FROM_OUTSIDE not in row["warning"]}
    complete = {model: row for model, row in rows.items() if row["status"].complete}
    best = {}
    for metric in ("score", "auroc"):
        known = {model: row[metric] for model, row in complete.items() if row[metric]}
        if known:
            best[metric] = max(known.items(), key=lambda item: item[1].value)
    return ReportLine(
        place=folder.relative_to(results),
        warning=next((row["warning"] for row in rows.values()), ""),
        best=best,
        complete=len(complete),
        models=len(rows),
    )


def link(place: Path, page: str = "README.md") -> str:
    """Format a Markdown link to a page of a folder below the results."""
    return f"[{' · '.join(place.parts)}]({quote(place.as_posix())}/{page})"
