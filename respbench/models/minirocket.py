"""MiniRocket (Dempster et al. 2021, doi:10.1145/3447548.3467231): ridge regression on random convolutions.

The series of a clip are its channels; of a sound, log-mel bands. aeon's own and sktime's can't be installed beside
pandas 3.1.
"""

from typing import Any, Self

import numpy as np
import optuna
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from respbench.corpora.clips import Clips
from respbench.features.clip_series import clip_series
from respbench.features.minirocket import MiniRocket

PROBABILITY_SLOPE = 2.0
"""Factor of a score in the logistic function: least squares on targets of -1 and 1 estimate 2 p - 1, and with this
factor the function rises from p = 0.5 as steeply."""


class RidgeOnConvolutions:
    """Standardized shares of time above thresholds, then ridge regression on the classes, which are balanced.

    Probabilities are a logistic (two classes) or softmax function of the scores. The penalty is a parameter: the
    paper's choice, by leaving out one clip at a time, would ignore patients.

    Args:
        features: number of columns, about.
        alpha: strength of the L2 penalty.
        seed: determines the convolutions.
    """

    def __init__(self, features: int, alpha: float, seed: int) -> None:
        self.transform = MiniRocket(features, seed)
        self.pipeline = make_pipeline(StandardScaler(), RidgeClassifier(alpha=alpha, class_weight="balanced"))

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Fit on train and validation patients alike: nothing is selected."""
        series = [*clip_series(train), *clip_series(valid)]
        x = self.transform.fit(series)(series)
        self.pipeline.fit(x, np.concatenate([train.label, valid.label]))
        return self

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes)."""
        score = self.pipeline.decision_function(self.transform(clip_series(clips))).astype(np.float64)
        if score.ndim == 1:
            p = expit(PROBABILITY_SLOPE * score)
            return np.stack([1 - p, p], axis=1)
        return np.asarray(softmax(PROBABILITY_SLOPE * score, axis=1), dtype=np.float64)

    @property
    def n_parameters(self) -> int:
        """Thresholds, coefficients and intercepts."""
        ridge = self.pipeline[-1]
        return int(ridge.n_features_in_ + ridge.coef_.size + ridge.intercept_.size)


def build(*, seed: int, features: int = 9996, alpha: float = 1e3) -> RidgeOnConvolutions:
    """See `RidgeOnConvolutions`; the number of features is the paper's."""
    return RidgeOnConvolutions(features, alpha, seed)


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Strength of the penalty, and number of convolutions."""
    return {
        "alpha": trial.suggest_float("alpha", 1e1, 1e5, log=True),
        "features": trial.suggest_categorical("features", [2016, 4032, 9996]),
    }
