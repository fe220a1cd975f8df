"""Discontinuous adventitious sounds, crackles: clicks in the bands of a clip, and in its linear prediction residual."""

from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.fft import ifft, irfft, next_fast_len, rfft
from scipy.linalg import solve_toeplitz
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from respbench.features.tonality import BAND_NAMES, EDGES, percentiles

Floats = NDArray[np.float64]

ORDER = 4
"""Order of the Butterworth band-pass filters, applied forwards and backwards: without delay."""

PADDING = 0.1
"""s of the mirrored clip at either end, in which the filters settle; the lowest one rings for about 30 ms."""

EXPLOSIVE = 0.1
"""s of the frames whose kurtosis is computed: one crackle and the noise around it."""

NEIGHBORHOOD = 0.5
"""s that a click is compared with: many crackles long, shorter than a phase of the breath."""

APART = 0.01
"""s, half before and half after a peak, in which no lower one counts: about the length of a crackle (5 ms fine, 10 ms
coarse: CORSA 2000)."""

CLICK = (2, 3, 4, 6)
"""Times the usual envelope at which a peak is counted. In noise, whose envelope is Rayleigh-distributed, peaks of 3
are rare in the narrow bands (9 per second in the widest), and peaks of 4 almost absent."""

MODULATION = (0.3, 2.0, 6.0, 15.0, 50.0)
"""Hz between bands of modulation: the breath's phases; heart beats and slow trains of crackles; fast trains; clicks."""

MODULATION_STEP = 0.01
"""s between samples of the loudness whose modulation is measured."""

PREDICTION_ORDERS = (8, 24)
"""Of the linear prediction: 8 describe the slope of a spectrum, 24 also the resonances of stethoscope and chest."""

SMOOTHED = 12
"""Samples (3 ms) over which the energy of the unpredictable part is averaged: shorter than a crackle."""

FLOOR = 1e-4
"""Added before a logarithm or a division, for signals of RMS 1: silence stays finite."""


class Bands:
    """A clip and its bands, zero-phase filtered.

    Args:
        samples: (samples,) any scale.
        rate: Hz.

    Attributes:
        rate: Hz.
        loudness_normalized: (samples,) divided by the RMS between 60 and 1900 Hz.
        broad: (samples,) the same, band-passed to 60-1900 Hz.
        waves: (bands, samples) band-passed.
        envelopes: (bands, samples) their amplitudes (Hilbert).
    """

    def __init__(self, samples: Floats, rate: int) -> None:
        self.rate = rate
        margin = min(round(PADDING * rate), len(samples))
        samples = samples - samples.mean()
        padded = np.pad(samples, margin, mode="symmetric")
        size = next_fast_len(len(padded))
        own = slice(margin, margin + len(samples))
        spectrum = rfft(padded, size)
        frequency = np.arange(len(spectrum)) * rate / size
        broad = irfft(spectrum * _band_pass(frequency, EDGES[0], EDGES[-1]), size)[own]
        loudness = max(float(np.sqrt(np.mean(np.square(broad)))), 1e-9)
        self.loudness_normalized = samples / loudness
        self.broad = broad / loudness
        gains = np.array([_band_pass(frequency, *edges) for edges in pairwise(EDGES)])
        # The positive frequencies alone, doubled, make the analytic signal: wave and envelope in one transform.
        analytic = ifft(2 / loudness * gains * spectrum, size)[:, own]
        self.waves: Floats = analytic.real
        self.envelopes: Floats = np.abs(analytic)

    @cached_property
    def loudness(self) -> Floats:
        """(bands, samples) natural logarithm of the envelopes."""
        return np.log(self.envelopes + FLOOR)


def _band_pass(frequency: Floats, low: float, high: float) -> Floats:
    """Gain of a Butterworth band-pass filter that is applied forwards and backwards; 0 at 0 Hz."""
    safe = np.maximum(frequency, 1e-3)
    gain: Floats = 1 / (1 + np.power(np.square((safe - low * high / safe) / (high - low)), ORDER))
    return gain


def discontinuous(bands: Bands) -> dict[str, float]:
    """Explosiveness of each band, and number of clicks in it.

    Returns:
        Named numbers, 16 per band.
    """
    # Teager's energy sees a jump of amplitude or frequency within three samples (Kaiser 1990).
    teager = np.square(bands.waves[:, 1:-1]) - bands.waves[:, 2:] * bands.waves[:, :-2]
    numbers: dict[str, float] = {}
    for band, name in enumerate(BAND_NAMES):
        wave, loudness = bands.waves[band], bands.loudness[band]
        centered = loudness - loudness.mean()
        spread = float(np.sqrt(np.mean(np.square(centered))))
        numbers |= {
            f"explosiveness, {name}": _log_kurtosis(wave),
            f"explosiveness of the energy, {name}": _log_kurtosis(teager[band]),
            f"spread of the loudness, {name}": spread,
            f"skew of the loudness, {name}": float(np.mean(np.square(centered) * centered) / (spread**3 + FLOOR)),
        }
        numbers |= _explosive_frames(wave, bands.rate, name) | _clicks(loudness, bands.rate, name)
    return numbers


