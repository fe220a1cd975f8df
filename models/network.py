"""From clips to a trained network and back to probabilities: what `cnn` and `cnn-gru` share."""

from collections.abc import Callable
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from corpora.clips import Clips
from corpora.problems import InputError
from features.cache import Extractor, cached
from features.images import RepeatedMel, ResizedMel
from models.training import Curve, Recipe, predict, train

Architecture = Callable[[tuple[int, int], int], nn.Module]
"""Makes a network for images of (mels, frames) and a number of classes."""


class Standardise(nn.Module):
    """Subtracts the mean and divides by the deviation of each mel band, both of the training clips.

    Args:
        images: the training clips, (clips, 1, mels, frames).
    """

    def __init__(self, images: NDArray[np.float32]) -> None:
        super().__init__()
        mean = images.mean(axis=(0, 1, 3), dtype=np.float64)[None, None, :, None]
        deviation = images.std(axis=(0, 1, 3), dtype=np.float64)[None, None, :, None]
        self.mean: torch.Tensor
        self.deviation: torch.Tensor
        self.register_buffer("mean", torch.from_numpy(mean).float())
        self.register_buffer("deviation", torch.from_numpy(np.maximum(deviation, 1e-6)).float())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(batch, 1, mels, frames) to the same shape."""
        return (images - self.mean) / self.deviation


class NetworkModel:
    """A network over images of clips, trained by `models.training.train`.

    Args:
        architecture: makes the network.
        images: makes the images.
        recipe: how it is trained.
        seed: decides the initial weights, the order of the clips and the dropout.
        standardise: whether mel bands are standardised on the training clips.
    """

    def __init__(
        self, architecture: Architecture, images: Extractor, recipe: Recipe, seed: int, standardise: bool = True
    ) -> None:
        self.architecture = architecture
        self.images = images
        self.recipe = recipe
        self.seed = seed
        self.standardise = standardise
        self.curve: Curve = []

    def fit(self, train_clips: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Train on ``train``; keep the best epoch on ``valid``."""
        x = np.asarray(cached(self.images, train_clips))
        classes = len(train_clips.classes)
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            network = self.architecture((x.shape[2], x.shape[3]), classes)
        self.network = nn.Sequential(Standardise(x), network) if self.standardise else network
        held_out = np.asarray(cached(self.images, valid)), valid.label
        self.curve = train(self.network, self.recipe, self.seed, (x, train_clips.label), held_out, classes)
        return self

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes)."""
        return predict(self.network, np.asarray(cached(self.images, clips)))

    @property
    def n_parameters(self) -> int:
        """Trained weights."""
        return sum(weights.numel() for weights in self.network.parameters())


def image(kind: str, n_mels: int, n_fft: int, hop: int) -> Extractor:
    """The image a network looks at: ``resized`` to 64 frames, or ``repeated`` to a fixed time.

    Raises:
        InputError: unknown kind.
    """
    if kind == "resized":
        return ResizedMel(n_mels=n_mels, n_fft=n_fft, hop=hop)
    if kind == "repeated":
        return RepeatedMel(n_mels=n_mels, n_fft=n_fft, hop=hop)
    raise InputError(f"unknown image {kind!r}; choose resized or repeated")
