"""What a network is given of movements: their series, augmented as series, or spectrograms computed from these.

A clip is repeated to one duration, as for sound. A spectrogram is computed by the network itself, behind the
augmentation: a turned sensor mixes its axes, which can't be seen in a spectrogram per axis.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from respbench.corpora.clips import Clips
from respbench.features.series import RepeatedSeries
from respbench.features.series_augmentation import SeriesAugmentation
from respbench.models.networks.backbone import Standardize
from respbench.models.networks.recipe import LAST, Augment, Recipe

LONGEST = 16.0
"""s of a clip that a network is given: longer than 7 of 10 trials of HMP, which last 13 s in the median."""

SHORTEST = 2.0
"""s to which shorter clips are repeated: one frame of a spectrogram."""

FrontEnd = Callable[[NDArray[np.float32], int], nn.Module]
"""Builds what is applied before the backbone from the series of the training clips and their rate in Hz."""


@dataclass(frozen=True, kw_only=True)
class MotionInput:
    """How a network takes movements.

    Attributes:
        front_end: fitted on training clips.
        weak: augmentation of labeled clips, and of the weaker of two views; None = that of the recipe.
        strong: augmentation of the stronger view; None = that of the recipe.
        supervised: fields of the recipe that differ from those for sounds, unless a semi-supervised method or its
            baseline has set them.
        rate_factor: of the learning rate, likewise.
    """

    front_end: FrontEnd
    weak: Augment | None = None
    strong: Augment | None = None
    supervised: Mapping[str, Any] = field(default_factory=dict)
    rate_factor: float = 1.0

    def recipe(self, of_sounds: Recipe) -> Recipe:
        """How a network is trained on movements, from how it is trained on sounds."""
        weak, strong = self.weak or of_sounds.augmentation, self.strong or of_sounds.strong
        recipe = replace(of_sounds, augmentation=weak, strong=strong)
        if of_sounds.steps is not None:
            return recipe
        return replace(recipe, learning_rate=self.rate_factor * of_sounds.learning_rate, **self.supervised)


def series_of(train: Clips) -> RepeatedSeries:
    """The extractor for these training clips: as long as the longest, within limits."""
    return RepeatedSeries(float(min(LONGEST, max(SHORTEST, train.seconds.max()))))


class Spectrogram(nn.Module):
    """Power of short-time spectra of each channel, in dB; in the band at 0 Hz the mean, whose sign power lacks.

    The mean of an accelerometer is gravity: it shows how the limb is turned.

    Frames of 2 s resolve 0.5 Hz; steps have 1 to 3 Hz and their harmonics. Bands end at 16 Hz, half the rate of HMP,
    so that all corpora of 32 Hz and more have the same ones; at a lower rate they end at half of it.

    Args:
        rate: sampling rate in Hz.
        seconds: of a frame.
        hop: s from one frame to the next.
        highest: frequency of the last band in Hz.
        floor: power that counts as rest; of series in standard deviations, 1 is above the rounding of 6 bits.
    """

    def __init__(
        self, rate: int, seconds: float = 2.0, hop: float = 0.25, highest: float = 16.0, floor: float = 1.0
    ) -> None:
        super().__init__()
        self.n_fft, self.hop = 2 * round(seconds * rate / 2), max(1, round(hop * rate))
        self.bands = min(1 + round(highest * self.n_fft / rate), self.n_fft // 2 + 1)
        self.floor = floor
        self.window: torch.Tensor
        self.register_buffer("window", torch.hann_window(self.n_fft))

    def forward(self, series: torch.Tensor) -> torch.Tensor:
        """(batch, channels, 1, samples) to (batch, channels, bands, frames)."""
        clips, channels, _, samples = series.shape
        spectra = torch.stft(
            series.reshape(clips * channels, samples), self.n_fft, self.hop, window=self.window, return_complex=True
        )
        power = torch.view_as_real(spectra[:, 1 : self.bands]).square().sum(-1)
        mean = spectra[:, :1].real / self.window.sum()
        images = torch.cat([mean, 10 * torch.log10(power + self.floor)], dim=1)
        return images.view(clips, channels, self.bands, -1)


def raw(series: NDArray[np.float32], rate: int) -> nn.Module:
    """The front end of a network on raw series: each channel standardized."""
    return Standardize(series)


def spectrograms(series: NDArray[np.float32], rate: int) -> nn.Module:
    """The front end of a network on images: channels standardized, spectrograms, bands of each standardized."""
    front = nn.Sequential(Standardize(series), Spectrogram(rate))
    with torch.no_grad():
        images = torch.cat([front(part) for part in torch.from_numpy(series).split(64)])
    return front.append(Standardize(images.numpy()))


SERIES = MotionInput(front_end=raw)
"""Of networks on raw series, whose augmentations fit movements."""

SPECTROGRAMS = MotionInput(
    front_end=spectrograms,
    weak=SeriesAugmentation(rotation=15.0, scaling=0.1, warp=0.2),
    strong=SeriesAugmentation(rotation=30.0, scaling=0.2, warp=0.4),
    supervised={"keep": LAST, "patience": None, "one_cycle": True, "averaging": 0.99},
    rate_factor=3.0,
)
"""Of networks on images, whose augmentations are those of images of sounds.

The last epoch is kept: one or two validation subjects, who lack some activities, can't choose it. The learning rate
rises to three times the constant rate of sounds, and falls.
"""
