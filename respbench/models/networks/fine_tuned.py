"""A pretrained encoder of sound with a linear layer, trained further as a whole.

The encoder's weights have a fraction of the new layer's learning rate (Howard & Ruder 2018, arXiv:1801.06146), and the
running statistics of its batch normalization stay what they were: a few thousand clips are little to estimate them
from.
"""

import copy
from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import optuna
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from respbench.corpora.clips import Clips, Signal
from respbench.features.encoders.catalog import card_of
from respbench.features.encoders.checkpoint import SoundNetwork
from respbench.features.encoders.embeddings import loaded
from respbench.features.encoders.inputs import EncoderInput, input_of
from respbench.features.encoders.trainable import sound_network
from respbench.models.networks.backbone import Backbone
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.recipe import LAST, Recipe


class FineTuned(Backbone):
    """An encoder - mean over the windows of a clip - normalization - dropout - dense.

    Args:
        encoder: its network, which is copied.
        outputs: number of logits.
        dropout: rate at the input of the dense layer.
    """

    def __init__(self, encoder: SoundNetwork, outputs: int, dropout: float) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(encoder).requires_grad_(True)
        self.normalize = nn.LayerNorm(encoder.size, elementwise_affine=False)
        self.dense = nn.Sequential(nn.Dropout(dropout), nn.Linear(encoder.size, outputs))

    def encode(self, images: Tensor) -> Tensor:
        """(batch, windows, frames, bands) to (batch, size of an embedding)."""
        windows = self.encoder(images.reshape(-1, 1, *images.shape[2:]))
        features: Tensor = self.normalize(windows.view(*images.shape[:2], -1).mean(1))
        return features

    def classify(self, features: Tensor) -> Tensor:
        """(batch, size of an embedding) to logits (batch, outputs)."""
        logits: Tensor = self.dense(features)
        return logits

    def pretrained(self) -> Iterator[nn.Parameter]:
        """The weights of the encoder."""
        return self.encoder.parameters()

    def train(self, mode: bool = True) -> Self:
        """Switch to training, in which batch normalization still uses its stored statistics."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        return self


class FineTunedModel(NetworkModel):
    """A network whose encoder is loaded when it is fitted.

    Args:
        encoder: its name.
        seconds: of a clip that are used.
        recipe: how it is trained.
        seed: determines the new layer's weights, order of the clips and dropout.
        dropout: rate at the input of the dense layer.
    """

    def __init__(self, encoder: str, seconds: float, recipe: Recipe, seed: int, dropout: float) -> None:
        super().__init__(self._network, _not_loaded, recipe, seed, standardize=False)
        self.encoder, self.seconds, self.dropout = encoder, seconds, dropout

    def fit(self, train_clips: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Load the encoder and train it.

        Raises:
            InputError: the encoder's package or weights are missing, or it is no network.
        """
        self.images = input_of(card_of(self.encoder), self.seconds)
        return super().fit(train_clips, valid, unlabeled)

    def _network(self, size: tuple[int, int, int], outputs: int) -> FineTuned:
        """The encoder, which takes images of any size, with a new layer."""
        assert isinstance(self.images, EncoderInput)
        return FineTuned(sound_network(loaded(self.images.target, self.images.paths)), outputs, self.dropout)


def _not_loaded(signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
    raise ValueError("the encoder is loaded when the model is fitted")


def build(
    *,
    seed: int,
    encoder: str = "crepe",
    seconds: float = 4.0,
    dropout: float = 0.2,
    epochs: int = 6,
    batch_size: int = 16,
    learning_rate: float = 1e-3,
    pretrained_rate: float = 0.1,
    weight_decay: float = 1e-2,
    class_weights: bool = True,
    averaging: float = 0.99,
) -> FineTunedModel:
    """Keywords as those of `FineTunedModel` (``encoder`` to ``dropout``) and `Recipe`."""
    recipe = Recipe(
        epochs,
        batch_size,
        learning_rate,
        weight_decay,
        class_weights,
        keep=LAST,
        one_cycle=True,
        averaging=averaging,
        pretrained_rate=pretrained_rate,
    )
    return FineTunedModel(encoder, seconds, recipe, seed, dropout)


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Learning rates and regularization."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
        "pretrained_rate": trial.suggest_float("pretrained_rate", 0.003, 0.3, log=True),
        "dropout": trial.suggest_float("dropout", 0.0, 0.5),
        "weight_decay": trial.suggest_float("weight_decay", 1e-4, 1e-1, log=True),
    }


def state_of(*, encoder: str, seconds: float, **others: object) -> str:
    """What a fit depends on beside code and parameters: the encoder's weights and the versions of its packages.

    Raises:
        InputError: a package or a file of weights is missing.
    """
    return repr(input_of(card_of(encoder), seconds))
