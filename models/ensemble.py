"""The mean of several models of the registry, each fitted by itself on the same patients.

A run fits none of them twice: it combines the predictions that the members have stored for the same fold.

Models that err differently err less together (Dietterich 2000, doi:10.1007/3-540-45014-9_1). Log-odds are averaged, not
probabilities, so that a model that is always sure of itself does not outvote one that hesitates.
"""

import importlib
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from corpora.clips import Clips
from corpora.problems import InputError
from models.spec import Model, ModelSpec, Parameters

SUREST = 1e-6
"""Probabilities are kept this far from 0 and 1 before their logarithm is taken."""


class Ensemble:
    """Several models, their say the same.

    Args:
        models: unfitted.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = models

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Fit each model by itself."""
        for model in self.models:
            model.fit(train, valid, unlabeled)
        return self

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes)."""
        return combine([model.predict_proba(clips) for model in self.models])

    @property
    def n_parameters(self) -> int:
        """Of all models together."""
        return sum(model.n_parameters for model in self.models)


def combine(probabilities: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The normalised geometric mean of several models' probabilities, each (clips, classes)."""
    logarithms = [np.log(np.maximum(p, SUREST)) for p in probabilities]
    return np.asarray(softmax(np.mean(logarithms, axis=0), axis=1), dtype=np.float64)


def parts(parameters: Parameters) -> list[ModelSpec]:
    """The entries that are averaged: what they are made of belongs to the ensemble's fingerprint.

    Raises:
        InputError: an unknown name, fewer than two, or an ensemble among them.
    """
    # By name, since an import would make every new line of the registry part of this file's own fingerprint.
    registry: dict[str, ModelSpec] = importlib.import_module("models.registry").REGISTRY
    members = tuple(parameters["members"])
    unknown = [name for name in members if name not in registry or registry[name].target.startswith(f"{__name__}:")]
    if unknown or len(set(members)) < max(2, len(members)):
        raise InputError(f"an ensemble needs two or more different models of the registry; got {', '.join(members)}")
    return [registry[name] for name in members]


def build(
    *,
    seed: int,
    members: tuple[str, ...] = ("svm-adventitious", "xgboost-adventitious", "resnet-maps"),
) -> Ensemble:
    """See `Ensemble`; each member has its own default parameters."""
    return Ensemble([spec.build(seed) for spec in parts({"members": members})])
