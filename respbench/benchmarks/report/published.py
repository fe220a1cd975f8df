"""Published figures, and beside them the results of a folder that measured the same: written by `make tables`.

``docs/published.md`` shows the committed results; any other folder gets the page as its own ``published.md``.
"""

import os
import statistics
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from respbench.benchmarks.report.markdown import render
from respbench.benchmarks.report.published_data import Figure, Method, Published, Split, Task, read_published
from respbench.benchmarks.report.tables import read_leaderboard
from respbench.benchmarks.statistics.formatting import Markdown
from respbench.benchmarks.statistics.intervals import Estimate
from respbench.benchmarks.statistics.results import FROM_OUTSIDE
from respbench.benchmarks.storage.files import write_atomically
from respbench.benchmarks.storage.records import FitRecord
from respbench.benchmarks.storage.store import Store
from respbench.corpora.problems import InputError
from respbench.corpora.splits.official import OFFICIAL

PROJECT = Path(__file__).resolve().parents[3]
DATA = PROJECT / "docs" / "published.toml"
RESULTS = PROJECT / "results"
PAGE = "published.md"
CONTROLS = ("prior", "duration", "metadata")
"""Shown beside the best models: what is reached without the sound."""
SHOWN = 3
"""This many of a report's models are shown, those with the highest scores."""


@dataclass(frozen=True, kw_only=True)
class Ours:
    """The results of one folder beside a group of published figures.

    Attributes:
        protocol: name.
        link: to the report.
        train: number of training clips of a fit, with those of validation patients.
        test: number of test clips of one repeat.
        patients: number of test patients.
        person: what they are called.
        whole: whether the protocol is the published split, and these are the clips of the whole database.
        models: number of complete models but controls.
        rows: model, repeats and estimates of those that are shown.
        half_widths: of the score's 95 % intervals, all complete models but controls, in percentage points.
    """

    protocol: str
    link: str
    train: int
    test: int
    patients: int
    person: str
    whole: bool
    models: int
    rows: tuple[tuple[object, ...], ...]
    half_widths: tuple[float, ...]

    @property
    def half_width(self) -> float:
        """The median of the half widths; 0 if there are only controls."""
        return statistics.median(self.half_widths) if self.half_widths else 0


@dataclass(frozen=True, kw_only=True)
class Group:
    """The published figures of one task and split, by score, and the results beside them, if there are any."""

    task: str
    split: Split
    entries: tuple[tuple[Method, Figure], ...]
    ours: Ours | None

    @property
    def by_accuracy(self) -> bool:
        """Whether the published figures are accuracies."""
        return self.entries[0][1].accuracy is not None

    @property
    def published_metrics(self) -> tuple[str, ...]:
        """What is published, the main figure last."""
        return ("accuracy",) if self.by_accuracy else ("specificity", "sensitivity", "score")

    @property
    def rows(self) -> list[list[object]]:
        """Format the published figures for the table."""
        return [
            [
                method.name,
                method.year,
                *(_percent(getattr(figure, metric)) for metric in self.published_metrics[:-1]),
                _percent(figure.main) + ("" if figure.deviation is None else f" ± {figure.deviation:.2f}"),
                figure.runs,
                "unknown" if method.pretraining is None else ", ".join(method.pretraining) or "none",
                method.epoch_on_test,
                figure.verified,
            ]
            for method, figure in self.entries
        ]


def published_page(published: Published, results: Path, page: Path) -> str:
    """Render the page.

    Args:
        published: the published figures.
        results: the folder whose results are set beside them, as ``<corpus>/<task>/<protocol>``.
        page: where it will be, for its links.
    """
    groups = groups_of(published, results, page)
    return render(
        "published.md.j2",
        published=published,
        groups=groups,
        odd=[
            (method, figure) for method in published.methods for figure in method.figures if figure.odd or figure.note
        ],
        figures=[entry for group in groups for entry in group.entries],
        picked=[method for method in published.methods if method.epoch_on_test == "yes"],
        noisy=[group for group in groups if group.ours and group.ours.protocol == OFFICIAL and group.ours.half_widths],
        sources=[_source_row(method, published) for method in published.methods],
        data=Markdown(
            f"[{DATA.name}]({DATA.name})" if page.parent == DATA.parent else f"`docs/{DATA.name}` of respbench"
        ),
    )


