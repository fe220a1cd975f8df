"""The report of a results folder: README.md, which answers first, detail pages beside it, CSV files and figures.

A detail page is a function that computes what it shows, a template, and one line of `DETAILS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from respbench.benchmarks.report.ablation import ablations
from respbench.benchmarks.report.answer import Flattery, answer
from respbench.benchmarks.report.calibration import calibration_page
from respbench.benchmarks.report.charts import plan_charts
from respbench.benchmarks.report.checks import run_checks
from respbench.benchmarks.report.comparisons import comparisons, separation_rows, short_matrix
from respbench.benchmarks.report.costs import cost_rows, costs
from respbench.benchmarks.report.crossing import PAGE as CROSSING
from respbench.benchmarks.report.crossing import crossing
from respbench.benchmarks.report.devices import devices
from respbench.benchmarks.report.errors import find_errors
from respbench.benchmarks.report.figures.calibration import plan_calibration
from respbench.benchmarks.report.figures.comparisons import plan_comparisons
from respbench.benchmarks.report.figures.curves import plan_curves
from respbench.benchmarks.report.figures.errors import plan_errors
from respbench.benchmarks.report.figures.results import plan_figures
from respbench.benchmarks.report.figures.style import Drawings, in_words_of_corpus, write_figures
from respbench.benchmarks.report.figures.subgroups import plan_subgroups
from respbench.benchmarks.report.figures.tuning import plan_tuning
from respbench.benchmarks.report.html import FIGURES, REPORT, Media, Section, html_report
from respbench.benchmarks.report.label_efficiency import budget_of, write_label_efficiency
from respbench.benchmarks.report.leaderboard import Report, leaderboard_rows
from respbench.benchmarks.report.leakage import leakage
from respbench.benchmarks.report.markdown import GENERATED, render
from respbench.benchmarks.report.measured import measured, repeat_rows
from respbench.benchmarks.report.metadata_control import added
from respbench.benchmarks.report.metric_tables import metric_tables
from respbench.benchmarks.report.models import model_sections
from respbench.benchmarks.report.sounds import SOUND_PAGE, error_sounds
from respbench.benchmarks.report.source import DetailPage, Source
from respbench.benchmarks.report.subgroups import subgroup_page
from respbench.benchmarks.report.tables import COSTS, PROBES, RANKS, TUNING, TWINS, leaderboard_of
from respbench.benchmarks.report.training import training
from respbench.benchmarks.report.tuning import tuning, tuning_rows
from respbench.benchmarks.report.twins import twin_rows, twins
from respbench.benchmarks.statistics.formatting import bracketed, capitalized
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import LEADING
from respbench.benchmarks.statistics.results import Results
from respbench.benchmarks.statistics.unlearned import unlearned_in
from respbench.benchmarks.storage.feature_costs import read_feature_costs
from respbench.benchmarks.storage.files import write_atomically
from respbench.benchmarks.storage.store import Store
from respbench.corpora.prepared.prepare import Prepared
from respbench.corpora.wording import in_words_of

README = "README.md"


def _method_page(source: Source) -> Mapping[str, Any]:
    return {
        "measured": measured(source.results),
        "repeats": repeat_rows(source.results),
        "checks": run_checks(source.results),
    }


def _where_found(name: str, compute: Callable[[Source], Any]) -> Callable[[Source], Mapping[str, Any] | None]:
    """Give a template what a function computes, under a name; no page where it computes None."""

    def values(source: Source) -> Mapping[str, Any] | None:
        found = compute(source)
        return None if found is None else {name: found}

    return values


DETAILS = (
    DetailPage(
        file="ablation.md",
        title="what the parts contribute",
        summary="variants of models with one part changed, each beside the full model",
        values=_where_found("ablations", lambda source: ablations(source.results)),
    ),
    DetailPage(
        file=CROSSING,
        title="trained on another corpus",
        summary="each model beside itself: trained in the tested corpus, on the other one, and adapted without labels",
        values=_where_found("crossing", lambda source: crossing(source.results, source.folder)),
    ),
    DetailPage(
        file="devices.md",
        title="devices left out",
        summary="AUROC on each device, by models trained on patients recorded with others",
        values=_where_found("devices", lambda source: devices(source.results)),
    ),
    DetailPage(
        file="leakage.md",
        title="leakage",
        summary="the same models tested on new patients and on patients they were trained on, with the paired gap",
        values=_where_found("leakage", lambda source: leakage(source.results, source.folder)),
    ),
    DetailPage(
        file="comparisons.md",
        title="comparisons",
        summary="which differences are real, ranks, who is as good as whom",
        summary_with_normal=", and what models add to metadata",
        values=lambda source: {
            "comparisons": comparisons(source.results),
            "added": added(source.results) if source.results.has_normal else None,
        },
    ),
    DetailPage(
        file="metrics.md",
        title="all metrics",
        summary="every metric of every model, with intervals",
        summary_with_normal=", and the ROC curves",
        values=_where_found("metrics", lambda source: metric_tables(source.results)),
    ),
    DetailPage(
        file="subgroups.md",
        title="subgroups",
        summary="by device, place, sex, age and cycle length; crackles and wheezes apart; every patient counted alike",
        values=_where_found("subgroups", lambda source: subgroup_page(source.results, PROBES.read(source.folder))),
        needs_normal=True,
    ),
    DetailPage(
        file="calibration.md",
        title="probabilities",
        summary="whether probabilities are right, sensitivity at a fixed specificity, and decision curves",
        values=_where_found("calibration", lambda source: calibration_page(source.results)),
        needs_normal=True,
    ),
    DetailPage(
        file="few-labels.md",
        title="semi-supervised models",
        summary="each semi-supervised model beside its supervised twin",
        values=_where_found("twins", lambda source: twins(source.results)),
    ),
    DetailPage(
        file="tuning.md",
        title="tuning",
        summary="each tuned model beside its default parameters, and what its studies tried",
        values=_where_found("tuning", lambda source: tuning(source.results)),
    ),
    DetailPage(
        file="training.md",
        title="training",
        summary="learning curves of every network, epochs kept, and what picking them on test patients would be worth",
        values=_where_found("training", training),
    ),
    DetailPage(
        file="models.md",
        title="the models one by one",
        summary="source, parameters, confusion matrix and classification report of each model",
        values=_where_found("models", lambda source: model_sections(source.results)),
    ),
    DetailPage(
        file="errors.md",
        title="errors",
        summary="the clips on which the best models are most confidently wrong",
        values=_where_found("errors", lambda source: find_errors(source.results)),
        needs_normal=True,
    ),
    DetailPage(
        file="costs.md",
        title="costs",
        summary="seconds of fits, features and predictions, parameters and memory",
        values=_where_found("costs", lambda source: costs(source.results, read_feature_costs(source.folder))),
    ),
    DetailPage(
        file="method.md",
        title="method",
        summary="what was measured and how, spread over repeats, checks of these results, versions",
        values=_method_page,
    ),
)
"""The detail pages in the order of README.md's list of links."""


