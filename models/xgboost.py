"""Gradient-boosted trees (Chen & Guestrin 2016, doi:10.1145/2939672.2939785) on the whole handcrafted vector."""

from typing import Any, Self

import numpy as np
import optuna
import xgboost
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_sample_weight

from corpora.clips import Clips
from features.cache import Extractor, cached
from features.handcrafted import Handcrafted

MOST_TREES = 1000
PATIENCE = 50
"""Trees without a lower loss on the validation patients before the boosting stops."""


class BoostedTrees:
    """Trees added until the balanced log-loss of the validation patients stops falling.

    Args:
        features: one row a clip.
        seed: decides the rows and columns that each tree sees.
        parameters: of `xgboost.XGBClassifier`.
    """

    def __init__(self, features: Extractor, seed: int, **parameters: Any) -> None:
        self.features = features
        self.trees = xgboost.XGBClassifier(
            n_estimators=MOST_TREES, early_stopping_rounds=PATIENCE, random_state=seed, n_jobs=1, **parameters
        )

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Grow trees on ``train``; ``valid`` says how many."""
        self.trees.fit(
            cached(self.features, train),
            train.label,
            sample_weight=compute_sample_weight("balanced", train.label),
            eval_set=[(cached(self.features, valid), valid.label)],
            sample_weight_eval_set=[compute_sample_weight("balanced", valid.label)],
            verbose=False,
        )
        return self

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes)."""
        p = self.trees.predict_proba(cached(self.features, clips)).astype(np.float64)
        return np.asarray(p / p.sum(axis=1, keepdims=True), dtype=np.float64)

    @property
    def n_parameters(self) -> int:
        """Nodes of the trees that are used: each keeps one threshold or one leaf value."""
        used = self.trees.get_booster()[: self.trees.best_iteration + 1]
        return len(used.trees_to_dataframe())


def build(
    *,
    seed: int,
    learning_rate: float = 0.05,
    max_depth: int = 4,
    min_child_weight: float = 5.0,
    subsample: float = 0.7,
    colsample_bytree: float = 0.3,
    reg_lambda: float = 5.0,
    n_mfcc: int = 20,
    n_mels: int = 64,
    n_fft: int = 512,
    hop: int = 64,
) -> BoostedTrees:
    """All series and summaries of `Handcrafted`; see `BoostedTrees`."""
    return BoostedTrees(
        Handcrafted(n_mfcc=n_mfcc, n_mels=n_mels, n_fft=n_fft, hop=hop),
        seed,
        learning_rate=learning_rate,
        max_depth=max_depth,
        min_child_weight=min_child_weight,
        subsample=subsample,
        colsample_bytree=colsample_bytree,
        reg_lambda=reg_lambda,
    )


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Size and regularity of the trees."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.3, log=True),
        "max_depth": trial.suggest_int("max_depth", 2, 8),
        "min_child_weight": trial.suggest_float("min_child_weight", 1.0, 30.0, log=True),
        "subsample": trial.suggest_float("subsample", 0.4, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.05, 1.0, log=True),
        "reg_lambda": trial.suggest_float("reg_lambda", 0.1, 100.0, log=True),
    }
