"""The page over the label budgets of a corpus and task: what each model reaches with how many labeled patients."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from respbench.benchmarks.report.figures.label_efficiency import Panel, draw_label_efficiency
from respbench.benchmarks.report.figures.style import Drawings, in_words_of_corpus, write_figures
from respbench.benchmarks.report.folders import link
from respbench.benchmarks.report.markdown import render
from respbench.benchmarks.report.tables import LEADERBOARD, NOT_RUN, TWINS, read_leaderboard
from respbench.benchmarks.statistics.comparisons import Verdict, verdict
from respbench.benchmarks.statistics.formatting import bracketed, span
from respbench.benchmarks.statistics.intervals import Difference, Estimate
from respbench.benchmarks.statistics.metrics import LEADING, METRICS
from respbench.benchmarks.storage.files import write_atomically
from respbench.benchmarks.storage.records import FitRecord
from respbench.benchmarks.storage.store import Store
from respbench.corpora.choices import LABEL_PERCENTS
from respbench.corpora.protocol import Protocol
from respbench.corpora.protocols import of_folder
from respbench.corpora.splits.label_budget import CANDIDATES

PAGE = "label-efficiency.md"

Rows = Mapping[str, Mapping[str, Any]]
Cells = list[list[object]]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The report of one budget.

    Attributes:
        percent: of the training patients, how many keep their labels.
        folder: of the results.
        leaderboard: rows of leaderboard.csv.
        twins: rows of twins.csv.
        records: of the fits of one model.
    """

    percent: int
    folder: Path
    leaderboard: Rows
    twins: Rows
    records: tuple[FitRecord, ...]

    @property
    def fingerprint(self) -> str:
        """Of the corpus; empty if no fit is stored."""
        return self.records[0].corpus.fingerprint if self.records else ""

    def value(self, model: str, metric: str) -> Estimate | str:
        """A model's number, or why there is none."""
        return self._number(self.leaderboard, model, metric)

    def gain(self, model: str, metric: str) -> Estimate | str:
        """A semi-supervised model minus its twin, or why there is no such number."""
        return self._number(self.twins, model, metric)

    def _number(self, table: Rows, model: str, metric: str) -> Estimate | str:
        if model not in self.leaderboard or model not in table:
            return NOT_RUN
        status = self.leaderboard[model]["status"]
        return table[model][metric] or ("no twin to compare" if status.complete else str(status.completion))

    @property
    def row(self) -> list[object]:
        """Its row in the table of budgets."""
        complete = sum(row["status"].complete for row in self.leaderboard.values())
        return [
            f"{self.percent} %",
            span([len(record.train_patients) + len(record.valid_patients) for record in self.records]),
            span([len(record.valid_patients) for record in self.records]),
            span([len(record.unlabeled_patients) for record in self.records]),
            len({record.seed for record in self.records}),
            f"{complete} of {len(self.leaderboard)} complete",
            link(Path(self.folder.name)),
        ]


