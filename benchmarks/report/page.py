"""The report of a results folder: README.md, CSV files and figures, from what is stored there."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from benchmarks.report.ablation import ablations
from benchmarks.report.checks import run_checks
from benchmarks.report.comparisons import comparisons
from benchmarks.report.crossing import crossing
from benchmarks.report.figures.curves import curves_by_twin, plan_curves, twin_figure
from benchmarks.report.figures.results import plan_figures
from benchmarks.report.figures.style import Drawings, write_figures
from benchmarks.report.figures.tuning import plan_tuning
from benchmarks.report.label_efficiency import budget_of, write_label_efficiency
from benchmarks.report.leaderboard import cost_rows, formatted_costs, leaderboard_rows, summary
from benchmarks.report.markdown import render
from benchmarks.report.measured import measured, repeat_rows
from benchmarks.report.models import model_section
from benchmarks.report.tables import COSTS, LEADERBOARD, TUNING, TWINS
from benchmarks.report.tuning import tuning, tuning_rows
from benchmarks.report.twins import twin_rows, twins
from benchmarks.statistics.bootstrap import RESAMPLES
from benchmarks.statistics.loading import load_results
from benchmarks.statistics.results import DURATION, Results
from benchmarks.storage.files import write_atomically
from benchmarks.storage.store import CLIPS, Store

README = "README.md"

RANKING = ("score", "auroc", "auroc_within_patients", "auroc_within_durations")
DECISIONS = ("sensitivity", "specificity", "macro_f1", "accuracy")


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
        return Text(summary(self.results), no_wrap=True, overflow="ignore")


def write_report(store: Store, draw: bool = True, overview: bool = True) -> Report:
    """Write the report of a results folder, from its stored predictions alone.

    Args:
        store: the results folder.
        draw: whether to write the figures, too.
        overview: whether to rewrite the page over all label budgets beside it, too, if it is one of them.

    Raises:
        InputError: see `load_results`; or the folder can't be written.
    """
    results = load_results(store)
    drawings = plan_drawings(results)
    if draw:
        write_figures(store.folder / "figures", drawings)
    LEADERBOARD.write(store.folder, leaderboard_rows(results))
    COSTS.write(store.folder, cost_rows(results))
    TWINS.write(store.folder, twin_rows(results))
    TUNING.write(store.folder, tuning_rows(results))
    page = store.folder / README
    write_atomically(page, report_text(results, drawings, store.folder).encode())
    if overview and budget_of(store.folder):
        write_label_efficiency(store.folder.parent, draw)
    return Report(page, results)


def write_page(folder: Path) -> Path:
    """Write the report of a results folder, without overviews; returns its page, small enough to pass on."""
    return write_report(Store(folder), overview=False).page


def plan_drawings(results: Results) -> Drawings:
    """List all figures of a report, by file name."""
    return {**plan_figures(results), **plan_curves(results), **plan_tuning(results)}


def report_text(results: Results, figures: Iterable[str], folder: Path) -> str:
    """Render README.md of a results folder; ``figures`` are the names of those that it has."""
    duration = results.find(DURATION)
    return render(
        "report.md.j2",
        results.flags,
        results=results,
        figures=list(figures),
        semi_supervised={twin_figure(twin): twin for twin in curves_by_twin(results)},
        measured=measured(results),
        ablations=ablations(results),
        crossing=crossing(results, folder),
        leaderboard={metrics: _leaderboard(results, metrics) for metrics in (RANKING, DECISIONS)},
        duration=duration.estimate("auroc_within_durations") if duration else None,
        twins=twins(results),
        tuning=tuning(results),
        comparisons=comparisons(results),
        repeats=repeat_rows(results),
        checks=run_checks(results),
        costs=[[model.name, *list(formatted_costs(model).values())[:6]] for model in results.models],
        models=[model_section(results, model) for model in results.models],
        clips_file=CLIPS,
        resamples=RESAMPLES,
    )


def _leaderboard(results: Results, metrics: tuple[str, ...]) -> list[list[object]]:
    return [
        [model.name, model.kind or "", *(model.estimate(metric) for metric in metrics), model.status]
        for model in results.models
    ]
