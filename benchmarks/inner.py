"""Compare settings of a model on inner folds of the training patients: how every default in `models/` was chosen.

``python -m benchmarks.inner svm DATA '{}' '{"n_fft": 512, "hop": 64}'`` prints one row a setting. For each seed and
outer fold, that fold's training and validation patients alone are divided again; its test patients are not touched.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from rich.console import Console
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from tabulate import tabulate

from corpora.catalog import open_corpus
from corpora.clips import Clips
from corpora.problems import InputError
from corpora.splits import Fold, LeavePatientsOut
from corpora.tasks import for_task
from models.registry import find
from models.spec import ModelSpec

OUTER, INNER = LeavePatientsOut(5), LeavePatientsOut(4)


def inner_folds(clips: Clips, seeds: int) -> Iterator[Fold]:
    """Folds of the training patients of each outer fold, as rows of ``clips``; ``test`` is the inner test part."""
    for seed in range(seeds):
        for outer in OUTER.split(clips, seed):
            training = np.sort(np.concatenate([outer.train, outer.valid]))
            for inner in INNER.split(clips.take(training), seed):
                yield Fold(training[inner.train], training[inner.valid], training[inner.test])


def judge(spec: ModelSpec, parameters: dict[str, Any], clips: Clips, fold: Fold) -> tuple[float, float]:
    """AUROC and balanced accuracy of one setting on one inner fold (task ``abnormal``)."""
    model = spec.build(0, parameters).fit(clips.take(fold.train), clips.take(fold.valid))
    abnormal = model.predict_proba(clips.take(fold.test).hide_labels())[:, 1]
    label = clips.label[fold.test]
    return float(roc_auc_score(label, abnormal)), float(balanced_accuracy_score(label, abnormal > 0.5))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the mean over the inner folds of each setting."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inner", description=__doc__.splitlines()[0])
    parser.add_argument("model", help="name in the registry")
    parser.add_argument("data", type=Path, help="folder of ICBHI recordings or cycles")
    parser.add_argument(
        "settings", nargs="+", type=json.loads, help="parameters that differ from the defaults, as JSON"
    )
    parser.add_argument("--seeds", type=int, default=1, help="repetitions of the outer folds (default: 1)")
    options = parser.parse_args(arguments)
    try:
        (spec,) = find(options.model)
        clips = for_task(open_corpus("icbhi", options.data).clips(), "abnormal")
    except InputError as problem:
        print(f"benchmarks.inner: {problem}", file=sys.stderr)
        return 2
    folds = list(inner_folds(clips, options.seeds))
    rows = []
    for setting in options.settings:
        judged = joblib.Parallel(n_jobs=-1)(joblib.delayed(judge)(spec, setting, clips, fold) for fold in folds)
        rows.append([json.dumps(setting), *np.mean(judged, axis=0)])
    table = tabulate(rows, ["setting", "AUROC", "balanced accuracy"], tablefmt="pipe", floatfmt=".3f")
    Console(soft_wrap=True).print(table, markup=False, highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
