"""Support vector machine on measures of wheezes and crackles: the mean of one kernel per family of features.

In one kernel over all columns, families count by their numbers of columns: 192 on lines and clicks outweigh 40 on the
spectrum. The mean of one kernel per family balances them. Fixed weights are hard to beat by learned ones: Gönen &
Alpaydin 2011, Multiple kernel learning algorithms, JMLR 12:2211.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import optuna
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from corpora.clips import Clips
from features.adventitious import FAMILIES, Adventitious
from features.cache import Extractor, cached
from features.handcrafted import Handcrafted

Floats = NDArray[np.float64]


class FamilyKernel:
    """An RBF kernel on standardized features of one family.

    Args:
        features: one row per clip.
        limit: standard deviations at which columns are clipped, against outliers.
    """

    def __init__(self, features: Extractor, limit: float) -> None:
        self.features = features
        self.limit = limit

    def fit(self, *clips: Clips) -> Floats:
        """Fit scaler and reference clips; returns the reference clips' kernel matrix (clips, clips)."""
        columns = np.concatenate([cached(self.features, part) for part in clips]).astype(np.float64)
        self.scaler = StandardScaler().fit(columns)
        self.reference = self._standardized(columns)
        return self._compare(self.reference)

    def compare(self, clips: Clips) -> Floats:
        """(clips, reference clips): 1 for equal columns, near 0 for dissimilar ones."""
        return self._compare(self._standardized(cached(self.features, clips).astype(np.float64)))

    def _standardized(self, columns: Floats) -> Floats:
        clipped: Floats = np.clip(self.scaler.transform(columns), -self.limit, self.limit)
        return clipped

    def _compare(self, columns: Floats) -> Floats:
        kernel: Floats = rbf_kernel(columns, self.reference, gamma=1 / columns.shape[1])
        return kernel


class MeanKernelMachine:
    """Support vector machine, classes balanced, on the weighted mean of several kernels.

    Probabilities as in `models.svm.SupportVectorMachine`: a fixed function of the margins.

    Args:
        kernels: one per family.
        weights: of the kernels in their mean.
        C: cost of an error.
        seed: no effect on the result, but keeps libsvm from drawing from numpy's global generator.
    """

    def __init__(self, kernels: Sequence[FamilyKernel], weights: Sequence[float], C: float, seed: int) -> None:
        self.kernels = kernels
        self.weights = np.array(weights) / sum(weights)
        self.machine = SVC(C=C, kernel="precomputed", class_weight="balanced", random_state=seed)

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Fit on train and validation patients alike: nothing is selected."""
        kernel = sum(w * kernel.fit(train, valid) for w, kernel in zip(self.weights, self.kernels, strict=True))
        self.machine.fit(kernel, np.concatenate([train.label, valid.label]))
        return self

    def predict_proba(self, clips: Clips) -> Floats:
        """(clips, classes)."""
        kernel = sum(w * kernel.compare(clips) for w, kernel in zip(self.weights, self.kernels, strict=True))
        margin = np.asarray(self.machine.decision_function(kernel), dtype=np.float64)
        if margin.ndim == 1:
            return np.stack([expit(-margin), expit(margin)], axis=1)
        return np.asarray(softmax(margin, axis=1), dtype=np.float64)

    @property
    def n_parameters(self) -> int:
        """Support vectors with all their columns, their coefficients and the intercepts."""
        columns = sum(kernel.reference.shape[1] for kernel in self.kernels)
        machine = self.machine
        return int(len(machine.support_) * columns + machine.dual_coef_.size + machine.intercept_.size)


def build(
    *,
    seed: int,
    C: float = 3.0,
    limit: float = 2.0,
    families: tuple[str, ...] = tuple(FAMILIES),
    mfcc_weight: float = 2.0,
    n_mfcc: int = 20,
    n_mels: int = 20,
    n_fft: int = 128,
    hop: int = 32,
) -> MeanKernelMachine:
    """Families of `features.adventitious` with weight 1 each, and the MFCC statistics of `svm` with ``mfcc_weight``
    (0 = left out).
    """
    extractors: list[Extractor] = [Adventitious((family,)) for family in families]
    weights = [1.0] * len(families)
    if mfcc_weight:
        statistics = ("mean", "std")
        extractors.append(
            Handcrafted(("mfcc",), statistics, differences=0, n_mfcc=n_mfcc, n_mels=n_mels, n_fft=n_fft, hop=hop)
        )
        weights.append(mfcc_weight)
    return MeanKernelMachine([FamilyKernel(extractor, limit) for extractor in extractors], weights, C, seed)


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Cost, clipping, and weight and window of the spectrum."""
    return {
        "C": trial.suggest_float("C", 0.1, 30.0, log=True),
        "limit": trial.suggest_float("limit", 1.0, 5.0),
        "mfcc_weight": trial.suggest_float("mfcc_weight", 0.25, 8.0, log=True),
        "n_fft": trial.suggest_categorical("n_fft", [128, 256, 512]),
    }
