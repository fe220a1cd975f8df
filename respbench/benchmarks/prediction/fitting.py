"""Fit a model once to a whole corpus, and in folds by patient to calibrate it; both are kept in the cache."""

import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from respbench.benchmarks.execution.job import Job, JobResult
from respbench.benchmarks.execution.jobs import FitJob, folds_of
from respbench.benchmarks.execution.pool import Engine, Executor
from respbench.benchmarks.execution.progress import Display, TimeLeft
from respbench.benchmarks.prediction.calibration import OutOfFold
from respbench.benchmarks.prediction.kept import has_model, read_model, signing_key
from respbench.benchmarks.prediction.whole_fit import SEED, Fitted, WholeFitJob
from respbench.benchmarks.storage.identity import fit_identity
from respbench.benchmarks.storage.lock import writing_to
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store
from respbench.corpora.clips import Clips
from respbench.corpora.code_identity.identity import code_identity
from respbench.corpora.digests import digest
from respbench.corpora.prepared.prepare import Prepared
from respbench.corpora.problems import InputError
from respbench.corpora.protocol import Protocol
from respbench.corpora.tasks import for_task
from respbench.models.ensemble import combine
from respbench.models.spec import ModelSpec

CODE = (
    "respbench.benchmarks.prediction.whole_fit:whole_fold",
    "respbench.benchmarks.prediction.whole_fit:Fitted",
    "respbench.benchmarks.prediction.calibration:calibrate",
)
"""Targets of what a kept model depends on beside its fits in folds."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a model is fitted to.

    Attributes:
        prepared: the corpus.
        task: one of `corpora.choices.TASKS`, of sounds.
        protocol: divides the patients for the calibration.
        cache: the folder that keeps fits.
        results: the results folder, whose fits in the same folds are used where they are these.
        engine: where and how fits are executed.
    """

    prepared: Prepared
    task: str
    protocol: Protocol
    cache: Path
    results: Path
    engine: Engine

    @property
    def clips(self) -> Clips:
        """The clips of the corpus, labeled for the task."""
        return for_task(self.prepared.clips(), self.task)

    @property
    def benchmark(self) -> Store:
        """The results of the same protocol, if they are there."""
        return Store(self.results / self.prepared.facts().name / self.task / self.protocol.name)

    def identity(self, spec: ModelSpec) -> str:
        """Hash what the fits of a model in the folds depend on."""
        return fit_identity(self.prepared, self.task, self.protocol, spec)

    def fingerprint(self, spec: ModelSpec) -> str:
        """Hash what the predictions of a model depend on: data, parameters, code and libraries."""
        return digest([self.identity(spec), code_identity(*CODE), str(SEED), platform.python_version()])

    def folder(self, spec: ModelSpec) -> Path:
        """Where the fits of a model are kept."""
        return self.cache / "fitted" / f"{spec.name}-{self.fingerprint(spec)}"

    def keys(self, spec: ModelSpec) -> list[FitKey]:
        """Every fold's fit."""
        folds = folds_of(self.prepared, self.task, self.protocol, SEED)[1]
        return [FitKey(spec.name, SEED, fold) for fold in range(len(folds))]


