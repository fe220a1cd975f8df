"""Evaluate a model on all folds of a protocol, with the numbers of a run."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from respbench.benchmarks.notebook.corpus import folds
from respbench.benchmarks.notebook.evaluation import Evaluation
from respbench.benchmarks.notebook.fitting import fit
from respbench.corpora.clips import Clips
from respbench.corpora.protocols import find
from respbench.corpora.splits.folds import shared_patients
from respbench.models.spec import ModelSpec


def cross_validate(
    model: str | Path | ModelSpec,
    clips: Clips,
    protocol: str = "patients-5fold",
    *,
    repeats: int = 1,
    progress: bool = True,
    **parameters: Any,
) -> Evaluation:
    """Fit and evaluate a model on every fold of a protocol; equal to ``respbench run``, but nothing is stored.

    Args:
        model: the name of an entry of the registry, or the path of a model file.
        clips: of a task, with labels.
        protocol: see `folds`.
        repeats: how often patients are divided and the model is fitted anew.
        progress: whether to count the fits on standard error.
        parameters: those that differ from the defaults of the model's ``build``, such as ``epochs=2`` of a network.

    Returns:
        Every tested clip's prediction by a model that was fitted to other patients, once per repeat, with the metrics
        of the leaderboard and their intervals over patients.

    Raises:
        InputError: there is no such model or protocol, or the clips can't be divided by it.
    """
    by_repeat = [folds(clips, protocol, repeat) for repeat in range(repeats)]
    tested = np.sort(np.concatenate([fold.test for fold in by_repeat[0]]))
    place = np.full(len(clips), -1)
    place[tested] = np.arange(len(tested))
    predicted = np.zeros((repeats, len(tested), len(clips.classes)))
    number = np.zeros((repeats, len(tested)), dtype=np.int64)
    name = ""
    for repeat, own in enumerate(by_repeat):
        for i, fold in enumerate(own):
            fitted = fit(model, clips, fold, seed=repeat, **parameters)
            name, rows = fitted.name, place[fold.test]
            predicted[repeat, rows], number[repeat, rows] = fitted._tested, i
            if progress:
                print(f"{name}: repeat {repeat + 1} of {repeats}, fold {i + 1} of {len(own)}", file=sys.stderr)
    found = find(protocol)
    return Evaluation(
        model=name,
        clips=clips.take(tested),
        by_repeat=predicted,
        fold=number,
        draws=found.few_labels,
        warning=found.warning_about(shared_patients(clips, [fold for own in by_repeat for fold in own])),
    )
