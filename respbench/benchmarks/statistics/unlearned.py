"""Clips of a task without a class ``normal`` that no model could learn to classify: training lacks their class."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pandas as pd

from respbench.benchmarks.statistics.results import Results
from respbench.corpora.splits.folds import unlearned_sentence


@dataclass(frozen=True, kw_only=True)
class Unlearned:
    """What could not be learned in the folds of a results folder.

    Attributes:
        classes: by class, how many of its clips were tested without any clip of it in training, in some repeat, and the
            patients whom they are from.
        ceiling: the highest score of a model that never predicts a class it wasn't trained on, the mean over repeats.
    """

    classes: dict[str, tuple[int, tuple[str, ...]]]
    ceiling: float

    @property
    def sentence(self) -> str:
        """The classes, and what they cost."""
        return (
            f"{unlearned_sentence(self.classes)} No model that predicts only what it was trained on can have a "
            f"score above {self.ceiling:.3f} here."
        )


def unlearned_in(results: Results) -> Unlearned | None:
    """Find what one model's fits could not learn; None if that is nothing, or a class is ``normal``."""
    if results.has_normal or not any(results.own_fits):
        return None
    name = next(results.own_fits).key.model
    fits = [fit for fit in results.own_fits if fit.key.model == name]
    known = pd.concat([fit.predictions[["clip_id", "patient", "label"]] for fit in fits]).drop_duplicates("clip_id")
    labels = known.groupby("patient")["label"].agg(set)
    lost: dict[int, list[pd.DataFrame]] = defaultdict(list)
    for fit in fits:
        learned = set().union(*labels.reindex([*fit.record.train_patients]).dropna())
        lost[fit.key.seed].append(fit.predictions[~fit.predictions["label"].isin(learned)])
    by_repeat = [pd.concat(parts) for parts in lost.values()]
    clips = pd.concat(by_repeat).drop_duplicates("clip_id")
    if clips.empty:
        return None
    shares = [1 - part["label"].value_counts() / known["label"].value_counts() for part in by_repeat]
    return Unlearned(
        classes={
            name: (len(own), tuple(sorted(own["patient"].unique())))
            for name, own in ((name, clips[clips["label"] == name]) for name in results.classes)
            if len(own)
        },
        ceiling=float(np.mean([share.fillna(1.0).mean() for share in shares])),
    )
