"""One fit: split, fit on the training patients, predict the test patients, store. The same in every process."""

import os
import platform
import resource
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl
import torch
from numpy.typing import NDArray

from benchmarks.protocols import Protocol
from benchmarks.store import Fit, Store
from corpora.clips import Clips
from corpora.fingerprint import code_fingerprint, digest
from corpora.prepare import Prepared
from corpora.splits import Fold
from corpora.tasks import for_task
from models.spec import ModelSpec

THREADS = 1
"""A fit's numbers depend on its number of threads, so that every fit has one and fits run side by side."""

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


@dataclass(frozen=True)
class Outcome:
    """How a fit ended: ``error`` is the last line of its traceback, or None."""

    fit: Fit
    seconds: float
    error: str | None


def versions() -> dict[str, str]:
    """The versions that a result may depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def fit_fingerprint(prepared: Prepared, task: str, protocol: Protocol, spec: ModelSpec) -> str:
    """Changes when anything changes that the predictions of a fit depend on."""
    return digest(
        [
            str(prepared.facts()["fingerprint"]),
            task,
            protocol.name,
            code_fingerprint("corpora.splits", "corpora.tasks"),
            spec.fingerprint(),
            repr(versions()),
        ]
    )


@lru_cache(maxsize=4)
def folds_of(prepared: Prepared, task: str, protocol: Protocol, seed: int) -> tuple[Clips, tuple[Fold, ...]]:
    """The clips of a task and their folds; the same for every model."""
    clips = for_task(prepared.clips(), task)
    return clips, tuple(protocol.splitter.split(clips, seed))


def execute(job: Job) -> Outcome:
    """Do one fit and store it; a model that fails is stored as failed and stops nothing else.

    Raises:
        InputError: the result can't be written.
    """
    start = time.perf_counter()
    store = Store(job.results)
    clips, folds = folds_of(job.prepared, job.task, job.protocol, job.fit.seed)
    fold = folds[job.fit.fold]
    test = clips.take(fold.test)
    try:
        with _one_thread():
            probabilities, facts = _fit(job, clips, fold)
    except Exception as error:
        store.write_failure(job.fit, traceback.format_exc())
        return Outcome(job.fit, time.perf_counter() - start, f"{type(error).__name__}: {error}")
    store.write(job.fit, test, probabilities, {**_circumstances(job, clips, fold), **facts})
    return Outcome(job.fit, time.perf_counter() - start, None)


def _fit(job: Job, clips: Clips, fold: Fold) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Fit and predict. The model sees no label of the test clips, nor of the unlabeled ones."""
    unlabeled = clips.take(fold.unlabeled).hide_labels() if job.spec.unlabeled else None
    test = clips.take(fold.test).hide_labels()
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
    if not np.isfinite(probabilities).all() or np.abs(probabilities.sum(axis=1) - 1).max() > 1e-6:
        raise ValueError("predict_proba gave probabilities that are not finite or do not sum to 1")
    return probabilities, {
        "parameters": job.spec.parameters(),
        "trials": [],
        "curve": getattr(model, "curve", []),
        "fit_seconds": fitted - begin,
        "tune_seconds": 0.0,
        "predict_seconds": predicted - fitted,
        "n_parameters": model.n_parameters,
        "peak_mb": _peak_memory(),
    }


def _circumstances(job: Job, clips: Clips, fold: Fold) -> dict[str, Any]:
    """What a stored fit says about where it came from."""

    def patients(rows: NDArray[np.int64]) -> list[str]:
        return sorted(set(clips.patient[rows].tolist()))

    return {
        "fingerprint": job.fingerprint,
        "model": job.fit.model,
        "kind": job.spec.kind,
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


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        with threadpoolctl.threadpool_limits(THREADS):
            yield
    finally:
        torch.set_num_threads(before)


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
