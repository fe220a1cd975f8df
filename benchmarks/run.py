"""The run: every model x seed x fold that isn't stored yet, side by side, resumable at any moment."""

import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console

from benchmarks.execution.jobs import FitJob, JobResult, folds_of
from benchmarks.execution.pool import Engine, Executor, Work
from benchmarks.execution.progress import Best, Display, TimeLeft
from benchmarks.storage.identity import fit_identity, study_identity
from benchmarks.storage.records import FitKey, TrialRecord
from benchmarks.storage.store import Store
from benchmarks.tuning.jobs import TRIALS, TrialJob, TunedFitJob
from benchmarks.tuning.study import TUNED, Study, batches, tunable
from corpora.digests import digest
from corpora.prepare import Prepared
from corpora.problems import InputError
from corpora.protocols import Protocol
from corpora.unlabeled import labelled_rows
from models.registry import REGISTRY
from models.spec import ModelKind, ModelSpec


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
        trials: of each study, for the models that can be tuned; 0 = no tuning.
        engine: where and how the work is done.
    """

    prepared: Prepared
    task: str
    protocol: Protocol
    specs: tuple[ModelSpec, ...]
    seeds: int
    results: Path
    trials: int = 0
    engine: Engine = field(default_factory=Engine)

    @property
    def folder(self) -> Path:
        """``<results>/<corpus>/<task>/<protocol>``."""
        return self.results / self.prepared.facts().name / self.task / self.protocol.name


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
            try:
                return _run(plan, console)
            finally:
                Store(plan.folder).remove_temporary()
    except Timeout as error:
        raise InputError(f"another run is writing to {plan.folder}; wait for it, or choose another RESULTS") from error


def _run(plan: Plan, console: Console) -> Store:
    _bring_back_or_set_aside(plan, console)
    store = Store(plan.folder)
    store.remove_temporary()  # of a run that was killed
    jobs = _jobs(plan, store, console)
    clips = folds_of(plan.prepared, plan.task, plan.protocol, 0)[0]
    store.write_clips(clips.take(labelled_rows(clips)))
    failed = store.failures()
    _forget_stale_trials([job for job in jobs if isinstance(job, TunedFitJob)], store, console)
    there = {job.key for job in jobs if store.has(job.key, job.fingerprint) and not _again(job, store)}
    missing = [job for job in jobs if job.key in failed or job.key not in there]
    current = {job.key.model: job.fingerprint for job in jobs}
    stale = [
        fit
        for fit in store.fits()
        if fit.model in current and fit not in there and not store.has(fit, current[fit.model])
    ]
    for fit in stale:
        store.set_aside(fit)
    if stale:
        models = ", ".join(sorted({fit.model for fit in stale}))
        console.print(f"{len(stale)} stored fits of {models} came from other code or settings and are discarded.")
    if plan.protocol.ablation_of:
        missing = _take_over(missing, store, plan, plan.protocol.ablation_of)
    if len(missing) < len(jobs):
        console.print(f"{len(jobs) - len(missing)} of {len(jobs)} fits are stored already.")
    tuned = [job for job in missing if isinstance(job, TunedFitJob)]
    single = [job for job in missing if job.spec.kind != ModelKind.ENSEMBLE and job not in tuned]
    _execute(single, tuned, plan.engine, store, console)
    # Ensembles last: they combine what their members have stored by now, which takes no time.
    combined = [job for job in jobs if job.spec.kind == ModelKind.ENSEMBLE and _outdated(job, store)]
    _execute(combined, [], Engine(workers=1), store, console)
    return store


def _forget_stale_trials(tuned: list[TunedFitJob], store: Store, console: Console) -> None:
    """Remove the stored trials that can't be gone on from, and say so."""
    forgotten: Counter[str] = Counter()
    for job in tuned:
        forgotten[job.key.model] += job.forget_stale(store)
    if forgotten.total():
        console.print(
            f"{forgotten.total()} stored trials of {', '.join(sorted(+forgotten))} came from other code or settings, "
            "followed ones that did, or were kept from being done; they are done again."
        )


def _again(job: FitJob, store: Store) -> bool:
    """Whether trials of a stored tuned fit were kept from being done, and may be done now."""
    return (
        isinstance(job, TunedFitJob)
        and (record := store.record(job.key)) is not None
        and any(t.retryable for t in record.trials)
    )


def _outdated(job: FitJob, store: Store) -> bool:
    """Whether an ensemble is missing, or was combined from other predictions than its members have stored now."""
    record = store.record(job.key) if store.has(job.key, job.fingerprint) else None
    members = [store.record(replace(job.key, model=part.name)) for part in job.spec.parts()]
    return record is None or record.members != {m.model: m.predictions_digest for m in members if m is not None}


