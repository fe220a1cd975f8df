"""Statistics of a motion clip in the time and frequency domain: the features of activity recognition's baselines.

The list follows Anguita et al. 2013 (A public domain dataset for human activity recognition using smartphones, ESANN):
gravity parted from the body's motion, jerk, magnitudes, statistics of each in time and frequency, correlations between
axes and tilt. Three things differ, since clips here may be whole trials of any duration. Spectra are averaged over
segments of one length (Welch 1967), so that no column scales with the number of samples. Burg's reflection coefficients
take the place of his autoregressive ones, which they determine, since they are bounded. And gravity and intensity are
also measured in successive parts of the clip: standing up and sitting down have the same distribution and the opposite
order.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt, welch

from respbench.corpora.clips import Signal
from respbench.corpora.problems import InputError
from respbench.features.spectral import clip_lengths

Floats = NDArray[np.float64]

CORNER = 0.3
"""Hz below which acceleration is attributed to gravity (Anguita et al. 2013)."""

ORDER = 3
"""Of the Butterworth filter at `CORNER` (Anguita et al. 2013)."""

BANDS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0)
"""Hz: edges of the bands whose share of the power is measured; steps of walking repeat at 1 to 3 Hz."""

SEGMENT = 2.56
"""s per segment of a spectrum: the window of Anguita et al. 2013."""

LAGS = 4
"""Order of the autoregressive model (Anguita et al. 2013)."""

SHORTEST = 2 * LAGS
"""Samples; the last one of a shorter clip is repeated."""

TINY = 1e-12
"""Added to denominators, so that a constant channel has finite columns."""


@dataclass(frozen=True)
class MotionStatistics:
    """One row of statistics per clip of any number of channels; an `Extractor` of `features.cache`.

    Consecutive channels form sensors of ``axes`` axes each, if the number of channels allows; otherwise all channels
    form one sensor. Magnitudes and correlations are measured within a sensor.

    Attributes:
        axes: channels per sensor.
        parts: successive parts of equal duration whose mean gravity and intensity are measured; 1 = none.

    Raises:
        InputError: a number that must be at least 1 isn't.
    """

    axes: int = 3
    parts: int = 6

    def __post_init__(self) -> None:
        if self.axes < 1 or self.parts < 1:
            raise InputError(f"{self!r}: both numbers must be at least 1")

    def __call__(self, signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
        """Clips at ``rate`` Hz to (clips, columns) float32, finite; row i depends on clip i alone.

        Raises:
            InputError: a clip has no samples.
        """
        clip_lengths(signals)
        rows = [list(self.describe(signal, rate).values()) for signal in signals]
        return np.array(rows, dtype=np.float32)

    def describe(self, signal: Signal, rate: int) -> dict[str, float]:
        """The columns of one clip by name, such as ``body_0_std``, in order.

        Args:
            signal: (channels, samples), in any unit; all statistics but shares, rates and correlations have its scale.
            rate: sampling rate in Hz.
        """
        missing = max(0, max(SHORTEST, self.parts) - signal.shape[-1])
        samples: Floats = np.pad(signal.astype(np.float64), ((0, 0), (0, missing)), mode="edge")
        gravity = slow_part(samples, rate)
        body = samples - gravity
        jerk = np.gradient(body, 1 / rate, axis=-1)
        named = {"body": body, "jerk": jerk}
        series = {f"{name}_{channel}": row for name, rows in named.items() for channel, row in enumerate(rows)}
        for sensor, channels in enumerate(self._sensors(len(signal))):
            for name, rows in {"signal": samples, **named}.items():
                series[f"{name}_magnitude_{sensor}"] = np.linalg.norm(rows[channels], axis=0)
        found = dict(_statistics(series, rate))
        for sensor, channels in enumerate(self._sensors(len(signal))):
            found |= _posture(f"{sensor}", gravity[channels])
            for name, rows in named.items():
                found |= _correlations(f"{name}_{sensor}", rows[channels])
            found |= self._course(f"{sensor}", gravity[channels], body[channels])
        return found

    def _sensors(self, channels: int) -> list[slice]:
        """The channels of each sensor."""
        size = channels if channels % self.axes else self.axes
        return [slice(first, first + size) for first in range(0, channels, size)]

    def _course(self, sensor: str, gravity: Floats, body: Floats) -> dict[str, float]:
        """Mean gravity and RMS of the body's motion in each part, both relative to the whole clip."""
        if self.parts == 1:
            return {}
        center = gravity.mean(axis=1)
        intensity = np.sqrt(np.square(body).mean())
        found: dict[str, float] = {}
        for part, own in enumerate(np.array_split(np.arange(gravity.shape[1]), self.parts)):
            shift = gravity[:, own].mean(axis=1) - center
            found |= {f"gravity_{sensor}_{axis}_part_{part}": value for axis, value in enumerate(shift.tolist())}
            share = np.sqrt(np.square(body[:, own]).mean()) / (intensity + TINY)
            found[f"intensity_{sensor}_part_{part}"] = float(share)
        return found


