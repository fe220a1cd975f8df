"""Synthetic breath sounds for tests: noise into which wheezes and crackles are mixed at known times and pitches."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.clips import Signal
from respbench.corpora.simulated.acoustics import crackle, wheeze

RATE = 4000
"""Hz."""

Wave = NDArray[np.float64]


def breath(seconds: float, seed: int = 0, rate: int = RATE) -> Wave:
    """White noise of RMS 0.1, (samples,)."""
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * rate))


def with_wheeze(
    wave: Wave, pitch: float, start: float, seconds: float, rate: int = RATE, level: float = 0.1, drift: float = 0.0
) -> Wave:
    """The same with a wheeze without harmonics, ``pitch`` in Hz, of RMS ``level``."""
    sound = wheeze(rate, seconds, pitch, drift, 10.0, np.zeros(1))
    return added(wave, level * sound, start, rate)


def with_crackles(
    wave: Wave, starts: Sequence[float], kind: tuple[float, float], rate: int = RATE, level: float = 1.0
) -> Wave:
    """The same with crackles of ``kind`` = (initial deflection, two cycles) in s, at these seconds, of this peak."""
    for start in starts:
        wave = added(wave, level * crackle(rate, *kind), start, rate)
    return wave


def added(wave: Wave, sound: Wave, start: float, rate: int = RATE) -> Wave:
    """A copy of the first with the second mixed in, from ``start`` s on."""
    mixed = wave.copy()
    first = round(start * rate)
    mixed[first : first + len(sound)] += sound
    return mixed


def signal(wave: Wave) -> Signal:
    """(1, samples) float32."""
    return wave[None].astype(np.float32)
