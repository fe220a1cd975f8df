"""What all semi-supervised methods, and the supervised baseline that each is compared with, have in common.

The baseline (the "twin" in reports) has the backbone, labeled patients, steps, augmentation and averaged weights of the
methods, and no unlabeled clips; so a method's gain over it is due to those clips.
"""

import importlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from respbench.corpora.problems import InputError
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.recipe import LAST
from respbench.models.networks.unsupervised import UnsupervisedLoss

if TYPE_CHECKING:
    import optuna

    from respbench.models.semi_supervised.backbones import SSLBackbone


def build_ssl_model(
    backbone: str,
    method: UnsupervisedLoss | None,
    seed: int,
    alpha: float,
    ramp: float,
    ratio: int,
    epochs: int,
    steps: int,
) -> NetworkModel:
    """An unfitted semi-supervised model: a method over a backbone.

    Args:
        backbone: one of `models.semi_supervised.entries.BACKBONES`.
        method: L_u; None = the supervised baseline.
        seed: determines all randomness.
        alpha: weight of L_u.
        ramp: share of the training over which that weight rises.
        ratio: unlabeled clips per labeled clip in a step.
        epochs: number of validations; the last epoch is kept, none is selected.
        steps: per epoch; the same for every budget, so that budgets differ in their data, not in training time.

    Raises:
        InputError: an unknown backbone, or no unlabeled clips per labeled clip.
    """
    if method is not None and ratio < 1:
        raise InputError(f"a method needs unlabeled clips in every step; got a ratio of {ratio}, give 1 or more")
    training = find_backbone(backbone)
    module, _, build = training.target.partition(":")
    model: NetworkModel = getattr(importlib.import_module(module), build)(seed=seed, **training.parameters)
    model.method = method
    if training.pretraining:
        module, _, symbol = training.pretraining.partition(":")
        model.pretraining = getattr(importlib.import_module(module), symbol)
        model.random_on_movements = True
    model.standardize_on_labeled = training.standardize_on_labeled
    model.recipe = replace(
        model.recipe,
        epochs=epochs,
        steps=steps,
        batch_size=training.batch_size,
        unlabeled_batch=ratio * training.batch_size,
        augmentation=training.weak,
        strong=training.strong,
        alpha=alpha,
        ramp=ramp,
        keep=LAST,
        hold_out=True,
        patience=None,
        averaging=0.999,
    )
    return model


def find_backbone(name: str) -> "SSLBackbone":
    """Find a backbone by its name.

    Raises:
        InputError: there is none of that name.
    """
    # Imported by name: a method over one backbone must not depend on the code of the others, nor on the registry's.
    targets: dict[str, str] = importlib.import_module("respbench.models.registry").BACKBONES
    if name not in targets:
        raise InputError(f"unknown backbone {name!r}; choose from {', '.join(targets)}")
    module, _, symbol = targets[name].partition(":")
    backbone: SSLBackbone = getattr(importlib.import_module(module), symbol)
    return backbone


def space(trial: "optuna.Trial") -> dict[str, Any]:
    """Weight of the unsupervised loss and its schedule; methods with parameters of their own add those."""
    return {
        "alpha": trial.suggest_float("alpha", 0.03, 3.0, log=True),
        "ramp": trial.suggest_categorical("ramp", [0.0, 0.5, 1.0]),
    }
