"""The practical's two-layer convolutional network on a mel-spectrogram of 128 bands x 64 frames.

The defaults add class weights, mel bands standardized on the training clips, and selection of the epoch by balanced
accuracy. The entry `cnn-lecture` has none of these.
"""

from typing import Any

import optuna
import torch
from torch import nn

from respbench.features.augmentation import Augmentation
from respbench.models.networks.backbone import Backbone
from respbench.models.networks.motion import SPECTROGRAMS
from respbench.models.networks.network import NetworkModel, image_extractor
from respbench.models.networks.recipe import Recipe


class TwoLayerCNN(Backbone):
    """conv 16 - pool - conv 32 - pool - dense 128 - dense.

    Args:
        size: (channels, bands, frames) of the images.
        outputs: number of logits.
        dropout: rate at the input of the dense layer.
    """

    def __init__(self, size: tuple[int, int, int], outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.convolutions = convolutions(size[0])
        self.dense = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(32 * (size[1] // 4) * (size[2] // 4), 128),
            nn.ReLU(),
            nn.Linear(128, outputs),
        )

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, channels, bands, frames) to (batch, 128)."""
        maps = self.convolutions(images)  # (batch, 32, bands / 4, frames / 4)
        features: torch.Tensor = self.dense[:-1](maps)
        return features

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, 128) to logits (batch, outputs)."""
        logits: torch.Tensor = self.dense[-1](features)
        return logits


def convolutions(channels: int) -> nn.Sequential:
    """(batch, channels, bands, frames) to (batch, 32, bands / 4, frames / 4)."""
    # The lecture pools after ReLU. The maximum of rectified values is the rectified maximum: this order gives the
    # same with a quarter of the work.
    return nn.Sequential(
        nn.Conv2d(channels, 16, kernel_size=3, padding=1),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(16, 32, kernel_size=3, padding=1),
        nn.MaxPool2d(2),
        nn.ReLU(),
    )


def build(
    *,
    seed: int,
    images: str = "resized",
    n_mels: int = 128,
    n_fft: int = 512,
    hop: int = 64,
    dropout: float = 0.0,
    epochs: int = 16,
    batch_size: int = 16,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    class_weights: bool = True,
    standardise: bool = True,
    patience: int | None = 5,
    keep: str = "balanced_accuracy",
    noise: float = 0.0,
    masked_bands: int = 0,
    masked_frames: int = 0,
) -> NetworkModel:
    """Keywords as those of `image_extractor` (``images`` to ``hop``), `Recipe` (to ``keep``) and `Augmentation`.

    On movements, `models.networks.motion.SPECTROGRAMS` decides on images, augmentation and the epoch kept, whose
    keywords have no effect, and multiplies the learning rate.
    """
    augmentation = Augmentation(noise=noise, masked_bands=masked_bands, masked_frames=masked_frames)
    recipe = Recipe(
        epochs, batch_size, learning_rate, weight_decay, class_weights, patience, keep, augmentation=augmentation
    )
    return NetworkModel(
        lambda size, outputs: TwoLayerCNN(size, outputs, dropout),
        image_extractor(images, n_mels, n_fft, hop),
        recipe,
        seed,
        standardise,
        motion=SPECTROGRAMS,
    )


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Images, augmentation, learning rate and regularization."""
    images = trial.suggest_categorical("images", ["resized", "repeated"])
    n_mels = trial.suggest_categorical("n_mels", [64, 128])
    masked = trial.suggest_float("masked", 0.0, 1.0)
    return {
        "images": images,
        "n_mels": n_mels,
        "n_fft": trial.suggest_categorical("n_fft", [512, 1024]),
        # Eight repeated seconds are 126 frames at this hop, twice those of a resized image, and not eight times.
        "hop": 256 if images == "repeated" else 64,
        "noise": trial.suggest_float("noise", 0.0, 4.0),
        "masked_bands": round(masked * n_mels / 4),
        "masked_frames": round(masked * 16),
        "dropout": trial.suggest_float("dropout", 0.0, 0.6),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 3e-3, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-5, 1e-1, log=True),
    }
