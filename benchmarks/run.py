"""The run: every model x seed x fold that isn't stored yet, side by side, resumable at any moment."""

import os
from dataclasses import dataclass
from pathlib import Path

import joblib
from filelock import FileLock, Timeout
from joblib.externals.loky.process_executor import TerminatedWorkerError
from rich.console import Console

from benchmarks.fitting import Job, execute, fit_fingerprint, folds_of
from benchmarks.progress import Display, TimeLeft
from benchmarks.protocols import Protocol
from benchmarks.store import Fit, Store
from corpora.fingerprint import digest
from corpora.prepare import Prepared
from corpora.problems import InputError
from models.spec import ModelSpec


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
    workers: int = os.cpu_count() or 1

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
    if plan.seeds < 1 or plan.workers < 1:
        raise InputError(f"SEEDS={plan.seeds} and WORKERS={plan.workers} must both be at least 1")
    locks = plan.prepared.folder.parent.parent / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(locks / digest([str(plan.folder.resolve())]))
    try:
        with lock.acquire(timeout=0):
            return _run(plan, console)
    except Timeout as error:
        raise InputError(f"another run is writing to {plan.folder}; wait for it, or choose another RESULTS") from error


def _run(plan: Plan, console: Console) -> Store:
    _set_aside_other_corpus(plan, console)
    store = Store(plan.folder)
    store.remove_temporary()
    jobs = _jobs(plan)
    missing = [job for job in jobs if not store.has(job.fit, job.fingerprint)]
    current = {job.fit.model: job.fingerprint for job in jobs}
    stale = [fit for fit in store.fits() if fit.model in current and not store.has(fit, current[fit.model])]
    for fit in stale:
        store.discard(fit)
    if stale:
        models = ", ".join(sorted({fit.model for fit in stale}))
        console.print(f"{len(stale)} stored fits of {models} came from other code or settings and are discarded.")
    if len(missing) < len(jobs):
        console.print(f"{len(jobs) - len(missing)} of {len(jobs)} fits are stored already.")
    if missing:
        _execute(missing, plan.workers, console)
    return store


def _jobs(plan: Plan) -> list[Job]:
    """Every fit of the plan, the slow kind first, so that no worker ends long after the others."""
    jobs = []
    for spec in sorted(plan.specs, key=lambda spec: spec.kind in {"control", "baseline"}):
        fingerprint = fit_fingerprint(plan.prepared, plan.task, plan.protocol, spec)
        for seed in range(plan.seeds):
            _, folds = folds_of(plan.prepared, plan.task, plan.protocol, seed)
            for fold in range(len(folds)):
                fit = Fit(spec.name, seed, fold)
                jobs.append(Job(plan.prepared, plan.task, plan.protocol, spec, fit, fingerprint, plan.folder))
    return jobs


def _execute(jobs: list[Job], workers: int, console: Console) -> None:
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
        except TerminatedWorkerError as error:
            raise InputError(
                "a worker process was killed, probably because memory ran out; what is finished is kept: run the same "
                "command again, with fewer WORKERS"
            ) from error


def _set_aside_other_corpus(plan: Plan, console: Console) -> None:
    """Keep results of another corpus of the same name, such as a part of the database, apart from this one's."""
    store = Store(plan.folder)
    fits = store.fits()
    if not fits:
        return
    theirs = store.corpus_fingerprint(fits[0])
    if theirs != plan.prepared.facts()["fingerprint"]:
        aside = plan.folder.with_name(f"{plan.folder.name}-of-{theirs}")
        if aside.exists():
            raise InputError(f"{plan.folder} and {aside} hold results of another corpus; move or delete one of them")
        plan.folder.rename(aside)
        console.print(f"{plan.folder} held results of another corpus; they are now in {aside}.")
