"""Logistic regression on the embeddings of a frozen encoder, see `models.encoder_probe`."""

from typing import Any

import optuna
from sklearn.linear_model import LogisticRegression

from models.encoder_probe import EncoderProbe


def build(
    *, seed: int, encoder: str = "birdnet", pooling: str = "mean", C: float = 0.003, limit: float = 5.0
) -> EncoderProbe:
    """See `EncoderProbe`; ``C`` is the inverse strength of the L2 penalty, and ``seed`` has no effect."""
    classifier = LogisticRegression(C=C, class_weight="balanced", max_iter=1000)
    return EncoderProbe(encoder, pooling, limit, classifier)


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Penalty and clipping."""
    return {
        "C": trial.suggest_float("C", 1e-5, 1.0, log=True),
        "limit": trial.suggest_float("limit", 1.5, 6.0),
    }
