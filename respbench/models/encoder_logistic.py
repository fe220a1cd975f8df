"""Logistic regression on the embeddings of a frozen encoder, see `models.encoder_probe`."""

from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from respbench.models.encoder_probe import EncoderProbe, Floats


class LogisticProbe(EncoderProbe):
    """Logistic regression with balanced classes.

    Args:
        encoder: see `EncoderProbe`.
        pooling: the same.
        limit: the same.
        C: inverse strength of the L2 penalty.
    """

    def __init__(self, encoder: str, pooling: str, limit: float, C: float) -> None:
        super().__init__(encoder, pooling, limit)
        self.regression = LogisticRegression(C=C, class_weight="balanced", max_iter=1000)

    def learn(self, columns: Floats, label: NDArray[np.int64]) -> None:
        """Fit the regression."""
        self.regression.fit(columns, label)

    def probabilities(self, columns: Floats) -> Floats:
        """(clips, columns) to (clips, classes)."""
        return np.asarray(self.regression.predict_proba(columns), dtype=np.float64)

    @property
    def n_parameters(self) -> int:
        """Coefficients and intercepts, none of the encoder's."""
        return int(self.regression.coef_.size + self.regression.intercept_.size)


def build(
    *, seed: int, encoder: str = "birdnet", pooling: str = "mean", C: float = 0.003, limit: float = 2.0
) -> LogisticProbe:
    """See `LogisticProbe`; ``seed`` has no effect."""
    return LogisticProbe(encoder, pooling, limit, C)


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Penalty and clipping."""
    return {
        "C": trial.suggest_float("C", 1e-5, 1.0, log=True),
        "limit": trial.suggest_float("limit", 1.0, 6.0),
    }