@dataclass(frozen=True, kw_only=True, eq=False)
class WholeModel:
    """A model that was fitted to a whole corpus.

    Attributes:
        spec: its entry.
        fingerprint: see `Request.fingerprint`.
        members: the model, or the members of an ensemble.
        weights: of the members; None = equal.
        out_of_fold: the predictions that calibrate it.
        store: of its fits in the folds.
    """

    spec: ModelSpec
    fingerprint: str
    members: tuple[Fitted, ...]
    weights: Sequence[float] | None
    out_of_fold: OutOfFold
    store: Store

    def predict(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes) calibrated probabilities."""
        found = [member.predict(clips) for member in self.members]
        raw = found[0] if len(found) == 1 else combine(found, self.weights)
        return self.out_of_fold.calibration()(raw)


def fit_whole(spec: ModelSpec, request: Request, console: Console) -> WholeModel:
    """Fit what is not kept yet, of a model or of the members of an ensemble.

    Raises:
        InputError: the model can't be fitted, the corpus can't be divided, or another process is at the same model.
        CannotWrite: the disk is full or the cache can't be written.
    """
    members = spec.parts() or [spec]
    signing_key()  # drawn once, before workers need it
    folds_of(request.prepared, request.task, request.protocol, SEED)  # refuses before anything is written
    with writing_to(request.folder(spec), request.cache):
        for part in members:
            _reuse(part, request, console)
        jobs: list[Job] = [job for part in members for job in _missing(part, request)]
        if jobs:
            _execute(jobs, members, request, console)
        else:
            console.print(f"{spec.name} is kept from an earlier call; nothing is fitted.")
        if spec.parts():
            _combine(spec, members, request)
    fitted = [read_model(request.folder(part), request.fingerprint(part), part) for part in members]
    if any(one is None for one in fitted):
        raise InputError(f"{request.cache} lost a fit of {spec.name}; run the same command again")
    return WholeModel(
        spec=spec,
        fingerprint=request.fingerprint(spec),
        members=tuple(one for one in fitted if isinstance(one, Fitted)),
        weights=spec.parameters()["weights"] if spec.parts() else None,
        out_of_fold=_out_of_fold(spec, request),
        store=Store(request.folder(spec)),
    )


def _reuse(spec: ModelSpec, request: Request, console: Console) -> None:
    """Copy the fits in folds that the benchmark has stored with the same identity."""
    store, benchmark, identity = Store(request.folder(spec)), request.benchmark, request.identity(spec)
    absent = [key for key in request.keys(spec) if not store.has(key, identity)]
    found = [key for key in absent if benchmark.has(key, identity)]
    for key in found:
        store.copy_fit(benchmark, key, request.protocol.name)
    if found:
        console.print(
            f"{len(found)} fits of {spec.name} in folds, for its calibration, are taken from {benchmark.folder}."
        )


def _missing(spec: ModelSpec, request: Request) -> list[Job]:
    folder, identity = request.folder(spec).resolve(), request.identity(spec)
    jobs: list[Job] = [
        FitJob(request.prepared, request.task, request.protocol, spec, key, identity, folder)
        for key in request.keys(spec)
        if not Store(folder).has(key, identity)
    ]
    fingerprint = request.fingerprint(spec)
    if not has_model(folder, fingerprint):
        jobs.insert(0, WholeFitJob(request.prepared, request.task, spec, folder, fingerprint))
    return jobs


def _execute(jobs: list[Job], members: Sequence[ModelSpec], request: Request, console: Console) -> None:
    """Execute jobs with one display; a model whose fits are stored in part is estimated from these."""
    corpus, waiting = request.prepared.facts().name, Counter(job.group for job in jobs)
    for name, count in waiting.items():
        whole = any(isinstance(job, WholeFitJob) and job.group == name for job in jobs)
        folds = count - whole
        what = [*(["once to all patients"] if whole else []), *([f"{folds} times to part of them"] if folds else [])]
        console.print(f"{name} is fitted to {corpus}: {' and '.join(what)}; the next call takes it from the cache.")
    engine = request.engine.for_jobs(len(jobs))
    with Display(console) as display, Executor(engine, display.say) as executor:
        left = TimeLeft(waiting, executor.at_once)
        for part in members:
            records = [Store(request.folder(part)).record(key) for key in request.keys(part)]
            left.seconds[part.name] += [record.fit_seconds for record in records if record]
        finished = 0

        def done(result: JobResult) -> None:
            nonlocal finished
            if result.error:
                raise InputError(
                    f"{result.group} can't be fitted to {corpus} ({result.error}); choose another model or corpus"
                )
            finished += 1
            left.done(result.group, result.seconds)
            display.step("fits", finished, len(jobs), left.left())

        display.step("fits", 0, len(jobs), left.left() if any(left.seconds.values()) else "")
        executor.run(jobs, done)


def _combine(spec: ModelSpec, members: Sequence[ModelSpec], request: Request) -> None:
    """Combine the predictions of the members of an ensemble in the folds."""
    folder, identity = request.folder(spec).resolve(), request.identity(spec)
    store = Store(folder)
    for key in request.keys(spec):
        if store.has(key, identity):
            continue
        for part in members:
            own = FitKey(part.name, key.seed, key.fold)
            store.copy_fit(Store(request.folder(part)), own, request.protocol.name)
        job = FitJob(request.prepared, request.task, request.protocol, spec, key, identity, folder)
        if error := job.execute().error:
            raise InputError(f"{spec.name} can't be combined from its members ({error}); choose another model")


def _out_of_fold(spec: ModelSpec, request: Request) -> OutOfFold:
    """Read the predictions of every fold, row by row."""
    store, classes = Store(request.folder(spec)), list(request.clips.classes)
    fits = [store.read(key) for key in request.keys(spec)]
    names = np.concatenate([fit.predictions["patient"].to_numpy(np.str_) for fit in fits])
    labels = np.concatenate([fit.predictions["label"].to_numpy(np.str_) for fit in fits])
    return OutOfFold(
        probabilities=np.concatenate([fit.predictions[classes].to_numpy(np.float64) for fit in fits]),
        label=np.array([classes.index(label) for label in labels], dtype=np.int64),
        patient=np.unique(names, return_inverse=True)[1].astype(np.int64),
        fold=np.repeat(np.arange(len(fits)), [len(fit.predictions) for fit in fits]),
    )
