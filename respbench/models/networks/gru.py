"""A gated recurrent unit (Cho et al. 2014, doi:10.3115/v1/D14-1179) on the raw series, after strided convolutions.

The convolutions leave at most 128 steps: 16 s of movements at 8 Hz, 4 s of a waveform in steps of 64 ms. Step by step
at the sensor's rate, training would take four times as long.
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
from respbench.models.networks.series import Shorten

__all__ = ["build", "space"]


class GRU(Backbone):
    """shorten - GRU over time - mean over time - dense.

    Args:
        size: (channels, 1, samples) of the series.
        outputs: number of logits.
        hidden: units of the GRU.
        dropout: rate at the input of the dense layer.
    """

    def __init__(self, size: tuple[int, int, int], outputs: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.shorten = Shorten(size[0], size[2], most=128)
        self.gru = nn.GRU(self.shorten.channels, hidden, batch_first=True)
        self.dense = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, outputs))

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, channels, 1, samples) to (batch, hidden)."""
        states, _ = self.gru(self.shorten(images)[:, :, 0].transpose(1, 2))  # (batch, steps, hidden)
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
    """Keywords as those of `models.networks.cnn_1d.build`."""
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
        lambda size, outputs: GRU(size, outputs, hidden, dropout),
        RepeatedSeries(seconds),
        recipe,
        seed,
        motion=SERIES,
    )
