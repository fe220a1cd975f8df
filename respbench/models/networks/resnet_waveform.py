"""A network on the waveform of a breath: two filterbanks as convolutions, then a small residual network.

The filters are Gabor functions of evenly spaced frequencies, which can be trained (time-domain filterbanks: Zeghidour
et al. 2018, arXiv:1711.01161). By default they are not: trained ones ranked worse on inner folds
(docs/decisions/0020-planted-ranking-at-full-labels.md). A short filterbank resolves crackles, which last 5 to 15 ms; a
long one the lines of wheezes, which last 80 ms and more (durations: Sovijärvi et al. 2000, CORSA).

Filters, columns and crops count samples: at another rate than the suite's 4 kHz, their durations and frequencies are
others.
"""

import math
from typing import Any

import optuna
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, conv1d, pad

from respbench.corpora.problems import InputError
from respbench.features.augmentation import Augmentation
from respbench.features.maps import BANDS, CHANNELS
from respbench.features.waveform import MirroredWaveform
from respbench.models.networks import resnet
from respbench.models.networks.backbone import Backbone
from respbench.models.networks.batches import channels_last
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.recipe import LAST, Recipe

SHORT, LONG, COLUMN = 64, 512, 128
"""Samples of the filters, and of a column of the maps: 16, 128 and 32 ms at 4 kHz."""

LINES, LINE_NEIGHBORHOOD = 4, 9
"""Long filters per band; and those that a line is compared with, 140 Hz at 4 kHz."""

STEPS, CLICK_NEIGHBORHOOD = 16, 9
"""Positions of the short filters per column; and the columns that a click is compared with, 0.3 s at 4 kHz."""

FLOOR = 1e-6
"""Energy that counts as silence, of waveforms whose mean energy is 1."""


