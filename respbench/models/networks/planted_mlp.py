"""The perceptron on handcrafted columns with planted ranking, see `models.networks.planted_ranking`."""

from dataclasses import replace
from typing import Any

import optuna

from respbench.models.networks import mlp
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.planted_ranking import DeepEnsemble, deep_ensemble


def build(
    *,
    seed: int,
    networks: int = 5,
    takes: int = 2,
    ranking: float = 1.0,
    ratio: float = 1.0,
    hidden: int = 128,
    limit: float = 2.0,
    input_dropout: float = 0.2,
    dropout: float = 0.5,
    epochs: int = 15,
    steps: int = 40,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    weight_decay: float = 1e-2,
    class_weights: bool = True,
    auxiliary: float = 0.5,
    averaging: float = 0.999,
) -> DeepEnsemble:
    """See `deep_ensemble` (``networks`` to ``ratio``, whose ``weight`` is ``ranking``), `mlp.MLP` (``hidden`` to
    ``dropout``), and `models.networks.recipe.Recipe`.
    """

    def one(own: int) -> NetworkModel:
        model = mlp.build(
            seed=own,
            hidden=hidden,
            limit=limit,
            input_dropout=input_dropout,
            dropout=dropout,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            class_weights=class_weights,
            averaging=averaging,
        )
        model.recipe = replace(model.recipe, steps=steps, auxiliary=auxiliary)
        return model

    return deep_ensemble(one, seed, networks, takes, ranking, ratio)


def space(trial: optuna.Trial) -> dict[str, Any]:
    """That of the perceptron, and the weights of the two auxiliary losses."""
    return {
        **mlp.space(trial),
        "ranking": trial.suggest_float("ranking", 0.1, 3.0, log=True),
        "auxiliary": trial.suggest_float("auxiliary", 0.0, 2.0),
    }
