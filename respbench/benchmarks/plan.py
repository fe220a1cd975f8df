"""What a run is asked for, and what of it is stored, stale, restorable, retryable or missing; changes nothing."""

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from respbench.benchmarks.execution.jobs import FitJob, folds_of
from respbench.benchmarks.execution.picked import PickedFitJob
from respbench.benchmarks.execution.pool import Engine
from respbench.benchmarks.storage.identity import fit_identity, study_identity, tuned_identity
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store
from respbench.benchmarks.tuning.jobs import StoredTrials, TunedFitJob
from respbench.benchmarks.tuning.study import Study, tunable, tuned_name
from respbench.corpora.prepared.prepare import Prepared
from respbench.corpora.protocol import Protocol
from respbench.models.exits import refusing_exits
from respbench.models.registry import REGISTRY
from respbench.models.spec import ModelKind, ModelSpec, TrainedByEpoch

REPEATS = 10
"""Of controls and baselines, a fit of which takes a few seconds."""

REPEATS_IF_SLOW = 3
"""Of networks, of what is built on them, of entries that are marked as slow, and of tuned models."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is asked for.

    Attributes:
        prepared: the corpus.
        task: one of `corpora.choices.TASKS`.
        protocol: how patients are divided.
        specs: the models.
        results: the results folder.
        repeats: of everything, with other folds and initial weights; None = as many as `repeats_of` each model.
        picked_on_test: whether networks are also evaluated on the test clips after each epoch, untuned ones only.
        trials: of each study, for the models that can be tuned; 0 = no tuning.
        engine: where and how jobs are executed.
    """

    prepared: Prepared
    task: str
    protocol: Protocol
    specs: tuple[ModelSpec, ...]
    results: Path
    repeats: int | None = None
    picked_on_test: bool = False
    trials: int = 0
    engine: Engine = field(default_factory=Engine)

    @property
    def folder(self) -> Path:
        """``<results>/<corpus>/<task>/<protocol>``."""
        return self.results / self.prepared.facts().name / self.task / self.protocol.name

    @property
    def benchmark(self) -> Store | None:
        """Of an ablation, the benchmark on the same folds, whose fits it copies."""
        of = self.protocol.ablation_of
        return Store(self.folder.with_name(of.name)) if of else None

    def repeats_of(self, spec: ModelSpec) -> int:
        """How often a model is fitted to each fold: more often where that is cheap, unless the user sets a number.

        Where models are compared in pairs, all have one number of repeats.
        """
        if self.repeats is not None:
            return self.repeats
        if self.prepared.facts().simulated:
            return 1
        if spec.kind == ModelKind.ENSEMBLE:
            return min(self.repeats_of(part) for part in spec.parts())
        fast = spec.kind in {ModelKind.CONTROL, ModelKind.BASELINE} and not spec.slow
        return REPEATS if fast and not self.protocol.in_pairs else REPEATS_IF_SLOW

    def tuned_repeats_of(self, spec: ModelSpec) -> int:
        """How often a model is tuned and fitted to each fold: a study is many fits, also of a cheap model."""
        return self.repeats or min(self.repeats_of(spec), REPEATS_IF_SLOW)


@dataclass(frozen=True, kw_only=True)
class Companion:
    """A model that runs because another one needs it.

    Attributes:
        spec: the model.
        why: a sentence for the user.
    """

    spec: ModelSpec
    why: str


@dataclass(frozen=True, kw_only=True)
class Unavailable:
    """A model that can't be imported, say because a library is missing.

    Attributes:
        keys: its fits.
        error: type and message of the exception.
        trace: traceback.
    """

    keys: tuple[FitKey, ...]
    error: str
    trace: str


@dataclass(frozen=True, kw_only=True)
class PlanStatus:
    """What of a plan is done, and what is to do.

    Attributes:
        jobs: every fit of the plan; the slow kinds first. `session.in_order` says which is executed first.
        companions: models that run although they were not named.
        unavailable: models that can't be imported, by name.
        stored: fits that are done.
        retryable: fits that failed, or with trials that circumstances ended.
        restorable: fits that were set aside and are those of the plan again.
        copyable: fits of an ablation that the benchmark on the same folds has.
        stale: stored fits of these models from other code, data or settings.
        trials: of each tuned fit to do, its stored trials.
    """

    jobs: tuple[FitJob, ...]
    companions: tuple[Companion, ...]
    unavailable: Mapping[str, Unavailable]
    stored: frozenset[FitKey]
    retryable: frozenset[FitKey]
    restorable: frozenset[FitKey]
    copyable: frozenset[FitKey]
    stale: tuple[FitKey, ...]
    trials: Mapping[FitKey, StoredTrials]

    @property
    def missing(self) -> tuple[FitJob, ...]:
        """The fits to execute."""
        return tuple(job for job in self.jobs if job.key not in self.stored | self.restorable | self.copyable)


