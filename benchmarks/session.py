"""Execute the jobs of a run in waves, with one display of what is done and what is left."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console

from benchmarks.execution.job import Job, JobResult
from benchmarks.execution.jobs import FitJob
from benchmarks.execution.pool import Engine, Executor
from benchmarks.execution.progress import Best, Display, TimeLeft
from benchmarks.storage.records import FitKey, TrialRecord
from benchmarks.storage.store import Store
from benchmarks.tuning.jobs import TrialJob, TunedFitJob
from benchmarks.tuning.study import batches


def execute(
    single: Sequence[FitJob], tuned: Sequence[TunedFitJob], engine: Engine, store: Store, console: Console
) -> None:
    """Execute fits with default parameters beside the trials of all studies, batch by batch; then the tuned fits.

    Args:
        single: fits with default parameters.
        tuned: tuned fits, whose trials may be stored in part.
        engine: where and how.
        store: of the results.
        console: shows how it goes.
    """
    waiting = Counter(job.group for job in (*single, *tuned))
    for job in tuned:
        waiting[job.trial_group] += sum(store.trial(job.key, number) is None for number in range(job.trials))
    if not waiting:
        return
    with Display(console) as display, Executor(engine, display.say) as executor:
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
        self.untuned = {group: job.spec.name for job in tuned for group in (job.group, job.trial_group)}
        self.time_left, self.best = TimeLeft(waiting, executor.at_once, self.untuned), Best()

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
