"""The handcrafted vector: series of descriptors along the clip, each summed up by a few statistics."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from corpora.clips import Signal
from corpora.problems import InputError
from features.descriptors import (
    CONTRAST_EDGES,
    differences,
    rms,
    spectral_bandwidth,
    spectral_centroid,
    spectral_contrast,
    spectral_flatness,
    spectral_rolloff,
    zero_crossing_rate,
)
from features.spectral import Batch, batches, check_framing, log_mel, mel_filters, mfcc, power_spectrum

SERIES = (
    "mfcc",
    "spectral_centroid",
    "spectral_bandwidth",
    "spectral_rolloff",
    "spectral_flatness",
    "spectral_contrast",
    "zero_crossing_rate",
    "rms",
)
"""What can be measured along a clip; see `features.descriptors`."""

_CONTRAST_ROWS = (
    f"spectral_contrast_below_{CONTRAST_EDGES[0]}_hz",
    *(f"spectral_contrast_{low}_to_{high}_hz" for low, high in pairwise(CONTRAST_EDGES)),
    f"spectral_contrast_above_{CONTRAST_EDGES[-1]}_hz",
)
_DIFFERENCES = ("delta", "delta2")


@dataclass(frozen=True)
class Handcrafted:
    """Statistics of descriptors over each clip's own frames; an `Extractor` of `features.cache`.

    ``Handcrafted()`` has 288 columns. ``Handcrafted(series=("mfcc",), differences=0, summaries=("mean", "std"))`` is
    the common "mean and deviation of 20 MFCC", 40 columns.

    Attributes:
        series: which of `SERIES`.
        summaries: which of `SUMMARIES`.
        differences: 0, 1 or 2: also first, and second, differences of the MFCC along time.
        n_mfcc: cepstral coefficients, the zeroth (loudness) included.
        n_mels: mel bands that they are computed from.
        n_fft: samples a frame (512 = 128 ms at 4 kHz).
        hop: samples from one frame to the next (64 = 16 ms at 4 kHz).

    Raises:
        InputError: an unknown name, none, or the same twice; or settings that don't fit each other.
    """

    series: tuple[str, ...] = SERIES
    summaries: tuple[str, ...] = ("mean", "std", "median", "iqr")
    differences: int = 2
    n_mfcc: int = 20
    n_mels: int = 64
    n_fft: int = 512
    hop: int = 64

    def __post_init__(self) -> None:
        _check_names("series", self.series, SERIES)
        _check_names("summaries", self.summaries, tuple(SUMMARIES))
        check_framing(self.n_fft, self.hop)
        if not 0 <= self.differences <= len(_DIFFERENCES):
            raise InputError(f"differences must be 0, 1 or 2; got {self.differences}")
        if not 1 <= self.n_mfcc <= self.n_mels:
            raise InputError(f"n_mfcc must lie between 1 and n_mels={self.n_mels}; got {self.n_mfcc}")

    @property
    def rows(self) -> tuple[str, ...]:
        """Name of every measured series, such as ``mfcc_03_delta``, in order."""
        names: list[str] = []
        for series in self.series:
            if series == "mfcc":
                coefficients = [f"mfcc_{i:02d}" for i in range(self.n_mfcc)]
                names += coefficients
                for difference in _DIFFERENCES[: self.differences]:
                    names += [f"{name}_{difference}" for name in coefficients]
            elif series == "spectral_contrast":
                names += _CONTRAST_ROWS
            else:
                names.append(series)
        return tuple(names)

    @property
    def columns(self) -> tuple[str, ...]:
        """Name of every column, such as ``mfcc_03_delta_median``."""
        return tuple(f"{row}_{summary}" for row in self.rows for summary in self.summaries)

    def __call__(self, signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
        """Measure clips.

        Args:
            signals: one float32 array (channels, samples) a clip; channels are averaged.
            rate: sampling rate in Hz.

        Returns:
            (clips, columns) float32, finite; row i depends on clip i alone.

        Raises:
            InputError: the settings don't fit the sampling rate, or a clip has no samples.
        """
        matrix = np.empty((len(signals), len(self.columns)), dtype=np.float32)
        for index, batch in batches(signals):
            counts = batch.frames(self.hop)
            series = self._measure(batch, rate, counts)
            summed = summarise(series, counts, self.summaries)
            matrix[index] = summed.flatten(1).numpy()
        return matrix

    def _measure(self, batch: Batch, rate: int, counts: Tensor) -> Tensor:
        """(clips, rows, frames) float64."""
        power = power_spectrum(batch, self.n_fft, self.hop)
        magnitude = power.sqrt()
        measured: list[Tensor] = []
        for series in self.series:
            if series == "mfcc":
                filters = mel_filters(rate, self.n_fft, self.n_mels)
                coefficients = mfcc(log_mel(power, filters), self.n_mfcc)
                measured.append(coefficients)
                orders = range(1, self.differences + 1)
                measured += [differences(coefficients, counts, order) for order in orders]
            elif series == "spectral_contrast":
                measured.append(spectral_contrast(magnitude, rate))
            elif series == "spectral_flatness":
                measured.append(spectral_flatness(power)[..., None])
            elif series in _OF_MAGNITUDE:
                measured.append(_OF_MAGNITUDE[series](magnitude, rate)[..., None])
            else:
                measured.append(_OF_WAVEFORM[series](batch, self.n_fft, self.hop)[..., None])
        return torch.cat(measured, dim=-1).transpose(1, 2).contiguous()


_OF_MAGNITUDE: dict[str, Callable[[Tensor, int], Tensor]] = {
    "spectral_centroid": spectral_centroid,
    "spectral_bandwidth": spectral_bandwidth,
    "spectral_rolloff": spectral_rolloff,
}
_OF_WAVEFORM: dict[str, Callable[[Batch, int, int], Tensor]] = {"zero_crossing_rate": zero_crossing_rate, "rms": rms}


@dataclass(frozen=True, eq=False)
class _Frames:
    """What every summary needs: the values with zeros beyond a clip's own frames, and the same in rising order."""

    own: Tensor  # (clips, 1, frames) bool
    counts: Tensor  # (clips, 1)
    values: Tensor  # (clips, rows, frames)
    mean: Tensor  # (clips, rows)
    rising: Tensor  # (clips, rows, frames)


