"""The parts of every network: a standardization and a backbone, whose features are accessible."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


class Backbone(nn.Module):
    """A network whose last layer is linear in its features, up to dropout."""

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, channels, bands, frames) to features (batch, d)."""
        raise NotImplementedError

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Features (batch, d) to outputs (batch, outputs)."""
        raise NotImplementedError

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, channels, bands, frames) to outputs (batch, outputs)."""
        return self.classify(self.encode(images))

    def pretrained(self) -> Iterator[nn.Parameter]:
        """Weights that come from elsewhere, trained at `Recipe.pretrained_rate`; of most networks, none."""
        return iter(())


class Standardize(nn.Module):
    """Subtracts the mean and divides by the standard deviation of each band of each channel of the training clips.

    Args:
        images: the training clips, (clips, channels, bands, frames).
    """

    def __init__(self, images: NDArray[np.float32]) -> None:
        super().__init__()
        mean = images.mean(axis=(0, 3), dtype=np.float64)[None, :, :, None]
        deviation = images.std(axis=(0, 3), dtype=np.float64)[None, :, :, None]
        self.mean: torch.Tensor
        self.deviation: torch.Tensor
        self.register_buffer("mean", torch.from_numpy(mean).float())
        self.register_buffer("deviation", torch.from_numpy(np.maximum(deviation, 1e-6)).float())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, channels, bands, frames) to the same shape."""
        return (images - self.mean) / self.deviation


class StandardizedNetwork(nn.Module):
    """A backbone behind a standardization.

    Args:
        standardize: keeps the shape of images.
        backbone: applied to the standardized images.
    """

    def __init__(self, standardize: nn.Module, backbone: Backbone) -> None:
        super().__init__()
        self.standardize = standardize
        self.backbone = backbone

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, channels, bands, frames) to outputs (batch, outputs)."""
        outputs: torch.Tensor = self.backbone(self.standardize(images))
        return outputs
