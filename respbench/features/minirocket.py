"""MiniRocket: shares of time at which random convolutions of a series exceed a threshold.

Source: Dempster, Schmidt & Webb 2021 (MiniRocket: A very fast (almost) deterministic transform for time series
classification, KDD, doi:10.1145/3447548.3467231), in the authors' version for several channels and unequal length.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import conv1d

from respbench.corpora.clips import Signal

TAPS = 9
"""Weights per kernel: three of 2, six of -1, whose sum is 0 (Dempster et al.)."""

MAX_DILATIONS = 32
"""Per kernel (Dempster et al.)."""

GOLDEN = (5**0.5 + 1) / 2
"""Its multiples modulo 1 spread the quantiles evenly (Dempster et al.)."""


@cache
def kernels() -> Tensor:
    """(84, 9) float32: every way to place three weights of 2 among nine, the other ones being -1."""
    weights = torch.full((84, TAPS), -1.0)
    for kernel, places in zip(weights, combinations(range(TAPS), 3), strict=True):
        kernel[list(places)] = 2.0
    return weights


@dataclass(frozen=True, eq=False)
class Dilated:
    """All kernels at one dilation.

    Attributes:
        dilation: samples from one weight to the next.
        weights: (84, channels, 9) float32; 0 for channels that a kernel doesn't use.
        thresholds: (84, thresholds) float32.
    """

    dilation: int
    weights: Tensor
    thresholds: Tensor

    def exceeded(self, signal: Signal) -> NDArray[np.float32]:
        """(channels, samples) to (84 * thresholds,): the share of the samples above each threshold."""
        convolved = convolve(signal, self.weights, self.dilation).numpy()
        # Counted by numpy, several times faster than torch averages the same booleans.
        above = np.count_nonzero(convolved[:, None, :] > self.thresholds.numpy()[:, :, None], axis=-1)
        return np.asarray(above / signal.shape[-1], dtype=np.float32).ravel()


def convolve(signal: Signal, weights: Tensor, dilation: int) -> Tensor:
    """(channels, samples) to (kernels, samples); zeros surround the clip.

    Args:
        signal: float32.
        weights: (kernels, channels, 9).
        dilation: samples from one weight to the next.
    """
    return conv1d(torch.tensor(signal)[None], weights, dilation=dilation, padding="same")[0]


class MiniRocket:
    """A transform that is fitted on training clips: their duration sets the dilations, their values the thresholds.

    Dilations reach from 1 to a kernel as long as the median clip. Thresholds are quantiles of the convolution of a
    random clip that is at least so long.

    Args:
        features: about so many columns; a multiple of 84 is made of it.
        seed: determines the channels of each kernel, and the clips that thresholds are taken from.
    """

    def __init__(self, features: int, seed: int) -> None:
        self.per_kernel = max(1, features // len(kernels()))
        self.seed = seed

    def fit(self, signals: Sequence[Signal]) -> Self:
        """Fit to clips of the same number of channels, (channels, samples) each."""
        rng = np.random.default_rng(self.seed)
        lengths = np.array([signal.shape[-1] for signal in signals])
        reference = float(np.median(lengths))
        long = np.flatnonzero(lengths >= reference)
        quantiles = torch.from_numpy(np.arange(1, len(kernels()) * self.per_kernel + 1) * GOLDEN % 1).float()
        self.parts, first = list[Dilated](), 0
        for dilation, count in _dilations(reference, self.per_kernel):
            weights = kernels()[:, None, :] * _channels(rng, len(signals[0]))[:, :, None]
            thresholds = quantiles[first : first + len(weights) * count].reshape(-1, count).clone()
            first += thresholds.numel()
            for kernel, clip, row in zip(weights, rng.choice(long, len(weights)).tolist(), thresholds, strict=True):
                row[:] = convolve(signals[clip], kernel[None], dilation)[0].quantile(row)
            self.parts.append(Dilated(dilation, weights, thresholds))
        return self

    def __call__(self, signals: Sequence[Signal]) -> NDArray[np.float32]:
        """Clips to (clips, columns); row i depends on clip i alone."""
        return np.stack([np.concatenate([part.exceeded(signal) for part in self.parts]) for signal in signals])


def _dilations(reference: float, per_kernel: int) -> list[tuple[int, int]]:
    """Dilations from 1 to a kernel of ``reference`` samples, evenly in octaves, each with its number of thresholds."""
    most = min(per_kernel, MAX_DILATIONS)
    top = np.log2(max(1.0, (reference - 1) / (TAPS - 1)))
    dilations, counts = np.unique(np.logspace(0, top, most, base=2).astype(int), return_counts=True)
    shares = counts * per_kernel // most
    shares[: per_kernel - shares.sum()] += 1
    return list(zip(dilations.tolist(), shares.tolist(), strict=True))


def _channels(rng: np.random.Generator, channels: int) -> Tensor:
    """(84, channels) float32, 0 or 1: a random number of random channels per kernel, few ones more often."""
    used = torch.zeros(len(kernels()), channels)
    most = np.log2(min(channels, TAPS) + 1)
    for row, size in zip(used, (2 ** rng.uniform(0, most, len(used))).astype(int).tolist(), strict=True):
        row[rng.choice(channels, size, replace=False)] = 1.0
    return used
