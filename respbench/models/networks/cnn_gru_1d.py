"""Convolutions on the raw series, read by a gated recurrent unit: the DeepConvLSTM way.

Ordóñez & Roggen 2016 (doi:10.3390/s16010115): four convolutions of 64 filters of 5 samples, then two recurrent layers
of 128 units. Not adopted: LSTM (here one GRU of 64 units, Cho et al. 2014), prediction from the last step alone (here
from the mean over time), and no pooling (here three of the convolutions are pooled, since clips last up to 16 s and not
half a second).
"""

import torch
from torch import nn

from respbench.features.series import RepeatedSeries
from respbench.features.series_augmentation import SeriesAugmentation
from respbench.models.networks.backbone import Backbone
from respbench.models.networks.cnn_1d import space
from respbench.models.networks.motion import SERIES
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.recipe import LAST, Recipe
from respbench.models.networks.series import Shorten, convolution

__all__ = ["build", "space"]


class CNNGRU1D(Backbone):
    """shorten - four convolutions, the first three pooled - GRU over time - mean over time - dense.

    Args:
        size: (channels, 1, samples) of the series.
        outputs: number of logits.
        width: channels of the convolutions.
        hidden: units of the GRU.
        dropout: rate at the input of the dense layer.
    """

    def __init__(self, size: tuple[int, int, int], outputs: int, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        shorten = Shorten(size[0], size[2], most=512)
        self.convolutions = nn.Sequential(
            shorten,
            convolution(shorten.channels, width, kernel=5),
            nn.MaxPool2d((1, 2), ceil_mode=True),
            convolution(width, width, kernel=5),
            nn.MaxPool2d((1, 2), ceil_mode=True),
            convolution(width, width, kernel=5),
            nn.MaxPool2d((1, 2), ceil_mode=True),
            convolution(width, width, kernel=5),
        )
        self.gru = nn.GRU(width, hidden, batch_first=True)
        self.dense = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, outputs))

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, channels, 1, samples) to (batch, hidden)."""
        states, _ = self.gru(self.convolutions(images)[:, :, 0].transpose(1, 2))  # (batch, steps, hidden)
        features: torch.Tensor = states.mean(1)
        return features

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, hidden) to logits (batch, outputs)."""
        logits: torch.Tensor = self.dense(features)
        return logits


def build(
    *,
    seed: int,
    seconds: float = 4.0,
    width: int = 64,
    hidden: int = 64,
    dropout: float = 0.3,
    epochs: int = 30,
    batch_size: int = 16,
    learning_rate: float = 3e-3,
    weight_decay: float = 1e-2,
    class_weights: bool = True,
    patience: int | None = None,
    keep: str = LAST,
    one_cycle: bool = True,
    rotation: float = 15.0,
    scaling: float = 0.1,
    warp: float = 0.2,
    averaging: float = 0.99,
) -> NetworkModel:
    """``width`` and ``hidden`` as in `CNNGRU1D`; other keywords as those of `models.networks.cnn_1d.build`."""
    recipe = Recipe(
        epochs,
        batch_size,
        learning_rate,
        weight_decay,
        class_weights,
        patience,
        keep,
        one_cycle,
        SeriesAugmentation(rotation, scaling, warp),
        averaging=averaging,
    )
    return NetworkModel(
        lambda size, outputs: CNNGRU1D(size, outputs, width, hidden, dropout),
        RepeatedSeries(seconds),
        recipe,
        seed,
        motion=SERIES,
    )