def groups_of(published: Published, results: Path, page: Path) -> list[Group]:
    """Group the published figures by split and task, in the order of the file's splits, and read ours beside them."""
    groups = []
    for key, split in published.splits.items():
        for task in get_args(Task):
            entries = [(m, f) for m in published.methods for f in m.figures if (f.split, f.task) == (key, task)]
            entries.sort(key=lambda entry: entry[1].main)
            if entries:
                found = (read_ours(results / split.corpus / task / name, split, page) for name in split.protocols)
                ours = next(filter(None, found), None)
                groups.append(Group(task=task, split=split, entries=tuple(entries), ours=ours))
    return groups


def read_ours(folder: Path, split: Split, page: Path) -> Ours | None:
    """Read the results of a folder: the controls and the models with the highest scores; None if there are none."""
    rows = {
        name: row
        for name, row in read_leaderboard(folder).items()
        if row["status"].complete and row["score"] and FROM_OUTSIDE not in row["warning"]
    }
    records = _one_repeat(Store(folder), rows)
    if not records:
        return None
    sounding = [name for name in sorted(rows, key=lambda name: -rows[name]["score"].value) if name not in CONTROLS]
    without_normal = "specificity" not in next(iter(rows.values()))
    metrics = ("accuracy", "macro_f1", "score") if without_normal else ("specificity", "sensitivity", "score")
    shown = [*(name for name in CONTROLS if name in rows), *reversed(sounding[:SHOWN])]
    train, test = records[0].train_clips + records[0].valid_clips, sum(record.test_clips for record in records)
    return Ours(
        protocol=folder.name,
        link=Markdown(f"[report]({Path(os.path.relpath(folder, page.parent)).as_posix()}/README.md)"),
        train=train,
        test=test,
        patients=len({patient for record in records for patient in record.test_patients}),
        person=records[0].corpus.person,
        whole=split.protocols[:1] == (folder.name,) and (train, test) == (split.train, split.test),
        models=len(sounding),
        rows=tuple(
            (
                name,
                rows[name]["repeats"],
                *(_in_percent(rows[name].get(metric)) for metric in metrics),
            )
            for name in shown
        ),
        half_widths=tuple(50 * (rows[name]["score"].high - rows[name]["score"].low) for name in sounding),
    )


def _one_repeat(store: Store, models: Collection[str]) -> list[FitRecord]:
    """Read the records of all folds of some repeat of some of the models: they all have the same clips."""
    keys = [key for key in store.fits() if key.model in models]
    folds = [key for key in keys if (key.model, key.seed) == (keys[0].model, keys[0].seed)]
    return [record for key in folds if (record := store.record(key)) is not None]


def _source_row(method: Method, published: Published) -> list[object]:
    """One row of the table of sources; several figures of a method may come from one source."""
    links = [f"[{name}]({link})" for name, link in (("paper", method.link), ("code", method.code)) if link]
    numbers = {name: str(number) for number, name in enumerate(published.sources, 1)}
    seen = ", ".join(dict.fromkeys(numbers[figure.seen] for figure in method.figures))
    evidence = f"{method.epoch_on_test}: {method.evidence}" if method.evidence else method.epoch_on_test
    return [method.name, method.venue, Markdown(", ".join(links)), method.augmentation, f"[{seen}]", evidence]


def _percent(value: float | None) -> str:
    """Format a published figure without digits that it hasn't."""
    return "" if value is None else f"{value:g}"


def _in_percent(value: Estimate | None) -> str:
    """Format an estimate in %, with its interval."""
    if value is None:
        return ""
    number, low, high = (f"{100 * part:.1f}" for part in (value.value, value.low, value.high))
    return f"{number} [{low}, {high}]"


def page_of(results: Path) -> Path:
    """Where the page of a results folder is: the committed results have theirs in ``docs``."""
    return (DATA.parent if results.resolve() == RESULTS else results) / PAGE


def main() -> int:
    """Write the page of the results folder that is named on the command line, by default of the committed results."""
    results = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS
    page = page_of(results)
    try:
        write_atomically(page, published_page(read_published(DATA), results, page).encode())
    except InputError as problem:
        print(f"make tables: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
