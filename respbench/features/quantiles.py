"""A clip as quantiles of its mel bands over nested intervals: QUANT's features, for clips of any duration.

Source: Dempster, Schmidt & Webb 2024 (doi:10.1007/s10618-024-01036-9). They require series of equal length; here an
interval is a fraction of the clip, with as many quantiles as that fraction of 64 frames has. Resizing every clip
instead would smooth long breaths more than short ones, and so encode the duration in the differences.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool1d, pad

from respbench.corpora.clips import Signal
from respbench.corpora.problems import InputError
from respbench.features.spectral import batches, check_framing, log_mel, mel_filters, power_spectrum

FRAMES = 64
"""Nominal length of a clip, which fixes the number of quantiles."""

SMOOTHED, SHARE = 5, 4
"""Values averaged around each first difference; and values per quantile of an interval (Dempster et al.)."""

SHORTEST = 8
"""Frames; the last frame of a shorter clip is repeated, so that differences exist."""


@dataclass(frozen=True)
class IntervalQuantiles:
    """Quantiles of log-mel bands, their differences and their spectra along time; an `Extractor` of `features.cache`.

    Attributes:
        n_mels: mel bands from 0 Hz to half the sampling rate.
        n_fft: samples per frame (256 = 64 ms at 4 kHz).
        hop: samples from one frame to the next (64 = 16 ms at 4 kHz).
        depth: halvings: intervals of 1, 1/2, …, 1/2^(depth - 1) of the clip.

    Raises:
        InputError: settings that don't fit each other.
    """

    n_mels: int = 16
    n_fft: int = 256
    hop: int = 64
    depth: int = 5

    def __post_init__(self) -> None:
        check_framing(self.n_fft, self.hop)
        if self.depth < 1:
            raise InputError(f"depth must be at least 1; got {self.depth}")

    def __call__(self, signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
        """Clips at ``rate`` Hz to (clips, columns) float32, finite; row i depends on clip i alone.

        Raises:
            InputError: too many mel bands for the frame length, or a clip has no samples.
        """
        filters = mel_filters(rate, self.n_fft, self.n_mels)
        columns = len(interval_columns(torch.zeros(self.n_mels, FRAMES), self.depth))
        rows = np.empty((len(signals), columns), dtype=np.float32)
        for index, batch in batches(signals):
            mels = log_mel(power_spectrum(batch, self.n_fft, self.hop), filters).transpose(1, 2)
            for row, mel, count in zip(index.tolist(), mels, batch.frames(self.hop).tolist(), strict=True):
                rows[row] = interval_columns(mel[:, :count], self.depth).numpy()
        return rows


def interval_columns(series: Tensor, depth: int) -> Tensor:
    """(bands, frames) to (columns,): quantiles of each representation over all intervals of each level."""
    *along_time, spectrum = representations(series)
    nominal = [(one, FRAMES) for one in along_time] + [(spectrum, FRAMES // 2 + 1)]
    parts = [
        interval_quantiles(one, 1 << level, 1 + (max(1, values >> level) - 1) // SHARE).flatten()
        for one, values in nominal
        for level in range(depth)
    ]
    return torch.cat(parts)


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
        count: quantiles per interval, from the minimum to the maximum; a single one is the median.

    Returns:
        (bands, 2 * parts - 1, count); from every second quantile the interval's mean is subtracted.
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
