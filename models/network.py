"""From clips to a trained network and back to probabilities: what all networks share."""

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
from features.maps import CHANNELS, SoundMaps
from models.losses import SOUNDS, Targets
from models.training import LAST, Curve, Examples, Recipe, predict, train

Architecture = Callable[[tuple[int, int, int], int], nn.Module]
"""Makes a network for images of (channels, bands, frames) and a number of outputs."""


class Standardise(nn.Module):
    """Subtracts the mean and divides by the deviation of each band of each channel, both of the training clips.

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


class NetworkModel:
    """A network over images of clips, trained by `models.training.train`.

    Args:
        architecture: makes the network.
        images: makes the images.
        recipe: how it is trained.
        seed: decides the initial weights, the order of the clips and the dropout.
        standardise: whether bands are standardised on the training clips.
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
        """Train on ``train`` and keep the best epoch on ``valid``; with a fixed schedule, train on both."""
        self.classes = len(train_clips.classes)
        examples = self._examples(train_clips)
        held_out: Examples | None = self._examples(valid)
        if self.recipe.keep == LAST:
            examples, held_out = _joined(examples, self._examples(valid)), None
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            outputs = self.classes + (SOUNDS if self.recipe.auxiliary else 0)
            network = self.architecture(examples.images.shape[1:], outputs)
        self.network = nn.Sequential(Standardise(examples.images), network) if self.standardise else network
        self.curve = train(self.network, self.recipe, self.seed, examples, held_out, self.classes)
        return self

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes)."""
        return predict(self.network, np.asarray(cached(self.images, clips)), self.classes)

    def _examples(self, clips: Clips) -> Examples:
        return Examples(np.asarray(cached(self.images, clips)), Targets.of(clips.label, clips.sound))

    @property
    def n_parameters(self) -> int:
        """Trained weights."""
        return sum(weights.numel() for weights in self.network.parameters())


def _joined(one: Examples, other: Examples) -> Examples:
    targets = Targets(*(torch.cat([getattr(e.targets, name) for e in (one, other)]) for name in ("label", "sounds")))
    return Examples(np.concatenate([one.images, other.images]), targets)


def image(kind: str, n_mels: int, n_fft: int, hop: int, channels: tuple[str, ...] = CHANNELS) -> Extractor:
    """What a network looks at: log-mel ``resized`` to 64 frames or ``repeated`` to a fixed time, or ``maps``.

    Args:
        kind: one of these three.
        n_mels: mel bands.
        n_fft: samples a frame.
        hop: samples from one frame to the next.
        channels: of the maps.

    Raises:
        InputError: unknown kind.
    """
    if kind == "resized":
        return ResizedMel(n_mels=n_mels, n_fft=n_fft, hop=hop)
    if kind == "repeated":
        return RepeatedMel(n_mels=n_mels, n_fft=n_fft, hop=hop)
    if kind == "maps":  # their windows are part of what they are
        return SoundMaps(channels=channels)
    raise InputError(f"unknown image {kind!r}; choose resized, repeated or maps")