def _mean(frames: _Frames) -> Tensor:
    return frames.mean


def _std(frames: _Frames) -> Tensor:
    deviation = torch.where(frames.own, frames.values - frames.mean[..., None], 0.0)
    return (deviation.square_().sum(-1) / frames.counts).sqrt_()


def _quantile(share: float) -> Callable[[_Frames], Tensor]:
    def quantile(frames: _Frames) -> Tensor:
        position = share * (frames.counts - 1)
        low = position.floor()
        high = torch.minimum(low + 1, frames.counts - 1)
        below, above = (
            frames.rising.gather(-1, place.long()[..., None].expand(-1, frames.rising.shape[1], 1))[..., 0]
            for place in (low, high)
        )
        return torch.lerp(below, above, (position - low).expand_as(below))

    return quantile


def _iqr(frames: _Frames) -> Tensor:
    return _quantile(0.75)(frames) - _quantile(0.25)(frames)


SUMMARIES: dict[str, Callable[[_Frames], Tensor]] = {
    "mean": _mean,
    "std": _std,
    "median": _quantile(0.5),
    "iqr": _iqr,
    "p10": _quantile(0.1),
    "p90": _quantile(0.9),
}
"""Mean, standard deviation (of the population), median, interquartile range, 10th and 90th percentile.

Percentiles interpolate linearly between the two nearest values, as numpy's do.
"""


def summarise(series: Tensor, counts: Tensor, summaries: Sequence[str]) -> Tensor:
    """Statistics over each clip's own frames.

    Args:
        series: (clips, rows, frames).
        counts: (clips,) each clip's own number of frames; later ones are ignored.
        summaries: which of `SUMMARIES`.

    Returns:
        (clips, rows, summaries).
    """
    own = (torch.arange(series.shape[-1]) < counts[:, None])[:, None]
    values = torch.where(own, series, 0.0)
    column = counts[:, None].double()
    # Padding sorts to the end, where no quantile looks. numpy's sort is several times faster than torch's.
    rising = torch.from_numpy(np.sort(torch.where(own, series, torch.inf).numpy(), axis=-1))
    frames = _Frames(own, column, values, values.sum(-1) / column, rising)
    return torch.stack([SUMMARIES[name](frames) for name in summaries], dim=-1)


def _check_names(field: str, chosen: tuple[str, ...], known: tuple[str, ...]) -> None:
    unknown = sorted(set(chosen) - set(known))
    if unknown or not chosen or len(set(chosen)) < len(chosen):
        raise InputError(
            f"{field} must be different names out of {', '.join(known)}; got {', '.join(chosen) or 'none'}"
        )
