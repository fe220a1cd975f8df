"""One fit: split, fit on the training patients, predict the test patients, store. The same in every process."""

import os
import platform
import resource
import sys
import time
import traceback
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.execution.hiding import without_labels
from benchmarks.storage.store import Fit, Store, disk_refuses
from corpora.clips import HIDDEN, Clips
from corpora.fingerprint import code_fingerprint, digest
from corpora.prepare import Prepared
from corpora.protocols import Protocol
from corpora.splits import Fold, Splitter
from corpora.tasks import for_task
from features.threads import one_thread
from models.ensemble import combine
from models.spec import Model, ModelSpec, Parameters

THREADS = 1
"""A fit's numbers depend on its number of threads, so that every fit has one and fits run side by side."""

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "xgboost-cpu" if platform.system() != "Darwin" else "xgboost")


@dataclass(frozen=True)
class Outcome:
    """How a piece of work ended.

    Attributes:
        name: of the work.
        group: work of one group takes about the same time.
        seconds: it took.
        error: the last line of a traceback, or None.
        value: of a trial, by which it is judged; None where there is none.
        fatal: what must stop the run, such as a full disk.
    """

    name: str
    group: str
    seconds: float
    error: str | None = None
    value: float | None = None
    fatal: Exception | None = None


@dataclass(frozen=True)
class Job:
    """One fit as a piece of work: everything a worker process needs to do it."""

    prepared: Prepared
    task: str
    protocol: Protocol
    spec: ModelSpec
    fit: Fit
    fingerprint: str
    results: Path

    @property
    def name(self) -> str:
        """Unique."""
        return f"{self.fit.model}-{self.fit.stem}"

    @property
    def group(self) -> str:
        """Work of one group takes about the same time."""
        return self.fit.model

    def execute(self) -> Outcome:
        """Fit, predict and store; a model that fails is stored as failed and stops nothing else.

        Raises:
            CannotWrite: the disk is full or the folder can't be written.
            OSError: the same, met by the features' cache.
        """
        start = time.perf_counter()
        store = Store(self.results)
        try:
            clips, folds = folds_of(self.prepared, self.task, self.protocol, self.fit.seed)
            fold = folds[self.fit.fold]
            with one_thread():
                probabilities, facts = self.predictions(store, clips, fold)
            store.write(self.fit, clips.take(fold.test), probabilities, {**_circumstances(self, clips, fold), **facts})
        except Exception as error:
            if disk_refuses(error):
                raise
            return self._failed(traceback.format_exc(), f"{type(error).__name__}: {error}", time.perf_counter() - start)
        return Outcome(self.name, self.group, time.perf_counter() - start)

    def give_up(self, reason: str) -> Outcome:
        """Note that circumstances, not the model, kept the fit from being done."""
        return self._failed(reason, reason, 0.0)

    def predictions(self, store: Store, clips: Clips, fold: Fold) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Class probabilities of the test clips, and facts about how they came about."""
        if self.spec.parts():
            return _combine(self, store)
        return fit_and_predict(self.spec, self.fit.seed, clips, fold)

    def _failed(self, trace: str, reason: str, seconds: float) -> Outcome:
        Store(self.results).write_failure(self.fit, trace)
        return Outcome(self.name, self.group, seconds, reason)


def versions() -> dict[str, str]:
    """The versions of Python and of the numerical libraries."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def fit_fingerprint(prepared: Prepared, task: str, protocol: Protocol, spec: ModelSpec) -> str:
    """Changes when anything changes that the predictions of a fit depend on."""
    return digest(
        [
            str(prepared.facts()["fingerprint"]),
            task,
            repr(protocol.splitter),
            code_fingerprint(*_modules(protocol.splitter), "corpora.splits", "corpora.tasks"),
            spec.fingerprint(),
            *(f"{name} {version(name)}" for name in PACKAGES),
        ]
    )


def _modules(splitter: Splitter) -> list[str]:
    """Where the code of a splitter is, and of the one inside it."""
    inside = getattr(splitter, "splitter", None)
    return [type(splitter).__module__, *(_modules(inside) if inside else [])]


@lru_cache(maxsize=4)
def folds_of(prepared: Prepared, task: str, protocol: Protocol, seed: int) -> tuple[Clips, tuple[Fold, ...]]:
    """The clips of a task and their folds; the same for every model."""
    clips = for_task(prepared.clips(), task)
    return clips, tuple(protocol.splitter.split(clips, seed))


