"""A model file whose features and predictions take known times on `made_up_clock.CLOCK`."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from made_up_clock import CLOCK, EXTRACTION, PREDICTION
from numpy.typing import NDArray

from respbench.corpora.clips import Clips
from respbench.features.cache import cached


@dataclass(frozen=True)
class Slow:
    """Features that take `EXTRACTION` per clip."""

    def __call__(self, signals: Any, rate: int) -> NDArray[np.float32]:
        CLOCK.seconds += EXTRACTION * len(signals)
        return np.ones((len(signals), 2), dtype=np.float32)


class SlowModel:
    """Predicts from `Slow`, or from nothing; or can't be fitted."""

    n_parameters = 0

    def __init__(self, features: bool, fails: bool) -> None:
        self.features, self.fails = features, fails

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        if self.fails:
            raise ValueError("too few clips")
        return self

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        assert (clips.label == -1).all()
        CLOCK.seconds += PREDICTION
        if self.features:
            cached(Slow(), clips)
        return np.full((len(clips), len(clips.classes)), 1 / len(clips.classes))


def build(*, seed: int, features: bool = True, fails: bool = False, epochs: int = 9) -> SlowModel:
    """Refuses more than one epoch: nothing that is timed depends on it."""
    assert epochs == 1
    return SlowModel(features, fails)