def write_report(
    store: Store, draw: bool = True, overview: bool = True, corpus: Prepared | None = None, listen: bool = False
) -> Report:
    """Write the report of a results folder, from its stored predictions alone.

    Args:
        store: the results folder.
        draw: whether to write the figures, too.
        overview: whether to rewrite the page over all label budgets beside it, too, if it is one of them.
        corpus: that the results come from, to draw its sounds; None = what was drawn of these sounds before stays.
        listen: whether to write `SOUND_PAGE`, too; needs the corpus.

    Raises:
        InputError: see `load_results`; or the folder can't be written.
    """
    results = load_results(store)
    drawings = plan_drawings(results, store.folder / FIGURES, corpus)
    if draw:
        write_figures(store.folder / FIGURES, drawings)
    leaderboard_of(results.classes).write(store.folder, leaderboard_rows(results))
    COSTS.write(store.folder, cost_rows(results, read_feature_costs(store.folder)))
    RANKS.write(store.folder, separation_rows(results))
    TWINS.write(store.folder, twin_rows(results))
    TUNING.write(store.folder, tuning_rows(results))
    sounds = error_sounds(find_errors(results), corpus) if listen and corpus and results.has_normal else {}
    write_pages(Source(results=results, folder=store.folder, figures=tuple(drawings), sounds=sounds))
    if overview and budget_of(store.folder):
        write_label_efficiency(store.folder.parent, draw)
    return Report(store.folder / README, results)


