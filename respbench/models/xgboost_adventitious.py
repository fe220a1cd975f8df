"""Gradient-boosted trees on measures of wheezes and crackles and on MFCC statistics, those of `svm-adventitious`."""

from respbench.features.adventitious import Adventitious
from respbench.features.handcrafted import Handcrafted
from respbench.models.xgboost import BoostedTrees, space

__all__ = ["build", "space"]


def build(
    *,
    seed: int,
    n_estimators: int = 300,
    learning_rate: float = 0.05,
    max_depth: int = 4,
    min_child_weight: float = 5.0,
    subsample: float = 0.7,
    colsample_bytree: float = 0.3,
    reg_lambda: float = 5.0,
    n_mfcc: int = 20,
    n_mels: int = 20,
    n_fft: int = 128,
    hop: int = 32,
) -> BoostedTrees:
    """Trees as in `xgboost`, MFCC as in `svm`."""
    mfcc = Handcrafted(("mfcc",), ("mean", "std"), differences=0, n_mfcc=n_mfcc, n_mels=n_mels, n_fft=n_fft, hop=hop)
    return BoostedTrees(
        [Adventitious(), mfcc],
        seed,
        n_estimators=n_estimators,
        learning_rate=learning_rate,
        max_depth=max_depth,
        min_child_weight=min_child_weight,
        subsample=subsample,
        colsample_bytree=colsample_bytree,
        reg_lambda=reg_lambda,
    )
