"""Execute the jobs of a run in waves, with one display of what is done and what is left."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console

from respbench.benchmarks.execution.job import Job, JobResult
from respbench.benchmarks.execution.jobs import FitJob
from respbench.benchmarks.execution.pool import Engine, Executor
from respbench.benchmarks.execution.progress import Best, Display, TimeLeft
from respbench.benchmarks.provisional import Provisional
from respbench.benchmarks.storage.records import FitKey, TrialRecord
from respbench.benchmarks.storage.store import Store
from respbench.benchmarks.storage.studies import StoredStudy
from respbench.benchmarks.tuning.jobs import TrialJob, TunedFitJob
from respbench.benchmarks.tuning.study import batches
from respbench.models.spec import ModelKind

CHEAP = (ModelKind.CONTROL, ModelKind.BASELINE)
"""Kinds of models that take seconds per fit unless they are marked as slow, in the order in which they are fitted."""


def execute(
    single: Sequence[FitJob],
    tuned: Sequence[TunedFitJob],
    engine: Engine,
    store: Store,
    console: Console,
    provisional: Provisional | None = None,
) -> None:
    """Execute fits with default parameters beside the trials of all studies, batch by batch; then the tuned fits.

    Before a tuned fit, the best trials of its study are confirmed.

    Args:
        single: fits with default parameters.
        tuned: tuned fits, whose trials may be stored in part.
        engine: where and how.
        store: of the results.
        console: shows how it goes.
        provisional: scores of the models that are complete.
    """
    waiting = Counter(job.group for job in (*single, *tuned))
    for job in tuned:
        study = StoredStudy(store.folder, job.key)
        waiting[job.trial_group] += sum(not study.has(TrialJob(job, number, ()).stem) for number in range(job.trials))
        waiting[job.confirmation_group] += job.confirmations
    if not waiting:
        return
    with Display(console) as display, Executor(engine.for_jobs(waiting.total()), display.say) as executor:
        session = _Session(executor, display, waiting, tuned, provisional)
        fits = in_order(single)
        known: dict[FitKey, list[TrialRecord]] = {job.key: [] for job in tuned}
        for batch in batches(max((job.trials for job in tuned), default=0)):
            trials = [TrialJob(job, n, tuple(known[job.key])) for job in tuned for n in batch if n < job.trials]
            session.execute_wave([*fits, *(trial for trial in trials if trial.record(store) is None)])
            fits = []
            for trial in trials:
                if record := trial.record(store):
                    known[trial.job.key].append(record)
        session.execute_wave(fits)
        best = [confirmation for job in tuned for confirmation in job.confirmation_jobs(known[job.key])]
        best = [confirmation for confirmation in best if confirmation.record(store) is None]
        session.expect(best, {job.confirmation_group for job in tuned})
        session.execute_wave(best)
        session.execute_wave(tuned)


def in_order(fits: Sequence[FitJob]) -> list[FitJob]:
    """Sort fits so that there is a result soon: the cheap models, then one fit of each of the others, then the rest.

    That one fit shows at once what is broken, and soon how long the rest takes. The order changes no number.
    """
    first = {job.key.model: job.key for job in reversed(fits)}

    def place(job: FitJob) -> tuple[int, bool]:
        if job.spec.kind in CHEAP and not job.spec.slow:
            return CHEAP.index(job.spec.kind), False
        return len(CHEAP), job.key != first[job.key.model]

    return sorted(fits, key=place)


class _Session:
    """The waves of a run.

    Args:
        executor: executes the jobs.
        display: shows how it goes.
        waiting: number of jobs of each group, in all waves.
        tuned: the tuned fits among them.
        provisional: scores of the models that are complete.
    """

    def __init__(
        self,
        executor: Executor,
        display: Display,
        waiting: Counter[str],
        tuned: Sequence[TunedFitJob],
        provisional: Provisional | None,
    ) -> None:
        self.executor, self.display, self.provisional = executor, display, provisional
        display.running = executor.running
        self.finished, self.total = 0, waiting.total()
        self.what = "fits and trials" if tuned else "fits"
        self.untuned = {group: job.spec.name for job in tuned for group in (job.group, *job.groups_of_study)}
        self.time_left, self.best = TimeLeft(waiting, executor.at_once, self.untuned), Best()

    def expect(self, jobs: Sequence[Job], groups: Iterable[str]) -> None:
        """Correct how many jobs of some groups are waiting, once that is known."""
        for group in groups:
            count = sum(job.group == group for job in jobs)
            self.total += count - self.time_left.waiting[group]
            self.time_left.waiting[group] = count

    def execute_wave(self, jobs: Sequence[Job]) -> None:
        """Execute jobs that don't depend on each other."""
        if jobs:
            self._show()
            self.executor.run(jobs, self._done)

    def _done(self, result: JobResult) -> None:
        self.finished += 1
        self.time_left.done(result.group, result.seconds)
        self.best.seen(self.untuned.get(result.group, result.group), result.value)
        if result.error:
            self.display.say(f"{result.name} failed: {result.error}")
        elif self.provisional and (sentence := self.provisional.finished(result)):
            self.display.say(sentence)
        self._show()

    def _show(self) -> None:
        best = "; ".join(filter(None, (str(self.provisional or ""), str(self.best))))
        self.display.step(self.what, self.finished, self.total, self.time_left.left(), best)
