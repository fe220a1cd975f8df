"""The reports of a results folder whose numbers hold for patients that models were not trained on, side by side."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from respbench.benchmarks.report.folders import by_name
from respbench.benchmarks.report.tables import BETWEEN, RANKS, Row, read_leaderboard
from respbench.benchmarks.statistics.formatting import cell
from respbench.benchmarks.statistics.metrics import LEADING, Floats
from respbench.benchmarks.statistics.pairwise import Rank
from respbench.benchmarks.statistics.results import FROM_OUTSIDE
from respbench.benchmarks.storage.records import FitRecord
from respbench.benchmarks.storage.store import Store
from respbench.corpora.protocol import Kind, Protocol
from respbench.corpora.protocols import of_folder
from respbench.corpora.splits.cross_corpus import TOGETHER

CHANCE = 0.5
"""AUROC of guessing."""


@dataclass(frozen=True, kw_only=True)
class TrustedReport:
    """One report, with the models of its leaderboard that were fitted here.

    Attributes:
        place: of its folder below the results, ``<corpus>/<task>/<protocol>``.
        protocol: how patients were divided.
        rows: of leaderboard.csv, by model.
        better: by metric and model, the models that are shown to be better.
        patients: number of those who were tested; 0 = unknown, since no fit is stored.
        description: of the tested corpus; empty = unknown.
    """

    place: Path
    protocol: Protocol
    rows: Mapping[str, Row]
    better: Mapping[str, Mapping[str, frozenset[str]]]
    patients: int
    description: str

    @property
    def corpus(self) -> str:
        """Name of the tested corpus."""
        return self.place.parts[0]

    @property
    def task(self) -> str:
        """Name of the task."""
        return self.place.parts[1]

    @property
    def title(self) -> str:
        """Corpus, task and protocol; of joined corpora, from where to where."""
        joined = f"{self.trained_on} → {self.corpus} · {self.task}"
        return joined if self.protocol.other_corpus else " · ".join(self.place.parts)

    @property
    def trained_on(self) -> str:
        """Name of the corpus that is trained on, or of several, joined by `TOGETHER`."""
        if also := self.protocol.also_trained_on:
            return TOGETHER.join(sorted([self.corpus, *also.split(TOGETHER)]))
        return self.protocol.trained_on or self.corpus

    @property
    def repeats(self) -> list[int]:
        """Of each complete model, sorted."""
        return sorted(row["repeats"] for row in self.rows.values() if row["status"].complete)

    def models(self, metric: str) -> tuple[str, ...]:
        """The complete models that have a metric."""
        return tuple(model for model, row in self.rows.items() if row["status"].complete and row[metric])

    def value(self, model: str, metric: str) -> float:
        """A metric of one of `models`."""
        return float(self.rows[model][metric].value)

    def ranks(self, metric: str, among: Collection[str]) -> dict[str, tuple[float, Rank]]:
        """Rank some of `models` among themselves: by value, equal ones sharing a mean, and what the pairs allow."""
        places = rankdata([-self.value(model, metric) for model in among])
        better = {model: self.better[metric].get(model, frozenset()) & {*among} for model in among}
        worse = {model: sum(model in others for others in better.values()) for model in among}
        return {
            model: (float(place), Rank(1 + len(better[model]), len(among) - worse[model]))
            for model, place in zip(among, places, strict=True)
        }

    def cells(self, metric: str) -> dict[str, str]:
        """What a table shows of each model: value, interval and rank among `models`, or what is lacking."""
        ranked = self.ranks(metric, self.models(metric))
        lacking = {
            model: "undefined" if row["status"].complete else str(row["status"].completion)
            for model, row in self.rows.items()
        }
        return lacking | {
            model: f"{cell(self.rows[model][metric])}, rank {place:g} [{rank.low}, {rank.high}]"
            for model, (place, rank) in ranked.items()
        }


@dataclass(frozen=True, kw_only=True)
class MeanRank:
    """A model over all reports of a section, by one metric.

    Attributes:
        corpora: its mean rank over the reports of each corpus, by corpus.
        low: the mean of the lower ends of its rank's intervals; corpora count alike.
        high: the mean of the upper ends.
        beaten: number of reports in which another of the compared models is shown to be better.
    """

    corpora: Mapping[str, float]
    low: float
    high: float
    beaten: int

    @property
    def value(self) -> float:
        """Its mean rank over the corpora."""
        return float(np.mean([*self.corpora.values()]))


@dataclass(frozen=True)
class Section:
    """Reports of one setting: tested and trained in one corpus, or by one protocol that joins corpora.

    Attributes:
        setting: kind of the protocol, such as ``cross-corpus``, if it joins corpora; empty = within corpora.
        reports: at least one.
    """

    setting: str
    reports: tuple[TrustedReport, ...]

    @property
    def across(self) -> bool:
        """Whether models were trained on labels of another corpus alone."""
        return bool(self.setting) and self.setting != Kind.MULTI_CORPUS

    @property
    def corpora(self) -> tuple[str, ...]:
        """Names of the tested corpora, each once."""
        return tuple(dict.fromkeys(report.corpus for report in self.reports))

    def common(self, metric: str) -> tuple[str, ...]:
        """The models that have a metric in every report: the only ones whose mean ranks can be compared."""
        every = [set(report.models(metric)) for report in self.reports]
        return tuple(model for model in self.reports[0].rows if all(model in models for models in every))

    @cached_property
    def models(self) -> tuple[str, ...]:
        """All models: those with a mean rank by AUROC, best first, then the others, those of most reports first."""
        ranked = self.mean_ranks("auroc")
        counts: dict[str, int] = {}
        for report in self.reports:
            for model in report.rows:
                counts[model] = counts.get(model, 0) + 1
        return (*ranked, *sorted(counts.keys() - ranked.keys(), key=lambda model: (-counts[model], model)))

    def mean_ranks(self, metric: str) -> dict[str, MeanRank]:
        """The mean rank of each of the `common` models, best first."""
        among = self.common(metric)
        ranked = [(report.corpus, report.ranks(metric, among)) for report in self.reports]
        found = {}
        for model in among:
            own = {name: [ranks[model] for corpus, ranks in ranked if corpus == name] for name in self.corpora}
            found[model] = MeanRank(
                corpora={name: float(np.mean([place for place, _ in places])) for name, places in own.items()},
                low=float(np.mean([np.mean([rank.low for _, rank in places]) for places in own.values()])),
                high=float(np.mean([np.mean([rank.high for _, rank in places]) for places in own.values()])),
                beaten=sum(rank.low > 1 for places in own.values() for _, rank in places),
            )
        return dict(sorted(found.items(), key=lambda item: item[1].value))

    def corpus_means(self, metric: str, models: Sequence[str]) -> Floats:
        """(corpora, models) the mean of a metric over the reports of a corpus, so that each corpus counts once."""
        return np.array(
            [
                [np.mean([r.value(model, metric) for r in self.reports if r.corpus == corpus]) for model in models]
                for corpus in self.corpora
            ]
        )

    def unbeaten(self, metric: str) -> tuple[str, ...]:
        """The `common` models than which no report shows another of them to be better."""
        return tuple(model for model, mean in self.mean_ranks(metric).items() if not mean.beaten)

    def above_chance(self) -> tuple[str, ...]:
        """The models that every report has, with all of whose intervals of AUROC above `CHANCE`."""
        return tuple(
            model
            for model in self.models
            if model in self.common("auroc") and all(r.rows[model]["auroc"].low > CHANCE for r in self.reports)
        )


def read_sections(folders: Sequence[Path], results: Path) -> tuple[Section, ...]:
    """Read the reports that can be trusted, within corpora first.

    Args:
        folders: of all reports.
        results: the folder that they are below.
    """
    found: dict[str, list[TrustedReport]] = {}
    for folder in sorted(folders, key=lambda folder: by_name(folder.parts)):
        if report := read_report(folder, results):
            setting = report.protocol.kind.value if report.protocol.other_corpus else ""
            found.setdefault(setting, []).append(report)
    return tuple(Section(setting, tuple(found[setting])) for setting in sorted(found))


def read_report(folder: Path, results: Path) -> TrustedReport | None:
    """Read a report; None if it shows nothing about new patients of a whole benchmark.

    That is the case with any warning but the one of a protocol that joins corpora, and for label budgets, variants of
    models, results of another corpus of the same name, those that lie deeper, of the same patients once more, and those
    of a task without a class ``normal``, which is another question.
    Predictions from outside are left out: what those models were trained on can't be checked.
    """
    protocol = of_folder(folder.name)
    if protocol is None or protocol.name != folder.name or folder.parents[2] != results:
        return None
    own = {model: row for model, row in read_leaderboard(folder).items() if FROM_OUTSIDE not in row["warning"]}
    complete = [model for model, row in own.items() if row["status"].complete]
    expected = protocol.warning.partition(":")[0] if protocol.other_corpus else ""
    warned = {row["warning"] for row in own.values()} != {expected}
    other_question = any("specificity" not in row for row in own.values())
    if warned or not complete or protocol.few_labels or protocol.ablation_of or other_question:
        return None
    ranks, records = RANKS.read(folder), _one_repeat(Store(folder), complete[0])
    facts = [record.corpus.tested or record.corpus for record in records]
    return TrustedReport(
        place=folder.relative_to(results),
        protocol=protocol,
        rows=own,
        better={
            metric: {model: frozenset(row[f"{metric}_worse_than"].split(BETWEEN)) for model, row in ranks.items()}
            for metric in LEADING
        },
        patients=len({patient for record in records for patient in record.test_patients}),
        description=facts[0].description if facts else "",
    )


def _one_repeat(store: Store, model: str) -> list[FitRecord]:
    """The records of one repeat of a model, which tests everyone."""
    keys = [key for key in store.fits() if key.model == model]
    return [record for key in keys if key.seed == keys[0].seed and (record := store.record(key))]