def _take_over(missing: list[FitJob], store: Store, plan: Plan, protocol: Protocol) -> list[FitJob]:
    """Copy the fits of whole models from the benchmark on the same folds; returns the jobs that are left."""
    benchmark = Store(plan.folder.with_name(protocol.name))
    left = []
    for job in missing:
        if benchmark.has(job.key, job.fingerprint):
            store.copy_fit(benchmark, job.key, plan.protocol.name)
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
        twin = [REGISTRY[spec.supervised_baseline]] if spec.supervised_baseline not in {"", *named} else []
        if twin:
            console.print(
                f"{spec.name} is compared with {twin[0].name}, the same without unlabeled clips; it runs too."
            )
        named |= {other.name: other for other in (*parts, *twin)}
        waiting += [*parts, *twin]
    return list(named.values())


def _jobs(plan: Plan, store: Store, console: Console) -> list[FitJob]:
    """Every fit of the plan, the slow kind first, so that no worker ends long after the others.

    A model that can't even be imported, say for want of a library, is stored as failed.
    """
    fits = [
        (seed, fold)
        for seed in range(plan.seeds)
        for fold in range(len(folds_of(plan.prepared, plan.task, plan.protocol, seed)[1]))
    ]
    jobs = []
    for spec in sorted(
        _with_companions(plan.specs, console), key=lambda spec: spec.kind in {ModelKind.CONTROL, ModelKind.BASELINE}
    ):
        try:
            fingerprint = fit_identity(plan.prepared, plan.task, plan.protocol, spec)
        except Exception as error:
            console.print(f"{spec.name} failed: {type(error).__name__}: {error}", markup=False)
            for seed, fold in fits:
                store.write_failure(FitKey(spec.name, seed, fold), traceback.format_exc())
            continue
        # Workers of a cluster may be in other folders than this process.
        prepared, folder = replace(plan.prepared, folder=plan.prepared.folder.resolve()), plan.folder.resolve()
        given = (prepared, plan.task, plan.protocol, spec)
        jobs += [FitJob(*given, FitKey(spec.name, *fit), fingerprint, folder) for fit in fits]
        if plan.trials and tunable(spec):
            study = study_identity(fingerprint, spec)
            tuned = digest([study, str(plan.trials)])
            jobs += [
                TunedFitJob(
                    *given, FitKey(spec.name + TUNED, *fit), tuned, folder, Study(spec, study, *fit), plan.trials
                )
                for fit in fits
            ]
    return jobs


class _Session:
    """A run's work, wave after wave, with one display of what is done and what is left.

    Args:
        executor: does the work.
        display: shows how it goes.
        to_do: how much there is of each group, in all waves.
    """

    def __init__(self, executor: Executor, display: Display, to_do: Counter[str]) -> None:
        self.executor, self.display = executor, display
        self.finished, self.total = 0, to_do.total()
        like = {group: group.removesuffix(TRIALS).removesuffix(TUNED) for group in to_do}
        self.time_left, self.best = TimeLeft(to_do, executor.at_once, like), Best()

    def wave(self, work: Sequence[Work]) -> None:
        """Do work that can be done side by side."""
        if work:
            self._show()
            self.executor.run(work, self._done)

    def _done(self, outcome: JobResult) -> None:
        self.finished += 1
        self.time_left.done(outcome.group, outcome.seconds)
        self.best.seen(outcome.group.removesuffix(TUNED + TRIALS), outcome.value)
        if outcome.error:
            self.display.say(f"{outcome.name} failed: {outcome.error}")
        self._show()

    def _show(self) -> None:
        what = "fits and trials" if any(group.endswith(TRIALS) for group in self.time_left.waiting) else "fits"
        self.display.step(what, self.finished, self.total, self.time_left.left(), str(self.best))


def _execute(single: list[FitJob], tuned: list[TunedFitJob], engine: Engine, store: Store, console: Console) -> None:
    """Fits with default parameters, and the trials of all studies batch by batch; then the tuned fits."""
    to_do = Counter(job.group for job in (*single, *tuned))
    for job in tuned:
        to_do[TrialJob(job, 0, ()).group] += len([n for n in range(job.trials) if store.trial(job.key, n) is None])
    if not to_do:
        return
    with Display(console) as display, Executor(engine, display.say) as executor:
        session = _Session(executor, display, to_do)
        # One fit of each model first: what is broken shows at once, and the time left is soon known.
        first = {job.key.model: job.key for job in reversed(single)}
        fits = sorted(single, key=lambda job: job.key != first[job.key.model])
        known: dict[FitKey, list[TrialRecord]] = {job.key: [] for job in tuned}
        for batch in batches(max((job.trials for job in tuned), default=0)):
            trials = [TrialJob(job, n, tuple(known[job.key])) for job in tuned for n in batch if n < job.trials]
            session.wave([*fits, *(trial for trial in trials if trial.record(store) is None)])
            fits = []
            for trial in trials:
                if record := trial.record(store):
                    known[trial.job.key].append(record)
        session.wave(fits)
        session.wave(tuned)


def _bring_back_or_set_aside(plan: Plan, console: Console) -> None:
    """Keep results of another corpus of the same name, such as a part of the database, apart from this one's."""

    def aside(fingerprint: str) -> Path:
        return plan.folder.with_name(f"{plan.folder.name}-of-{fingerprint}")

    mine = plan.prepared.facts().fingerprint
    store = Store(plan.folder)
    theirs = store.corpus_fingerprint() or mine
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
