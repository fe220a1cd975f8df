"""A clip as quantiles of its mel bands over nested intervals: QUANT's features, for clips of any duration.

Source: Dempster, Schmidt & Webb 2024 (doi:10.1007/s10618-024-01036-9). What differs: they take series of equal length.
Here an interval is a fraction of the clip, and its number of quantiles that of a series of ``frames`` frames. Resizing
every clip instead would smooth long breaths more than short ones, and so write the duration into the differences.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool1d, pad

from corpora.clips import Signal
from corpora.problems import InputError
from features.spectral import batches, check_framing, log_mel, mel_filters, power_spectrum

SMOOTHED = 5
"""Values averaged around each first difference (Dempster et al.)."""

SHORTEST = 8
"""Frames below which a clip's last frame is repeated, so that differences exist."""

SHARE = 4
"""One quantile for every so many values of an interval (Dempster et al.)."""


@dataclass(frozen=True)
class IntervalQuantiles:
    """Quantiles of log-mel bands, their differences and their spectra over nested intervals; an `Extractor`.

    Tempo isn't kept: a breath's third quarter is compared with other breaths' third quarters. The spectra are those of
    each band's level along time, up to half the frame rate.

    Attributes:
        n_mels: mel bands from ``fmin`` to half the sampling rate.
        n_fft: samples a frame (256 = 64 ms at 4 kHz).
        hop: samples from one frame to the next (64 = 16 ms at 4 kHz).
        fmin: lower edge of the lowest mel band in Hz.
        depth: halvings: intervals of 1, 1/2, …, 1/2^(depth - 1) of the clip.
        frames: the number of quantiles of an interval is that of a clip with so many frames.

    Raises:
        InputError: settings that don't fit each other.
    """

    n_mels: int = 16
    n_fft: int = 256
    hop: int = 64
    fmin: float = 0.0
    depth: int = 5
    frames: int = 64

    def __post_init__(self) -> None:
        check_framing(self.n_fft, self.hop)
        if self.depth < 1 or self.frames < 1:
            raise InputError(f"depth and frames must be at least 1; got {self.depth} and {self.frames}")

    @property
    def columns(self) -> int:
        """Columns of a row: bands x quantiles of all intervals of three series along time and of the spectrum."""
        spectrum = self.frames // 2 + 1
        counts = [3 * quantiles(self.frames, level) + quantiles(spectrum, level) for level in range(self.depth)]
        return self.n_mels * sum(((2 << level) - 1) * count for level, count in enumerate(counts))

    def __call__(self, signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
        """Measure clips.

        Args:
            signals: one float32 array (channels, samples) a clip; channels are averaged.
            rate: sampling rate in Hz.

        Returns:
            (clips, columns) float32, finite; row i depends on clip i alone.

        Raises:
            InputError: too many mel bands for the frame length, or a clip has no samples.
        """
        filters = mel_filters(rate, self.n_fft, self.n_mels, self.fmin)
        rows = np.empty((len(signals), self.columns), dtype=np.float32)
        for index, batch in batches(signals):
            mels = log_mel(power_spectrum(batch, self.n_fft, self.hop), filters).transpose(1, 2)
            for row, mel, count in zip(index.tolist(), mels, batch.frames(self.hop).tolist(), strict=True):
                rows[row] = self.measure(mel[:, :count]).numpy()
        return rows

    def measure(self, series: Tensor) -> Tensor:
        """(bands, frames) float64 to (columns,)."""
        *along_time, spectrum = representations(series)
        nominal = [(one, self.frames) for one in along_time] + [(spectrum, self.frames // 2 + 1)]
        parts = [
            interval_quantiles(one, 1 << level, quantiles(values, level)).flatten()
            for one, values in nominal
            for level in range(self.depth)
        ]
        return torch.cat(parts)


def quantiles(values: int, level: int) -> int:
    """How many quantiles are taken of an interval that is 1/2^level of so many values."""
    return 1 + (max(1, values >> level) - 1) // SHARE


def representations(series: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(bands, frames): itself, first differences smoothed over five, second differences, amplitude spectrum.

    The spectrum is divided by the number of frames, which would otherwise set its scale.
    """
    series = pad(series, (0, max(0, SHORTEST - series.shape[-1])), mode="replicate")
    first = series.diff()
    half = SMOOTHED // 2
    smooth = avg_pool1d(pad(first, (half, half), mode="replicate"), SMOOTHED, stride=1)
    return series, smooth, first.diff(), torch.fft.rfft(series).abs() / series.shape[-1]


def interval_quantiles(series: Tensor, parts: int, count: int) -> Tensor:
    """Quantiles over ``parts`` equal intervals and those halfway between them.

    Args:
        series: (bands, values).
        parts: intervals side by side.
        count: quantiles of each, from the minimum to the maximum; a single one is the median.

    Returns:
        (bands, 2 * parts - 1, count); from every second quantile the interval's mean is taken away.
    """
    values = series.shape[-1]
    size = -(-values // parts)
    begin = (torch.arange(2 * parts - 1) * values // (2 * parts)).clamp(max=values - size)
    intervals = series[:, begin[:, None] + torch.arange(size)].sort(dim=-1).values
    place = torch.linspace(0, size - 1, count, dtype=torch.float64) if count > 1 else torch.tensor([(size - 1) / 2])
    below = place.floor().long()
    above = (below + 1).clamp(max=size - 1)
    found = torch.lerp(intervals[..., below], intervals[..., above], (place - below).to(series.dtype))
    found[..., 1::2] -= intervals.mean(dim=-1, keepdim=True)
    return found
