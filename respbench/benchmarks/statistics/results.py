"""The contents of one results folder: its models, their predictions, and where they come from."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from respbench.benchmarks.statistics.intervals import UNKNOWN_DIFFERENCE, Difference, Estimate, interval
from respbench.benchmarks.statistics.metrics import Floats, Predictions
from respbench.benchmarks.statistics.status import Completion, Status
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import StoredFit
from respbench.corpora.cycles import NORMAL
from respbench.corpora.download.verify import stated_part
from respbench.corpora.facts import CorpusFacts
from respbench.corpora.protocol import Protocol
from respbench.models.spec import ModelKind

PRIOR = "prior"
METADATA = "metadata"
DURATION = "duration"
BASELINE = "svm"
SIMULATED = "SIMULATED"
FROM_OUTSIDE = "FROM OUTSIDE"
"""The warning of a row whose predictions were made elsewhere."""

UNKNOWN_IF_DISJOINT = (
    "PERHAPS NOT PATIENT-DISJOINT: no fit of this suite shows whether patients are trained on and tested."
)
"""The sentence on a published split of which only predictions from outside are stored."""


@dataclass(frozen=True)
class ModelResults:
    """One model's fits in a results folder: a row of the table.

    Attributes:
        name: of the model.
        fits: those that are stored, by seed, then fold.
        failures: the fits that failed, each with the last line of its traceback.
        expected: number of fits of a complete model.
        draws: whether each repeat has drawn anew what is trained on, see `interval`.
        predictions: out-of-fold predictions by seed; empty unless the model is complete.
        values: each metric, (repeats, 1 + patients) by `leave_one_out`; empty unless the model is complete.
    """

    name: str
    fits: tuple[StoredFit, ...]
    failures: dict[FitKey, str]
    expected: int
    draws: bool = False
    predictions: dict[int, Predictions] = field(default_factory=dict)
    values: dict[str, Floats] = field(default_factory=dict)

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of its repeats, sorted, whether or not all their folds are stored."""
        return tuple(sorted({key.seed for key in (*(fit.key for fit in self.fits), *self.failures)}))

    @property
    def repeats(self) -> int:
        """Number of its repeats."""
        return len(self.seeds)

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
    def from_outside(self) -> bool:
        """Whether its predictions were made elsewhere, so that nothing else is known of it."""
        return self.kind is ModelKind.OUTSIDE

    @property
    def twin(self) -> str:
        """Of a semi-supervised model, the name of its supervised baseline; else empty."""
        return self.fits[0].record.supervised_baseline if self.fits else ""

    @property
    def untuned(self) -> str:
        """Of a tuned model, the name of the same model with its default parameters; else empty."""
        return self.fits[0].record.untuned if self.fits else ""

    def estimate(self, metric: str) -> Estimate | None:
        """Compute a metric, averaged over the repeats, with its interval; None unless the model is complete."""
        return self.estimate_on(self.seeds, metric) if self.complete else None

    def estimate_on(self, seeds: Sequence[int], metric: str) -> Estimate:
        """Compute a metric of a complete model, averaged over the repeats of these seeds, with its interval."""
        return interval(self.values[metric][[self.seeds.index(seed) for seed in seeds]], "logit", self.draws)

    def minus(self, reference: "ModelResults", metric: str) -> Difference:
        """Subtract a metric of another complete model, on the repeats that both have; NaN where they share none."""
        values = self.differences(reference, metric)
        return Difference(**vars(interval(values, "plain", self.draws))) if len(values) else UNKNOWN_DIFFERENCE

    def differences(self, reference: "ModelResults", metric: str) -> Floats:
        """(shared repeats, 1 + patients) a metric minus that of another complete model, by `leave_one_out`."""
        shared = self.shared_seeds(reference)
        one, other = ([model.seeds.index(seed) for seed in shared] for model in (self, reference))
        values: Floats = self.values[metric][one] - reference.values[metric][other]
        return values

    def shared_seeds(self, other: "ModelResults") -> list[int]:
        """Seeds of the repeats that both models have, sorted."""
        return sorted(set(self.seeds) & set(other.seeds))

    def value(self, metric: str) -> float:
        """Compute a metric, averaged over the repeats; NaN unless the model is complete."""
        return float(np.mean(self.values[metric][:, 0])) if self.complete else math.nan


