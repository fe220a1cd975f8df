"""Compare settings of models on inner folds of the training patients: how the defaults in `models/` were chosen.

``python -m respbench.benchmarks.tuning.compare_settings svm DATA '{}' '{"n_fft": 512, "hop": 64}'`` prints one row per
setting. For each seed and outer fold, that fold's training and validation patients alone are divided again; its test
patients are not touched.

``--labels 10`` leaves labels to 10 % of the inner training patients, ``--against supervised-mlp`` adds the paired
difference to another model.
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

from respbench.benchmarks.execution.evaluate import evaluate
from respbench.benchmarks.statistics.metrics import Predictions, auroc_within
from respbench.benchmarks.tuning.folds import INNER, inner_folds
from respbench.corpora.catalog import open_corpus
from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.splits.folds import Fold, Splitter
from respbench.corpora.splits.label_budget import LabelBudget
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut
from respbench.corpora.tasks import for_task
from respbench.models.selection import find
from respbench.models.spec import ModelSpec

OUTER = LeavePatientsOut(5)


def folds_of_repeats(clips: Clips, repeats: int, splitter: Splitter = INNER) -> Iterator[Fold]:
    """Inner folds of each outer fold of each repeat, as rows of ``clips``."""
    for repeat in range(repeats):
        for outer in OUTER.split(clips, repeat):
            yield from inner_folds(clips, outer, repeat, splitter)


def judge(spec: ModelSpec, parameters: dict[str, Any], clips: Clips, fold: Fold) -> tuple[float, float, float]:
    """AUROC, balanced accuracy and AUROC within patients of a setting on one inner fold (task ``abnormal``)."""
    probabilities = evaluate(spec.build(0, parameters), clips, fold, unlabeled=spec.unlabeled).probabilities
    patients, number = np.unique(clips.patient[fold.test], return_inverse=True)
    label = clips.label[fold.test]
    predictions = Predictions(label, probabilities, number, np.zeros_like(label), clips.classes)
    within = auroc_within(predictions, predictions.patient, np.ones((1, len(patients))))[0]
    abnormal = probabilities[:, 1]
    return float(roc_auc_score(label, abnormal)), float(balanced_accuracy_score(label, abnormal > 0.5)), float(within)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the mean over the inner folds of each setting."""
    parser = argparse.ArgumentParser(
        prog="python -m respbench.benchmarks.tuning.compare_settings", description=__doc__.splitlines()[0]
    )
    parser.add_argument("model", help="name in the registry")
    parser.add_argument("data", type=Path, help="folder of ICBHI recordings or cycles")
    parser.add_argument(
        "settings", nargs="+", type=json.loads, help="parameters that differ from the defaults, as JSON"
    )
    parser.add_argument("--seeds", type=int, default=1, help="repeats of the outer folds (default: 1)")
    parser.add_argument("--labels", type=int, help="percent of the inner training patients that keep their labels")
    parser.add_argument("--against", help="a model whose results are subtracted, fold by fold")
    options = parser.parse_args(arguments)
    try:
        names = [options.model] if options.against is None else [options.against, options.model]
        specs = find(",".join(names))
        clips = for_task(open_corpus("icbhi", options.data).clips(), "abnormal")
        inner = INNER if options.labels is None else LabelBudget(options.labels, INNER.folds)
        folds = list(folds_of_repeats(clips, options.seeds, inner))
    except InputError as problem:
        print(f"respbench.benchmarks.tuning.compare_settings: {problem}", file=sys.stderr)
        return 2
    settings = [(specs[-1], setting) for setting in options.settings]
    settings = [(spec, {}) for spec in specs[:-1]] + settings
    judged = []
    for spec, setting in settings:
        jobs = (joblib.delayed(judge)(spec, setting, clips, fold) for fold in folds)
        judged.append(np.array(joblib.Parallel(n_jobs=-1)(jobs)))
    headers = ["model", "setting", "AUROC", "balanced accuracy", "within patients"]
    rows = [
        [spec.name, json.dumps(setting), *np.nanmean(found, axis=0)]
        for (spec, setting), found in zip(settings, judged, strict=True)
    ]
    if options.against is not None:
        headers += [f"AUROC minus {options.against}", "its standard error"]
        gains = [(found - judged[0])[:, 0] for found in judged]
        rows = [[*row, gain.mean(), gain.std() / len(folds) ** 0.5] for row, gain in zip(rows, gains, strict=True)]
    Console(soft_wrap=True).print(
        tabulate(rows, headers, tablefmt="pipe", floatfmt=".4f"), markup=False, highlight=False
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
