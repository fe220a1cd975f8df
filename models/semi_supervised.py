"""What all semi-supervised methods, and the supervised twin that each is compared with, have in common.

The twin has the backbone, labeled patients, steps, augmentation and averaged weights of the methods, and no unlabeled
clip; so what a method has above it comes from those clips.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import optuna

from corpora.problems import InputError
from features.augmentation import Augmentation
from models import cnn, cnn_gru, mlp, resnet
from models.network import NetworkModel
from models.recipe import LAST
from models.unsupervised import UnsupervisedLoss

_ROLLED = Augmentation(shift=0.5, gain=2.0)
_HIDDEN = Augmentation(shift=0.5, gain=2.0, noise=2.0, masked_bands=16, masked_frames=8)


@dataclass(frozen=True)
class Ground:
    """How a backbone of the registry is trained here.

    Attributes:
        build: of the model's file.
        batch_size: labeled clips a step.
        weak: augmentation of labeled clips, and the weaker of two views.
        strong: the stronger one.
    """

    build: Callable[..., NetworkModel]
    batch_size: int
    weak: Augmentation
    strong: Augmentation


BACKBONES = {
    "cnn": Ground(lambda seed: cnn.build(seed=seed, dropout=0.3), 8, _ROLLED, _HIDDEN),
    "cnn-gru": Ground(lambda seed: cnn_gru.build(seed=seed, dropout=0.3), 8, _ROLLED, _HIDDEN),
    "resnet-maps": Ground(
        lambda seed: resnet.build(seed=seed),
        8,
        Augmentation(crop=96, equaliser=4.0),
        Augmentation(crop=96, equaliser=4.0, noise=2.0, masked_bands=6, masked_frames=12),
    ),
    "mlp": Ground(lambda seed: mlp.build(seed=seed), 32, Augmentation(), Augmentation()),
}
"""The backbones that every method takes; ``mlp`` is changed at random by its dropout alone."""


def over(
    backbone: str,
    method: UnsupervisedLoss | None,
    seed: int,
    alpha: float,
    ramp: float,
    ratio: int,
    epochs: int,
    steps: int,
) -> NetworkModel:
    """A method over a backbone.

    Args:
        backbone: one of `BACKBONES`.
        method: L_u; None = the twin.
        seed: decides everything random.
        alpha: weight of L_u.
        ramp: share of the training over which that weight rises.
        ratio: unlabeled clips for each labeled one in a step.
        epochs: how often validation looks; nothing is chosen by it, the last epoch is kept.
        steps: an epoch; the same for every budget, so that the methods differ in what they see, not in how long.

    Raises:
        InputError: an unknown backbone, or no unlabeled clip for a labeled one.
    """
    if backbone not in BACKBONES:
        raise InputError(f"unknown backbone {backbone!r}; choose from {', '.join(BACKBONES)}")
    if method is not None and ratio < 1:
        raise InputError(f"a method needs unlabeled clips in every step; got a ratio of {ratio}, give 1 or more")
    ground = BACKBONES[backbone]
    model = ground.build(seed)
    model.method = method
    model.recipe = replace(
        model.recipe,
        epochs=epochs,
        steps=steps,
        batch_size=ground.batch_size,
        unlabeled_batch=ratio * ground.batch_size,
        augmentation=ground.weak,
        strong=ground.strong,
        alpha=alpha,
        ramp=ramp,
        keep=LAST,
        hold_out=True,
        patience=None,
        averaging=0.999,
    )
    return model


def space(trial: optuna.Trial) -> dict[str, Any]:
    """How much the unlabeled clips weigh, and how soon; methods with parameters of their own add those."""
    return {
        "alpha": trial.suggest_float("alpha", 0.03, 3.0, log=True),
        "ramp": trial.suggest_categorical("ramp", [0.0, 0.5, 1.0]),
    }