@dataclass(frozen=True, eq=False)
class Results:
    """All models of one corpus, task and protocol. Equal to itself alone, so that a cache can take it as a key.

    Attributes:
        corpus: its facts.
        task: name of the task.
        protocol: how patients were divided.
        classes: names of the classes.
        patients: everyone who was tested, sorted; the numbering that all predictions use.
        models: in the order of the table: by score, incomplete ones last.
        clips: the table of the corpus' clips, see `Store.clips`; None = it is not stored.
    """

    corpus: CorpusFacts
    task: str
    protocol: Protocol
    classes: tuple[str, ...]
    patients: tuple[str, ...]
    models: tuple[ModelResults, ...]
    clips: pd.DataFrame | None = None

    @property
    def complete(self) -> tuple[ModelResults, ...]:
        """The models whose numbers can be compared, best first."""
        return tuple(model for model in self.models if model.complete)

    @property
    def fits(self) -> Iterator[StoredFit]:
        """Every stored fit of every model."""
        return (fit for model in self.models for fit in model.fits)

    @property
    def own_fits(self) -> Iterator[StoredFit]:
        """Every stored fit that this suite made."""
        return (fit for model in self.models if not model.from_outside for fit in model.fits)

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that were run."""
        return tuple(sorted({fit.key.seed for fit in self.fits}))

    @property
    def has_durations(self) -> bool:
        """Whether clips differ in duration, so that there may be an AUROC within durations."""
        return self.clips is not None and self.clips["seconds"].nunique() > 1

    @property
    def has_normal(self) -> bool:
        """Whether a class is ``normal``, so that the others can be seen as one event."""
        return NORMAL in self.classes

    @property
    def chance(self) -> float:
        """The score of giving every clip the same class."""
        return 0.5 if self.has_normal else 1 / len(self.classes)

    @property
    def title(self) -> str:
        """Corpus, task and protocol."""
        return f"{self.corpus.name} · {self.task} · {self.protocol.name}"

    @property
    def description(self) -> str:
        """What the corpus is; of joined ones, what each was used for."""
        tested, other = self.corpus.tested, self.corpus.trained_on
        if not (self.protocol.also_trained_on and tested and other):
            return self.corpus.description
        return f"tested, other patients trained on: {tested.description}; also trained on: {other.description}"

    @property
    def parts(self) -> tuple[str, ...]:
        """How much of a database is here, where that is not all of it: a sentence per corpus."""
        facts = (self.corpus.tested, self.corpus.trained_on) if self.corpus.tested else (self.corpus,)
        return tuple(filter(None, (stated_part(one.description) for one in facts if one)))

    @cached_property
    def shared_patients(self) -> tuple[str, ...]:
        """The patients whom some fit of this suite has used and tested, sorted."""
        records = [fit.record for fit in self.own_fits]
        return tuple(sorted(set().union(*(record.seen_patients & {*record.test_patients} for record in records))))

    @property
    def patient_disjoint(self) -> bool:
        """Whether no tested patient may be trained on: by the protocol or, where the corpus decides it, by the fits."""
        disjoint = self.protocol.patient_disjoint
        return any(self.own_fits) and not self.shared_patients if disjoint is None else disjoint

    @property
    def flags(self) -> tuple[str, ...]:
        """The words that must accompany every number of this folder."""
        simulated = (SIMULATED,) if self.corpus.simulated else ()
        return (*simulated, *(sentence.partition(":")[0] for sentence in self._protocol_warning))

    @property
    def warnings(self) -> tuple[str, ...]:
        """The sentences behind the flags."""
        simulated = (self.description,) if self.corpus.simulated else ()
        return (*simulated, *self._protocol_warning)

    @property
    def _protocol_warning(self) -> tuple[str, ...]:
        """The sentence on how patients were divided, if there is one."""
        if self.protocol.patient_disjoint is None and not any(self.own_fits):
            return (UNKNOWN_IF_DISJOINT,)
        return tuple(filter(None, [self.protocol.warning_about(self.shared_patients)]))

    def warning_of(self, model: ModelResults) -> str:
        """List the words that must accompany every number of a model."""
        return "; ".join([*self.flags, *([FROM_OUTSIDE] if model.from_outside else [])])

    def find(self, name: str) -> ModelResults | None:
        """Find a complete model by name; None if there is none."""
        return next((model for model in self.complete if model.name == name), None)


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
        if row.get("kept")
    )
