"""Tuning as jobs: trials, the confirmation of the best of them, and the fit with the parameters that were chosen."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from respbench.benchmarks.execution.job import JobResult
from respbench.benchmarks.execution.jobs import FitJob, fit_and_predict, folds_of
from respbench.benchmarks.execution.timeout import OutOfTime
from respbench.benchmarks.storage.files import disk_refuses
from respbench.benchmarks.storage.identity import fit_identity
from respbench.benchmarks.storage.records import TrialRecord, TrialState
from respbench.benchmarks.storage.store import Store
from respbench.benchmarks.storage.studies import StoredStudy
from respbench.benchmarks.tuning.choice import CHALLENGERS, candidates, choose
from respbench.benchmarks.tuning.study import Study, batches, confirm, confirmation_key, history_of, key_of, run_trial
from respbench.corpora.clips import Clips
from respbench.corpora.splits.folds import Fold

OF_A_FIT = ("curve", "fit_seconds", "predict_seconds", "n_parameters", "peak_mb")
"""Fields of the record that are those of the fit with the default parameters where these are chosen."""


@dataclass(frozen=True, kw_only=True)
class StoredTrials:
    """Stored trials and confirmations of a study that can't stay as they are, by the names of their files.

    Attributes:
        stale: those that belong to another study or followed other trials.
        retryable: those that circumstances ended.
        restorable: identities of those that were set aside and belong to the study again.
    """

    stale: tuple[str, ...]
    retryable: tuple[str, ...]
    restorable: Mapping[str, str]


@dataclass(frozen=True)
class TunedFitJob(FitJob):
    """A fit with the parameters that a study chose.

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

    @property
    def confirmation_group(self) -> str:
        """Group of its confirmations."""
        return f"{self.key.model} confirmations"

    @property
    def groups_of_study(self) -> tuple[str, str]:
        """Groups of its trials and confirmations."""
        return self.trial_group, self.confirmation_group

    @property
    def confirmations(self) -> int:
        """How many trials are confirmed at most."""
        return min(self.trials, CHALLENGERS + 1) if self.trials > 1 else 0

    def predictions(self, store: Store, clips: Clips, fold: Fold) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Where the defaults are chosen, their stored predictions: another fit would give the same ones."""
        records = self.records(store)
        confirmations = [self._stored(job, store) for job in self.confirmation_jobs(records)]
        best = choose(records, confirmations)
        about = {
            "trials": tuple(replace(record, key="") for record in records),
            "confirmations": tuple(replace(record, key="") for record in confirmations),
            "chosen_trial": best.number,
            "untuned": self.spec.name,
            "tune_seconds": sum(record.seconds for record in (*records, *confirmations)),
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
            records.append(self._stored(TrialJob(self, number, history_of(number, records)), store))
        return records

    def confirmation_jobs(self, records: Sequence[TrialRecord]) -> list["ConfirmationJob"]:
        """The jobs that evaluate the best of all trials on fresh inner folds."""
        return [ConfirmationJob(self, record.number, record) for record in candidates(records)]

    def stored_trials(self, store: Store) -> StoredTrials:
        """Compare what is stored of the study with what this fit needs, and change nothing."""
        records: list[TrialRecord] = []
        stored = _Sorted(store)
        for batch in batches(self.trials):
            whole = len(records) == batch[0]  # else the trials of this batch would follow other trials than they did
            for number in batch:
                trial = TrialJob(self, number, history_of(number, records))
                record = stored.sort(trial, usable=whole)
                records += [] if record is None else [record]
        for confirmation in self.confirmation_jobs(records) if len(records) == self.trials else ():
            stored.sort(confirmation)
        return StoredTrials(stale=tuple(stored.stale), retryable=tuple(stored.retryable), restorable=stored.restorable)

    @staticmethod
    def _stored(job: "StudyJob", store: Store) -> TrialRecord:
        record = job.record(store)
        if record is None:
            raise ValueError(f"{job.name} is not stored; run the same command again")
        return record


class _Sorted:
    """Sorts stored trials and confirmations into those that stay and those that `StoredTrials` lists."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.stale: list[str] = []
        self.retryable: list[str] = []
        self.restorable: dict[str, str] = {}

    def sort(self, job: "StudyJob", *, usable: bool = True) -> TrialRecord | None:
        """Return the record of a job if it is stored or can be restored; unless ``usable``, it is stale."""
        study = StoredStudy(self.store.folder, job.job.key)
        record = job.record(self.store) if usable else None
        if record is not None and record.retryable:
            self.retryable.append(job.stem)
            return None
        if record is None and study.has(job.stem):
            self.stale.append(job.stem)
        if record is None and usable:
            record = study.read_set_aside(job.identity)
            if record is not None and record.retryable:
                return None
            self.restorable |= {job.stem: job.identity} if record is not None else {}
        return record


