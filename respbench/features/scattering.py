"""Wavelet scattering of order two, averaged over the clip: the amplitude of each band, and how it is modulated.

Source: Andén & Mallat 2014, Deep Scattering Spectrum (doi:10.1109/TSP.2014.2326991). Unlike there, coefficients are
averaged over the whole clip, since clips differ in duration; and the lowest bands keep their quality, since wavelets of
constant width below 50 Hz would outlast the shortest breaths.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from respbench.corpora.clips import Signal
from respbench.corpora.problems import InputError
from respbench.features.spectral import clip_lengths, mono

CROSSING = math.sqrt(0.5)
"""Amplitude at which neighboring wavelets cross: half power."""

TOP = 0.4
"""Center of the highest wavelet, as a share of the sampling rate."""

SETTLED = 0.15
"""s of mirrored sound on each side of a clip: three deviations of the longest wavelet of the first order."""

REACH = 4.0
"""A band's envelope changes no faster than about so many of its wavelet's deviations in frequency."""

FLOOR = 1e-6
"""The amplitude that counts as silence, -120 dB."""


@dataclass(frozen=True)
class Scattering:
    """Logarithms of time-averaged scattering coefficients of the first and second order; an `Extractor`.

    The second order is divided by the first (Andén & Mallat, section III): how a band is modulated, whatever its level.

    Attributes:
        per_octave: wavelets per octave in the first order; in the second it is one.
        lowest: center of the lowest wavelet of the first order in Hz.
        slowest: center of the lowest wavelet of the second order, a modulation, in Hz.

    Raises:
        InputError: a number that must be above zero isn't.
    """

    per_octave: int = 4
    lowest: float = 60.0
    slowest: float = 4.0

    def __post_init__(self) -> None:
        if self.per_octave < 1 or not self.lowest > 0 or not self.slowest > 0:
            raise InputError(f"{self!r}: every setting must be above 0")

    def __call__(self, signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
        """Clips at ``rate`` Hz to (clips, bands + paths) float32, finite; row i depends on clip i alone.

        Raises:
            InputError: ``lowest`` or ``slowest`` leaves no room below half the rate, or a clip has no samples.
        """
        bank = filter_bank(self, rate)
        rows = np.empty((len(signals), len(bank.bands) + len(bank.paths)), dtype=np.float32)
        for row, signal, size in zip(rows, signals, clip_lengths(signals).tolist(), strict=True):
            samples = 1 << (size + 2 * round(SETTLED * rate) - 1).bit_length()
            first, second = scatter(torch.from_numpy(mirrored(mono(signal), samples)), size, bank)
            row[:] = torch.cat([first.clamp(min=FLOOR).log(), second]).numpy()
        return rows


@dataclass(frozen=True, eq=False)
class FilterBank:
    """The wavelets of both orders, each by its center and its deviation in Hz.

    Attributes:
        rate: sampling rate in Hz.
        bands: (bands, 2) of the first order, highest first.
        modulations: (modulations, 2) of the second order, fastest first.
        paths: (paths, 2) int64, pairs of band and modulation: those whose modulation the band is wide enough to carry.
    """

    rate: int
    bands: Tensor
    modulations: Tensor
    paths: Tensor


@lru_cache(maxsize=16)
def filter_bank(settings: Scattering, rate: int) -> FilterBank:
    """The wavelets of these settings.

    Raises:
        InputError: ``lowest`` or ``slowest`` leaves no room below half the rate.
    """
    top = TOP * rate
    if settings.lowest > top or settings.slowest > top / 4:
        raise InputError(f"{settings!r}: at {rate} Hz lowest may be {top:g} Hz and slowest {top / 4:g} Hz at most")
    bands = _wavelets(top, settings.lowest, settings.per_octave)
    modulations = _wavelets(min(top / 4, REACH * float(bands[0, 1])), settings.slowest, 1)
    carried = modulations[None, :, 0] <= REACH * bands[:, None, 1]
    return FilterBank(rate, bands, modulations, carried.nonzero())


def _wavelets(top: float, bottom: float, per_octave: int) -> Tensor:
    """(wavelets, 2): centers from ``top`` Hz down to ``bottom`` Hz, and deviations, so that neighbors cross."""
    count = 1 + math.floor(per_octave * math.log2(top / bottom) + 1e-9)
    centers = top * 2.0 ** (-torch.arange(count, dtype=torch.float64) / per_octave)
    step = 2.0 ** (-1 / per_octave)
    width = (1 - step) / (1 + step) / math.sqrt(-2 * math.log(CROSSING))
    return torch.stack([centers, centers * width], dim=1)


def morlets(wavelets: Tensor, bins: int, spacing: float) -> Tensor:
    """Analytic Morlet wavelets in frequency; a sine of amplitude 1 at the center has about envelope 1.

    Args:
        wavelets: (wavelets, 2) centers and deviations in Hz.
        bins: frequencies 0, spacing, 2 * spacing, …; higher ones count as zero.
        spacing: in Hz.

    Returns:
        (wavelets, bins) float64; zero at 0 Hz, so that the mean has no effect.
    """
    frequency = torch.arange(bins, dtype=torch.float64) * spacing
    center, deviation = wavelets[:, :1], wavelets[:, 1:]
    bump = torch.exp(-0.5 * ((frequency - center) / deviation).square())
    at_zero = torch.exp(-0.5 * (center / deviation).square()) * torch.exp(-0.5 * (frequency / deviation).square())
    return 2 * (bump - at_zero)


def scatter(sound: Tensor, size: int, bank: FilterBank) -> tuple[Tensor, Tensor]:
    """Average envelopes of the bands, and of the envelopes' modulations.

    Analytic wavelets have positive frequencies only, so that half the samples carry the first order without loss;
    slower wavelets of the second order are sampled more rarely still.

    Args:
        sound: (samples,) float64, taken as periodic; a power of two of them.
        size: samples of the clip itself, at the start.
        bank: the wavelets.

    Returns:
        (bands,) amplitudes, and (paths,) natural logarithms of the second order over the first.
    """
    samples = len(sound)
    first, second = _sampled(bank, samples)
    envelopes = _envelope(torch.fft.rfft(sound)[: samples // 2] * first) / samples  # (bands, samples / 2)
    bands = _mean(envelopes, size / samples)
    spectra = torch.fft.rfft(envelopes)
    paths = torch.empty(len(bank.paths), dtype=torch.float64)
    for number, wavelet in enumerate(second):
        here = bank.paths[:, 1] == number
        carriers = bank.paths[here, 0]
        modulated = _envelope(spectra[carriers, : len(wavelet)] * wavelet) / (samples // 2)
        paths[here] = (_mean(modulated, size / samples) + FLOOR) / (bands[carriers] + FLOOR)
    return bands, paths.log()


@lru_cache(maxsize=64)
def _sampled(bank: FilterBank, samples: int) -> tuple[Tensor, list[Tensor]]:
    """The wavelets for sounds of so many samples: (bands, samples / 2), and each modulation's lowest frequencies."""
    spacing = bank.rate / samples
    second = []
    for wavelet in bank.modulations:
        highest = float(wavelet[0] + REACH * wavelet[1]) / spacing
        bins = min(samples // 4, 1 << math.ceil(math.log2(highest)))
        second.append(morlets(wavelet[None], bins, spacing)[0])
    return morlets(bank.bands, samples // 2, spacing), second


def _envelope(spectrum: Tensor) -> Tensor:
    """(rows, bins) to (rows, bins): the modulus of the inverse transform, not divided by its length."""
    return torch.from_numpy(np.abs(torch.fft.ifft(spectrum, norm="forward").numpy()))  # much faster than torch's


def _mean(series: Tensor, share: float) -> Tensor:
    """(rows, values) to (rows,): the mean over the first ``share`` of each row."""
    return series[:, : math.ceil(share * series.shape[-1])].mean(dim=-1)


def mirrored(sound: NDArray[np.float64], samples: int) -> NDArray[np.float64]:
    """(clip's samples,) to (samples,): the clip, its mirror image after it and, before it, at the end.

    Not zeros: their edge would sound like a crackle.
    """
    size = len(sound)
    place = np.arange(samples)
    place[size + (samples - size) // 2 :] -= samples
    place %= 2 * size
    return sound[np.where(place < size, place, 2 * size - 1 - place)]
