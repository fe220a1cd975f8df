"""Wavelet scattering of order two, averaged over the clip: how strong each band is, and how it is modulated.

Source: Andén & Mallat 2014, Deep Scattering Spectrum (doi:10.1109/TSP.2014.2326991). What differs: coefficients are
averaged over the whole clip, clips being of unequal duration; and the lowest bands keep their quality, none is added
of constant width, since wavelets below 50 Hz would outlast the shortest breaths.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from corpora.clips import Signal
from corpora.problems import InputError
from features.spectral import clip_lengths, mono

CROSSING = math.sqrt(0.5)
"""Neighbouring wavelets meet at half power."""

TOP = 0.4
"""Centre of the highest wavelet, as a share of the sampling rate."""

SETTLED = 0.15
"""Seconds of mirrored sound on each side of a clip: three deviations of the longest wavelet of the first order."""

REACH = 4.0
"""A band's envelope changes no faster than about so many of its wavelet's deviations in frequency."""

FLOOR = 1e-6
"""The amplitude that counts as silence, -120 dB."""

TOGETHER = 2**15
"""Samples transformed at once, so that 40 bands of them stay near the processor's cache."""


@dataclass(frozen=True)
class Scattering:
    """Logarithms of time-averaged scattering coefficients of the first and second order; an `Extractor`.

    The second order is divided by the first (Andén & Mallat, section III), so that it tells how a band is modulated,
    not how loud it is.

    Attributes:
        per_octave: wavelets an octave in the first order; in the second it is one.
        lowest: centre of the lowest wavelet of the first order in Hz.
        slowest: centre of the lowest wavelet of the second order, a modulation, in Hz.

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
        """Measure clips.

        Args:
            signals: one float32 array (channels, samples) a clip; channels are averaged.
            rate: sampling rate in Hz.

        Returns:
            (clips, columns) float32, finite: first the bands, highest first, then the `Bank.paths`; row i depends on
            clip i alone.

        Raises:
            InputError: ``lowest`` or ``slowest`` leaves no room below half the rate, or a clip has no samples.
        """
        bank = filter_bank(self, rate)
        rows = np.empty((len(signals), len(bank.bands) + len(bank.paths)), dtype=np.float32)
        for index, sizes, sound in _mirrored(signals, round(SETTLED * rate)):
            first, second = scatter(sound, sizes, bank)
            rows[index] = torch.cat([first.clamp(min=FLOOR).log(), second], dim=1).numpy()
        return rows


@dataclass(frozen=True, eq=False)
class Bank:
    """The wavelets of both orders, each by its centre and its deviation in Hz.

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
def filter_bank(settings: Scattering, rate: int) -> Bank:
    """The wavelets that these settings ask for.

    Raises:
        InputError: ``lowest`` or ``slowest`` leaves no room below half the rate.
    """
    top = TOP * rate
    if settings.lowest > top or settings.slowest > top / 4:
        raise InputError(f"{settings!r}: at {rate} Hz lowest may be {top:g} Hz and slowest {top / 4:g} Hz at most")
    bands = _centres(top, settings.lowest, settings.per_octave)
    reach = REACH * float(bands[0, 1])
    modulations = _centres(min(top / 4, reach), settings.slowest, 1)
    carried = modulations[None, :, 0] <= REACH * bands[:, None, 1]
    return Bank(rate, bands, modulations, carried.nonzero())


def _centres(top: float, bottom: float, per_octave: int) -> Tensor:
    """(wavelets, 2): centres from ``top`` Hz down to ``bottom`` Hz, and deviations, so that neighbours meet."""
    count = 1 + math.floor(per_octave * math.log2(top / bottom) + 1e-9)
    centres = top * 2.0 ** (-torch.arange(count, dtype=torch.float64) / per_octave)
    step = 2.0 ** (-1 / per_octave)
    width = (1 - step) / (1 + step) / math.sqrt(-2 * math.log(CROSSING))
    return torch.stack([centres, centres * width], dim=1)


def morlets(wavelets: Tensor, bins: int, spacing: float) -> Tensor:
    """Analytic Morlet wavelets in frequency; a sine of amplitude 1 at the centre comes out with envelope 1, nearly.

    Args:
        wavelets: (wavelets, 2) centres and deviations in Hz.
        bins: frequencies 0, spacing, 2 * spacing, …; what is not there counts as zero.
        spacing: in Hz.

    Returns:
        (wavelets, bins) float64; zero at 0 Hz, so that a wavelet doesn't see the mean.
    """
    frequency = torch.arange(bins, dtype=torch.float64) * spacing
    centre, deviation = wavelets[:, :1], wavelets[:, 1:]
    bump = torch.exp(-0.5 * ((frequency - centre) / deviation).square())
    at_zero = torch.exp(-0.5 * (centre / deviation).square()) * torch.exp(-0.5 * (frequency / deviation).square())
    return 2 * (bump - at_zero)