@dataclass(frozen=True)
class StudyJob(ABC):
    """A trial or a confirmation of the study of a tuned fit.

    Attributes:
        job: the tuned fit.
        number: of the trial.
    """

    job: TunedFitJob
    number: int

    @property
    @abstractmethod
    def name(self) -> str:
        """Unique."""

    @property
    @abstractmethod
    def stem(self) -> str:
        """Name of its file, without suffix."""

    @property
    @abstractmethod
    def group(self) -> str:
        """Jobs of one group take about the same time."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """Identify what the record depends on."""

    @abstractmethod
    def evaluate(self, clips: Clips, fold: Fold) -> TrialRecord:
        """Compute the record, without ``key`` and ``seconds``."""

    def record(self, store: Store) -> TrialRecord | None:
        """Read what is stored of this job; None if it is yet to be executed."""
        record = StoredStudy(store.folder, self.job.key).read(self.stem)
        return record if record is not None and record.key == self.identity else None

    def execute(self) -> JobResult:
        """Evaluate the trial's parameters and store its record.

        Raises:
            CannotWrite: the disk is full or the folder can't be written.
            OSError: the same, raised by the feature cache.
            OutOfTime: the trial took too long.
        """
        start = time.perf_counter()
        try:
            clips, folds = folds_of(self.job.prepared, self.job.task, self.job.protocol, self.job.study.seed)
            record = self.evaluate(clips, folds[self.job.study.fold])
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
        record = replace(record, key=self.identity, seconds=seconds)
        StoredStudy(self.job.results, self.job.key).write(self.stem, record)
        return JobResult(
            name=self.name, group=self.group, seconds=seconds, error=record.error or None, value=record.value
        )


@dataclass(frozen=True)
class TrialJob(StudyJob):
    """One trial of the study.

    Attributes:
        history: the trials of earlier batches.
    """

    history: tuple[TrialRecord, ...]

    @property
    def name(self) -> str:
        """Unique."""
        return f"{self.job.name}-trial{self.number}"

    @property
    def stem(self) -> str:
        """Name of its file, without suffix."""
        return f"{self.number:03d}"

    @property
    def group(self) -> str:
        """Jobs of one group take about the same time."""
        return self.job.trial_group

    @property
    def identity(self) -> str:
        """Identify the trial, its study and the earlier trials that it followed."""
        return key_of(self.job.study, self.number, self.history)

    def evaluate(self, clips: Clips, fold: Fold) -> TrialRecord:
        """Propose parameters and evaluate them."""
        return run_trial(self.job.study, self.number, self.history, clips, fold)


@dataclass(frozen=True)
class ConfirmationJob(StudyJob):
    """The evaluation of a trial's parameters on fresh inner folds.

    Attributes:
        trial: with these parameters.
    """

    trial: TrialRecord

    @property
    def name(self) -> str:
        """Unique."""
        return f"{self.job.name}-confirmation{self.number}"

    @property
    def stem(self) -> str:
        """Name of its file, without suffix."""
        return f"confirmation-{self.number:03d}"

    @property
    def group(self) -> str:
        """Jobs of one group take about the same time."""
        return self.job.confirmation_group

    @property
    def identity(self) -> str:
        """Identify the study and the parameters."""
        return confirmation_key(self.job.study, self.trial)

    def evaluate(self, clips: Clips, fold: Fold) -> TrialRecord:
        """Evaluate the parameters of the trial."""
        return confirm(self.job.study, self.trial, clips, fold)
