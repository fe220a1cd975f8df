"""Tuning as jobs: trials, and the fit with the parameters of the best one."""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.execution.job import JobResult
from benchmarks.execution.jobs import FitJob, fit_and_predict, folds_of
from benchmarks.execution.timeout import OutOfTime
from benchmarks.storage.files import disk_refuses
from benchmarks.storage.identity import fit_identity
from benchmarks.storage.records import TrialRecord, TrialState
from benchmarks.storage.store import Store
from benchmarks.tuning.study import Study, batches, best_of, history_of, key_of, run_trial
from corpora.clips import Clips
from corpora.splits.folds import Fold

OF_A_FIT = ("curve", "fit_seconds", "predict_seconds", "n_parameters", "peak_mb")
"""Fields of the record that are those of the fit with the default parameters where these are the best."""


@dataclass(frozen=True, kw_only=True)
class StoredTrials:
    """Stored trials of a study that can't stay as they are.

    Attributes:
        stale: numbers of those that belong to another study or followed other trials.
        retryable: numbers of those that circumstances ended.
        restorable: records that were set aside and belong to the study again.
    """

    stale: tuple[int, ...]
    retryable: tuple[int, ...]
    restorable: tuple[TrialRecord, ...]


@dataclass(frozen=True)
class TunedFitJob(FitJob):
    """A fit with the best parameters of a study.

    Attributes:
        study: what its trials are part of.
        trials: how many there are.
    """

    study: Study
    trials: int

    @property
    def trial_group(self) -> str:
        """Group of its trials."""
        return f"{self.key.model} trials"

    def predictions(self, store: Store, clips: Clips, fold: Fold) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Where the defaults are best, their stored predictions: another fit would give the same ones."""
        records = self.records(store)
        best = best_of(records)
        about = {
            "trials": tuple(replace(record, key="") for record in records),
            "chosen_trial": best.number,
            "untuned": self.spec.name,
            "tune_seconds": sum(record.seconds for record in records),
        }
        untuned = replace(self.key, model=self.spec.name)
        fingerprint = fit_identity(self.prepared, self.task, self.protocol, self.spec)
        if best.number == 0 and store.has(untuned, fingerprint):
            stored = store.read(untuned)
            facts = {name: getattr(stored.record, name) for name in ("parameters", *OF_A_FIT)}
            return stored.predictions[list(clips.classes)].to_numpy(np.float64), {**facts, **about}
        probabilities, facts = fit_and_predict(self.spec, self.key.seed, clips, fold, best.parameters)
        return probabilities, {**facts, **about}

    def records(self, store: Store) -> list[TrialRecord]:
        """The trials of the finished study.

        Raises:
            ValueError: some are missing.
        """
        records: list[TrialRecord] = []
        for number in range(self.trials):
            record = TrialJob(self, number, history_of(number, records)).record(store)
            if record is None:
                raise ValueError(f"trial {number} of {self.trials} is not stored; run the same command again")
            records.append(record)
        return records

    def stored_trials(self, store: Store) -> StoredTrials:
        """Compare the stored trials of the study with those that this fit needs, and change nothing."""
        records: list[TrialRecord] = []
        stale, retryable, restorable = [], [], []
        for batch in batches(self.trials):
            whole = len(records) == batch[0]  # else the trials of this batch would follow other trials than they did
            for number in batch:
                trial = TrialJob(self, number, history_of(number, records))
                record = trial.record(store) if whole else None
                if record is not None and record.retryable:
                    retryable.append(number)
                elif record is not None:
                    records.append(record)
                else:
                    stale += [number] if store.has_trial(self.key, number) else []
                    record = store.trial_set_aside(self.key, trial.identity) if whole else None
                    if record is not None and not record.retryable:
                        restorable.append(record)
                        records.append(record)
        return StoredTrials(stale=tuple(stale), retryable=tuple(retryable), restorable=tuple(restorable))


@dataclass(frozen=True)
class TrialJob:
    """One trial of the study of a tuned fit.

    Attributes:
        job: the tuned fit.
        number: of the trial.
        history: the trials of earlier batches.
    """

    job: TunedFitJob
    number: int
    history: tuple[TrialRecord, ...]

    @property
    def name(self) -> str:
        """Unique."""
        return f"{self.job.name}-trial{self.number}"

    @property
    def group(self) -> str:
        """Jobs of one group take about the same time."""
        return self.job.trial_group

    @property
    def identity(self) -> str:
        """Identify the trial, its study and the earlier trials that it followed."""
        return key_of(self.job.study, self.number, self.history)

    def record(self, store: Store) -> TrialRecord | None:
        """Read what is stored of this trial; None if it is yet to be executed."""
        record = store.trial(self.job.key, self.number)
        return record if record is not None and record.key == self.identity else None

    def execute(self) -> JobResult:
        """Evaluate the trial's parameters and store its record.

        Raises:
            CannotWrite: the disk is full or the folder can't be written.
            OSError: the same, raised by the feature cache.
            OutOfTime: the trial took too long.
        """
        start = time.perf_counter()
        study = self.job.study
        try:
            clips, folds = folds_of(self.job.prepared, self.job.task, self.job.protocol, study.seed)
            record = run_trial(study, self.number, self.history, clips, folds[study.fold])
        except Exception as error:
            if disk_refuses(error) or isinstance(error, OutOfTime):
                raise
            return self.give_up(f"{type(error).__name__}: {error}", time.perf_counter() - start)
        return self._store(record, time.perf_counter() - start)

    def give_up(self, reason: str, seconds: float = 0.0) -> JobResult:
        """Store that circumstances, not the trial itself, ended it; the next run tries it again."""
        record = TrialRecord(number=self.number, state=TrialState.FAILED, error=reason, retryable=True)
        return self._store(record, seconds)

    def _store(self, record: TrialRecord, seconds: float) -> JobResult:
        Store(self.job.results).write_trial(self.job.key, replace(record, key=self.identity, seconds=seconds))
        return JobResult(
            name=self.name, group=self.group, seconds=seconds, error=record.error or None, value=record.value
        )
