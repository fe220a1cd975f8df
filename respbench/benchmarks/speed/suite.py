"""Where the time of the classical models goes, on any corpus: the third part of ``make speed``.

Each stage of a benchmark is timed alone, on one core and from an empty cache, in seconds of the processor, so that
other programs don't count. A stage that a benchmark repeats is timed once and multiplied.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.console import Console

from respbench.benchmarks.execution.environment import hardware, versions
from respbench.benchmarks.execution.jobs import fit_and_predict, folds_of
from respbench.benchmarks.plan import REPEATS
from respbench.benchmarks.report.markdown import render
from respbench.benchmarks.storage.files import write_atomically
from respbench.corpora.catalog import open_corpus
from respbench.corpora.choices import CORPORA
from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.protocols import find
from respbench.features.threads import one_thread
from respbench.models.registry import REGISTRY
from respbench.models.spec import ModelKind, ModelSpec

Result = TypeVar("Result")

FOLDS = 5
TASK = "abnormal"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One row of the page.

    Attributes:
        name: what is done.
        seconds: s of the processor, once.
        times: how often a benchmark does it.
    """

    name: str
    seconds: float
    times: int = 1

    @property
    def total(self) -> float:
        """s of the processor in a benchmark."""
        return self.seconds * self.times


def classical() -> list[ModelSpec]:
    """The models of the default set that are no networks."""
    kinds = {ModelKind.CONTROL, ModelKind.BASELINE}
    return [spec for spec in REGISTRY.values() if spec.kind in kinds and not spec.optional]


def suite_stages(corpus: str, data: Path | None, models: Sequence[ModelSpec]) -> tuple[list[Stage], Clips]:
    """Time each stage of `FOLDS` folds by patient with `REPEATS` repeats.

    A model is fitted twice to one fold: the first time computes its features, unless an earlier model has them.

    Args:
        corpus, data: as `corpora.catalog.open_corpus` takes them.
        models: to time, in this order.

    Returns:
        The stages, longest first, and the corpus.
    """
    protocol = find(f"patients-{FOLDS}fold")
    with tempfile.TemporaryDirectory() as cache, one_thread():
        prepared, decoding = _timed(partial(open_corpus, corpus, data, task=TASK, cache=Path(cache)))
        (clips, folds), dividing = _timed(partial(folds_of, prepared, TASK, protocol, 0))
        stages = [
            Stage(name="decoding and checking", seconds=decoding),
            Stage(name="dividing the patients", seconds=dividing, times=REPEATS),
        ]
        for spec in models:
            _warm_up(spec, clips)
            cold, warm = (_timed(partial(fit_and_predict, spec, 0, clips, folds[0]))[1] for _ in range(2))
            stages.append(Stage(name=f"features of {spec.name}", seconds=max(cold - warm, 0.0)))
            stages.append(Stage(name=f"fit and prediction of {spec.name}", seconds=warm, times=FOLDS * REPEATS))
        return sorted(stages, key=lambda stage: -stage.total), clips


def _warm_up(spec: ModelSpec, clips: Clips) -> None:
    """Let libraries load and compile before a model is timed, on clips in memory, which leave no features behind."""
    rows = np.concatenate([np.flatnonzero(clips.label == label)[:4] for label in range(len(clips.classes))])
    few = clips.take(rows)
    few = replace(few, signals=list(few.signals))
    spec.build(0).fit(few, few)


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    start = time.process_time()
    return work(), time.process_time() - start


def page(stages: Sequence[Stage], clips: Clips, corpus: str) -> str:
    """``results/suite-speed.md``."""
    total = sum(stage.total for stage in stages)
    rows = [
        [stage.name, f"{stage.seconds:.2f}", stage.times, f"{stage.total:.0f}", f"{stage.total / total:.0%}"]
        for stage in stages
    ]
    return render(
        "suite-speed.md.j2",
        rows=rows,
        corpus=corpus,
        clips=len(clips),
        patients=len(set(clips.patient.tolist())),
        folds=FOLDS,
        repeats=REPEATS,
        total=total / 60,
        hardware=hardware(),
        versions=versions(),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Time every stage, print and store the page."""
    parser = argparse.ArgumentParser(
        prog="python -m respbench.benchmarks.speed.suite", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--corpus", choices=CORPORA, default="simulated")
    parser.add_argument("--data", type=Path, help="folder or manifest of the corpus")
    parser.add_argument("--results", type=Path, default=Path("results"), help="where suite-speed.md goes")
    options = parser.parse_args(arguments)
    try:
        written = page(*suite_stages(options.corpus, options.data, classical()), options.corpus)
    except InputError as problem:
        print(f"make speed: {problem}", file=sys.stderr)
        return 2
    write_atomically(options.results / "suite-speed.md", written.encode())
    Console(soft_wrap=True).print(written, markup=False, highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
