"""One fit: split, fit on the training patients, predict the test patients, store. The same in every process."""

import errno
import os
import platform
import resource
import sys
import threading
import time
import traceback
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.protocols import Protocol
from benchmarks.store import KNOWN_OF_A_CLIP, CannotWrite, Fit, Store
from corpora.clips import HIDDEN, Clips
from corpora.fingerprint import code_fingerprint, digest
from corpora.prepare import Prepared
from corpora.splits import Fold, Splitter
from corpora.tasks import for_task
from features.threads import one_thread
from models.ensemble import combine
from models.spec import Model, ModelSpec

THREADS = 1
"""A fit's numbers depend on its number of threads, so that every fit has one and fits run side by side."""

DISK_TROUBLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""What the disk refuses is no model's fault, and would make every further fit fail too."""

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "xgboost-cpu" if platform.system() != "Darwin" else "xgboost")


@dataclass(frozen=True)
class Job:
    """Everything a worker process needs to do one fit."""

    prepared: Prepared
    task: str
    protocol: Protocol
    spec: ModelSpec
    fit: Fit
    fingerprint: str
    results: Path
    parent: int


@dataclass(frozen=True)
class Outcome:
    """How a fit ended: ``error`` is the last line of its traceback, or None."""

    fit: Fit
    seconds: float
    error: str | None


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


def execute(job: Job) -> Outcome:
    """Do one fit and store it; a model that fails is stored as failed and stops nothing else.

    Raises:
        CannotWrite: the disk is full or the folder can't be written.
        OSError: the same, met by the features' cache.
    """
    if job.parent != os.getpid():
        _end_with(job.parent)
    start = time.perf_counter()
    store = Store(job.results)
    try:
        clips, folds = folds_of(job.prepared, job.task, job.protocol, job.fit.seed)
        fold = folds[job.fit.fold]
        with one_thread():
            probabilities, facts = _combine(job, store) if job.spec.parts() else _fit(job, clips, fold)
        store.write(job.fit, clips.take(fold.test), probabilities, {**_circumstances(job, clips, fold), **facts})
    except Exception as error:
        if isinstance(error, CannotWrite) or (isinstance(error, OSError) and error.errno in DISK_TROUBLE):
            raise
        store.write_failure(job.fit, traceback.format_exc())
        return Outcome(job.fit, time.perf_counter() - start, f"{type(error).__name__}: {error}")
    return Outcome(job.fit, time.perf_counter() - start, None)


@cache
def _end_with(parent: int) -> None:
    """End this worker process soon after its parent, however that ended: an orphan would go on writing results."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _fit(job: Job, clips: Clips, fold: Fold) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Fit and predict. The model sees no label of the test clips, nor of the unlabeled ones."""
    unlabeled = without_labels(clips.take(fold.unlabeled)) if job.spec.unlabeled else None
    test = without_labels(clips.take(fold.test))
    _reset_peak_memory()
    model = job.spec.build(job.fit.seed)
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
        "parameters": job.spec.parameters(),
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


def without_labels(clips: Clips) -> Clips:
    """Labels hidden, and clips numbered: the names in a user's manifest, such as ``pos/1.wav``, may tell the label.

    Of the metadata only what is known of a clip's recording stays: a diagnosis, too, all but tells the label.
    """
    known = [column for column in KNOWN_OF_A_CLIP if column in clips.meta]
    numbers = np.arange(len(clips)).astype(np.str_)
    return replace(clips.hide_labels(), clip_id=numbers, meta=clips.meta[known])


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
