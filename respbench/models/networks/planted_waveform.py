"""The network on waveforms, pretrained on simulated breaths, with planted ranking as an auxiliary loss.

See `models.pretraining.simulated` and `models.networks.planted_ranking`.
"""

from dataclasses import replace
from typing import Any

import optuna

from respbench.models.networks import planted_resnet, resnet_waveform
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.planted_ranking import DeepEnsemble, deep_ensemble
from respbench.models.pretraining.simulated import Simulated


def build(
    *,
    seed: int,
    networks: int = 1,
    simulated_patients: int = 800,
    takes: int = 2,
    ranking: float = 1.0,
    ratio: float = 0.5,
    scale: float = 0.0,
    dropout: float = 0.3,
    epochs: int = 10,
    steps: int = 70,
    batch_size: int = 16,
    learning_rate: float = 3e-3,
    weight_decay: float = 1e-2,
    class_weights: bool = True,
    equaliser: float = 4.0,
    noise: float = 2.0,
    auxiliary: float = 0.5,
    averaging: float = 0.99,
) -> DeepEnsemble:
    """``simulated_patients`` are pretrained on, with five clips each (0 = no pretraining); the rest as in
    `deep_ensemble` (``networks`` to ``ratio``, whose ``weight`` is ``ranking``) and `models.networks.resnet_waveform`.
    """

    def one(own: int) -> NetworkModel:
        model = resnet_waveform.build(
            seed=own,
            scale=scale,
            dropout=dropout,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            class_weights=class_weights,
            equaliser=equaliser,
            noise=noise,
            auxiliary=auxiliary,
            averaging=averaging,
        )
        model.recipe = replace(model.recipe, steps=steps)
        if simulated_patients:
            model.pretraining = Simulated(patients=simulated_patients)
        return model

    return deep_ensemble(one, seed, networks, takes, ranking, ratio)


def space(trial: optuna.Trial) -> dict[str, Any]:
    """That of `models.networks.planted_resnet`."""
    return planted_resnet.space(trial)