def slow_part(signal: Floats, rate: int) -> Floats:
    """(channels, samples) below `CORNER`, without delay; a clip is mirrored at its ends."""
    padding = min(signal.shape[-1] - 1, round(rate / CORNER))
    slow: Floats = sosfiltfilt(_low_pass(rate), signal, padtype="even", padlen=padding)
    return slow


@lru_cache(maxsize=16)
def _low_pass(rate: int) -> Floats:
    """(sections, 6): the filter that parts gravity."""
    sections: Floats = butter(ORDER, CORNER, fs=rate, output="sos")
    return sections


def reflections(series: Floats) -> Floats:
    """Burg's reflection coefficients (Burg 1967): (rows, samples) to (rows, `LAGS`), each between -1 and 1."""
    series = series - series.mean(axis=1, keepdims=True)
    forward, backward = series[:, 1:], series[:, :-1]
    found = []
    for _ in range(LAGS):
        power = (np.square(forward) + np.square(backward)).sum(axis=1)
        reflection = 2 * (forward * backward).sum(axis=1) / (power + TINY)
        found.append(reflection)
        step = reflection[:, None]
        forward, backward = (forward - step * backward)[:, 1:], (backward - step * forward)[:, :-1]
    return np.stack(found, axis=1)


_IN_TIME: dict[str, Callable[[Floats], Floats]] = {
    "mean": lambda x: x.mean(axis=1),
    "std": lambda x: x.std(axis=1),
    "mad": lambda x: np.median(np.abs(x - np.median(x, axis=1, keepdims=True)), axis=1),
    "min": lambda x: x.min(axis=1),
    "max": lambda x: x.max(axis=1),
    "iqr": lambda x: np.subtract(*np.quantile(x, (0.75, 0.25), axis=1)),
    "rms": lambda x: np.sqrt(np.square(x).mean(axis=1)),
    "skewness": lambda x: (_standardized(x) ** 3).mean(axis=1),
    "kurtosis": lambda x: (_standardized(x) ** 4).mean(axis=1),
    "crossings": lambda x: np.diff(x > x.mean(axis=1, keepdims=True), axis=1).mean(axis=1),
}
"""(rows, samples) to (rows,); ``crossings`` = share of the samples at which the mean is crossed."""


def _standardized(rows: Floats) -> Floats:
    """Rows of mean 0 and standard deviation 1; of a constant one, zeros."""
    standardized: Floats = (rows - rows.mean(axis=1, keepdims=True)) / (rows.std(axis=1, keepdims=True) + TINY)
    return standardized


def _statistics(series: dict[str, Floats], rate: int) -> Iterator[tuple[str, float]]:
    """Statistics of every series in time and frequency, by name."""
    rows = np.stack(list(series.values()))
    found = {name: measure(rows) for name, measure in _IN_TIME.items()}
    found |= {f"reflection_{lag}": column for lag, column in enumerate(reflections(rows).T)}
    found |= _spectral(rows, rate)
    for name, values in found.items():
        yield from zip((f"{one}_{name}" for one in series), values.tolist(), strict=True)


def _spectral(rows: Floats, rate: int) -> dict[str, Floats]:
    """Statistics of the power spectra: (rows, samples) to (rows,) each; frequencies in Hz."""
    size = min(round(SEGMENT * rate), rows.shape[1])
    frequency, power = welch(rows, rate, nperseg=size)
    share = power / (power.sum(axis=1, keepdims=True) + TINY)
    center = share @ frequency
    away = frequency - center[:, None]
    width = np.sqrt((share * np.square(away)).sum(axis=1))
    found = {
        "dominant": frequency[power.argmax(axis=1)],
        "center": center,
        "width": width,
        "spectral_skewness": (share * away**3).sum(axis=1) / (width**3 + TINY),
        "spectral_kurtosis": (share * away**4).sum(axis=1) / (width**4 + TINY),
        "spectral_entropy": -(share * np.log2(share + TINY)).sum(axis=1) / np.log2(len(frequency)),
    }
    for low, high in pairwise((*BANDS, np.inf)):
        found[f"share_from_{low:g}_hz"] = share[:, (frequency >= low) & (frequency < high)].sum(axis=1)
    return found


def _posture(sensor: str, gravity: Floats) -> dict[str, float]:
    """Tilt, as the cosine of the angle between mean gravity and each axis, and how far gravity moves on it."""
    center = gravity.mean(axis=1)
    tilt = center / (np.linalg.norm(center) + TINY)
    found = {f"tilt_{sensor}_{axis}": value for axis, value in enumerate(tilt.tolist())}
    for name in ("mean", "std", "min", "max"):
        values = getattr(np, name)(gravity, axis=1)
        found |= {f"gravity_{sensor}_{axis}_{name}": value for axis, value in enumerate(values.tolist())}
    return found


def _correlations(name: str, rows: Floats) -> dict[str, float]:
    """Pearson's correlation of each pair of axes; 0 if one is constant."""
    centered = rows - rows.mean(axis=1, keepdims=True)
    centered /= np.linalg.norm(centered, axis=1, keepdims=True) + TINY
    return {
        f"{name}_correlation_{one}_{other}": float(centered[one] @ centered[other])
        for one, other in combinations(range(len(rows)), 2)
    }
