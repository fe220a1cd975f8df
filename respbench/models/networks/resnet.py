"""A small residual network, on maps of adventitious sounds or on any other image of a breath.

Residual blocks: He et al. 2016, doi:10.1109/CVPR.2016.90. Mean and maximum are pooled over all bands and frames: a
wheeze lasts, a crackle is short, and neither has a fixed position. So the network can be trained on crops and applied
to whole clips.
"""

from typing import Any

import optuna
import torch
from torch import nn

from respbench.features.augmentation import Augmentation
from respbench.features.maps import CHANNELS
from respbench.models.networks.backbone import Backbone
from respbench.models.networks.network import NetworkModel, image_extractor
from respbench.models.networks.recipe import LAST, Recipe


class Residual(nn.Module):
    """Two convolutions with a skip connection.

    Args:
        channels: of the input.
        width: channels of the output.
        stride: 2 halves bands and frames.
    """

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *_convolution(channels, width, stride),
            nn.ReLU(),
            *_convolution(width, width, 1),
        )
        unchanged = channels == width and stride == 1
        self.shortcut = nn.Identity() if unchanged else nn.Sequential(*_convolution(channels, width, stride, kernel=1))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(batch, channels, bands, frames) to (batch, width, bands / stride, frames / stride)."""
        return torch.relu(self.residual(maps) + self.shortcut(maps))


class ResNet(Backbone):
    """convolution, halved - three residual blocks of 16, 32 and 64 channels - mean and maximum - dense.

    Args:
        channels: of the images.
        outputs: number of logits.
        dropout: rate at the input of the dense layer.
    """

    def __init__(self, channels: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *_convolution(channels, 16, 2), nn.ReLU(), Residual(16, 16, 1), Residual(16, 32, 2), Residual(32, 64, 2)
        )
        self.dense = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * 64, outputs))

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, channels, bands, frames) to (batch, 2 * 64)."""
        maps = self.blocks(images)  # (batch, 64, bands / 8, frames / 8)
        return torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, 2 * 64) to logits (batch, outputs)."""
        logits: torch.Tensor = self.dense(features)
        return logits


def _convolution(channels: int, width: int, stride: int, kernel: int = 3) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    return nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False), nn.BatchNorm2d(width)


def build(
    *,
    seed: int,
    images: str = "maps",
    channels: tuple[str, ...] = CHANNELS,
    n_mels: int = 32,
    n_fft: int = 256,
    hop: int = 128,
    dropout: float = 0.3,
    epochs: int = 30,
    batch_size: int = 16,
    learning_rate: float = 3e-3,
    weight_decay: float = 1e-2,
    class_weights: bool = True,
    patience: int | None = None,
    keep: str = LAST,
    one_cycle: bool = True,
    crop: int | None = 96,
    equaliser: float = 4.0,
    noise: float = 2.0,
    masked_bands: int = 6,
    masked_frames: int = 12,
    mixup: float = 0.0,
    auxiliary: float = 0.5,
    averaging: float = 0.99,
) -> NetworkModel:
    """Keywords as those of `image_extractor` (``images`` to ``hop``), `Augmentation` (from ``crop``) and `Recipe`."""
    recipe = Recipe(
        epochs,
        batch_size,
        learning_rate,
        weight_decay,
        class_weights,
        patience,
        keep,
        one_cycle,
        Augmentation(crop, equaliser, noise, masked_bands, masked_frames),
        mixup,
        auxiliary,
        averaging,
    )
    return NetworkModel(
        lambda size, outputs: ResNet(size[0], outputs, dropout),
        image_extractor(images, n_mels, n_fft, hop, channels),
        recipe,
        seed,
    )


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Learning rate, regularization, augmentation, and the weight of the auxiliary outputs."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 5e-4, 1e-2, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-4, 1e-1, log=True),
        "dropout": trial.suggest_float("dropout", 0.0, 0.6),
        "mixup": trial.suggest_float("mixup", 0.0, 1.0),
        "auxiliary": trial.suggest_float("auxiliary", 0.0, 2.0),
        "equaliser": trial.suggest_float("equaliser", 0.0, 8.0),
        "noise": trial.suggest_float("noise", 0.0, 4.0),
    }
