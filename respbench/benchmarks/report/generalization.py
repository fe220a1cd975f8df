"""The page over all corpora: which models rank high everywhere, and what is left of that in another hospital."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from respbench.benchmarks.report.evidence import CHANCE, Section, TrustedReport, read_sections
from respbench.benchmarks.report.figures.critical_difference import draw_critical_difference
from respbench.benchmarks.report.figures.generalization import Panel, draw_generalization
from respbench.benchmarks.report.figures.style import Drawings, write_figures
from respbench.benchmarks.report.folders import GENERALIZATION as PAGE
from respbench.benchmarks.report.folders import by_name, link, report_folders
from respbench.benchmarks.report.markdown import render
from respbench.benchmarks.report.tables import GENERALIZATION, NOT_RUN, Row
from respbench.benchmarks.statistics.critical_difference import (
    FEWEST_MODELS,
    CriticalDifference,
    critical_difference,
    fewest_corpora,
)
from respbench.benchmarks.statistics.formatting import number, span
from respbench.benchmarks.statistics.metrics import LEADING
from respbench.benchmarks.storage.files import write_atomically
from respbench.corpora.splits.cross_corpus import TOGETHER

FIGURE, DIAGRAM = "generalization.png", "generalization-critical-difference.png"

FEWEST = 2
"""Corpora below which there is nothing to put side by side, and no page."""

METRIC = "auroc"
"""Of the figures, and by which models are sorted."""


@dataclass(frozen=True, kw_only=True)
class Generalization:
    """What the page shows.

    Attributes:
        sections: within corpora first; at least one.
        difference: the models that every report within corpora has, over corpora; None where these are too few.
    """

    sections: tuple[Section, ...]
    difference: CriticalDifference | None

    @property
    def corpora(self) -> tuple[str, ...]:
        """Names of all tested corpora, sorted."""
        return tested(self.sections)

    @property
    def descriptions(self) -> dict[str, str]:
        """What is known of each tested corpus, by name; of its first report that states it."""
        reports = [report for section in self.sections for report in section.reports]
        stated = {report.corpus: report.description for report in reversed(reports) if report.description}
        return {corpus: stated.get(corpus, "") for corpus in self.corpora}

    @property
    def within(self) -> Section | None:
        """The reports of models trained and tested in one corpus; None if there are none."""
        return next((section for section in self.sections if not section.setting), None)

    @property
    def compared(self) -> int:
        """Number of models that every report within corpora has."""
        return len(self.within.common(METRIC)) if self.within else 0

    @property
    def needed(self) -> int:
        """Number of corpora from which on a critical-difference diagram of these models would be drawn."""
        return fewest_corpora(max(self.compared, FEWEST_MODELS))


def write_generalization(results: Path, draw: bool = True) -> None:
    """Write the page, its table and figures from the reports below a results folder, or remove those of an earlier one.

    Args:
        results: a folder of reports, as `benchmarks.report.index.write_index` takes it.
        draw: whether to write the figures, too.
    """
    found = generalization(results)
    GENERALIZATION.write(results, table_rows(found.sections) if found else [])
    if draw or not found:
        write_figures(results / "figures", plan_generalization(found) if found else {}, "generalization*.png")
    if found:
        write_atomically(results / PAGE, page(found).encode())
    else:
        (results / PAGE).unlink(missing_ok=True)


def generalization(results: Path) -> Generalization | None:
    """Read the reports that can be trusted; None where they test fewer than `FEWEST` corpora."""
    sections = read_sections(report_folders(results), results)
    if len(tested(sections)) < FEWEST:
        return None
    within = next((section for section in sections if not section.setting), None)
    return Generalization(sections=sections, difference=_difference(within) if within else None)


def tested(sections: Sequence[Section]) -> tuple[str, ...]:
    """Names of the corpora that any report tests, sorted."""
    return tuple(
        sorted({corpus for section in sections for corpus in section.corpora}, key=lambda name: by_name([name]))
    )


def page(found: Generalization) -> str:
    """Render the page."""
    return render(
        f"{PAGE}.j2",
        found=found,
        metric=METRIC,
        chance=CHANCE,
        fewest_models=FEWEST_MODELS,
        metrics=(METRIC, *(metric for metric in LEADING if metric != METRIC)),
        report_rows=report_rows,
        value_rows=value_rows,
        rank_rows=rank_rows,
        figure_path=f"figures/{FIGURE}",
        diagram_path=f"figures/{DIAGRAM}",
    )


def report_rows(section: Section) -> list[list[object]]:
    """What was run: each report with a link, its size, its models and their repeats."""
    return [
        [
            link(report.place),
            report.patients or "unknown",
            f"{len(report.repeats)} of {len(report.rows)} complete",
            span(report.repeats),
            report.repeats[0],
        ]
        for report in section.reports
    ]


def value_rows(section: Section, metric: str) -> list[list[object]]:
    """Each model in each report: value, interval and rank, or what is lacking."""
    cells = [report.cells(metric) for report in section.reports]
    return [[model, *(own.get(model, NOT_RUN) for own in cells)] for model in section.models]


def rank_rows(section: Section, metric: str) -> list[list[object]]:
    """The mean ranks of the models that every report has, in all and in each corpus."""
    return [
        [
            model,
            f"{number(mean.value, '.2f')} [{number(mean.low, '.2f')}, {number(mean.high, '.2f')}]",
            *(number(mean.corpora[corpus], ".2f") for corpus in section.corpora),
            f"{mean.beaten} of {len(section.reports)}",
        ]
        for model, mean in section.mean_ranks(metric).items()
    ]


def table_rows(sections: Sequence[Section]) -> Iterator[Row]:
    """Yield the rows of generalization.csv: every model that any report of a section has, in each of its reports."""
    for report in (report for section in sections for report in section.reports):
        place = {"corpus": report.corpus, "task": report.task, "protocol": report.protocol.name}
        ranked = {metric: report.ranks(metric, report.models(metric)) for metric in LEADING}
        for model, row in report.rows.items():
            found: dict[str, object] = {**place, "trained_on": report.trained_on}
            for metric, ranks in ranked.items():
                if model in ranks:
                    rank, bounds = ranks[model]
                    values = {"rank": rank, "rank_low": bounds.low, "rank_high": bounds.high}
                    found |= {metric: row[metric], **{f"{metric}_{name}": value for name, value in values.items()}}
            yield {"model": model, **found, "repeats": row["repeats"], "status": row["status"]}


def plan_generalization(found: Generalization) -> Drawings:
    """List the figures, by file name."""
    drawings: Drawings = {FIGURE: partial(draw_generalization, plan_panels(found.sections))}
    if found.difference:
        drawings[DIAGRAM] = partial(draw_critical_difference, found.difference)
    return drawings


def plan_panels(sections: Sequence[Section]) -> list[Panel]:
    """Lay out the figure: a panel per task and corpus, of the tasks that several corpora share, or else of all."""
    reports = [(section.setting, report) for section in sections for report in section.reports]
    places = sorted({(report.task, report.corpus) for _, report in reports}, key=by_name)
    shared = [place for place in places if sum(task == place[0] for task, _ in places) > 1]
    joined = [(setting, report.task, report.corpus) for setting, report in reports if setting]
    several = any(TOGETHER in report.protocol.other_corpus for _, report in reports)
    named = several or len(tested(sections)) > FEWEST or len({*joined}) < len(joined)
    models = tuple(dict.fromkeys(model for section in sections for model in section.models))
    return [
        Panel(
            title=f"{corpus} · {task}",
            models=models,
            lines={
                way_of_training(setting, report, named): {
                    model: report.rows[model][METRIC] for model in report.models(METRIC)
                }
                for setting, report in reports
                if (report.task, report.corpus) == (task, corpus)
            },
        )
        for task, corpus in shared or places
    ]


def way_of_training(setting: str, report: TrustedReport, named: bool) -> str:
    """Label the models of a report in a legend; ``named``: with the names of the corpora that they were trained on."""
    if not setting:
        return f"trained there ({report.protocol.name})"
    unnamed = "the other corpus" if report.protocol.trained_on else "both corpora"
    return f"trained on {report.trained_on if named else unnamed} ({setting})"


def _difference(within: Section) -> CriticalDifference | None:
    models = within.common(METRIC)
    if len(models) < FEWEST_MODELS or len(within.corpora) < fewest_corpora(len(models)):
        return None
    return critical_difference(models, within.corpus_means(METRIC, models))
