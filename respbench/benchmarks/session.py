"""Execute the jobs of a run in waves, with one display of what is done and what is left."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console

from respbench.benchmarks.execution.job import Job, JobResult
from respbench.benchmarks.execution.jobs import FitJob
from respbench.benchmarks.execution.pool import Engine, Executor
from respbench.benchmarks.execution.progress import Best, Display, TimeLeft
from respbench.benchmarks.storage.records import FitKey, TrialRecord
from respbench.benchmarks.storage.store import Store
from respbench.benchmarks.storage.studies import StoredStudy
from respbench.benchmarks.tuning.jobs import TrialJob, TunedFitJob
from respbench.benchmarks.tuning.study import batches


def execute(
    single: Sequence[FitJob], tuned: Sequence[TunedFitJob], engine: Engine, store: Store, console: Console
) -> None:
    """Execute fits with default parameters beside the trials of all studies, batch by batch; then the tuned fits.

    Before a tuned fit, the best trials of its study are confirmed.

    Args:
        single: fits with default parameters.
        tuned: tuned fits, whose trials may be stored in part.
        engine: where and how.
        store: of the results.
        console: shows how it goes.
    """
    waiting = Counter(job.group for job in (*single, *tuned))
    for job in tuned:
        study = StoredStudy(store.folder, job.key)
        waiting[job.trial_group] += sum(not study.has(TrialJob(job, number, ()).stem) for number in range(job.trials))
        waiting[job.confirmation_group] += job.confirmations
    if not waiting:
        return
    with Display(console) as display, Executor(engine.for_jobs(waiting.total()), display.say) as executor:
        session = _Session(executor, display, waiting, tuned)
        # One fit of each model first: what is broken shows at once, and the time left is soon known.
        first = {job.key.model: job.key for job in reversed(single)}
        fits = sorted(single, key=lambda job: job.key != first[job.key.model])
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


class _Session:
    """The waves of a run.

    Args:
        executor: executes the jobs.
        display: shows how it goes.
        waiting: number of jobs of each group, in all waves.
        tuned: the tuned fits among them.
    """

    def __init__(
        self, executor: Executor, display: Display, waiting: Counter[str], tuned: Sequence[TunedFitJob]
    ) -> None:
        self.executor, self.display = executor, display
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
        self._show()

    def _show(self) -> None:
        self.display.step(self.what, self.finished, self.total, self.time_left.left(), str(self.best))