def fit_and_predict(
    spec: ModelSpec, seed: int, clips: Clips, fold: Fold, parameters: Parameters | None = None
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Fit and predict. The model sees no label of the test clips, nor of the unlabeled ones.

    Args:
        spec: the model.
        seed: decides everything random in it.
        clips: the task's, with labels.
        fold: rows of them.
        parameters: that differ from the default ones.

    Returns:
        (test clips, classes) probabilities, and the facts of the fit.

    Raises:
        ValueError: what the model predicts are no probabilities.
    """
    unlabeled = without_labels(clips.take(fold.unlabeled)) if spec.unlabeled else None
    test = without_labels(clips.take(fold.test))
    _reset_peak_memory()
    model = spec.build(seed, parameters)
    begin = time.perf_counter()
    model.fit(clips.take(fold.train), clips.take(fold.valid), unlabeled)
    fitted = time.perf_counter()
    probabilities = np.asarray(model.predict_proba(test), dtype=np.float64)
    predicted = time.perf_counter()
    shape = (len(test), len(test.classes))
    if probabilities.shape != shape:
        raise ValueError(f"predict_proba gave shape {probabilities.shape} instead of {shape}")
    if not (probabilities >= 0).all() or np.abs(probabilities.sum(axis=1) - 1).max() > 1e-6:
        raise ValueError("predict_proba gave probabilities that are negative, not finite, or do not sum to 1")
    return probabilities, {
        "parameters": {**spec.parameters(), **(parameters or {})},
        "trials": [],
        "curve": _with_accuracy(model, clips.label[fold.unlabeled]),
        "fit_seconds": fitted - begin,
        "tune_seconds": 0.0,
        "predict_seconds": predicted - fitted,
        "n_parameters": int(model.n_parameters),
        "peak_mb": _peak_memory(),
    }


def _with_accuracy(model: Model, truth: NDArray[np.int64]) -> list[dict[str, Any]]:
    """The learning curve; where the model says what it took for labels, each epoch gains how often that was right.

    Known afterwards: the harness looks the true labels up when the model is fitted and has predicted.

    Args:
        model: fitted. ``pseudo_labels``, if it has any: a list with, for each epoch, (unlabeled,) the class it was
            confident of, -1 = none. ``curve``: a row an epoch.
        truth: (unlabeled,) the labels that the model didn't see; -1 = nobody knows.
    """
    curve: list[dict[str, Any]] = list(getattr(model, "curve", []))
    taken = getattr(model, "pseudo_labels", [])
    if not taken:
        return curve
    rows = []
    for row, guess in zip(curve, taken, strict=True):
        judged = (guess != HIDDEN) & (truth != HIDDEN)
        right = {"confident_accuracy": float((guess == truth)[judged].mean())} if judged.any() else {}
        rows.append({**row, **right})
    return rows


def _combine(job: Job, store: Store) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """An ensemble: the stored predictions of its members, which were fitted in this fold before it."""
    members = []
    for part in job.spec.parts():
        fit = replace(job.fit, model=part.name)
        if not store.has(fit, fit_fingerprint(job.prepared, job.task, job.protocol, part)):
            raise ValueError(f"{part.name}, one of its members, has no predictions for {fit.stem}; see why it failed")
        members.append(store.read(fit))
        if not members[-1].predictions["clip_id"].equals(members[0].predictions["clip_id"]):
            raise ValueError(f"{part.name} predicted other clips than {members[0].fit.model} in {fit.stem}")
    classes = members[0].facts["classes"]
    tables = [member.predictions[classes].to_numpy(np.float64) for member in members]
    facts = [member.facts for member in members]
    return combine(tables, job.spec.parameters()["weights"]), {
        "parameters": job.spec.parameters(),
        "members": {member.fit.model: member.facts["predictions_digest"] for member in members},
        "trials": [],
        "curve": [],
        "fit_seconds": sum(fact["fit_seconds"] for fact in facts),
        "tune_seconds": sum(fact["tune_seconds"] for fact in facts),
        "predict_seconds": sum(fact["predict_seconds"] for fact in facts),
        "n_parameters": sum(fact["n_parameters"] for fact in facts),
        "peak_mb": max(fact["peak_mb"] for fact in facts),
    }


def _circumstances(job: Job, clips: Clips, fold: Fold) -> dict[str, Any]:
    """What a stored fit says about where it came from."""

    def patients(rows: NDArray[np.int64]) -> list[str]:
        return sorted(set(clips.patient[rows].tolist()))

    return {
        "fingerprint": job.fingerprint,
        "model": job.fit.model,
        "kind": job.spec.kind,
        "twin": job.spec.twin,
        "source": job.spec.source,
        "corpus": job.prepared.facts(),
        "task": job.task,
        "protocol": job.protocol.name,
        "classes": list(clips.classes),
        "seed": job.fit.seed,
        "fold": job.fit.fold,
        "train_patients": patients(fold.train),
        "valid_patients": patients(fold.valid),
        "test_patients": patients(fold.test),
        "unlabeled_patients": patients(fold.unlabeled),
        "train_clips": len(fold.train),
        "valid_clips": len(fold.valid),
        "test_clips": len(fold.test),
        "unlabeled_clips": len(fold.unlabeled),
        "versions": versions(),
        "hardware": hardware(),
        "threads": THREADS,
    }


@lru_cache(maxsize=1)
def hardware() -> str:
    """The processor's name, the number of cores and, where networks use one, the GPU."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    gpu = f", {torch.cuda.get_device_name(0)}" if torch.cuda.is_available() else ""
    return f"{name}, {os.cpu_count()} cores{gpu}"


def _reset_peak_memory() -> None:
    """Let Linux count the peak afresh; elsewhere it is the process's peak since it started."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _peak_memory() -> float:
    """Peak resident memory of this process in MB."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return kilobytes / (1024 * 1024 if sys.platform == "darwin" else 1024)
