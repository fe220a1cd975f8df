"""QUANT (Dempster, Schmidt & Webb 2024, doi:10.1007/s10618-024-01036-9): random trees on quantiles over intervals.

A time-series classifier on log-mel bands; for clips of different duration its features differ from the paper's (see
`features.quantiles`), and classes are balanced. aeon's own can't be installed beside pandas 3.1 and numba 0.68.
"""

from typing import Any, Self

import numpy as np
import optuna
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier

from respbench.corpora.clips import Clips
from respbench.features.cache import Extractor, cached
from respbench.features.quantiles import IntervalQuantiles


class Quant:
    """Extremely randomized trees (Geurts et al. 2006, doi:10.1007/s10994-006-6226-1), classes balanced.

    Args:
        features: one row per clip.
        seed: determines columns and thresholds of the trees.
        parameters: of `sklearn.ensemble.ExtraTreesClassifier`.
    """

    def __init__(self, features: Extractor, seed: int, **parameters: Any) -> None:
        self.features = features
        self.trees = ExtraTreesClassifier(
            criterion="entropy", class_weight="balanced", random_state=seed, n_jobs=1, **parameters
        )

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Fit on train and validation patients alike: nothing is selected."""
        x = np.concatenate([cached(self.features, train), cached(self.features, valid)])
        self.trees.fit(x, np.concatenate([train.label, valid.label]))
        return self

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes): the mean over the trees."""
        return np.asarray(self.trees.predict_proba(cached(self.features, clips)), dtype=np.float64)

    @property
    def n_parameters(self) -> int:
        """Nodes of the trees, each with one threshold or one leaf value."""
        return int(sum(tree.tree_.node_count for tree in self.trees.estimators_))


def build(
    *,
    seed: int,
    n_estimators: int = 200,
    max_features: float = 0.1,
    min_samples_leaf: int = 10,
    n_mels: int = 16,
    n_fft: int = 256,
    hop: int = 64,
    depth: int = 5,
) -> Quant:
    """The paper's trees, but leaves of 10 clips or more, in which the class weights count; see `Quant`."""
    features = IntervalQuantiles(n_mels=n_mels, n_fft=n_fft, hop=hop, depth=depth)
    return Quant(
        features, seed, n_estimators=n_estimators, max_features=max_features, min_samples_leaf=min_samples_leaf
    )


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Size of the trees, columns per split, and depth of the intervals."""
    return {
        "max_features": trial.suggest_float("max_features", 0.02, 0.3, log=True),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 20, log=True),
        "depth": trial.suggest_int("depth", 1, 6),
    }
