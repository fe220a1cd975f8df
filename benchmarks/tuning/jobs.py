"""Tuning as pieces of work: trials, and the fit with the parameters of the best one."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.execution.jobs import FitJob, JobResult, fit_and_predict, folds_of
from benchmarks.storage.files import disk_refuses
from benchmarks.storage.identity import fit_identity
from benchmarks.storage.records import TrialRecord, TrialState
from benchmarks.storage.store import Store
from benchmarks.tuning.study import Study, batches, best_of, history_of, key_of, run_trial
from corpora.clips import Clips
from corpora.splits import Fold

TRIALS = " trials"
"""What the name of a group of trials ends in."""

OF_A_FIT = ("curve", "fit_seconds", "predict_seconds", "n_parameters", "peak_mb")
"""Facts that are those of the fit with the default parameters where these are the best."""


@dataclass(frozen=True)
class TunedFitJob(FitJob):
    """A fit with the best parameters of a study.

    Attributes:
        study: what its trials are part of.
        trials: how many there are.
    """

    study: Study
    trials: int

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

    def forget_stale(self, store: Store) -> int:
        """Remove stored trials that belong to another study or came after other trials, or may be done again.

        Returns:
            How many there were.
        """
        records: list[TrialRecord] = []
        stale = 0
        for batch in batches(self.trials):
            whole = len(records) == batch[0]  # else the trials of this batch would know other trials than they did
            for number in batch:
                record = TrialJob(self, number, history_of(number, records)).record(store) if whole else None
                if record is None or record.retryable:
                    stale += store.delete_trial(self.key, number)
                else:
                    records.append(record)
        return stale


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
        """Work of one group takes about the same time."""
        return self.job.key.model + TRIALS

    @property
    def results(self) -> Path:
        """Folder in which it is stored."""
        return self.job.results

    def record(self, store: Store) -> TrialRecord | None:
        """What is stored of this trial; None if it is yet to be done."""
        record = store.trial(self.job.key, self.number)
        same = record is not None and record.key == key_of(self.job.study, self.number, self.history)
        return record if same else None

    def execute(self) -> JobResult:
        """Do it and store it.

        Raises:
            CannotWrite: the disk is full or the folder can't be written.
            OSError: the same, met by the features' cache.
        """
        start = time.perf_counter()
        study = self.job.study
        try:
            clips, folds = folds_of(self.job.prepared, self.job.task, self.job.protocol, study.seed)
            record = run_trial(study, self.number, self.history, clips, folds[study.fold])
        except Exception as error:
            if disk_refuses(error):
                raise
            return self.give_up(f"{type(error).__name__}: {error}", time.perf_counter() - start)
        return self._store(record, time.perf_counter() - start)

    def give_up(self, reason: str, seconds: float = 0.0) -> JobResult:
        """Note that circumstances, not the trial itself, kept it from being done; the next run tries it again."""
        record = TrialRecord(number=self.number, state=TrialState.FAILED, error=reason, retryable=True)
        return self._store(record, seconds)

    def _store(self, record: TrialRecord, seconds: float) -> JobResult:
        key = key_of(self.job.study, self.number, self.history)
        Store(self.job.results).write_trial(self.job.key, replace(record, key=key, seconds=seconds))
        return JobResult(self.name, self.group, seconds, record.error or None, record.value)
