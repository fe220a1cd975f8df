"""One fit of a model to a whole corpus, as a job that keeps the model."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from respbench.benchmarks.execution.evaluate import evaluate, hide_labels
from respbench.benchmarks.execution.job import JobResult
from respbench.benchmarks.execution.timeout import OutOfTime
from respbench.benchmarks.prediction.kept import write_model
from respbench.benchmarks.storage.files import disk_refuses
from respbench.corpora.clips import Clips
from respbench.corpora.prepared.prepare import Prepared
from respbench.corpora.problems import InputError
from respbench.corpora.splits.balance import count_by_patient, validation_patients
from respbench.corpora.splits.folds import Fold, may_lack_classes
from respbench.corpora.splits.seen_classes import SeenClasses
from respbench.corpora.tasks import for_task
from respbench.features.threads import one_thread
from respbench.models.spec import Model, ModelSpec

SEED = 0
"""Of folds, validation patients and initial weights."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted model and the classes that it has seen."""

    model: Model
    seen: SeenClasses

    def predict(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes) uncalibrated probabilities, from clips whose labels are hidden first.

        Raises:
            InputError: the model fails on them, or gives no probabilities.
        """
        try:
            with one_thread():
                given = self.seen.restrict(hide_labels(clips))
                found = self.seen.expand(np.asarray(self.model.predict_proba(given), dtype=np.float64))
        except Exception as error:
            raise InputError(
                f"the model can't predict these recordings ({type(error).__name__}: {error}); choose another model"
            ) from error
        if found.shape != (len(clips), len(clips.classes)) or not np.isfinite(found).all():
            raise InputError("the model gives no probabilities for these recordings; choose another model")
        return found


def whole_fold(clips: Clips, seed: int) -> Fold:
    """Train on every patient but those of validation, who are cut as in every fold of the benchmark.

    The validation clips are also predicted, with their labels hidden, which checks that the model gives probabilities.
    """
    patients, counts = count_by_patient(clips)
    held_out = validation_patients(counts, np.random.default_rng([seed, len(patients)]), may_lack_classes(clips))
    valid = np.isin(clips.patient, patients[held_out])
    return Fold(train=np.flatnonzero(~valid), valid=np.flatnonzero(valid), test=np.flatnonzero(valid))


@dataclass(frozen=True)
class WholeFitJob:
    """Fit a model to a whole corpus, and keep it."""

    prepared: Prepared
    task: str
    spec: ModelSpec
    folder: Path
    fingerprint: str

    @property
    def name(self) -> str:
        """Unique."""
        return f"{self.spec.name}-whole"

    @property
    def group(self) -> str:
        """Takes about as long as the fits of its model in folds."""
        return self.spec.name

    def execute(self) -> JobResult:
        """Fit and keep; what the model raises is returned, what the disk raises is raised."""
        start = time.perf_counter()
        try:
            clips = for_task(self.prepared.clips(), self.task)
            fold, model = whole_fold(clips, SEED), self.spec.build(SEED)
            evaluate(model, clips, fold, unlabeled=self.spec.unlabeled)
            write_model(self.folder, self.fingerprint, Fitted(model, SeenClasses.of(clips, fold.train)))
        except Exception as error:
            if disk_refuses(error) or isinstance(error, OutOfTime | InputError):
                raise
            return self.give_up(f"{type(error).__name__}: {error}")
        return JobResult(name=self.name, group=self.group, seconds=time.perf_counter() - start)

    def give_up(self, reason: str) -> JobResult:
        """Return why it failed."""
        return JobResult(name=self.name, group=self.group, error=reason)
