"""The mean of several models of the registry, each fitted by itself on the same patients.

In a run, members are not fitted again: their stored predictions of the same fold are combined.

Averaging reduces errors that differ between models (Dietterich 2000, doi:10.1007/3-540-45014-9_1).
"""

import importlib
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.models.spec import Model, ModelSpec, Parameters


class Ensemble:
    """Several models, fitted separately, with averaged predictions.

    Args:
        models: unfitted.
        weights: of their probabilities; None = equal.
    """

    def __init__(self, models: Sequence[Model], weights: Sequence[float] | None) -> None:
        self.models = models
        self.weights = weights

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Fit each model separately."""
        for model in self.models:
            model.fit(train, valid, unlabeled)
        return self

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes)."""
        return combine([model.predict_proba(clips) for model in self.models], self.weights)

    @property
    def n_parameters(self) -> int:
        """Of all models together."""
        return sum(model.n_parameters for model in self.models)


def combine(probabilities: Sequence[NDArray[np.float64]], weights: Sequence[float] | None) -> NDArray[np.float64]:
    """The weighted mean of several models' probabilities, each (clips, classes); ``weights`` None = equal."""
    return np.asarray(np.average(probabilities, axis=0, weights=weights), dtype=np.float64)


def parts(parameters: Parameters) -> list[ModelSpec]:
    """The entries that are averaged; their identities are part of the ensemble's.

    Raises:
        InputError: an unknown name, fewer than two, an ensemble among them, or not one positive weight each.
    """
    # Imported by name: otherwise every new line of the registry would change the identity of ensembles.
    registry: dict[str, ModelSpec] = importlib.import_module("respbench.models.registry").REGISTRY
    members = tuple(parameters["members"])
    unknown = [name for name in members if name not in registry or registry[name].target.startswith(f"{__name__}:")]
    if unknown or len(set(members)) < max(2, len(members)):
        raise InputError(f"an ensemble needs two or more different models of the registry; got {', '.join(members)}")
    weights = parameters["weights"]
    if weights is not None and (len(weights) != len(members) or min(weights) <= 0):
        raise InputError(f"an ensemble of {len(members)} members needs as many weights above 0; got {weights}")
    return [registry[name] for name in members]


def build(
    *,
    seed: int,
    members: tuple[str, ...] = ("svm-adventitious", "xgboost-adventitious", "resnet-maps"),
    weights: tuple[float, ...] | None = None,
) -> Ensemble:
    """See `Ensemble`; each member has its own default parameters.

    Raises:
        InputError: see `parts`.
    """
    members_of = parts({"members": members, "weights": weights})
    return Ensemble([spec.build(seed) for spec in members_of], weights)