def scatter(sound: Tensor, sizes: Tensor, bank: Bank) -> tuple[Tensor, Tensor]:
    """Average envelopes of the bands, and of the envelopes' modulations.

    Wavelets see positive frequencies only, so that half the samples carry the first order without loss; slower wavelets
    of the second order are sampled more rarely still.

    Args:
        sound: (clips, samples) float64, taken as periodic; samples a power of two.
        sizes: (clips,) samples of the clip itself, at the start of its row.
        bank: the wavelets.

    Returns:
        (clips, bands) amplitudes, and (clips, paths) natural logarithms of the second order over the first.
    """
    samples = sound.shape[-1]
    first, second = _sampled(bank, samples)
    spectrum = torch.fft.rfft(sound)[:, None, : samples // 2]
    envelope = _envelope(spectrum * first) / samples  # (clips, bands, samples / 2)
    bands = _mean(envelope, sizes / samples)
    moving = torch.fft.rfft(envelope)
    paths = torch.empty((len(sound), len(bank.paths)), dtype=torch.float64)
    for number, wavelet in enumerate(second):
        here = bank.paths[:, 1] == number
        carriers = bank.paths[here, 0]
        swing = _envelope(moving[:, carriers, : len(wavelet)] * wavelet) / (samples // 2)
        paths[:, here] = (_mean(swing, sizes / samples) + FLOOR) / (bands[:, carriers] + FLOOR)
    return bands, paths.log()


@lru_cache(maxsize=64)
def _sampled(bank: Bank, samples: int) -> tuple[Tensor, list[Tensor]]:
    """The wavelets for sounds of so many samples: (bands, samples / 2), and each modulation's lowest frequencies."""
    spacing = bank.rate / samples
    second = []
    for wavelet in bank.modulations:
        highest = float(wavelet[0] + REACH * wavelet[1]) / spacing
        bins = min(samples // 4, 1 << math.ceil(math.log2(highest)))
        second.append(morlets(wavelet[None], bins, spacing)[0])
    return morlets(bank.bands, samples // 2, spacing), second


def _envelope(spectrum: Tensor) -> Tensor:
    """(…, bins) to (…, bins): the modulus of the inverse transform, not divided by its length."""
    series = torch.fft.ifft(spectrum, norm="forward").numpy()
    return torch.from_numpy(np.abs(series))  # several times faster than torch's


def _mean(series: Tensor, shares: Tensor) -> Tensor:
    """(clips, rows, values) to (clips, rows): the mean over the first part of each row, a share of it a clip."""
    counts = (shares * series.shape[-1]).ceil().long()
    return torch.stack([one[:, :count].mean(dim=-1) for one, count in zip(series, counts.tolist(), strict=True)])


def _mirrored(signals: Sequence[Signal], margin: int) -> Iterator[tuple[list[int], Tensor, Tensor]]:
    """Clips of similar duration together, each filled up to a power of two with its own mirror image.

    Not with zeros: the edge would sound like a crackle. The power is that of the clip alone, so that its numbers don't
    depend on its neighbours.

    Yields:
        positions in ``signals``, (clips,) samples of each, and (clips, power of two) their sound from the start on;
        what goes before the start stands at the end.
    """
    lengths = clip_lengths(signals)
    powers = [1 << (size + 2 * margin - 1).bit_length() for size in lengths.tolist()]
    for power in sorted(set(powers)):
        group = [i for i, other in enumerate(powers) if other == power]
        many = max(1, TOGETHER // power)
        for start in range(0, len(group), many):
            index = group[start : start + many]
            sizes = torch.from_numpy(lengths[index])
            sound = torch.stack([torch.from_numpy(_fill(mono(signals[i]), power)) for i in index])
            yield index, sizes, sound


def _fill(sound: NDArray[np.float64], power: int) -> NDArray[np.float64]:
    """(samples,) to (power,): the sound, its mirror image after it and, before it, at the end of the row."""
    samples = len(sound)
    place = np.arange(power)
    place[samples + (power - samples) // 2 :] -= power
    place %= 2 * samples
    return sound[np.where(place < samples, place, 2 * samples - 1 - place)]