@dataclass(frozen=True)
class Family:
    """The budgets of one protocol, fewest labels first."""

    protocol: str
    budgets: list[Budget]

    @property
    def comparable(self) -> bool:
        """Whether all budgets are of the same corpus."""
        return len({budget.fingerprint for budget in self.budgets}) == 1

    @property
    def not_run(self) -> list[str]:
        """The budgets that are not here."""
        run = {budget.percent for budget in self.budgets}
        return [f"{percent} %" for percent in sorted(LABEL_PERCENTS) if percent not in run]

    @property
    def twin_of(self) -> dict[str, str]:
        """The twin of each semi-supervised model, by the model's name, sorted."""
        return dict(sorted((model, row["twin"]) for b in self.budgets for model, row in b.twins.items()))

    @property
    def models(self) -> list[str]:
        """Every model: each twin before its semi-supervised models, then those that are no part of a pair."""
        twin_of = self.twin_of
        paired = {*twin_of, *twin_of.values()}
        every = {*paired, *(model for budget in self.budgets for model in budget.leaderboard)}
        return sorted(every, key=lambda m: (m not in paired, twin_of.get(m, m), m in twin_of, m))

    def values(self, metric: str) -> Cells:
        """Rows of the table of a metric."""
        return [[m, self.twin_of.get(m, ""), *(b.value(m, metric) for b in self.budgets)] for m in self.models]

    def gains(self, metric: str) -> Cells:
        """Rows of the table of a metric's differences to the twins."""
        twin_of = self.twin_of
        return [[m, twin_of[m], *(b.gain(m, metric) for b in self.budgets)] for m in self.models if m in twin_of]

    def verdicts(self, metric: str) -> dict[int, Verdict]:
        """By budget, what the differences to the twins show."""
        found = {}
        for budget in self.budgets:
            gains = {m: gain for m in self.twin_of if isinstance(gain := budget.gain(m, metric), Difference)}
            if gains:
                found[budget.percent] = verdict(gains)
        return found

    @property
    def panels(self) -> dict[str, list[Panel]]:
        """By metric, the panels of the figure: each twin with a number; empty if there is none."""
        found = {}
        for metric in LEADING:
            lines: dict[str, dict[int, Estimate]] = defaultdict(dict)
            for model, budget in ((model, budget) for model in self.models for budget in self.budgets):
                if isinstance(value := budget.value(model, metric), Estimate):
                    lines[model][budget.percent] = value
            own = {
                twin: {m: lines[m] for m in self.twin_of if self.twin_of[m] == twin and m in lines}
                for twin in sorted(set(self.twin_of.values()))
            }
            found[METRICS[metric]] = [Panel(twin, lines.get(twin, {}), semi) for twin, semi in own.items() if semi]
        return found if self.comparable and any(found.values()) else {}

    @property
    def figure(self) -> str:
        """Name of its figure; empty if there is none."""
        return f"label-efficiency-{self.protocol}.png" if self.panels else ""


def write_label_efficiency(folder: Path, draw: bool = True) -> None:
    """Write the page and its figures from the reports of the budgets, or remove them where there are none.

    Args:
        folder: ``<corpus>/<task>``.
        draw: whether to write the figures, too.
    """
    families = read_families(folder)
    budgets = [budget for family in families for budget in family.budgets]
    warned = [row["warning"] for budget in budgets for row in budget.leaderboard.values() if row["warning"]]
    flags = list(dict.fromkeys(flag for warning in warned for flag in warning.split("; ")))
    title = f"{folder.parent.name} · {folder.name}"
    corpora = [budget.records[0].corpus for budget in budgets if budget.records]
    corpus = corpora[0] if corpora else None
    if draw:
        drawings: Drawings = {
            f.figure: partial(draw_label_efficiency, f"{title} · {f.protocol}{bracketed(flags)}", f.panels)
            for f in families
            if f.figure
        }
        write_figures(folder / "figures", in_words_of_corpus(drawings, corpus), "label-efficiency-*.png")
    if families:
        warnings = list(dict.fromkeys(corpus.description for corpus in corpora if corpus.simulated))
        shown = {"families": families, "warnings": warnings, "metrics": LEADING, "candidates": CANDIDATES}
        text = render(f"{PAGE}.j2", flags, corpus, title=title, **shown)
        write_atomically(folder / PAGE, text.encode())
    else:
        (folder / PAGE).unlink(missing_ok=True)


def budget_of(folder: Path) -> Protocol | None:
    """Find the protocol of a folder with results of a label budget; None for any other folder."""
    protocol = of_folder(folder.name)
    if protocol is None or not protocol.few_labels or protocol.ablation_of or protocol.name != folder.name:
        return None
    return protocol


def read_families(folder: Path) -> list[Family]:
    """Read the reports of the budgets below ``<corpus>/<task>``."""
    found = defaultdict(list)
    for path in folder.glob(f"*/{LEADERBOARD.filename}"):
        if (protocol := budget_of(path.parent)) and protocol.labeled_percent:
            found[protocol.without_budget].append(_read(protocol.labeled_percent, path.parent))
    return [Family(name, sorted(found[name], key=lambda budget: budget.percent)) for name in sorted(found)]


def _read(percent: int, folder: Path) -> Budget:
    store = Store(folder)
    keys = store.fits()
    records = [record for key in keys if key.model == keys[0].model and (record := store.record(key))]
    return Budget(
        percent=percent,
        folder=folder,
        leaderboard=read_leaderboard(folder),
        twins=TWINS.read(folder),
        records=tuple(records),
    )
