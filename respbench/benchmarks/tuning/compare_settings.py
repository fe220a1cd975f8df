"""Compare settings of models on inner folds of the training patients: how the defaults in `models/` were chosen.

``python -m respbench.benchmarks.tuning.compare_settings svm DATA '{}' '{"n_fft": 512, "hop": 64}'`` prints one row per
setting. For each seed and outer fold, that fold's training and validation patients alone are divided again; its test
patients are not touched.

Each row has its difference in AUROC to the first one, paired by fold, with a standard error. ``--against
supervised-mlp`` puts another model first, ``--labels 10`` leaves labels to 10 % of the inner training patients,
``--inner 1`` takes one inner fold of each outer fold, ``--sprsound FOLDER`` adds all clips of SPRSound to every
training part, and ``--save FILE`` stores the predictions in a new NPZ file, from which ensembles can be compared.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from tabulate import tabulate

from respbench.benchmarks.execution.evaluate import evaluate
from respbench.benchmarks.statistics.metrics import Predictions, auroc_within
from respbench.benchmarks.storage.files import CannotWrite, write_atomically
from respbench.benchmarks.tuning.folds import INNER, inner_folds
from respbench.corpora.catalog import open_corpus, open_joined
from respbench.corpora.clips import Clips
from respbench.corpora.prepared.prepare import Prepared
from respbench.corpora.problems import InputError
from respbench.corpora.splits.folds import Fold, Splitter
from respbench.corpora.splits.label_budget import LabelBudget
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut
from respbench.corpora.splits.multi_corpus import MultiCorpus
from respbench.corpora.tasks import for_task
from respbench.models.selection import find
from respbench.models.spec import ModelSpec

OUTER = LeavePatientsOut(5)


def folds_of_repeats(
    clips: Clips, repeats: int, splitter: Splitter = INNER, most: int | None = None, outer: Splitter = OUTER
) -> Iterator[Fold]:
    """Yield inner folds of each outer fold of each repeat, as rows of ``clips``: all, or the first ``most`` of each."""
    for repeat in range(repeats):
        for fold in outer.split(clips, repeat):
            yield from islice(inner_folds(clips, fold, repeat, splitter), most)


def judge(spec: ModelSpec, parameters: dict[str, Any], clips: Clips, fold: Fold) -> tuple[float, float, float]:
    """AUROC, balanced accuracy and AUROC within patients of a setting on one inner fold (task ``abnormal``)."""
    return score(predict(spec, parameters, clips, fold), clips, fold)


def predict(spec: ModelSpec, parameters: dict[str, Any], clips: Clips, fold: Fold) -> NDArray[np.float64]:
    """Fit a setting to the training part of a fold; return its probabilities (tested clips, 2)."""
    return evaluate(spec.build(0, parameters), clips, fold, unlabeled=spec.unlabeled).probabilities


def score(probabilities: NDArray[np.float64], clips: Clips, fold: Fold) -> tuple[float, float, float]:
    """AUROC, balanced accuracy and AUROC within patients of probabilities (tested clips, 2)."""
    patients, number = np.unique(clips.patient[fold.test], return_inverse=True)
    label = clips.label[fold.test]
    predictions = Predictions(label, probabilities, number, np.zeros_like(label), clips.classes)
    within = auroc_within(predictions, predictions.patient, np.ones((1, len(patients))))[0]
    abnormal = probabilities[:, 1]
    return float(roc_auc_score(label, abnormal)), float(balanced_accuracy_score(label, abnormal > 0.5)), float(within)


def _setting(text: str) -> dict[str, Any]:
    """Parse the parameters of a setting."""
    try:
        setting = json.loads(text)
    except ValueError:
        setting = None
    if not isinstance(setting, dict):
        raise argparse.ArgumentTypeError(f"""{text} is no setting; give a JSON object such as {'{"C": 1.0}'}""")
    return setting


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 1 on")
    return int(text)


def _inner(text: str) -> int:
    """Parse how many of the inner folds are taken."""
    number = _count(text)
    if number > INNER.folds:
        raise argparse.ArgumentTypeError(f"{text} is more than the {INNER.folds} inner folds of each outer fold")
    return number


def _require_known(spec: ModelSpec, settings: Sequence[dict[str, Any]]) -> None:
    """Refuse parameters that a model doesn't have, before anything is fitted."""
    known = spec.parameters()
    for name in (name for setting in settings for name in setting if name not in known):
        raise InputError(f"{spec.name} has no parameter {name!r}; choose from {', '.join(known) or 'none'}")


def _require_writable(path: Path) -> None:
    """Refuse a file that can't be stored, before anything is fitted for it."""
    if path.suffix != ".npz":
        raise InputError(f"{path} is no NPZ file by its name; let the path of --save end in .npz")
    if path.exists() or path.is_symlink():
        raise InputError(f"{path} exists already; move it away, or give --save another path")
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise CannotWrite(f"{path} can't be written, since {above} can't; choose another place for --save")


