"""The contents of one results folder as the report sees them: models, their predictions, and where they come from."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.statistics.bootstrap import Estimate, estimate
from benchmarks.statistics.metrics import Floats, Predictions
from benchmarks.storage.records import FitKey
from benchmarks.storage.store import StoredFit
from benchmarks.tuning.study import TUNED
from corpora.facts import CorpusFacts
from corpora.protocols import Protocol

COMPLETE = "complete"
PRIOR = "prior"
METADATA = "metadata"
DURATION = "duration"
BASELINE = "svm"
PRETENDED = "SIMULATED"


@dataclass(frozen=True)
class Entry:
    """One model's fits in a results folder: a row of the table.

    Attributes:
        model: its name.
        stored: its fits, by seed, then fold.
        failures: the fits that failed, each with the last line of its traceback.
        wanted: how many fits a complete model has here.
        seeds: its out-of-fold predictions, one a seed; empty unless the model is complete.
        distributions: each metric's value, then its bootstrap distribution; empty unless the model is complete.
    """

    model: str
    stored: tuple[StoredFit, ...]
    failures: dict[FitKey, str]
    wanted: int
    seeds: dict[int, Predictions] = field(default_factory=dict)
    distributions: dict[str, Floats] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every fit is there; only then are its numbers comparable."""
        return len(self.stored) == self.wanted

    @property
    def status(self) -> str:
        """``complete``, or what is lacking."""
        if self.complete:
            return COMPLETE
        if self.failures:
            reason = self.failures[min(self.failures)]
            return f"failed: {len(self.failures)} of {self.wanted} fits ({reason})"
        return f"unfinished: {len(self.stored)} of {self.wanted} fits"

    @property
    def kind(self) -> str:
        """``control``, ``baseline``, ``network``, … (see `models.spec`); empty if no fit was ever finished."""
        return self.stored[0].record.kind if self.stored else ""

    @property
    def twin(self) -> str:
        """Of a semi-supervised model, the name of the same model without the unlabeled clips; else empty."""
        return self.stored[0].record.supervised_baseline if self.stored else ""

    @property
    def untuned(self) -> str:
        """Of a tuned model, the name of the same model with its default parameters; else empty."""
        if self.stored:
            return self.stored[0].record.untuned
        return self.model.removesuffix(TUNED) if self.model.endswith(TUNED) else ""

    def estimate(self, metric: str) -> Estimate:
        """A metric with its interval; the model is complete."""
        return estimate(self.distributions[metric])


@dataclass(frozen=True)
class Board:
    """All models of one corpus, task and protocol.

    Attributes:
        corpus: name, description, simulated, rate (Hz), classes, left_out, fingerprint.
        task: name of the task.
        protocol: how patients were divided.
        classes: names of the classes.
        patients: everyone who was tested, sorted; the numbering that all predictions use.
        entries: the models in the order of the table: by score, incomplete ones last.
        no_durations: why there is no AUROC within durations, in one sentence; empty if there is.
    """

    corpus: CorpusFacts
    task: str
    protocol: Protocol
    classes: tuple[str, ...]
    patients: tuple[str, ...]
    entries: tuple[Entry, ...]
    no_durations: str = ""

    @property
    def complete(self) -> tuple[Entry, ...]:
        """The models whose numbers can be compared, best first."""
        return tuple(entry for entry in self.entries if entry.complete)

    @property
    def fits(self) -> Iterator[StoredFit]:
        """Every stored fit of every model."""
        return (stored for entry in self.entries for stored in entry.stored)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that were run."""
        return tuple(sorted({stored.key.seed for stored in self.fits}))

    @property
    def title(self) -> str:
        """Corpus, task and protocol."""
        return f"{self.corpus.name} · {self.task} · {self.protocol.name}"

    @property
    def flags(self) -> tuple[str, ...]:
        """The words that must stand wherever a number of this folder stands."""
        simulated = (PRETENDED,) if self.corpus.simulated else ()
        warned = (self.protocol.warning.partition(":")[0],) if self.protocol.warning else ()
        return (*simulated, *warned)

    @property
    def flagged(self) -> str:
        """The flags in brackets, with a space before; empty if there are none."""
        return bracketed(self.flags)

    def find(self, model: str) -> Entry | None:
        """A complete model by name, or None."""
        return next((entry for entry in self.complete if entry.model == model), None)

    def best_baseline(self) -> Entry | None:
        """The classical baseline or control with the highest AUROC, or None if none is complete."""
        candidates = [entry for entry in self.complete if entry.kind in ("baseline", "control")]
        known = [entry for entry in candidates if math.isfinite(entry.estimate("auroc").value)]
        return max(known, key=lambda entry: entry.estimate("auroc").value, default=None)


def bracketed(flags: Sequence[str]) -> str:
    """The words in brackets, with a space before; empty if there are none."""
    return f" [{', '.join(flags)}]" if flags else ""


def chooses_epoch(entry: Entry) -> bool:
    """Whether the validation score decided which epoch was kept: not on a fixed schedule, where it is only noted.

    Where a model's parameters don't tell, its curves do: a score that decides is nowhere higher than where it was kept.
    """
    curves = [stored.record.curve for stored in entry.stored if stored.record.curve]
    if not curves or any("valid_score" not in row for curve in curves for row in curve):
        return False
    if keep := entry.stored[0].record.parameters.get("keep"):
        return bool(keep != "last")
    return all(
        row["valid_score"] == max(other["valid_score"] for other in curve)
        for curve in curves
        for row in curve
        if row["kept"]
    )


def difference(model: Entry, reference: Entry, metric: str) -> Estimate:
    """One complete model minus another, judged on the same resampled patients."""
    return estimate(model.distributions[metric] - reference.distributions[metric])
