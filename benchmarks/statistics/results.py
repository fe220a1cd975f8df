"""The contents of one results folder: its models, their predictions, and where they come from."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.statistics.bootstrap import Estimate, estimate
from benchmarks.statistics.metrics import Floats, Predictions
from benchmarks.statistics.status import Completion, Status
from benchmarks.storage.records import FitKey
from benchmarks.storage.store import StoredFit
from corpora.facts import CorpusFacts
from corpora.protocols import Protocol
from models.spec import ModelKind

PRIOR = "prior"
METADATA = "metadata"
DURATION = "duration"
BASELINE = "svm"
SIMULATED = "SIMULATED"


@dataclass(frozen=True)
class ModelResults:
    """One model's fits in a results folder: a row of the table.

    Attributes:
        name: of the model.
        fits: those that are stored, by seed, then fold.
        failures: the fits that failed, each with the last line of its traceback.
        expected: number of fits of a complete model.
        predictions: out-of-fold predictions by seed; empty unless the model is complete.
        seed_values: each metric's value, seed by seed; empty unless the model is complete.
        distributions: each metric's value, then its bootstrap distribution; empty unless the model is complete.
    """

    name: str
    fits: tuple[StoredFit, ...]
    failures: dict[FitKey, str]
    expected: int
    predictions: dict[int, Predictions] = field(default_factory=dict)
    seed_values: tuple[dict[str, float], ...] = ()
    distributions: dict[str, Floats] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every fit is stored; only then are its numbers comparable."""
        return len(self.fits) == self.expected

    @property
    def status(self) -> Status:
        """Whether it is complete, and what is lacking."""
        if self.complete:
            return Status(Completion.COMPLETE)
        if self.failures:
            reason = self.failures[min(self.failures)]
            return Status(Completion.FAILED, f"{len(self.failures)} of {self.expected} fits ({reason})")
        return Status(Completion.UNFINISHED, f"{len(self.fits)} of {self.expected} fits")

    @property
    def kind(self) -> ModelKind | None:
        """Its group; None if no fit is stored."""
        return ModelKind(self.fits[0].record.kind) if self.fits else None

    @property
    def twin(self) -> str:
        """Of a semi-supervised model, the name of its supervised baseline; else empty."""
        return self.fits[0].record.supervised_baseline if self.fits else ""

    @property
    def untuned(self) -> str:
        """Of a tuned model, the name of the same model with its default parameters; else empty."""
        return self.fits[0].record.untuned if self.fits else ""

    def estimate(self, metric: str) -> Estimate | None:
        """Compute a metric with its interval; None unless the model is complete."""
        return estimate(self.distributions[metric]) if self.complete else None

    def value(self, metric: str) -> float:
        """Compute a metric; NaN unless the model is complete."""
        return float(self.distributions[metric][0]) if self.complete else math.nan


@dataclass(frozen=True)
class Results:
    """All models of one corpus, task and protocol.

    Attributes:
        corpus: its facts.
        task: name of the task.
        protocol: how patients were divided.
        classes: names of the classes.
        patients: everyone who was tested, sorted; the numbering that all predictions use.
        models: in the order of the table: by score, incomplete ones last.
        has_clips: whether the durations of the clips are stored.
        has_durations: whether they differ, so that there is an AUROC within durations.
    """

    corpus: CorpusFacts
    task: str
    protocol: Protocol
    classes: tuple[str, ...]
    patients: tuple[str, ...]
    models: tuple[ModelResults, ...]
    has_clips: bool = True
    has_durations: bool = True

    @property
    def complete(self) -> tuple[ModelResults, ...]:
        """The models whose numbers can be compared, best first."""
        return tuple(model for model in self.models if model.complete)

    @property
    def fits(self) -> Iterator[StoredFit]:
        """Every stored fit of every model."""
        return (fit for model in self.models for fit in model.fits)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that were run."""
        return tuple(sorted({fit.key.seed for fit in self.fits}))

    @property
    def title(self) -> str:
        """Corpus, task and protocol."""
        return f"{self.corpus.name} · {self.task} · {self.protocol.name}"

    @property
    def flags(self) -> tuple[str, ...]:
        """The words that must accompany every number of this folder."""
        simulated = (SIMULATED,) if self.corpus.simulated else ()
        warned = (self.protocol.warning.partition(":")[0],) if self.protocol.warning else ()
        return (*simulated, *warned)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The sentences behind the flags."""
        simulated = (self.corpus.description,) if self.corpus.simulated else ()
        return (*simulated, *filter(None, (self.protocol.warning,)))

    def find(self, name: str) -> ModelResults | None:
        """Find a complete model by name; None if there is none."""
        return next((model for model in self.complete if model.name == name), None)

    def best_baseline(self) -> ModelResults | None:
        """Find the baseline or control with the highest AUROC; None if none is complete."""
        candidates = [model for model in self.complete if model.kind in (ModelKind.BASELINE, ModelKind.CONTROL)]
        known = [model for model in candidates if math.isfinite(model.value("auroc"))]
        return max(known, key=lambda model: model.value("auroc"), default=None)


def chooses_epoch(model: ModelResults) -> bool:
    """Whether the validation score decided which epoch was kept: not on a fixed schedule, where it is only recorded.

    Where a model's parameters leave it open, its curves decide: the score is highest at the epoch that was kept.
    """
    curves = [fit.record.curve for fit in model.fits if fit.record.curve]
    if not curves or any("valid_score" not in row for curve in curves for row in curve):
        return False
    if keep := model.fits[0].record.parameters.get("keep"):
        return bool(keep != "last")
    return all(
        row["valid_score"] == max(other["valid_score"] for other in curve)
        for curve in curves
        for row in curve
        if row["kept"]
    )
