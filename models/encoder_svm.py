"""Support vector machine on the embeddings of a frozen encoder, see `models.encoder_probe`."""

from typing import Any

import optuna
from sklearn.svm import SVC

from models.encoder_probe import EncoderProbe

KERNELS = ("rbf", "linear")


def build(
    *,
    seed: int,
    encoder: str = "birdnet",
    pooling: str = "mean",
    kernel: str = "rbf",
    C: float = 1.0,
    width: float = 1.0,
    limit: float = 5.0,
) -> EncoderProbe:
    """See `EncoderProbe`.

    Args:
        seed: no effect on the result, but keeps libsvm from drawing from numpy's global generator.
        encoder: name of the encoder.
        pooling: of a clip's windows.
        kernel: ``"rbf"`` or ``"linear"``, of `KERNELS`.
        C: cost of an error.
        width: scale of either kernel, in multiples of 1 / columns.
        limit: standard deviations at which columns are clipped.
    """
    if kernel not in KERNELS:
        raise ValueError(f"kernel must be one of {', '.join(KERNELS)}; it is {kernel!r}")
    form = {"kernel": "poly", "degree": 1} if kernel == "linear" else {"kernel": kernel}  # poly has a gamma, too
    classifier = SVC(C=C, class_weight="balanced", random_state=seed, **form)
    return EncoderProbe(encoder, pooling, limit, classifier, width)


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Kernel, cost and clipping."""
    return {
        "kernel": trial.suggest_categorical("kernel", KERNELS),
        "C": trial.suggest_float("C", 1e-2, 1e2, log=True),
        "width": trial.suggest_float("width", 0.1, 10.0, log=True),
        "limit": trial.suggest_float("limit", 1.5, 6.0),
    }
