"""Support vector machine with an RBF kernel (Cortes & Vapnik 1995, doi:10.1007/BF00994018) on clip statistics."""

from typing import Any, Self

import numpy as np
import optuna
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from respbench.corpora.choices import MOTION
from respbench.corpora.clips import Clips
from respbench.features.cache import Extractor
from respbench.features.clip_statistics import clip_statistics
from respbench.features.handcrafted import Handcrafted

MOTION_COST, MOTION_WIDTH = 30.0, 0.25
"""Of movements, an error costs so much more, and ``"scale"`` is so much less, than of sounds."""

MOTION_LIMIT = 2.0
"""Standard deviations at which columns of movements are clipped, against outliers."""


class SupportVectorMachine:
    """Standardized features, balanced classes, RBF kernel.

    Probabilities are a logistic (two classes) or softmax function of the margins. Platt's scaling would need inner
    folds that ignore patients; decisions and rankings don't depend on it.

    Args:
        features: of sounds, one row per clip; of movements they are those of `features.motion.MotionStatistics`.
        seed: no effect on the result, but keeps libsvm from drawing from numpy's global generator.
        C: cost of an error; of movements it is multiplied by `MOTION_COST`.
        gamma: inverse width of the kernel; ``"scale"`` = 1 / columns, since they are standardized; of movements it is
            then multiplied by `MOTION_WIDTH`.
    """

    def __init__(self, features: Extractor, seed: int, C: float, gamma: float | str) -> None:
        self.features = features
        self.seed, self.C, self.gamma = seed, C, gamma

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Fit on train and validation patients alike: nothing is selected."""
        x = np.concatenate([clip_statistics(self.features, train), clip_statistics(self.features, valid)])
        self.pipeline = self._motion_pipeline(x.shape[1]) if train.modality == MOTION else self._pipeline()
        self.pipeline.fit(x, np.concatenate([train.label, valid.label]))
        return self

    def _pipeline(self) -> Pipeline:
        machine = SVC(C=self.C, gamma=self.gamma, class_weight="balanced", random_state=self.seed)
        return make_pipeline(StandardScaler(), machine)

    def _motion_pipeline(self, columns: int) -> Pipeline:
        gamma = MOTION_WIDTH / columns if self.gamma == "scale" else self.gamma
        machine = SVC(C=MOTION_COST * self.C, gamma=gamma, class_weight="balanced", random_state=self.seed)
        clip = FunctionTransformer(np.clip, kw_args={"a_min": -MOTION_LIMIT, "a_max": MOTION_LIMIT})
        return make_pipeline(StandardScaler(), clip, machine)

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes)."""
        columns = clip_statistics(self.features, clips)
        margin = np.asarray(self.pipeline.decision_function(columns), dtype=np.float64)
        if margin.ndim == 1:
            return np.stack([expit(-margin), expit(margin)], axis=1)
        return np.asarray(softmax(margin, axis=1), dtype=np.float64)

    @property
    def n_parameters(self) -> int:
        """Support vectors, their coefficients and the intercepts."""
        machine = self.pipeline[-1]
        return int(machine.support_vectors_.size + machine.dual_coef_.size + machine.intercept_.size)


def build(
    *,
    seed: int,
    C: float = 1.0,
    gamma: float | str = "scale",
    n_mfcc: int = 20,
    n_mels: int = 20,
    n_fft: int = 128,
    hop: int = 32,
) -> SupportVectorMachine:
    """Mean and standard deviation of the MFCCs; see `SupportVectorMachine`.

    Of movements ``n_mfcc`` to ``hop`` have no effect.
    """
    features = Handcrafted(
        n_mfcc=n_mfcc, n_mels=n_mels, n_fft=n_fft, hop=hop, series=("mfcc",), differences=0, summaries=("mean", "std")
    )
    return SupportVectorMachine(features, seed, C, gamma)


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Kernel, resolution of the spectrum, and its window."""
    n_fft = trial.suggest_categorical("n_fft", [128, 256, 512])
    return {
        "C": trial.suggest_float("C", 1e-2, 1e2, log=True),
        "gamma": trial.suggest_float("gamma", 1e-4, 1e-1, log=True),
        "n_mfcc": trial.suggest_int("n_mfcc", 8, 20, step=4),
        "n_mels": 20
        if n_fft == 128
        else trial.suggest_categorical("n_mels", [20, 40]),  # short frames resolve few bands
        "n_fft": n_fft,
        "hop": n_fft // trial.suggest_categorical("frames_a_window", [2, 4]),
    }
