"""Fits that are watched on their test clips: what a network would report had its epoch been picked on them.

The model is fitted as ever and sees no test label; only afterwards is the epoch looked up that would have been best.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score

from respbench.benchmarks.execution.evaluate import hide_labels
from respbench.benchmarks.execution.jobs import FitJob, fit_and_predict
from respbench.benchmarks.storage.picks import PickRecord, Picks
from respbench.benchmarks.storage.predictions import predictions_csv
from respbench.benchmarks.storage.store import Store
from respbench.corpora.clips import Clips
from respbench.corpora.digests import digest
from respbench.corpora.splits.folds import Fold


class EpochRecorder:
    """Records what a network predicts for clips after each epoch; set as its ``on_epoch``.

    Args:
        clips: whose labels are hidden from the model here.

    Attributes:
        epochs: after each epoch, the probabilities (clips, classes).
        seconds: s that predicting them took, in all.
    """

    def __init__(self, clips: Clips) -> None:
        self.clips = hide_labels(clips)
        self.epochs: list[NDArray[np.float64]] = []
        self.seconds = 0.0

    def __call__(self, epoch: int, probabilities: Callable[[Clips], NDArray[np.float64]]) -> None:
        """Predict the clips with the network as it is after this epoch."""
        begin = time.perf_counter()
        self.epochs.append(np.asarray(probabilities(self.clips), dtype=np.float64))
        self.seconds += time.perf_counter() - begin


@dataclass(frozen=True)
class PickedFitJob(FitJob):
    """A fit of a network that also stores its predictions by the epoch that is best on the test clips.

    The fit is the same, byte by byte, as that of a `FitJob`.
    """

    def predictions(self, store: Store, clips: Clips, fold: Fold) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Fit, predict, and store the pick before the fit: it counts only once that fit is there."""
        test = clips.take(fold.test)
        recorder = EpochRecorder(test)
        probabilities, outcome = fit_and_predict(self.spec, self.key.seed, clips, fold, on_epoch=recorder)
        scores = [balanced_accuracy(test, predicted) for predicted in recorder.epochs]
        epoch = int(np.argmax(scores))
        own = digest([predictions_csv(test, probabilities)])
        record = PickRecord(epoch=epoch, scores=tuple(scores), fit_digest=own)
        Picks(store).write(self.key, test, recorder.epochs[epoch], record)
        return probabilities, {**outcome, "fit_seconds": outcome["fit_seconds"] - recorder.seconds}

    def is_picked(self, store: Store) -> bool:
        """Whether the pick of the stored fit is stored, too."""
        return Picks(store).read(self.key) is not None


def balanced_accuracy(clips: Clips, probabilities: NDArray[np.float64]) -> float:
    """The mean recall of the classes that clips with labels have; ``probabilities`` (clips, classes)."""
    return float(balanced_accuracy_score(clips.label, probabilities.argmax(axis=1)))
