"""The practical's convolutions, followed by a gated recurrent unit over time.

GRU: Cho et al. 2014, doi:10.3115/v1/D14-1179. Convolutional-recurrent networks for sound: Cakir et al. 2017,
doi:10.1109/TASLP.2017.2690575.
"""

import torch
from torch import nn

from respbench.features.augmentation import Augmentation
from respbench.models.networks.backbone import Backbone
from respbench.models.networks.cnn import convolutions, space
from respbench.models.networks.motion import SPECTROGRAMS
from respbench.models.networks.network import NetworkModel, image_extractor
from respbench.models.networks.recipe import Recipe

__all__ = ["build", "space"]


class CNNGRU(Backbone):
    """conv 16 - pool - conv 32 - pool - GRU over time - dense.

    Args:
        size: (channels, bands, frames) of the images.
        outputs: number of logits.
        hidden: units of the GRU.
        dropout: rate at the GRU's last state.
    """

    def __init__(self, size: tuple[int, int, int], outputs: int, hidden: int = 64, dropout: float = 0.0) -> None:
        super().__init__()
        self.convolutions = convolutions(size[0])
        self.gru = nn.GRU(32 * (size[1] // 4), hidden, batch_first=True)
        self.dense = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, outputs))

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, channels, bands, frames) to (batch, hidden)."""
        maps = self.convolutions(images)  # (batch, 32, bands / 4, frames / 4)
        sequence = maps.flatten(1, 2).transpose(1, 2)  # (batch, frames / 4, 32 * bands / 4)
        _, last = self.gru(sequence)  # (1, batch, hidden)
        features: torch.Tensor = last[0]
        return features

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, hidden) to logits (batch, outputs)."""
        logits: torch.Tensor = self.dense(features)
        return logits


def build(
    *,
    seed: int,
    images: str = "resized",
    n_mels: int = 128,
    n_fft: int = 512,
    hop: int = 64,
    hidden: int = 64,
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
        lambda size, outputs: CNNGRU(size, outputs, hidden, dropout),
        image_extractor(images, n_mels, n_fft, hop),
        recipe,
        seed,
        standardise,
        motion=SPECTROGRAMS,
    )
