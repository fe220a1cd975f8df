"""Measure what extracting a model's features costs, without knowing the model.

Runs keep features on disk, so that the stored times of fits and predictions hold reading them, not computing them. Here
a model predicts the same clips twice: once from samples in memory, of which `features.cache.cached` keeps nothing, so
that it computes; once from a corpus on disk whose features it reads back. The difference is the extraction alone:
decoding, resampling, reading and writing the cache, and the model itself are in neither or in both.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from respbench.benchmarks.execution.environment import hardware
from respbench.benchmarks.execution.evaluate import hide_labels
from respbench.benchmarks.execution.job import JobResult
from respbench.benchmarks.storage.feature_costs import FeatureCost, read_feature_costs, write_feature_costs
from respbench.benchmarks.storage.files import disk_refuses
from respbench.benchmarks.storage.identity import model_identity
from respbench.corpora.clips import Clips, StoredSignals
from respbench.corpora.prepared.prepare import Prepared
from respbench.corpora.prepared.signal_files import write_signals
from respbench.corpora.splits.with_unlabeled import labeled_rows
from respbench.corpora.tasks import for_task
from respbench.features.threads import one_thread
from respbench.models.spec import ModelSpec

SAMPLE = 32
"""Clips to measure on: several of the batches that extractors work in."""

MIN_ROUNDS, MAX_ROUNDS = 3, 15
ENOUGH_SECONDS = 0.3
"""s of measuring after which `MIN_ROUNDS` are enough."""

SHORTEST = ("epochs", "steps")
"""Parameters that are set to 1, since the fit isn't timed."""


@dataclass(frozen=True)
class FeatureCostJob:
    """Measure one model and store its cost in the results folder; one job at a time writes there."""

    prepared: Prepared
    task: str
    spec: ModelSpec
    results: Path

    @property
    def name(self) -> str:
        """Unique."""
        return self.spec.name

    @property
    def group(self) -> str:
        """Jobs of one group take about the same time."""
        return "feature costs"

    def execute(self) -> JobResult:
        """Measure and store; a model that can't be fitted on so few clips stays without a cost.

        Raises:
            CannotWrite: the disk is full or the folder can't be written.
            OSError: the same, raised by the feature cache.
        """
        start = time.perf_counter()
        error = None
        try:
            cost = measure(self.spec, sample(for_task(self.prepared.clips(), self.task)))
            write_feature_costs(self.results, {**read_feature_costs(self.results), self.spec.name: cost})
        except Exception as problem:
            if disk_refuses(problem):
                raise
            error = f"{type(problem).__name__}: {problem}"
        return JobResult(name=self.name, group=self.group, seconds=time.perf_counter() - start, error=error)

    def give_up(self, reason: str) -> JobResult:
        """Leave the model without a cost."""
        return JobResult(name=self.name, group=self.group, error=reason)


def sample(clips: Clips) -> Clips:
    """Choose at most `SAMPLE` labeled clips, the same for every model: evenly by class and duration, in memory."""
    rows = labeled_rows(clips)
    order = rows[np.lexsort((clips.clip_id[rows], clips.seconds[rows], clips.label[rows]))]
    even = np.linspace(0, len(order) - 1, min(SAMPLE, len(order))).round().astype(np.int64)
    first = np.unique(clips.label[order], return_index=True)[1]  # of a rare class, too
    chosen = clips.take(order[np.unique(np.concatenate([even, first]))])
    return replace(chosen, signals=[np.array(signal) for signal in chosen])


def measure(spec: ModelSpec, clips: Clips) -> FeatureCost:
    """Measure the cost of a model's features in one thread.

    Args:
        spec: no ensemble.
        clips: with labels, their signals in memory.
    """
    model = spec.build(0, {name: 1 for name in SHORTEST if name in spec.parameters()})
    with tempfile.TemporaryDirectory(prefix="respbench-", ignore_cleanup_errors=True) as name, one_thread():
        stored = _store(clips, Path(name))
        model.fit(stored, stored, hide_labels(stored) if spec.unlabeled else None)
        computing, reading = hide_labels(clips), hide_labels(stored)
        predict = model.predict_proba
        predict(reading)
        cached = any(Path(name).glob("features/*.npy"))
        differences = _repeated(lambda: _seconds(predict, computing) - _seconds(predict, reading)) if cached else [0.0]
    return FeatureCost(
        ms_per_clip=max(0.0, 1000 * float(np.median(differences)) / len(clips)),
        clips=len(clips),
        seconds_per_clip=float(clips.seconds.mean()),
        rounds=len(differences),
        hardware=hardware(),
        identity=model_identity(spec),
    )


def _store(clips: Clips, folder: Path) -> Clips:
    """Lay clips out on disk as a prepared corpus of their own, whose features are kept below ``folder``."""
    write_signals(folder, clips)
    return replace(clips, signals=StoredSignals(folder, np.arange(len(clips))))


def _repeated(once: Callable[[], float]) -> list[float]:
    """Measure at least `MIN_ROUNDS` times, and what is quick more often."""
    begin, values = time.perf_counter(), list[float]()
    while len(values) < MIN_ROUNDS or (len(values) < MAX_ROUNDS and time.perf_counter() - begin < ENOUGH_SECONDS):
        values.append(once())
    return values


def _seconds(call: Callable[[Clips], object], clips: Clips) -> float:
    """s of CPU time: waiting for other processes doesn't count, though sharing caches with them does."""
    begin = time.process_time()
    call(clips)
    return time.process_time() - begin
