"""A small multilayer perceptron on handcrafted columns: one second per fit; a network on images takes a minute.

Rumelhart, Hinton & Williams 1986, doi:10.1038/323533a0; dropout: Srivastava et al. 2014, JMLR 15:1929.
"""

from collections.abc import Sequence
from typing import Any

import optuna
import torch
from torch import nn

from respbench.features.columns import Columns
from respbench.models.networks.backbone import Backbone
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.recipe import LAST, Recipe


class MLP(Backbone):
    """clip - weight families - dropout - dense - ReLU - dropout - dense.

    Args:
        families: number of standardized columns of each family. Families have equal total weight, the last one, the
            spectrum, twice as much (as in `models.svm_adventitious`).
        outputs: number of logits.
        hidden: units.
        limit: standard deviations at which columns are clipped, against outliers.
        input_dropout: rate at the columns.
        dropout: rate at the hidden units.
    """

    def __init__(
        self,
        families: Sequence[int],
        outputs: int,
        hidden: int,
        limit: float,
        input_dropout: float,
        dropout: float,
    ) -> None:
        super().__init__()
        columns = torch.tensor(families)
        weight = torch.ones(len(families)) / (len(families) + 1)
        weight[-1] *= 2
        self.weight: torch.Tensor
        self.register_buffer("weight", (weight * columns.sum() / columns).sqrt().repeat_interleave(columns))
        self.clip = nn.Sequential(nn.Flatten(), nn.Hardtanh(-limit, limit))
        self.hidden = nn.Sequential(nn.Dropout(input_dropout), nn.Linear(len(self.weight), hidden), nn.ReLU())
        self.dense = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, outputs))

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, 1, columns, 1) to (batch, hidden)."""
        features: torch.Tensor = self.hidden(self.clip(images) * self.weight)
        return features

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, hidden) to logits (batch, outputs)."""
        logits: torch.Tensor = self.dense(features)
        return logits


def build(
    *,
    seed: int,
    hidden: int = 128,
    limit: float = 2.0,
    input_dropout: float = 0.2,
    dropout: float = 0.5,
    epochs: int = 12,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    weight_decay: float = 1e-2,
    class_weights: bool = True,
    averaging: float = 0.999,
) -> NetworkModel:
    """See `MLP` for ``hidden`` to ``dropout``, and `Recipe` for the rest."""
    recipe = Recipe(epochs, batch_size, learning_rate, weight_decay, class_weights, None, LAST, averaging=averaging)
    columns = Columns()
    families = columns.families
    return NetworkModel(
        lambda size, outputs: MLP(families, outputs, hidden, limit, input_dropout, dropout), columns, recipe, seed
    )


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Size, learning rate and regularization."""
    return {
        "hidden": trial.suggest_categorical("hidden", [32, 64, 128, 256]),
        "limit": trial.suggest_float("limit", 1.0, 5.0),
        "input_dropout": trial.suggest_float("input_dropout", 0.0, 0.5),
        "dropout": trial.suggest_float("dropout", 0.0, 0.7),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-4, 1.0, log=True),
    }
