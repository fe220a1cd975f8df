"""``make speed``: respbench against the usual way, both timed in this one run, on real files.

1. wav files to the handcrafted matrix: against the same features computed file by file with librosa, one core each.
2. the practical's CNN, five folds by patient: against a notebook that decodes every item and computes its
   mel-spectrogram again in every epoch, on all cores each: respbench fits folds side by side with one thread per fit,
   the notebook one fold after the other with torch's default of one thread per core.

Both sides come to the same numbers, or the comparison would mean nothing: the page says how far they are apart.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import soundfile
from numpy.typing import NDArray
from rich.console import Console
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from respbench.benchmarks.execution.environment import hardware, versions
from respbench.benchmarks.plan import Plan
from respbench.benchmarks.report.markdown import render
from respbench.benchmarks.run import run
from respbench.benchmarks.speed.reference import handcrafted_by_file, notebook_fold
from respbench.benchmarks.storage.files import write_atomically
from respbench.benchmarks.storage.store import Store
from respbench.corpora.catalog import ICBHI_FOLDER, RATE
from respbench.corpora.clips import Clips
from respbench.corpora.cycles import Cycle
from respbench.corpora.prepared.prepare import prepare_files
from respbench.corpora.problems import InputError
from respbench.corpora.protocols import find
from respbench.corpora.readers.audio import read_audio
from respbench.corpora.readers.icbhi import read_icbhi
from respbench.corpora.tasks import for_task
from respbench.features.handcrafted import Handcrafted
from respbench.features.threads import one_thread
from respbench.models.registry import REGISTRY

Result = TypeVar("Result")

FILES = 200
"""Files of the first comparison."""

CYCLES = 400
"""Cycles of the second: enough for five folds by patient, and for the notebook to end within minutes."""

PASSES = 3
"""Times the first comparison is repeated; the fastest pass of each side counts."""


@dataclass(frozen=True)
class Comparison:
    """One row of the page: what is timed, s of both sides, and how far their results are apart."""

    what: str
    usual: float
    ours: float
    agreement: str


def compare_features(cycles: Sequence[Cycle]) -> Comparison:
    """Time 200 files to the handcrafted matrix, on one core."""
    paths = [cycle.path for cycle in cycles[:: max(1, len(cycles) // FILES)]][:FILES]
    features = Handcrafted()

    def ours() -> NDArray[np.float32]:
        return features([read_audio(path, RATE) for path in paths], RATE)

    def usual() -> NDArray[np.float64]:
        return handcrafted_by_file(paths, features)

    with one_thread():
        usual(), ours()  # librosa compiles on first use, torch plans its transforms
        slow, theirs = min((_timed(usual) for _ in range(PASSES)), key=lambda timed: timed[0])
        fast, mine = min((_timed(ours) for _ in range(PASSES)), key=lambda timed: timed[0])
    spread = np.maximum(theirs.std(axis=0), 1e-9)
    apart = float((np.abs(theirs - mine) / spread).max())
    agreement = f"largest difference {apart:.1e} of a column's standard deviation"
    return Comparison(
        f"{len(paths)} wav files to {theirs.shape[1]} handcrafted columns, one core", slow, fast, agreement
    )


def compare_cnn(cycles: list[Cycle], console: Console) -> Comparison:
    """Time five folds of the practical's CNN on 400 cycles, wav files to predictions."""
    with tempfile.TemporaryDirectory() as temporary:

        def ours() -> tuple[Clips, Store]:
            prepared = prepare_files(cycles, "speed", RATE, Path(temporary), description="cycles of ICBHI 2017")
            plan = Plan(
                prepared=prepared,
                task="abnormal",
                protocol=find("patients-5fold"),
                specs=(REGISTRY["cnn-lecture"],),
                repeats=1,
                results=Path(temporary),
            )
            return prepared.clips(), run(plan, console)

        fast, (clips, store) = _timed(ours)
        clips = for_task(clips, "abnormal")
        mine = [stored.predictions.set_index("clip_id")["abnormal"] for stored in store]
    paths = {cycle.clip_id: cycle.path for cycle in cycles}
    parameters = REGISTRY["cnn-lecture"].parameters()

    def usual() -> list[NDArray[np.float64]]:
        predictions = []
        for fold in find("patients-5fold").splitter.split(clips, 0):
            rows = (fold.train, fold.valid, fold.test)
            parts = [([paths[i] for i in clips.clip_id[part].tolist()], clips.label[part]) for part in rows]
            predictions.append(notebook_fold(parts, parameters["epochs"], parameters["batch_size"], seed=0))
            console.print(f"notebook: fold {len(predictions)} of 5", highlight=False)
        return predictions

    slow, theirs = _timed(usual)
    tests = [fold.test for fold in find("patients-5fold").splitter.split(clips, 0)]
    labels = [clips.label[test] for test in tests]
    ordered = [p.loc[clips.clip_id[test].tolist()].to_numpy() for p, test in zip(mine, tests, strict=True)]
    usual_figures, our_figures = (_figures(labels, side) for side in ([p[:, 1] for p in theirs], ordered))
    agreement = f"balanced accuracy and AUROC {usual_figures} the usual way, {our_figures} respbench"
    return Comparison(
        f"the practical's CNN, 5 folds of {len(clips)} cycles, 16 epochs, all cores", slow, fast, agreement
    )


