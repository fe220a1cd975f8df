"""Control: the duration of a clip alone, without any use of the signal.

Patients with disease may breathe at a different pace, and activities take different times, so that duration predicts
labels.
"""

from typing import Any, Self

import numpy as np
import optuna
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from respbench.corpora.clips import Clips


class Duration:
    """Balanced logistic regression on the standardized logarithm of the duration and on its square.

    The square allows medium durations to differ from both short and long ones.

    Args:
        C: inverse strength of the L2 penalty.
    """

    def __init__(self, C: float) -> None:
        self.pipeline = make_pipeline(
            StandardScaler(),
            PolynomialFeatures(degree=2, include_bias=False),
            LogisticRegression(C=C, class_weight="balanced", max_iter=1000),
        )

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Fit on train and validation patients alike: nothing is selected."""
        x = np.concatenate([_log_seconds(train), _log_seconds(valid)])
        self.pipeline.fit(x, np.concatenate([train.label, valid.label]))
        return self

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes)."""
        return np.asarray(self.pipeline.predict_proba(_log_seconds(clips)), dtype=np.float64)

    @property
    def n_parameters(self) -> int:
        """Coefficients and intercepts."""
        regression = self.pipeline[-1]
        return int(regression.coef_.size + regression.intercept_.size)


def _log_seconds(clips: Clips) -> NDArray[np.float64]:
    """(clips, 1): natural logarithm of the durations in s."""
    seconds: NDArray[np.float64] = np.log(clips.seconds)[:, None]
    return seconds


def build(*, seed: int, C: float = 1.0) -> Duration:
    """See `Duration`; ``seed`` has no effect."""
    return Duration(C)


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Strength of the penalty."""
    return {"C": trial.suggest_float("C", 1e-3, 1e2, log=True)}
