"""`Evaluation`: predictions of test clips beside the truth, and what is computed from them."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from respbench.benchmarks.statistics.confusion import confusion_matrix
from respbench.benchmarks.statistics.groups import groups_of
from respbench.benchmarks.statistics.intervals import interval, leave_one_out
from respbench.benchmarks.statistics.metrics import NO_INTERVAL, Floats, Ints, Predictions, evaluate, metrics_of
from respbench.benchmarks.storage.clip_table import clip_table
from respbench.benchmarks.storage.records import CLIP_METADATA
from respbench.corpora.clips import Clips


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Predictions of test clips, and their truth.

    Attributes:
        model: name of the model.
        clips: the test clips, with their labels.
        by_repeat: (repeats, test clips, classes) float64, the predicted probabilities of the classes.
        fold: (repeats, test clips) number of the fold that tested each clip.
        draws: whether each repeat drew anew which patients keep their labels.
        warning: what is wrong with these numbers, such as patients both trained on and tested; empty if nothing is.
    """

    model: str
    clips: Clips = field(repr=False)
    by_repeat: Floats = field(repr=False)
    fold: Ints = field(repr=False)
    draws: bool = False
    warning: str = ""

    def __repr__(self) -> str:
        patients = len(np.unique(self.clips.patient))
        repeats = f", {len(self.by_repeat)} repeats" if len(self.by_repeat) > 1 else ""
        return f"<Evaluation of {self.model}: {len(self.clips)} clips of {patients} patients{repeats}>"

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the columns of ``probabilities``."""
        return self.clips.classes

    @property
    def probabilities(self) -> Floats:
        """(test clips, classes) float64, rows sum to 1; of several repeats the mean."""
        mean: Floats = self.by_repeat.mean(axis=0)
        return mean

    @property
    def repeats(self) -> tuple[Predictions, ...]:
        """The predictions of each repeat, as `benchmarks.statistics` takes them."""
        _, patient = np.unique(self.clips.patient, return_inverse=True)
        groups = groups_of(clip_table(self.clips, CLIP_METADATA))
        return tuple(
            Predictions(self.clips.label, _as_stored(p), patient, fold, self.classes, None, groups)
            for p, fold in zip(self.by_repeat, self.fold, strict=True)
        )

    def metrics(self) -> pd.DataFrame:
        """Compute every metric of the leaderboard.

        The intervals are those of the leaderboard, whose coverage was measured on whole cross-validations: those of one
        fold, with few patients, are wide.

        Returns:
            By metric (``score``, ``sensitivity``, ``specificity``, ``auroc``, …): ``value``, the mean over repeats, and
            ``low`` and ``high``, its 95 % interval over patients; NaN where it can't be computed.
        """
        weights = leave_one_out(len(np.unique(self.clips.patient)))
        found = [evaluate(predictions, weights) for predictions in self.repeats]
        rows = {}
        for metric in metrics_of(self.classes):
            values = np.array([one[metric] for one in found])
            estimate = interval(values, "logit", self.draws)
            without = metric in NO_INTERVAL
            rows[metric] = (estimate.value, np.nan if without else estimate.low, np.nan if without else estimate.high)
        return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high"]).rename_axis("metric")

    def confusion(self) -> pd.DataFrame:
        """Count clips by true class (rows) and called class (columns), the mean over repeats."""
        mean = np.mean([confusion_matrix(predictions) for predictions in self.repeats], axis=0)
        rows = pd.Index(self.classes, name="true class")
        return pd.DataFrame(mean, index=rows, columns=pd.Index(self.classes, name="called"))

    def report(self) -> str:
        """Format precision, recall, F1 and number of clips of each class, like scikit-learn's classification report."""
        confusion = self.confusion().to_numpy()
        right, clips, called = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
        columns = {
            "precision": right / np.maximum(called, 1),
            "recall": right / np.maximum(clips, 1),
            "F1": 2 * right / np.maximum(clips + called, 1),
            "clips": clips.round().astype(np.int64),
        }
        rows = pd.DataFrame(columns, index=list(self.classes))
        head = f"{self.model}: {len(self.clips)} clips of {len(np.unique(self.clips.patient))} patients"
        return "\n".join(filter(None, [head, self.warning, "", rows.to_string(float_format="{:.2f}".format)]))

    def table(self) -> pd.DataFrame:
        """List the predictions: repeat, fold, clip_id, patient, label, called, and a probability column per class."""
        names = np.array(self.classes)
        parts = []
        for repeat, (p, fold) in enumerate(zip(self.by_repeat, self.fold, strict=True)):
            part = pd.DataFrame({"repeat": repeat, "fold": fold, "clip_id": self.clips.clip_id})
            part["patient"], part["label"] = self.clips.patient, names[self.clips.label]
            part["called"] = names[p.argmax(axis=1)]
            parts.append(pd.concat([part, pd.DataFrame(p, columns=list(self.classes))], axis=1))
        return pd.concat(parts, ignore_index=True)


def _as_stored(probabilities: NDArray[np.float64]) -> Floats:
    """Round as `benchmarks.storage.predictions` does, so that a notebook's numbers are those of a run."""
    rounded = [float(f"{value:.9g}") for value in probabilities.ravel().tolist()]
    return np.array(rounded).reshape(probabilities.shape)
