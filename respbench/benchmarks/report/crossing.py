"""The page about training on another corpus: each model beside itself, trained in the tested one, adapted, on both."""

from dataclasses import dataclass
from pathlib import Path

from respbench.benchmarks.report.tables import NOT_RUN
from respbench.benchmarks.statistics.comparisons import Verdict, twin_pairs, verdict
from respbench.benchmarks.statistics.intervals import Difference, Estimate
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import Floats, Predictions, auroc_within, evaluate_leading
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.benchmarks.storage.store import Store
from respbench.corpora.facts import CorpusFacts
from respbench.corpora.protocols import adapted_from, trained_on, trained_with
from respbench.corpora.splits.cross_corpus import TOGETHER

PAGE = "crossing.md"

IN_CORPUS = "patients-5fold"
"""The protocol whose numbers are shown beside those of protocols that join corpora."""

NEVER_RUN = "was not run"
"""Why a setting without results can't be shown."""

SHOWN = ("score", "auroc", "auroc_within_durations")
"""The metrics of the page: how clips are cut differs from corpus to corpus, so that durations may mislead."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One way of training for the same tested clips.

    Attributes:
        title: for the header of a column.
        protocol: its name, and that of its folder.
        results: of that folder, with the metrics of `SHOWN`; None where something is ``lacking``, which says what.
        lacking: empty if nothing is.
    """

    title: str
    protocol: str
    results: Results | None = None
    lacking: str = ""

    def model(self, name: str) -> ModelResults | None:
        """The model of that name; None if it is not complete here."""
        return self.results.find(name) if self.results else None

    def value(self, name: str, metric: str) -> Estimate | str | None:
        """A metric of a model, or why there is none."""
        named = [model for model in (self.results.models if self.results else ()) if model.name == name]
        return named[0].estimate(metric) if named and named[0].complete else str(named[0].status) if named else NOT_RUN


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """What the page shows: the same tested clips under three settings, or four.

    Attributes:
        tested: facts of the tested corpus.
        trained_on: facts of the other one.
        inside: trained on other patients of the tested corpus.
        across: trained on the other corpus.
        adapted: trained on the other corpus and on unlabeled clips of the tested one.
        both: trained on the other corpus and on other patients of the tested one; None = was not run.
        metrics: that are shown.
    """

    tested: CorpusFacts
    trained_on: CorpusFacts
    inside: Setting
    across: Setting
    adapted: Setting
    both: Setting | None = None
    metrics: tuple[str, ...] = SHOWN

    @property
    def settings(self) -> tuple[Setting, ...]:
        """All of them, in the order of the columns."""
        return (self.inside, self.across, self.adapted, *([self.both] if self.both else []))

    @property
    def models(self) -> list[str]:
        """Every model that was trained on the other corpus."""
        found = (model.name for one in self.settings[1:] if one.results for model in one.results.models)
        return list(dict.fromkeys(found))

    def rows(self, metric: str) -> list[list[object]]:
        """Model, its value under each setting, and what it loses where no label of the tested corpus is trained on."""
        return [
            [
                name,
                *(setting.value(name, metric) for setting in self.settings),
                *(_difference(one.model(name), self.inside.model(name), metric) for one in (self.across, self.adapted)),
            ]
            for name in self.models
        ]

    def gains(self, metric: str) -> dict[str, Difference]:
        """By model that learns from unlabeled clips, what it gains over the same without them, on the same folds."""
        pairs = twin_pairs(self.adapted.results) if self.adapted.results else []
        return {pair.model.name: pair.gain(metric) for pair in pairs if pair.comparable}

    @property
    def gain_rows(self) -> list[list[object]]:
        """Model, its supervised baseline, and its gain by every metric of `SHOWN`."""
        twin_of = {model.name: model.twin for model in (self.adapted.results.models if self.adapted.results else ())}
        return [
            [name, twin_of[name], *(self.gains(m)[name] for m in self.metrics)] for name in self.gains(self.metrics[0])
        ]

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """By metric, which gains are shown."""
        return {metric: verdict(gains) for metric in self.metrics if (gains := self.gains(metric))}

    def additions(self, metric: str) -> dict[str, Difference]:
        """By model, what it gains where the other corpus is added to the training, on the same folds."""
        found = ((name, self.both.model(name), self.inside.model(name)) for name in self.models if self.both)
        return {name: model.minus(inside, metric) for name, model, inside in found if model and inside}

    @property
    def addition_rows(self) -> list[list[object]]:
        """Model, the repeats that both trainings have, and what the other corpus adds by every metric of `SHOWN`."""
        return [
            [name, self._shared_repeats(name), *(self.additions(metric)[name] for metric in self.metrics)]
            for name in self.additions(self.metrics[0])
        ]

    def _shared_repeats(self, name: str) -> int:
        """Count the repeats that a model has both on both corpora and in the tested one alone."""
        model, inside = self.both.model(name) if self.both else None, self.inside.model(name)
        return len(model.shared_seeds(inside)) if model and inside else 0

    @property
    def addition_verdicts(self) -> dict[str, Verdict]:
        """By metric, which additions are shown to change it."""
        return {metric: verdict(found) for metric in self.metrics if (found := self.additions(metric))}


def crossing(results: Results, folder: Path) -> Crossing | None:
    """Compare with the folders of the same tested corpus beside; None if no second corpus is trained on.

    Args:
        results: of ``folder``.
        folder: of a protocol that trains on another corpus, alone or beside the tested one.
    """
    tested, other = results.corpus.tested, results.corpus.trained_on
    if tested is None or other is None:
        return None

    def across(title: str, protocol: str) -> Setting:
        if protocol == results.protocol.name:
            return Setting(title=title, protocol=protocol, results=results)
        return _beside(title, protocol, results, folder, results.corpus.fingerprint)

    both = across("all" if TOGETHER in other.name else "both", trained_with(other.name).name)
    return Crossing(
        tested=tested,
        trained_on=other,
        inside=_beside(f"in {tested.name}", IN_CORPUS, results, folder, tested.fingerprint),
        across=across(f"from {other.name}", trained_on(other.name).name),
        adapted=across(f"from {other.name}, adapted", adapted_from(other.name).name),
        both=None if both.lacking == NEVER_RUN else both,
    )


def _beside(title: str, protocol: str, results: Results, folder: Path, fingerprint: str) -> Setting:
    """Load another protocol of the same tested corpus and task, if it is of the same content."""
    store = Store(folder.parent / protocol)
    found = store.corpus_fingerprint()
    lacking = "" if found == fingerprint else "was run on other contents of the corpus" if found else NEVER_RUN
    if lacking:
        return Setting(title=title, protocol=protocol, lacking=lacking)
    other = load_results(store, measure=_measure)
    if not other.complete:
        lacking = "has no complete model"
    elif [_bare(name, other) for name in other.patients] != [_bare(name, results) for name in results.patients]:
        lacking = "tested other patients"
    return Setting(title=title, protocol=protocol, results=None if lacking else other, lacking=lacking)


def _bare(patient: str, results: Results) -> str:
    """A patient's name in the tested corpus itself; sorted names stay so."""
    return patient.removeprefix(f"{results.corpus.tested.name}:") if results.corpus.tested else patient


def _measure(predictions: Predictions, weights: Floats) -> dict[str, Floats]:
    """The metrics of `SHOWN`."""
    within = auroc_within(predictions, predictions.groups.get("durations"), weights)
    return {**evaluate_leading(predictions, weights), "auroc_within_durations": within}


def _difference(model: ModelResults | None, inside: ModelResults | None, metric: str) -> Difference | None:
    return model.minus(inside, metric) if model and inside else None
