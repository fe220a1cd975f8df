"""Continuous adventitious sounds, wheezes and rhonchi: lines in the spectrum of a clip, and its pitch."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft
from scipy.ndimage import uniform_filter1d

Floats = NDArray[np.float64]

EDGES = (60, 150, 300, 500, 800, 1200, 1900)
"""Hz between bands. Below 60 Hz heart and muscle are louder than the lungs. Rhonchi lie below 300 Hz, wheezes from 100
to over 1000 Hz, most of them below 500; what a stethoscope lets through ends near 2 kHz (Sovijärvi et al. 2000). Widths
grow with frequency, as those of human hearing."""

BAND_NAMES = tuple(f"{low}-{high} Hz" for low, high in pairwise(EDGES))

WINDOW, STEP = 0.128, 0.016
"""s of a spectrum, and from one to the next. A wheeze of 80 to 100 ms fills the window; its line is then 8 Hz wide."""

NEIGHBORHOOD = 15
"""Bins (117 Hz) that a line is compared with: wider than the line, narrower than the spacing of a wheeze's partials."""

LASTING = 10
"""Spectra (160 ms + one window) averaged to detect lasting lines: noise has short ones."""

STANDS_OUT = (1.0, 1.4)
"""Natural logarithms of the magnitude (9 and 12 dB) by which a lasting line exceeds its neighborhood; a test
checks them against noise."""

SMOOTHING = 17
"""Spectra (256 ms) along which a line persists, and bins (133 Hz) along which a click does."""

FLOOR = 1e-4
"""Magnitude added before a logarithm is taken, for signals of RMS 1: silence stays finite."""

PITCH = (80, 1500)
"""Hz: the pitches of wheezes and rhonchi, looked for in the autocorrelation."""

PITCH_WINDOW = 0.128
"""s of each autocorrelation, half overlapping: ten periods of the lowest pitch."""

PITCHED = 0.6
"""Autocorrelation above which a frame counts as pitched: a tone 2 dB above the noise around it."""


def continuous(samples: Floats, rate: int) -> dict[str, float]:
    """Level of lines above each band's background, their duration, and the flatness of the spectrum.

    Args:
        samples: (samples,) of RMS about 1.
        rate: Hz.

    Returns:
        Named numbers, 16 per band.
    """
    magnitude = _magnitudes(samples, rate)  # (frames, bins)
    level = np.log(magnitude + FLOOR)
    standing_out = level - uniform_filter1d(level, NEIGHBORHOOD, axis=1, mode="nearest")
    lasting = uniform_filter1d(standing_out, LASTING, axis=0, mode="nearest")
    power = np.square(magnitude)
    # Geometric means, where Fitzgerald 2010 (Harmonic/percussive separation, DAFx) takes medians: fifty times faster.
    lines, clicks = (np.exp(2 * uniform_filter1d(level, SMOOTHING, axis=axis, mode="nearest")) for axis in (0, 1))
    frequency = np.arange(magnitude.shape[1]) * rate / (2 * (magnitude.shape[1] - 1))
    numbers: dict[str, float] = {}
    for name, low, high in zip(BAND_NAMES, EDGES[:-1], EDGES[1:], strict=True):
        band = (frequency >= low) & (frequency < high)
        line, long_line = standing_out[:, band].max(1), lasting[:, band].max(1)
        flatness = 2 * level[:, band].mean(1) - np.log(power[:, band].mean(1) + FLOOR**2)
        numbers |= percentiles(f"line above its neighborhood, {name}", line, (25, 50, 75, 95))
        numbers |= percentiles(f"lasting line above its neighborhood, {name}", long_line, (25, 50, 75, 95, 100))
        numbers |= {
            f"share of time with a line {above} above, {name}": float((long_line > above).mean())
            for above in STANDS_OUT
        }
        numbers |= percentiles(f"flatness, {name}", flatness, (5, 25, 50, 75))
        numbers[f"lines against clicks, {name}"] = float(np.log(lines[:, band].mean() / clicks[:, band].mean()))
    return numbers


def periodicity(samples: Floats, rate: int) -> dict[str, float]:
    """How periodic the sound is: the highest peak of the normalized autocorrelation at the lags of a wheeze's pitch.

    Args:
        samples: (samples,) any scale.
        rate: Hz.

    Returns:
        Six named numbers.
    """
    size = round(PITCH_WINDOW * rate)
    window = np.hanning(size)
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[:: size // 2] * window
    correlation = _autocorrelation(frames)
    # A perfectly periodic sound has the window's own autocorrelation at each lag (Boersma 1993).
    normalized = (
        correlation / (correlation[:, :1] + FLOOR) / _autocorrelation(window)[None] * _autocorrelation(window)[0]
    )
    peak = normalized[:, round(rate / PITCH[1]) : round(rate / PITCH[0])].max(1)
    return percentiles("periodicity", peak, (10, 50, 90, 95, 100)) | {
        f"share of time with a periodicity above {PITCHED}": float((peak > PITCHED).mean())
    }


def _magnitudes(samples: Floats, rate: int) -> Floats:
    """(frames, bins) magnitudes of the short-time Fourier transform, the clip mirrored at its ends."""
    size, step = 2 * round(WINDOW * rate / 2), round(STEP * rate)
    mirrored = np.pad(samples, size // 2, mode="symmetric")
    frames = np.lib.stride_tricks.sliding_window_view(mirrored, size)[::step] * np.hanning(size + 1)[:-1]
    magnitudes: Floats = np.abs(rfft(frames))
    return magnitudes


def _autocorrelation(frames: Floats) -> Floats:
    """Of the last axis, for lags up to half its length."""
    size = frames.shape[-1]
    correlation: Floats = irfft(np.square(np.abs(rfft(frames, 2 * size))))[..., : size // 2]
    return correlation


def percentiles(what: str, values: Floats, percents: tuple[int, ...]) -> dict[str, float]:
    """Percentiles of (n,) values, by name, linear between the two nearest values; the 100th is the maximum."""
    place = np.array(percents) / 100 * (len(values) - 1)
    below, above = np.floor(place).astype(np.int64), np.ceil(place).astype(np.int64)
    ordered = np.partition(values, np.union1d(below, above))  # numpy's own percentile takes longer than all else
    found = ordered[below] + (ordered[above] - ordered[below]) * (place - below)
    return {f"{what}: p{percent}": value for percent, value in zip(percents, found.tolist(), strict=True)}