def whitened(samples: Floats, rate: int) -> dict[str, float]:
    """Clicks in the residual of linear prediction, which removes the spectrum of lung, chest and stethoscope.

    Args:
        samples: (samples,) of RMS about 1, without content outside of 60 to 1900 Hz.
        rate: Hz.

    Returns:
        Named numbers, 14 per prediction order.
    """
    numbers: dict[str, float] = {}
    size = next_fast_len(2 * len(samples))
    correlation = irfft(np.square(np.abs(rfft(samples, size))), size)[: max(PREDICTION_ORDERS) + 1] / len(samples)
    correlation[0] = correlation[0] * 1.001 + FLOOR  # white noise 30 dB down keeps the equations solvable
    for order in PREDICTION_ORDERS:
        weights = solve_toeplitz(correlation[:order], correlation[1 : order + 1])
        residual = np.convolve(samples, np.concatenate([[1], -weights]), "valid")
        error = max(float(np.mean(np.square(residual))), FLOOR**2)
        residual /= np.sqrt(error)
        name = f"predicted from {order} samples"
        level = np.log(np.sqrt(uniform_filter1d(np.square(residual), SMOOTHED).clip(0)) + FLOOR)
        numbers |= {
            f"explosiveness, {name}": _log_kurtosis(residual),
            f"unpredictable part, {name}": float(np.log(error)),
        }
        numbers |= _explosive_frames(residual, rate, name) | _clicks(level, rate, name)
    return numbers


def rhythm(bands: Bands) -> dict[str, float]:
    """Share of the modulation of each band's loudness that is slow or fast, in natural logarithms.

    Returns:
        Four named numbers per band.
    """
    step = round(MODULATION_STEP * bands.rate)
    count = bands.loudness.shape[1] // step
    loudness = bands.loudness[:, : count * step].reshape(len(bands.loudness), count, step).mean(2)
    loudness = (loudness - loudness.mean(1, keepdims=True)) * np.hanning(count)
    power = np.square(np.abs(rfft(loudness)))
    frequency = np.arange(power.shape[1]) / (count * MODULATION_STEP)
    total = power[:, frequency > MODULATION[0]].sum(1) + FLOOR
    numbers: dict[str, float] = {}
    for low, high in pairwise(MODULATION):
        inside = (frequency >= low) & (frequency < high) if high < MODULATION[-1] else frequency >= low
        share = np.log(power[:, inside].sum(1) / total + 1e-3)
        for name, value in zip(BAND_NAMES, share.tolist(), strict=True):
            numbers[f"modulation of {low:g} to {high:g} Hz, {name}"] = value
    return numbers


def colour(bands: Bands) -> dict[str, float]:
    """Natural logarithm of each band's energy, centered over the bands.

    Returns:
        One named number per band.
    """
    energy = np.log(np.square(bands.waves).mean(1) + FLOOR**2)
    return {f"energy, {name}": float(value) for name, value in zip(BAND_NAMES, energy - energy.mean(), strict=True)}


def _log_kurtosis(values: Floats) -> float:
    """Natural logarithm of the kurtosis, which is log 3 for noise and grows with clicks."""
    return float(np.log(_kurtosis(values[None])[0]))


def _kurtosis(rows: Floats) -> Floats:
    """(rows, n) to (rows,); at least 1, as for any distribution."""
    square = np.square(rows - rows.mean(1, keepdims=True))
    kurtosis: Floats = np.square(square).mean(1) / (np.square(square.mean(1)) + 1e-12)
    return kurtosis.clip(1)


def _explosive_frames(wave: Floats, rate: int, name: str) -> dict[str, float]:
    """Percentiles over frames of 100 ms of the kurtosis."""
    size = round(EXPLOSIVE * rate)
    frames = wave[: len(wave) // size * size].reshape(-1, size)
    return percentiles(f"explosiveness of 100 ms, {name}", np.log(_kurtosis(frames)), (25, 50, 75, 95))


def _clicks(level: Floats, rate: int, name: str) -> dict[str, float]:
    """Peaks of an envelope above its usual height nearby, from the natural logarithm of the envelope."""
    above = level - uniform_filter1d(level, round(NEIGHBORHOOD * rate), mode="reflect")
    peak = above[above == maximum_filter1d(above, round(APART * rate))]
    seconds = len(level) / rate
    counted = {
        f"clicks a second {times} times the usual, {name}": float((peak > np.log(times)).sum() / seconds)
        for times in CLICK
    }
    return counted | percentiles(f"envelope above the usual, {name}", above, (90, 95, 99, 100))
