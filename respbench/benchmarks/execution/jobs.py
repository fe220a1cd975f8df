"""Fits as jobs: each can be executed in any process, and stores its own result."""

import time
import traceback
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from respbench.benchmarks.execution.environment import hardware, versions
from respbench.benchmarks.execution.evaluate import evaluate
from respbench.benchmarks.execution.job import JobResult
from respbench.benchmarks.execution.timeout import OutOfTime
from respbench.benchmarks.storage.files import disk_refuses
from respbench.benchmarks.storage.identity import fit_identity
from respbench.benchmarks.storage.records import FitKey, FitRecord
from respbench.benchmarks.storage.store import Store
from respbench.corpora.clips import Clips
from respbench.corpora.prepared.prepare import Prepared
from respbench.corpora.protocol import Protocol
from respbench.corpora.splits.folds import Fold, shared_patients, unlearned, unlearned_sentence
from respbench.corpora.splits.overlapping import refuse_parted
from respbench.corpora.tasks import for_task
from respbench.models.ensemble import combine
from respbench.models.spec import ModelSpec, TrainedByEpoch

if TYPE_CHECKING:
    from respbench.models.spec import OnEpoch

THREADS = 1
"""A fit's numbers depend on its number of threads, so that every fit has one and fits run side by side."""


@dataclass(frozen=True)
class FitJob:
    """One fit: everything a worker process needs to execute it."""

    prepared: Prepared
    task: str
    protocol: Protocol
    spec: ModelSpec
    key: FitKey
    fingerprint: str
    results: Path

    @property
    def name(self) -> str:
        """Unique."""
        return f"{self.key.model}-{self.key.stem}"

    @property
    def group(self) -> str:
        """Jobs of one group take about the same time."""
        return self.key.model

    def execute(self) -> JobResult:
        """Fit, predict and store; a model that fails is stored as failed and stops nothing else.

        Raises:
            CannotWrite: the disk is full or the folder can't be written.
            OSError: the same, raised by the feature cache.
            OutOfTime: the fit took too long.
        """
        start = time.perf_counter()
        store = Store(self.results)
        try:
            clips, folds = folds_of(self.prepared, self.task, self.protocol, self.key.seed)
            fold = folds[self.key.fold]
            probabilities, outcome = self.predictions(store, clips, fold)
            record = FitRecord(**_circumstances(self, clips, fold), **outcome)
            store.write(self.key, clips.take(fold.test), probabilities, record)
        except Exception as error:
            if disk_refuses(error) or isinstance(error, OutOfTime):
                raise
            return self._failed(traceback.format_exc(), f"{type(error).__name__}: {error}", time.perf_counter() - start)
        return JobResult(name=self.name, group=self.group, seconds=time.perf_counter() - start)

    def give_up(self, reason: str) -> JobResult:
        """Store that circumstances, not the model, kept the fit from being finished."""
        return self._failed(reason, reason, 0.0)

    def predictions(self, store: Store, clips: Clips, fold: Fold) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Compute class probabilities of the test clips, and the fields of the record that say how."""
        if self.spec.parts():
            return _combine(self, store)
        return fit_and_predict(self.spec, self.key.seed, clips, fold)

    def _failed(self, trace: str, reason: str, seconds: float) -> JobResult:
        Store(self.results).write_failure(self.key, trace)
        return JobResult(name=self.name, group=self.group, seconds=seconds, error=reason)


@lru_cache(maxsize=4)
def folds_of(prepared: Prepared, task: str, protocol: Protocol, seed: int) -> tuple[Clips, tuple[Fold, ...]]:
    """The clips of a task and their folds; the same for every model."""
    clips = for_task(prepared.clips(), task)
    folds = tuple(protocol.splitter.split(clips, seed))
    refuse_parted(clips, folds)
    return clips, folds


def remarks_on(prepared: Prepared, task: str, protocol: Protocol) -> list[str]:
    """What a user has to know of a protocol on a corpus before anything is fitted, in sentences."""
    clips, folds = folds_of(prepared, task, protocol, 0)
    remarks = (
        protocol.warning_about(shared_patients(clips, folds)),
        protocol.remark(clips),
        unlearned_sentence(unlearned(clips, folds)),
    )
    return [*filter(None, remarks)]


def fit_and_predict(
    spec: ModelSpec,
    seed: int,
    clips: Clips,
    fold: Fold,
    parameters: dict[str, Any] | None = None,
    on_epoch: "OnEpoch | None" = None,
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Build a model and evaluate it on an outer fold.

    Args:
        spec: the model.
        seed: decides everything random in it.
        clips: the task's, with labels.
        fold: rows of them.
        parameters: those that differ from the default ones.
        on_epoch: called after each epoch of a model that is `models.spec.TrainedByEpoch`.

    Returns:
        (test clips, classes) probabilities, and the fields of the record that say how they were computed.
    """
    model = spec.build(seed, parameters)
    if on_epoch is not None and isinstance(model, TrainedByEpoch):
        model.on_epoch = on_epoch
    result = evaluate(model, clips, fold, unlabeled=spec.unlabeled)
    outcome = {name: value for name, value in asdict(result).items() if name != "probabilities"}
    return result.probabilities, {
        **outcome,
        "parameters": {**spec.parameters(), **(parameters or {})},
        "tune_seconds": 0.0,
    }


def _combine(job: FitJob, store: Store) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """An ensemble: the stored predictions of its members, which were fitted in this fold before it."""
    members = []
    for part in job.spec.parts():
        key = replace(job.key, model=part.name)
        if not store.has(key, fit_identity(job.prepared, job.task, job.protocol, part)):
            raise ValueError(f"{part.name}, one of its members, has no predictions for {key.stem}; see why it failed")
        members.append(store.read(key))
        if not members[-1].predictions["clip_id"].equals(members[0].predictions["clip_id"]):
            raise ValueError(f"{part.name} predicted other clips than {members[0].key.model} in {key.stem}")
    records = [member.record for member in members]
    classes = list(records[0].classes)
    tables = [member.predictions[classes].to_numpy(np.float64) for member in members]
    return combine(tables, job.spec.parameters()["weights"]), {
        "parameters": job.spec.parameters(),
        "members": {record.model: record.predictions_digest for record in records},
        "curve": (),
        "fit_seconds": sum(record.fit_seconds for record in records),
        "tune_seconds": sum(record.tune_seconds for record in records),
        "predict_seconds": sum(record.predict_seconds for record in records),
        "n_parameters": sum(record.n_parameters for record in records),
        "peak_mb": max(record.peak_mb for record in records),
    }


def _circumstances(job: FitJob, clips: Clips, fold: Fold) -> dict[str, Any]:
    """The fields of a record that say where a fit comes from."""

    def patients(rows: NDArray[np.int64]) -> tuple[str, ...]:
        return tuple(sorted(set(clips.patient[rows].tolist())))

    parts = {"train": fold.train, "valid": fold.valid, "test": fold.test, "unlabeled": fold.unlabeled}
    return {
        "fingerprint": job.fingerprint,
        "model": job.key.model,
        "kind": job.spec.kind.value,
        "supervised_baseline": job.spec.supervised_baseline,
        "source": job.spec.source_for(clips),
        "corpus": job.prepared.facts(),
        "task": job.task,
        "protocol": job.protocol.name,
        "classes": tuple(clips.classes),
        "seed": job.key.seed,
        "fold": job.key.fold,
        **{f"{name}_patients": patients(rows) for name, rows in parts.items()},
        **{f"{name}_clips": len(rows) for name, rows in parts.items()},
        "versions": versions(),
        "hardware": hardware(),
        "threads": THREADS,
    }
