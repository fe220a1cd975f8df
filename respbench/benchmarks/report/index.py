"""The page over all reports of a results folder: which there are, and which model leads in each."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from respbench.benchmarks.report.coverage import PAGE as COVERAGE
from respbench.benchmarks.report.crossing import PAGE as CROSSING
from respbench.benchmarks.report.folders import GENERALIZATION, by_name, link, report_folders
from respbench.benchmarks.report.html import REPORT
from respbench.benchmarks.report.label_efficiency import PAGE as LABEL_EFFICIENCY
from respbench.benchmarks.report.markdown import render
from respbench.benchmarks.report.tables import read_leaderboard
from respbench.benchmarks.statistics.formatting import Markdown, cell
from respbench.benchmarks.statistics.intervals import Estimate
from respbench.benchmarks.statistics.results import FROM_OUTSIDE, SIMULATED
from respbench.benchmarks.storage.files import write_atomically
from respbench.corpora.protocol import NOT_DISJOINT
from respbench.corpora.protocols import of_folder


@dataclass(frozen=True, kw_only=True)
class ReportLine:
    """One report in the index, with the best model and its number by ``score`` and ``auroc``."""

    place: Path
    warning: str
    best: dict[str, tuple[str, Estimate]]
    complete: int
    models: int

    @property
    def link(self) -> Markdown:
        """Markdown links to the report and to its HTML page."""
        return Markdown(f"{link(self.place)} ([HTML]({quote(self.place.as_posix())}/{REPORT}))")

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
        """Sorts reports without a warning first, simulated ones last; then by name."""
        return bool(self.warning), SIMULATED in self.warning, by_name(self.place.parts)


@dataclass(frozen=True, kw_only=True)
class Index:
    """All reports by what they are; ``repeated`` ones lie a folder deeper, all but lines of reports are links.

    ``beside`` are the pages that set each of ``crossings`` beside training in the tested corpus, and ``added`` those
    that do so for each of ``together``, which were trained on the tested corpus and on another one.

    ``generalization`` is the page over all corpora, and ``coverage`` that on the coverage of intervals; empty where
    there is none.
    """

    benchmarks: list[ReportLine]
    repeated: list[ReportLine]
    crossings: list[ReportLine]
    beside: list[str]
    together: list[ReportLine]
    added: list[str]
    ablations: list[str]
    budgets: list[str]
    generalization: str
    coverage: str

    @property
    def mixed(self) -> bool:
        """Whether a published split that is listed has patients on both sides."""
        return any(NOT_DISJOINT in line.warning for line in (*self.benchmarks, *self.repeated))


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
    overall, coverage = (page if (results / page).exists() else "" for page in (GENERALIZATION, COVERAGE))
    index = Index(
        benchmarks=[],
        repeated=[],
        crossings=[],
        beside=[],
        together=[],
        added=[],
        ablations=[],
        budgets=[],
        generalization=overall,
        coverage=coverage,
    )
    folders = report_folders(results)
    for folder in folders:
        protocol = of_folder(folder.name)
        if protocol and protocol.ablation_of:
            index.ablations.append(link(folder.relative_to(results)))
        elif protocol and protocol.trained_on:
            index.crossings.append(report_line(folder, results))
        elif protocol and protocol.also_trained_on:
            index.together.append(report_line(folder, results))
        elif folder.parents[2] != results:
            index.repeated.append(report_line(folder, results))
        else:
            index.benchmarks.append(report_line(folder, results))
    pages = sorted({page for folder in folders if (page := folder.parent / LABEL_EFFICIENCY).exists()})
    index.budgets.extend(link(page.parent.relative_to(results), page.name) for page in pages)
    for lines in (index.benchmarks, index.repeated):
        lines.sort(key=lambda line: line.trust)
    index.crossings.sort(key=lambda line: (line.place.parts[:-1], line.warning))  # the adapted after the plain one
    for lines, links in ((index.crossings, index.beside), (index.together, index.added)):
        places = [line.place for line in lines if (results / line.place / CROSSING).exists()]
        links.extend(link(place, CROSSING) for place in places)
    return index


def report_line(folder: Path, results: Path) -> ReportLine:
    """Read the leaderboard of a report, but for rows from outside: what those were trained on can't be checked."""
    rows = {model: row for model, row in read_leaderboard(folder).items() if FROM_OUTSIDE not in row["warning"]}
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
