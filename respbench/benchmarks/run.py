"""Run a plan: every model x repeat x fold that isn't stored yet, side by side, resumable at any moment."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from respbench.benchmarks.execution.jobs import FitJob, folds_of, remarks_on
from respbench.benchmarks.execution.picked import PickedFitJob
from respbench.benchmarks.execution.pool import Engine
from respbench.benchmarks.feature_costs import measure_feature_costs
from respbench.benchmarks.plan import Plan, PlanStatus, status_of
from respbench.benchmarks.provisional import Provisional
from respbench.benchmarks.session import execute
from respbench.benchmarks.statistics.results import SIMULATED
from respbench.benchmarks.storage.files import STALE
from respbench.benchmarks.storage.lock import writing_to
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store
from respbench.benchmarks.storage.studies import StoredStudy
from respbench.benchmarks.tuning.jobs import TunedFitJob
from respbench.corpora.problems import InputError
from respbench.corpora.splits.folds import shared_patients
from respbench.corpora.splits.with_unlabeled import labeled_rows
from respbench.models.spec import ModelKind


def run(plan: Plan, console: Console) -> Store:
    """Execute what is missing of a plan.

    Returns:
        The store, which then holds every fit that succeeded and the traceback of each that failed.

    Raises:
        InputError: the request can't be satisfied, or another run is writing to the same folder.
    """
    store = Store(plan.folder)
    with writing_to(plan.folder, plan.prepared.folder.parent.parent):
        try:
            clips = folds_of(plan.prepared, plan.task, plan.protocol, 0)[0]  # refuses before anything is moved
            for sentence in remarks_on(plan.prepared, plan.task, plan.protocol):
                console.print(sentence)
            store.refuse_links()
            archive_or_restore_results(plan, console)
            store.remove_temporary()  # of a run that was killed
            status = status_of(plan, store)
            store.write_clips(clips.take(labeled_rows(clips)))
            facts = plan.prepared.facts()
            store.write_corpus(facts, plan.prepared.left_out())
            if facts.left_out:
                console.print(f"{facts.unusable}; see {plan.folder}")
            _carry_out(plan, status, store, console)
            fitted = {key.model for key in store.fits()}
            specs = {job.spec.name: job.spec for job in status.jobs if job.spec.name in fitted}.values()
            measure_feature_costs(plan.prepared, plan.task, specs, plan.folder, console, plan.engine)
            return store
        finally:
            store.remove_temporary()


def _carry_out(plan: Plan, status: PlanStatus, store: Store, console: Console) -> None:
    """Move, copy and execute what the status of a plan asks for."""
    for why in dict.fromkeys(companion.why for companion in status.companions):
        console.print(why)
    for name, unavailable in status.unavailable.items():
        console.print(f"{name} failed: {unavailable.error}", markup=False)
        for key in unavailable.keys:
            store.write_failure(key, unavailable.trace)
    for key in status.stored:
        store.delete_failure(key)  # of a run in which the model couldn't be imported
    _set_aside(status, store, console)
    for job in status.jobs:
        if job.key in status.restorable:
            store.restore(job.key, job.fingerprint)
        elif job.key in status.copyable and plan.benchmark:
            store.copy_fit(plan.benchmark, job.key, plan.protocol.name)
    if status.restorable:
        console.print(f"{_fits(status.restorable)} have the identity of this run again and are restored.")
    missing = status.missing
    if len(missing) < len(status.jobs):
        console.print(f"{len(status.jobs) - len(missing)} of {len(status.jobs)} fits are stored already.")
    single = [job for job in missing if job.spec.kind != ModelKind.ENSEMBLE and not isinstance(job, TunedFitJob)]
    tuned = [job for job in missing if isinstance(job, TunedFitJob)]
    repeated = _without_pick(status, store)
    if repeated:
        console.print(
            f"{_fits(job.key for job in repeated)} are fitted again, to pick their epoch on the test clips; tables "
            "keep the epochs that were chosen without them."
        )
    before = {job.key: _predictions_digest(job.key, store) for job in repeated}
    execute([*repeated, *single], tuned, plan.engine, store, console, _provisional(plan, status, store))
    replaced = [key for key, known in before.items() if _predictions_digest(key, store) != known]
    if replaced:
        console.print(
            f"{_fits(replaced)} gave other predictions than on the machine that made them, and were replaced, so that "
            "each fit and its pick come from the same training."
        )
    # Ensembles last: they combine what their members have stored by now, which takes no time.
    combined = [job for job in status.jobs if job.spec.kind == ModelKind.ENSEMBLE and _is_outdated(job, store)]
    execute(combined, [], Engine(workers=0), store, console)


def _provisional(plan: Plan, status: PlanStatus, store: Store) -> Provisional | None:
    """The scores of complete models, which are shown while others are fitted; None if nothing is to be fitted."""
    keys = [job.key for job in status.jobs if job.spec.kind != ModelKind.ENSEMBLE]
    missing = {job.key for job in status.missing}
    if not missing & {*keys}:
        return None
    facts, protocol = plan.prepared.facts(), plan.protocol
    warning = protocol.warning_about(shared_patients(*folds_of(plan.prepared, plan.task, protocol, 0)))
    flags = [SIMULATED] * facts.simulated + [warning.partition(":")[0]] * bool(warning)
    return Provisional(store, keys, {*keys} - missing, flags)


def _set_aside(status: PlanStatus, store: Store, console: Console) -> None:
    """Move stale fits and trials to the folder `STALE`, and restore the trials that are current again."""
    for key in status.stale:
        store.set_aside(key)
    if status.stale:
        console.print(
            f"{_fits(status.stale)} came from other code or settings; they are now in {store.folder / STALE}."
        )
    stale = [(key, name) for key, trials in status.trials.items() for name in trials.stale]
    for key, name in stale:
        StoredStudy(store.folder, key).set_aside(name)
    if stale:
        models = ", ".join(sorted({key.model for key, _ in stale}))
        console.print(
            f"{len(stale)} stored trials of {models} came from other code or settings, or after other trials; they are "
            f"now in {store.folder / STALE}."
        )
    for key, trials in status.trials.items():
        for name in trials.retryable:
            StoredStudy(store.folder, key).delete(name)
        for name, identity in trials.restorable.items():
            StoredStudy(store.folder, key).restore(name, identity)


def _without_pick(status: PlanStatus, store: Store) -> list[FitJob]:
    """The stored fits to execute once more, since the epoch that is best on the test clips is asked for and unknown."""
    missing = {job.key for job in status.missing}
    watched = [job for job in status.jobs if isinstance(job, PickedFitJob) and job.key not in missing]
    return [job for job in watched if not job.is_picked(store)]


def _predictions_digest(key: FitKey, store: Store) -> str:
    record = store.record(key)
    return record.predictions_digest if record is not None else ""


def _fits(keys: Iterable[FitKey]) -> str:
    keys = list(keys)
    return f"{len(keys)} stored fits of {', '.join(sorted({key.model for key in keys}))}"


def _is_outdated(job: FitJob, store: Store) -> bool:
    """Whether an ensemble is missing, or was combined from other predictions than its members have stored now."""
    record = store.record(job.key) if store.has(job.key, job.fingerprint) else None
    members = [store.record(replace(job.key, model=part.name)) for part in job.spec.parts()]
    return record is None or record.members != {m.model: m.predictions_digest for m in members if m is not None}


def archive_or_restore_results(plan: Plan, console: Console) -> None:
    """Keep results of another corpus of the same name, such as a part of the database, apart from this one's."""

    def archive(fingerprint: str) -> Path:
        return plan.folder.with_name(f"{plan.folder.name}-of-{fingerprint}")

    mine, stored = plan.prepared.facts().fingerprint, Store(plan.folder).corpus_fingerprint()
    if not stored and plan.folder.exists() and archive(mine).exists():
        stored = "unfinished"  # a run of another corpus that was interrupted before its first fit
    if stored and stored != mine:
        if archive(stored).exists():
            raise InputError(
                f"{plan.folder} and {archive(stored)} hold results of one corpus; move or delete one of them"
            )
        plan.folder.rename(archive(stored))
        console.print(f"{plan.folder} held results of another corpus; they are now in {archive(stored)}.")
    if archive(mine).exists() and not plan.folder.exists():
        archive(mine).rename(plan.folder)
        console.print(f"{archive(mine)} held earlier results of this corpus; they are back in {plan.folder}.")
