"""The handcrafted vector: series of descriptors along the clip, each summarized by a few statistics."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from respbench.corpora.clips import Signal
from respbench.corpora.problems import InputError
from respbench.features.descriptors import (
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
from respbench.features.spectral import Batch, batches, check_framing, log_mel, mel_filters, mfcc, power_spectrum
from respbench.features.summaries import SUMMARIES, summarize

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
"""The descriptors: `features.spectral.mfcc` and the functions of `features.descriptors`."""

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
        summaries: which of `features.summaries.SUMMARIES`.
        differences: 0, 1 or 2: also first, and second, differences of the MFCC along time.
        n_mfcc: cepstral coefficients, the zeroth (loudness) included.
        n_mels: mel bands that they are computed from.
        n_fft: samples per frame (512 = 128 ms at 4 kHz).
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
            signals: one float32 array (channels, samples) per clip; channels are averaged.
            rate: sampling rate in Hz.

        Returns:
            (clips, columns) float32, finite; row i depends on clip i alone.

        Raises:
            InputError: the settings don't fit the sampling rate, or a clip has no samples.
        """
        matrix = np.empty((len(signals), len(self.columns)), dtype=np.float32)
        for index, batch in batches(signals):
            spectra = _Spectra(batch, rate, self.n_fft, self.hop)
            summed = summarize(self._measure(spectra), spectra.counts, self.summaries)
            matrix[index] = summed.flatten(1).numpy()
        return matrix

    def _measure(self, spectra: "_Spectra") -> Tensor:
        """(clips, rows, frames) float64."""
        measured: list[Tensor] = []
        for series in self.series:
            if series == "mfcc":
                filters = mel_filters(spectra.rate, self.n_fft, self.n_mels)
                coefficients = mfcc(log_mel(spectra.power, filters), self.n_mfcc)
                orders = range(1, self.differences + 1)
                measured += [coefficients, *(differences(coefficients, spectra.counts, order) for order in orders)]
            elif series == "spectral_contrast":
                measured.append(spectral_contrast(spectra.magnitude, spectra.counts, spectra.rate))
            else:
                measured.append(_ONE_ROW[series](spectra)[..., None])
        return torch.cat(measured, dim=-1).transpose(1, 2).contiguous()


@dataclass(frozen=True, eq=False)
class _Spectra:
    """Clips and their spectra (clips, frames, bins), computed on first access."""

    batch: Batch
    rate: int
    n_fft: int
    hop: int

    @property
    def counts(self) -> Tensor:
        return self.batch.frames(self.hop)

    @cached_property
    def power(self) -> Tensor:
        return power_spectrum(self.batch, self.n_fft, self.hop)

    @cached_property
    def magnitude(self) -> Tensor:
        return torch.from_numpy(np.sqrt(self.power.numpy()))


_ONE_ROW: dict[str, Callable[[_Spectra], Tensor]] = {
    "spectral_centroid": lambda spectra: spectral_centroid(spectra.magnitude, spectra.rate),
    "spectral_bandwidth": lambda spectra: spectral_bandwidth(spectra.magnitude, spectra.rate),
    "spectral_rolloff": lambda spectra: spectral_rolloff(spectra.magnitude, spectra.rate),
    "spectral_flatness": lambda spectra: spectral_flatness(spectra.power),
    "zero_crossing_rate": lambda spectra: zero_crossing_rate(spectra.batch, spectra.n_fft, spectra.hop),
    "rms": lambda spectra: rms(spectra.batch, spectra.n_fft, spectra.hop),
}


def _check_names(field: str, chosen: tuple[str, ...], known: tuple[str, ...]) -> None:
    unknown = sorted(set(chosen) - set(known))
    if unknown or not chosen or len(set(chosen)) < len(chosen):
        got = ", ".join(chosen) or "none"
        raise InputError(f"{field} must be different names out of {', '.join(known)}; got {got}")