def status_of(plan: Plan, store: Store) -> PlanStatus:
    """Compare a plan with what is stored, and change nothing."""
    companions = tuple(_companions(plan.specs))
    jobs, unavailable = _jobs(plan, [*plan.specs, *(companion.spec for companion in companions)])
    fits, failures, benchmark = store.fits(), store.failures(), plan.benchmark
    wanted = {job.key.model: job.fingerprint for job in jobs}
    current = {key for key in {*fits, *(job.key for job in jobs)} if key.model in wanted}
    current = {key for key in current if store.has(key, wanted[key.model])}
    retryable = {job.key for job in jobs if (_has_retryable(job, store) if job.key in current else job.key in failures)}
    absent = [job for job in jobs if job.key not in current]
    restorable = {job.key for job in absent if store.has_set_aside(job.key, job.fingerprint)}
    absent = [job for job in absent if job.key not in restorable]
    copyable = {job.key for job in absent if benchmark and benchmark.has(job.key, job.fingerprint)}
    done = restorable | copyable
    to_do = [job for job in jobs if job.key not in done and (job.key in retryable or job.key not in current)]
    return PlanStatus(
        jobs=tuple(jobs),
        companions=companions,
        unavailable=unavailable,
        stored=frozenset(job.key for job in jobs if job.key in current - retryable),
        retryable=frozenset(retryable),
        restorable=frozenset(restorable),
        copyable=frozenset(copyable),
        stale=tuple(key for key in fits if key.model in wanted and key not in current),
        trials={job.key: job.stored_trials(store) for job in to_do if isinstance(job, TunedFitJob)},
    )


def _has_retryable(job: FitJob, store: Store) -> bool:
    """Whether circumstances ended trials of a stored tuned fit, so that they are tried again."""
    record = store.record(job.key) if isinstance(job, TunedFitJob) else None
    return record is not None and any(trial.retryable for trial in (*record.trials, *record.confirmations))


def _companions(specs: tuple[ModelSpec, ...]) -> Iterator[Companion]:
    """The members of ensembles, and the supervised baselines that semi-supervised models are compared with."""
    named = {spec.name for spec in specs}
    waiting = list(specs)
    for spec in waiting:
        try:
            parts = [part for part in spec.parts() if part.name not in named]
        except Exception:  # `_jobs` records why
            continue
        names = ", ".join(part.name for part in parts)
        found = [
            Companion(spec=part, why=f"{spec.name} averages models that were not named; they run too: {names}.")
            for part in parts
        ]
        if (baseline := spec.supervised_baseline) and baseline not in named:
            why = f"{spec.name} is compared with {baseline}, the same without unlabeled clips; it runs too."
            found.append(Companion(spec=REGISTRY[baseline], why=why))
        yield from found
        named |= {companion.spec.name for companion in found}
        waiting += [companion.spec for companion in found]


def _jobs(plan: Plan, specs: list[ModelSpec]) -> tuple[list[FitJob], dict[str, Unavailable]]:
    """Every fit of the plan, with default parameters and tuned."""
    folds_in: dict[int, int] = {}

    def keys_of(name: str, repeats: int) -> list[FitKey]:
        for repeat in range(len(folds_in), repeats):
            folds_in[repeat] = len(folds_of(plan.prepared, plan.task, plan.protocol, repeat)[1])
        return [FitKey(name, repeat, fold) for repeat in range(repeats) for fold in range(folds_in[repeat])]

    # Workers of a cluster may have another working folder than this process.
    prepared, folder = replace(plan.prepared, folder=plan.prepared.folder.resolve()), plan.folder.resolve()
    jobs: list[FitJob] = []
    unavailable = {}
    for spec in sorted(specs, key=lambda spec: spec.kind in {ModelKind.CONTROL, ModelKind.BASELINE}):
        try:
            fingerprint = fit_identity(plan.prepared, plan.task, plan.protocol, spec)
            with refusing_exits():
                watched = plan.picked_on_test and isinstance(spec.build(0), TrainedByEpoch)
        except Exception as error:
            unavailable[spec.name] = Unavailable(
                keys=tuple(keys_of(spec.name, plan.repeats or 1)),
                error=f"{type(error).__name__}: {error}",
                trace=traceback.format_exc(),
            )
            continue
        given = (prepared, plan.task, plan.protocol, spec)
        kind = PickedFitJob if watched else FitJob
        jobs += [kind(*given, key, fingerprint, folder) for key in keys_of(spec.name, plan.repeats_of(spec))]
        if plan.trials and tunable(spec):
            study = study_identity(fingerprint, spec)
            tuned = tuned_identity(study, plan.trials)
            jobs += [
                TunedFitJob(*given, key, tuned, folder, Study(spec, study, key.seed, key.fold), plan.trials)
                for key in keys_of(tuned_name(spec.name), plan.tuned_repeats_of(spec))
            ]
    return jobs, unavailable