def write_page(folder: Path) -> Path:
    """Write the report of a results folder, without overviews; returns its page, small enough to pass on."""
    return write_report(Store(folder), overview=False).page


def plan_drawings(results: Results, folder: Path, corpus: Prepared | None = None) -> Drawings:
    """List all figures of a report, by file name; ``folder`` holds those of an earlier one, ``corpus`` the sounds."""
    plans = (plan_figures, plan_comparisons, plan_curves, plan_tuning)
    drawings = {name: draw for plan in plans for name, draw in plan(results).items()}
    if results.has_normal:
        errors = plan_errors(find_errors(results), folder, corpus)
        drawings |= plan_subgroups(results) | plan_calibration(results) | errors
    return in_words_of_corpus(drawings, results.corpus)


def report_pages(source: Source) -> dict[str, str]:
    """Render README.md and the detail pages of a results folder, by file name, README.md first."""
    skipped = [page for page in DETAILS if page.needs_normal and not source.results.has_normal]
    found = {page: values for page in DETAILS if page not in skipped and (values := page.values(source)) is not None}
    shared: Mapping[str, Any] = {"results": source.results, "figures": list(source.figures)}
    about = source.results.corpus
    flags = source.results.flags
    opening = render(
        "report.md.j2",
        flags,
        about,
        **shared,
        answer=answer(source.results, _flattery(source, found)),
        matrix=short_matrix(source.results, LEADING[0]),
        pages=list(found),
        skipped=skipped,
        unlearned=unlearned_in(source.results),
    )
    details = {
        page.file: render("detail.md.j2", flags, about, **shared, page=page, **values) for page, values in found.items()
    }
    return {README: opening, **details}


def _flattery(source: Source, pages: Mapping[DetailPage, Mapping[str, Any]]) -> Flattery:
    """What the pages about leakage and training have measured, for the table of README.md."""
    values = {name: value for page in pages.values() for name, value in page.items()}
    leaky, picked = values.get("leakage"), values.get("training")
    apart, metric = source.results.protocol.name, "auroc" if source.results.has_normal else "score"
    return Flattery(
        metric=metric,
        leaky={leak.model: leak.mixed[metric] for leak in leaky.leaks} if leaky and leaky.apart == apart else {},
        picked=picked.reported[metric] if picked else {},
    )


def report_html(source: Source, pages: Mapping[str, str]) -> str:
    """Render the HTML page of a results folder from its Markdown pages, with the figures that are in the folder."""
    results, flags = source.results, bracketed(source.results.flags)
    titles = {README: "Answer", **{page.file: page.title for page in DETAILS}}
    charts = plan_charts(results)
    drawn = {name: source.folder / FIGURES / name for name in source.figures if name not in charts}
    return html_report(
        results.title + flags,
        [in_words_of(sentence, results.corpus) for sentence in results.warnings],
        [Section(file=name, title=capitalized(titles[name]) + flags, markdown=text) for name, text in pages.items()],
        Media(
            images={name: path.read_bytes() for name, path in drawn.items() if path.exists()},
            charts=charts,
            sounds=source.sounds,
        ),
    )


def write_pages(source: Source) -> None:
    """Write the pages of a report, and remove those of an earlier one that it has no more."""
    pages, folder = report_pages(source), source.folder
    (folder / SOUND_PAGE).unlink(missing_ok=True)
    played = {SOUND_PAGE: report_html(source, pages)} if source.sounds else {}
    for name, text in {**pages, REPORT: report_html(replace(source, sounds={}), pages), **played}.items():
        write_atomically(folder / name, text.encode())
    for old in folder.glob("*.md"):
        if old.name not in pages and old.is_file() and GENERATED.encode() in old.read_bytes():
            old.unlink()