def _figures(labels: list[NDArray[np.int64]], abnormal: list[NDArray[np.float64]]) -> str:
    accuracy = balanced_accuracy_score(np.concatenate(labels), np.concatenate(abnormal) > 0.5)
    auroc = np.mean([roc_auc_score(y, p) for y, p in zip(labels, abnormal, strict=True)])
    return f"{accuracy:.3f} and {auroc:.3f}"


def cut(cycles: Sequence[Cycle], folder: Path) -> list[Cycle]:
    """Store each cycle as a 16-bit wav file of its own at 4 kHz, as a notebook finds them."""
    files = []
    for cycle in cycles:
        path = folder / f"{cycle.clip_id}.wav"
        soundfile.write(path, read_audio(cycle.path, RATE, cycle.begin, cycle.end)[0], RATE, subtype="PCM_16")
        files.append(replace(cycle, path=path, begin=0.0, end=None))
    return files


def _some_of_each_patient(cycles: list[Cycle], wanted: int) -> list[Cycle]:
    """About ``wanted`` cycles, spread evenly over the patients."""
    order = np.random.default_rng(0).permutation(len(cycles))
    seen: dict[str, int] = {}
    ranked = []
    for i in order.tolist():
        seen[cycles[i].patient] = seen.get(cycles[i].patient, 0) + 1
        ranked.append((seen[cycles[i].patient], i))
    return [cycles[i] for _, i in sorted(ranked)[:wanted]]


def _timed(call: Callable[[], Result]) -> tuple[float, Result]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def page(comparisons: Sequence[Comparison]) -> str:
    """``results/speed.md``."""
    rows = [
        [row.what, f"{row.usual:.1f}", f"{row.ours:.1f}", f"{row.usual / row.ours:.1f} x", row.agreement]
        for row in comparisons
    ]
    return render("speed.md.j2", rows=rows, hardware=hardware(), versions=versions())


def main(arguments: Sequence[str] | None = None) -> int:
    """Time both comparisons, print and store them."""
    parser = argparse.ArgumentParser(prog="make speed", description="Time respbench against the usual way.")
    parser.add_argument("data", type=Path, nargs="?", default=ICBHI_FOLDER, help="folder of ICBHI cycles, cut or whole")
    parser.add_argument("--results", type=Path, default=Path("results"), help="where speed.md goes (default: results)")
    options = parser.parse_args(arguments)
    console = Console(soft_wrap=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            cycles = cut(_some_of_each_patient(read_icbhi(options.data).cycles, CYCLES), Path(folder))
            written = page([compare_features(cycles), compare_cnn(cycles, console)])
        write_atomically(options.results / "speed.md", written.encode())
    except InputError as problem:
        print(f"make speed: {problem}", file=sys.stderr)
        return 2
    console.print(written, markup=False, highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