def _folds(options: argparse.Namespace) -> tuple[Clips, list[Fold]]:
    """The clips and inner folds that the options ask for."""
    prepared: Prepared = open_corpus("icbhi", options.data)
    outer: Splitter = OUTER
    inner: Splitter = INNER
    if options.labels is not None:
        inner = LabelBudget(options.labels, INNER.folds)
    if options.sprsound is not None:
        prepared = open_joined([prepared, open_corpus("sprsound", options.sprsound)])[0]
        outer, inner = MultiCorpus("sprsound", OUTER.folds), MultiCorpus("sprsound", INNER.folds)
    clips = for_task(prepared.clips(), "abnormal")
    return clips, list(folds_of_repeats(clips, options.seeds, inner, options.inner, outer))


def _save(path: Path, predicted: list[list[NDArray[np.float64]]], clips: Clips, folds: Sequence[Fold]) -> None:
    """Store probabilities, labels and patients by fold, in a file that is whole or absent."""
    arrays: dict[str, Any] = {f"{s}/{f}": found for s, each in enumerate(predicted) for f, found in enumerate(each)}
    for number, fold in enumerate(folds):
        arrays |= {f"label/{number}": clips.label[fold.test], f"patient/{number}": clips.patient[fold.test]}
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_atomically(path, content.getvalue())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m respbench.benchmarks.tuning.compare_settings", description=__doc__.splitlines()[0]
    )
    parser.add_argument("model", help="name in the registry")
    parser.add_argument("data", type=Path, help="folder of ICBHI recordings or cycles")
    parser.add_argument("settings", nargs="+", type=_setting, help="parameters that differ from the defaults, as JSON")
    parser.add_argument("--seeds", type=_count, default=1, help="repeats of the outer folds (default: 1)")
    parser.add_argument("--inner", type=_inner, help="inner folds of each outer fold (default: all)")
    further = parser.add_mutually_exclusive_group()
    further.add_argument("--labels", type=int, help="percent of the inner training patients that keep their labels")
    further.add_argument("--sprsound", type=Path, help="folder of SPRSound, which is added to every training part")
    parser.add_argument("--against", help="a model that is fitted first, and subtracted fold by fold")
    parser.add_argument(
        "--save", type=Path, help="new NPZ file for the predictions: <setting>/<fold>, label/<fold>, patient/<fold>"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the mean over the inner folds of each setting; 0 = done, 2 = the request or the input is wrong."""
    options = _parser().parse_args(arguments)
    try:
        _compare(options)
    except InputError as problem:
        print(f"respbench.benchmarks.tuning.compare_settings: {problem}", file=sys.stderr)
        return 2
    return 0


def _compare(options: argparse.Namespace) -> None:
    """Fit every setting to every fold, and print the table.

    Raises:
        InputError: the request or the input is wrong.
    """
    names = [options.model] if options.against is None else [options.against, options.model]
    specs = find(",".join(names))
    if len(specs) != len(names) or any(spec.parts() for spec in specs):
        raise InputError(f"{', '.join(names)} can't be compared; name one model, which is no ensemble, in each place")
    _require_known(specs[-1], options.settings)
    if options.save is not None:
        _require_writable(options.save)
    clips, folds = _folds(options)
    settings = [(spec, {}) for spec in specs[:-1]] + [(specs[-1], setting) for setting in options.settings]
    predicted = []
    for number, (spec, setting) in enumerate(settings, 1):
        jobs = (joblib.delayed(predict)(spec, setting, clips, fold) for fold in folds)
        predicted.append(joblib.Parallel(n_jobs=-1)(jobs))
        print(f"setting {number} of {len(settings)} is fitted", file=sys.stderr)
    _print(settings, predicted, clips, folds)
    if options.save is not None:
        _save(options.save, predicted, clips, folds)


def _print(
    settings: Sequence[tuple[ModelSpec, dict[str, Any]]],
    predicted: list[list[NDArray[np.float64]]],
    clips: Clips,
    folds: Sequence[Fold],
) -> None:
    """Print one row per setting, with the paired difference in AUROC to the first row and its standard error."""
    judged = [np.array([score(p, clips, fold) for p, fold in zip(each, folds, strict=True)]) for each in predicted]
    gains = [(found - judged[0])[:, 0] for found in judged]
    rows = [
        [spec.name, json.dumps(setting), *np.nanmean(found, axis=0), gain.mean(), gain.std(ddof=1) / len(gain) ** 0.5]
        for (spec, setting), found, gain in zip(settings, judged, gains, strict=True)
    ]
    headers = [
        "model",
        "setting",
        "AUROC",
        "balanced accuracy",
        "within patients",
        "AUROC minus the first",
        "standard error",
    ]
    Console(soft_wrap=True).print(
        tabulate(rows, headers, tablefmt="pipe", floatfmt=".4f"), markup=False, highlight=False
    )


if __name__ == "__main__":
    sys.exit(main())
