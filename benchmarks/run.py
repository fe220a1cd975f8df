"""The run: every model x seed x fold that isn't stored yet, side by side, resumable at any moment."""

import os
import traceback
from dataclasses import dataclass, replace
from pathlib import Path

import joblib
from filelock import FileLock, Timeout
from joblib.externals.loky.process_executor import TerminatedWorkerError
from rich.console import Console

from benchmarks.ablation import SUFFIX, is_ablation
from benchmarks.fitting import Job, execute, fit_fingerprint, folds_of
from benchmarks.interruption import check
from benchmarks.progress import Display, TimeLeft
from benchmarks.protocols import Protocol
from benchmarks.store import Fit, Store
from corpora.fingerprint import digest
from corpora.prepare import Prepared
from corpora.problems import InputError
from corpora.unlabeled import labelled_rows
from models.registry import REGISTRY
from models.spec import ModelSpec

ENSEMBLE = "ensemble"


@dataclass(frozen=True)
class Plan:
    """What a run is asked to do.

    Attributes:
        prepared: the corpus.
        task: ``abnormal`` or ``four-class``.
        protocol: how patients are divided.
        specs: the models.
        seeds: how many times everything is repeated, with other folds and initial weights.
        results: the results folder.
        workers: fits done at once.
    """

    prepared: Prepared
    task: str
    protocol: Protocol
    specs: tuple[ModelSpec, ...]
    seeds: int
    results: Path
    workers: int = joblib.cpu_count()

    @property
    def folder(self) -> Path:
        """``<results>/<corpus>/<task>/<protocol>``."""
        return self.results / str(self.prepared.facts()["name"]) / self.task / self.protocol.name


def run(plan: Plan, console: Console) -> Store:
    """Do what is missing of a plan.

    Returns:
        The store, which then holds every fit that succeeded and a note for each that failed.

    Raises:
        InputError: the request can't be met, or another run is writing to the same folder.
    """
    locks = plan.prepared.folder.parent.parent / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(locks / digest([str(plan.folder.resolve())]))
    try:
        with lock.acquire(timeout=0):
            return _run(plan, console)
    except Timeout as error:
        raise InputError(f"another run is writing to {plan.folder}; wait for it, or choose another RESULTS") from error


def _run(plan: Plan, console: Console) -> Store:
    _bring_back_or_set_aside(plan, console)
    store = Store(plan.folder)
    store.remove_temporary()
    jobs = _jobs(plan, store, console)
    clips = folds_of(plan.prepared, plan.task, plan.protocol, 0)[0]
    store.write_clips(clips.take(labelled_rows(clips)))
    failed = store.failures()
    there = {job.fit for job in jobs if store.has(job.fit, job.fingerprint)}
    missing = [job for job in jobs if job.fit in failed or job.fit not in there]
    current = {job.fit.model: job.fingerprint for job in jobs}
    stale = [
        fit
        for fit in store.fits()
        if fit.model in current and fit not in there and not store.has(fit, current[fit.model])
    ]
    for fit in stale:
        store.discard(fit)
    if stale:
        models = ", ".join(sorted({fit.model for fit in stale}))
        console.print(f"{len(stale)} stored fits of {models} came from other code or settings and are discarded.")
    if is_ablation(plan.protocol.name):
        missing = _take_over(missing, store, plan)
    if len(missing) < len(jobs):
        console.print(f"{len(jobs) - len(missing)} of {len(jobs)} fits are stored already.")
    single = [job for job in missing if job.spec.kind != ENSEMBLE]
    # One fit of each model first: what is broken shows at once, and the time left is soon known.
    first = {job.fit.model: job.fit for job in reversed(single)}
    _execute(sorted(single, key=lambda job: job.fit != first[job.fit.model]), plan.workers, console)
    # Ensembles last: they combine what their members have stored by now, which takes no time.
    _execute([job for job in jobs if job.spec.kind == ENSEMBLE and _outdated(job, store)], 1, console)
    return store


def _outdated(job: Job, store: Store) -> bool:
    """Whether an ensemble is missing, or was combined from other predictions than its members have stored now."""
    members = {part.name: store.facts(replace(job.fit, model=part.name)) for part in job.spec.parts()}
    now = {name: facts.get("predictions_digest") for name, facts in members.items()}
    return not store.has(job.fit, job.fingerprint) or store.facts(job.fit).get("members") != now


