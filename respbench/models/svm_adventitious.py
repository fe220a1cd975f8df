"""Support vector machine on measures of wheezes and crackles: the mean of one kernel per family of features.

In one kernel over all columns, families count by their numbers of columns: 192 on lines and clicks outweigh 40 on the
spectrum. The mean of one kernel per family balances them. Fixed weights are hard to beat by learned ones: Gönen &
Alpaydin 2011, Multiple kernel learning algorithms, JMLR 12:2211.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
import optuna
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from respbench.corpora.clips import Clips
from respbench.features.adventitious import FAMILIES, Adventitious
from respbench.features.cache import Extractor, cached
from respbench.features.handcrafted import Handcrafted

Floats = NDArray[np.float64]


class FamilyKernel:
    """An RBF kernel on standardized features of one family.

    Scaler and reference clips are the training patients', others in each fold, so that no kernel of the whole corpus
    could be computed once and sliced.

    Args:
        columns: of the family, in the matrix of all features.
        limit: standard deviations at which columns are clipped, against outliers.
    """

    def __init__(self, columns: slice, limit: float) -> None:
        self.columns = columns
        self.limit = limit

    def fit(self, features: Floats) -> Floats:
        """Fit scaler and reference clips to (clips, features); returns the clips' kernel matrix (clips, clips)."""
        family = np.ascontiguousarray(features[:, self.columns])
        self.scaler = StandardScaler().fit(family)
        self.reference = self._standardized(family)
        return self._compare(self.reference)

    def compare(self, features: Floats) -> Floats:
        """(clips, features) to (clips, reference clips): 1 for equal columns, near 0 for dissimilar ones."""
        return self._compare(self._standardized(np.ascontiguousarray(features[:, self.columns])))

    def _standardized(self, family: Floats) -> Floats:
        clipped: Floats = np.clip(self.scaler.transform(family), -self.limit, self.limit)
        return clipped

    def _compare(self, family: Floats) -> Floats:
        kernel: Floats = rbf_kernel(family, self.reference, gamma=1 / family.shape[1])
        return kernel


class MeanKernelMachine:
    """Support vector machine, classes balanced, on the weighted mean of several kernels.

    Probabilities as in `models.svm.SupportVectorMachine`: a fixed function of the margins.

    Args:
        features: one row per clip each; their columns are concatenated.
        kernels: one per family of columns.
        weights: of the kernels in their mean.
        C: cost of an error.
        seed: no effect on the result, but keeps libsvm from drawing from numpy's global generator.
    """

    def __init__(
        self,
        features: Sequence[Extractor],
        kernels: Sequence[FamilyKernel],
        weights: Sequence[float],
        C: float,
        seed: int,
    ) -> None:
        self.features = features
        self.kernels = kernels
        self.weights = np.array(weights) / sum(weights)
        self.machine = SVC(C=C, kernel="precomputed", class_weight="balanced", random_state=seed)

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Fit on train and validation patients alike: nothing is selected."""
        columns = self._columns(train, valid)
        self.machine.fit(
            self._mean(kernel.fit(columns) for kernel in self.kernels), np.concatenate([train.label, valid.label])
        )
        return self

    def predict_proba(self, clips: Clips) -> Floats:
        """(clips, classes)."""
        columns = self._columns(clips)
        kernel = self._mean(kernel.compare(columns) for kernel in self.kernels)
        margin = np.asarray(self.machine.decision_function(kernel), dtype=np.float64)
        if margin.ndim == 1:
            return np.stack([expit(-margin), expit(margin)], axis=1)
        return np.asarray(softmax(margin, axis=1), dtype=np.float64)

    def _mean(self, matrices: Iterable[Floats]) -> Floats:
        """Weighted mean of the kernels' matrices, summed in place: they take gigabytes of a large corpus."""
        total: Floats | None = None
        for weight, matrix in zip(self.weights, matrices, strict=True):
            matrix *= weight
            total = matrix if total is None else np.add(total, matrix, out=total)
        if total is None:
            raise ValueError("there is no kernel to average; name a family, or give mfcc_weight a value above 0")
        return total

    def _columns(self, *parts: Clips) -> Floats:
        """(clips of all parts, columns of all features)."""
        rows = [np.concatenate([cached(features, part) for features in self.features], axis=1) for part in parts]
        return np.concatenate(rows).astype(np.float64)

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
    features: list[Extractor] = [Adventitious(families)] if families else []
    sizes = [len(Adventitious((family,)).columns) for family in families]
    weights = [1.0] * len(families)
    if mfcc_weight:
        mfcc = Handcrafted(
            ("mfcc",), ("mean", "std"), differences=0, n_mfcc=n_mfcc, n_mels=n_mels, n_fft=n_fft, hop=hop
        )
        features.append(mfcc)
        sizes.append(len(mfcc.columns))
        weights.append(mfcc_weight)
    ends = np.cumsum(sizes).tolist()
    kernels = [FamilyKernel(slice(end - size, end), limit) for size, end in zip(sizes, ends, strict=True)]
    return MeanKernelMachine(features, kernels, weights, C, seed)


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Cost, clipping, and weight and window of the spectrum."""
    return {
        "C": trial.suggest_float("C", 0.1, 30.0, log=True),
        "limit": trial.suggest_float("limit", 1.0, 5.0),
        "mfcc_weight": trial.suggest_float("mfcc_weight", 0.25, 8.0, log=True),
        "n_fft": trial.suggest_categorical("n_fft", [128, 256, 512]),
    }
