"""Control: the class frequencies of the training clips, the same for every clip: the score of no information."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.clips import Clips


class Prior:
    """Predicts the frequencies of the classes among the training clips."""

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Count the classes."""
        self.frequency = np.bincount(train.label, minlength=len(train.classes)) / len(train)
        return self

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes): one row, repeated."""
        return np.tile(self.frequency, (len(clips), 1))

    @property
    def n_parameters(self) -> int:
        """One frequency per class."""
        return len(self.frequency)


def build(*, seed: int) -> Prior:
    """No parameters; ``seed`` has no effect."""
    return Prior()