def _take_over(missing: list[Job], store: Store, plan: Plan) -> list[Job]:
    """Copy the fits of whole models from the benchmark on the same folds; returns the jobs that are left."""
    benchmark = Store(plan.folder.with_name(plan.protocol.name.removesuffix(SUFFIX)))
    left = []
    for job in missing:
        if benchmark.has(job.fit, job.fingerprint):
            store.take_over(benchmark, job.fit, plan.protocol.name)
        else:
            left.append(job)
    return left


def _with_companions(specs: tuple[ModelSpec, ...], console: Console) -> list[ModelSpec]:
    """The models asked for, those that the ensembles among them average, and the twins of the semi-supervised ones.

    Without its twin, which is the same but for the unlabeled clips, nobody could tell what those are worth.
    """
    named = {spec.name: spec for spec in specs}
    waiting = list(specs)
    for spec in waiting:
        try:
            parts = [part for part in spec.parts() if part.name not in named]
        except Exception:  # `_jobs` tells why
            continue
        if parts:
            names = ", ".join(part.name for part in parts)
            console.print(f"{spec.name} averages models that were not named; they run too: {names}.")
        twin = [REGISTRY[spec.twin]] if spec.twin and spec.twin not in named else []
        if twin:
            console.print(f"{spec.name} is compared with {spec.twin}, the same without unlabeled clips; it runs too.")
        named |= {other.name: other for other in (*parts, *twin)}
        waiting += [*parts, *twin]
    return list(named.values())


def _jobs(plan: Plan, store: Store, console: Console) -> list[Job]:
    """Every fit of the plan, the slow kind first, so that no worker ends long after the others.

    A model that can't even be imported, say for want of a library, is stored as failed.
    """
    fits = [
        (seed, fold)
        for seed in range(plan.seeds)
        for fold in range(len(folds_of(plan.prepared, plan.task, plan.protocol, seed)[1]))
    ]
    jobs = []
    for spec in sorted(_with_companions(plan.specs, console), key=lambda spec: spec.kind in {"control", "baseline"}):
        try:
            fingerprint = fit_fingerprint(plan.prepared, plan.task, plan.protocol, spec)
        except Exception as error:
            console.print(f"{spec.name} failed: {type(error).__name__}: {error}", markup=False)
            for seed, fold in fits:
                store.write_failure(Fit(spec.name, seed, fold), traceback.format_exc())
            continue
        jobs += [
            Job(
                plan.prepared,
                plan.task,
                plan.protocol,
                spec,
                Fit(spec.name, *fit),
                fingerprint,
                plan.folder,
                os.getpid(),
            )
            for fit in fits
        ]
    return jobs


def _execute(jobs: list[Job], workers: int, console: Console) -> None:
    if not jobs:
        return
    time_left = TimeLeft([job.fit for job in jobs], workers)
    parallel = joblib.Parallel(
        n_jobs=workers,
        backend="sequential" if workers == 1 else "loky",
        return_as="generator_unordered",
        batch_size=1,
        pre_dispatch="2*n_jobs",
    )
    with Display(console) as display:
        display.step("fits", 0, len(jobs))
        try:
            for done, outcome in enumerate(parallel(joblib.delayed(execute)(job) for job in jobs), 1):
                time_left.done(outcome.fit, outcome.seconds)
                if outcome.error:
                    display.say(f"{outcome.fit.model} failed ({outcome.fit.stem}): {outcome.error}")
                display.step("fits", done, len(jobs), time_left.left())
                check()
        except TerminatedWorkerError as error:
            raise InputError(
                "a worker process was killed, probably because memory ran out; what is finished is kept: run the same "
                "command again, with fewer WORKERS"
            ) from error


def _bring_back_or_set_aside(plan: Plan, console: Console) -> None:
    """Keep results of another corpus of the same name, such as a part of the database, apart from this one's."""

    def aside(fingerprint: str) -> Path:
        return plan.folder.with_name(f"{plan.folder.name}-of-{fingerprint}")

    mine = str(plan.prepared.facts()["fingerprint"])
    store = Store(plan.folder)
    theirs = next(filter(None, map(store.corpus_fingerprint, store.fits())), mine)
    if theirs != mine:
        if aside(theirs).exists():
            raise InputError(
                f"{plan.folder} and {aside(theirs)} hold results of one corpus; move or delete one of them"
            )
        plan.folder.rename(aside(theirs))
        console.print(f"{plan.folder} held results of another corpus; they are now in {aside(theirs)}.")
    if aside(mine).exists() and not plan.folder.exists():
        aside(mine).rename(plan.folder)
        console.print(f"{aside(mine)} holds earlier results of this corpus; they are back in {plan.folder}.")