class Filterbank(nn.Module):
    """Energy of the waveform behind pairs of filters that differ in phase.

    A trained filter is its Gabor function plus a change, which is scaled down: a step of Adam is equally large for
    every weight, and would otherwise replace filters of small weights by noise within an epoch. Weight decay pulls the
    filter towards its Gabor function.

    Args:
        filters: number of pairs.
        taps: samples of each filter.
        stride: samples from one position to the next.
        scale: of the change; 0 = the filters are not trained.
    """

    def __init__(self, filters: int, taps: int, stride: int, scale: float) -> None:
        super().__init__()
        self.stride, self.scale = stride, scale
        self.start: Tensor
        self.register_buffer("start", gabor(filters, taps)[:, None])
        self.change = nn.Parameter(torch.zeros(2 * filters, 1, taps)) if scale else None

    def forward(self, waves: Tensor) -> Tensor:
        """(batch, 1, samples) to (batch, filters, samples // stride + 1)."""
        filters = self.start if self.change is None else self.start + self.scale * self.change
        # Mirrored, not padded with zeros: where silence meets sound, every filter would measure a crackle.
        mirrored = pad(waves, 2 * (filters.shape[2] // 2,), mode="reflect")
        real, imaginary = conv1d(mirrored, filters, stride=self.stride).chunk(2, dim=1)
        energy: Tensor = real.square() + imaginary.square()
        return energy

    def extra_repr(self) -> str:
        """What the weights of a pretraining depend on beside their shapes."""
        return f"stride={self.stride}, scale={self.scale}"


def gabor(filters: int, taps: int) -> Tensor:
    """(2 * filters, taps): cosines, then sines, of the middles of even bands up to half the rate, under Hann windows.

    Each has unit energy as a pair, so that white noise of unit energy leaves a mean energy of 1.
    """
    window = torch.hann_window(taps, periodic=False)
    window = window / window.square().sum().sqrt()
    frequency = (torch.arange(filters) + 0.5) / filters * math.pi  # radians per sample
    phase = frequency[:, None] * (torch.arange(taps) - (taps - 1) / 2)
    return torch.cat([phase.cos(), phase.sin()]) * window


class FilterbankNet(Backbone):
    """two filterbanks - four maps of log energy - three residual blocks - mean and maximum - dense.

    The maps are like those of `features.maps`, from filters in place of Fourier transforms: 32 bands up to half the
    rate, and one column per 128 samples, so that both equal those of `features.maps` at 4 kHz only. Level and tonality
    are of the long filterbank, transients of the short one.

    Args:
        outputs: number of logits.
        dropout: rate at the input of the dense layer.
        augmentation: of the maps, in training.
        scale: see `Filterbank`.
    """

    def __init__(self, outputs: int, dropout: float, augmentation: Augmentation, scale: float) -> None:
        super().__init__()
        self.short = Filterbank(BANDS, SHORT, COLUMN // STEPS, scale)
        self.long = Filterbank(LINES * BANDS, LONG, COLUMN, scale)
        self.augmentation = augmentation
        self.normalize = nn.BatchNorm2d(len(CHANNELS))
        self.residual = resnet.ResNet(len(CHANNELS), outputs, dropout)

    def maps(self, waves: Tensor) -> Tensor:
        """(batch, 1, samples) to (batch, 4, 32, samples // 128), in dB; the maps as in `features.maps.CHANNELS`."""
        columns = waves.shape[-1] // COLUMN
        long = self.long(waves)[..., :columns]
        level = _decibels(long.unflatten(1, (BANDS, LINES)).mean(2))
        lines = _decibels(long)
        lines = lines - _around(lines.transpose(1, 2), LINE_NEIGHBORHOOD).transpose(1, 2)
        clicks = _decibels(self.short(waves)[..., : STEPS * columns]).unflatten(2, (columns, STEPS))
        clicks = clicks - _around(clicks.mean(3), CLICK_NEIGHBORHOOD)[..., None]
        maps = [
            level - level.mean((1, 2), keepdim=True),
            lines.unflatten(1, (BANDS, LINES)).amax(2),
            clicks.amax(3),
            clicks.mean(1, keepdim=True).amax(3).expand_as(level),
        ]
        return torch.stack(maps, dim=1)

    def encode(self, images: Tensor) -> Tensor:
        """(batch, 1, 1, samples) to (batch, 2 * 64)."""
        maps = self.maps(images[:, 0])
        if self.training:
            maps = self.augmentation(maps)
        return self.residual.encode(channels_last(self.normalize(maps)))

    def classify(self, features: Tensor) -> Tensor:
        """(batch, 2 * 64) to logits (batch, outputs)."""
        return self.residual.classify(features)

    def extra_repr(self) -> str:
        """As in `Filterbank`."""
        return repr(self.augmentation)


def _decibels(energy: Tensor) -> Tensor:
    return 10 * (energy + FLOOR).log10()


def _around(level: Tensor, width: int) -> Tensor:
    """Running mean over ``width`` places of the last axis, fewer at the ends."""
    return avg_pool1d(level, width, 1, padding=width // 2, count_include_pad=False)


def build(
    *,
    seed: int,
    scale: float = 0.0,
    seconds: float = 4.0,
    dropout: float = 0.3,
    epochs: int = 30,
    batch_size: int = 16,
    learning_rate: float = 3e-3,
    weight_decay: float = 1e-2,
    class_weights: bool = True,
    crop: int | None = 12_000,
    equaliser: float = 4.0,
    noise: float = 2.0,
    masked_bands: int = 6,
    masked_frames: int = 12,
    mixup: float = 0.0,
    auxiliary: float = 0.5,
    averaging: float = 0.99,
) -> NetworkModel:
    """``seconds`` of a clip are used; keywords as those of `FilterbankNet` (``scale``, ``dropout``), `Augmentation` and
    `Recipe`. ``crop`` counts samples of the waveform; the rest of the augmentation is that of the maps.
    """
    recipe = Recipe(
        epochs,
        batch_size,
        learning_rate,
        weight_decay,
        class_weights,
        keep=LAST,
        one_cycle=True,
        augmentation=Augmentation(crop),
        mixup=mixup,
        auxiliary=auxiliary,
        averaging=averaging,
    )
    changes = Augmentation(None, equaliser, noise, masked_bands, masked_frames)

    def architecture(size: tuple[int, int, int], outputs: int) -> FilterbankNet:
        shortest = min(size[2], crop or size[2])
        if shortest < LONG:
            raise InputError(f"a waveform of {shortest} samples is shorter than a filter; take {LONG} samples or more")
        return FilterbankNet(outputs, dropout, changes, scale)

    return NetworkModel(architecture, MirroredWaveform(seconds), recipe, seed)


def space(trial: optuna.Trial) -> dict[str, Any]:
    """That of the residual network on sound maps."""
    return resnet.space(trial)
