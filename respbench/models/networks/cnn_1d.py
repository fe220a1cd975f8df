"""A convolutional network on the raw series: movements as measured, or the waveform of a sound.

Fully convolutional with pooling over all time at the end: Wang, Yan & Oates 2017 (doi:10.1109/IJCNN.2017.7966039). Not
adopted: their kernels of 8, 5 and 3 samples and 128 to 256 channels; here all kernels have 5 samples, there are 32 to
128 channels, layers are pooled in between, and the maximum over time is read beside the mean.
"""

from typing import Any

import optuna
import torch
from torch import nn

from respbench.features.series import RepeatedSeries
from respbench.features.series_augmentation import SeriesAugmentation
from respbench.models.networks.backbone import Backbone
from respbench.models.networks.motion import SERIES
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.recipe import LAST, Recipe
from respbench.models.networks.series import Shorten, convolution

WIDTHS = (32, 64, 128)


class CNN1D(Backbone):
    """shorten - (convolution - pool) of 32, 64 and 128 channels - mean and maximum over time - dense.

    Args:
        size: (channels, 1, samples) of the series.
        outputs: number of logits.
        dropout: rate at the input of the dense layer.
    """

    def __init__(self, size: tuple[int, int, int], outputs: int, dropout: float) -> None:
        super().__init__()
        shorten = Shorten(size[0], size[2], most=512)
        layers: list[nn.Module] = [shorten]
        channels = shorten.channels
        for width in WIDTHS:
            layers += [convolution(channels, width, kernel=5), nn.MaxPool2d((1, 2), ceil_mode=True)]
            channels = width
        self.convolutions = nn.Sequential(*layers)
        self.dense = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * channels, outputs))

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, channels, 1, samples) to (batch, 2 * 128)."""
        maps = self.convolutions(images)  # (batch, 128, 1, steps)
        return torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, 2 * 128) to logits (batch, outputs)."""
        logits: torch.Tensor = self.dense(features)
        return logits


def build(
    *,
    seed: int,
    seconds: float = 4.0,
    dropout: float = 0.3,
    epochs: int = 20,
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
    """``seconds`` of a sound are used, of movements see `models.networks.motion`; ``rotation`` to ``warp`` as in
    `SeriesAugmentation`, the rest as in `Recipe`.
    """
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
        lambda size, outputs: CNN1D(size, outputs, dropout),
        RepeatedSeries(seconds),
        recipe,
        seed,
        motion=SERIES,
    )


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Learning rate, regularization and augmentation."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 5e-4, 1e-2, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-4, 1e-1, log=True),
        "dropout": trial.suggest_float("dropout", 0.0, 0.6),
        "rotation": trial.suggest_float("rotation", 0.0, 45.0),
        "scaling": trial.suggest_float("scaling", 0.0, 0.4),
        "warp": trial.suggest_float("warp", 0.0, 0.6),
    }
