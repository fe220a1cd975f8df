"""A small multilayer perceptron on handcrafted columns: a second a fit, where a network on images takes a minute.

Rumelhart, Hinton & Williams 1986, doi:10.1038/323533a0; dropout: Srivastava et al. 2014, JMLR 15:1929.
"""

from collections.abc import Sequence
from typing import Any

import optuna
import torch
from torch import nn

from features.columns import Columns
from models.networks.backbone import Backbone
from models.networks.network import NetworkModel
from models.networks.recipe import LAST, Recipe


class MLP(Backbone):
    """cut-off - weights - dropout - dense - ReLU - dropout - dense.

    Args:
        families: how many columns each family has; standardised they come in, and each family is given the same say,
            the last one, the spectrum, twice as much (the weights of `models.svm_adventitious`).
        outputs: number of logits.
        hidden: units.
        limit: deviations from the mean at which a column is cut off: one wild number must not decide.
        input_dropout: share of the columns that is dropped in training.
        dropout: share of the hidden units that is dropped in training.
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
        say = torch.ones(len(families)) / (len(families) + 1)
        say[-1] *= 2
        self.say: torch.Tensor
        self.register_buffer("say", (say * columns.sum() / columns).sqrt().repeat_interleave(columns))
        self.cut = nn.Sequential(nn.Flatten(), nn.Hardtanh(-limit, limit))
        self.hidden = nn.Sequential(nn.Dropout(input_dropout), nn.Linear(len(self.say), hidden), nn.ReLU())
        self.dense = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, outputs))

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, 1, columns, 1) to (batch, hidden)."""
        features: torch.Tensor = self.hidden(self.cut(images) * self.say)
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
    """How large it is, how fast it learns and how it is held back."""
    return {
        "hidden": trial.suggest_categorical("hidden", [32, 64, 128, 256]),
        "limit": trial.suggest_float("limit", 1.0, 5.0),
        "input_dropout": trial.suggest_float("input_dropout", 0.0, 0.5),
        "dropout": trial.suggest_float("dropout", 0.0, 0.7),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-4, 1.0, log=True),
    }
