"""Clips with planted crackles or wheezes: adventitious sounds without annotation.

The waveforms are those of `corpora.simulated.acoustics`, from published acoustics. Each is as loud as the clip's own
sound around its pitch, times a random strength, so that some are obvious and some barely audible.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from respbench.corpora.clips import Signal
from respbench.corpora.problems import InputError
from respbench.corpora.simulated.acoustics import COARSE_CRACKLE, FINE_CRACKLE, SHORTEST_WHEEZE, crackle, wheeze
from respbench.features.cache import Extractor, key
from respbench.features.spectral import mono

Wave = NDArray[np.float64]

CRACKLES = (3, 15)
"""Crackles per clip, fewest and most (ours; 2 to 12 per breath are usual, Vyshedskiy 2011)."""

CRACKLE_STRENGTH = (1.5, 7.0)
"""Peak of a crackle relative to the root mean square of the sound around it (ours)."""

WHEEZE_PITCH = (100.0, 800.0)
"""Hz; CORSA 2000 gives over 100 Hz, most below 1000."""

WHEEZE_STRENGTH = (0.5, 3.0)
"""Root mean square of a wheeze relative to that of the sound around its pitch (ours)."""

SOUNDS = ("crackles", "wheezes")


@dataclass(frozen=True)
class Planted:
    """Another extractor's rows of clips with planted sounds; an `Extractor` of `features.cache`.

    Attributes:
        extractor: applied to the changed clip.
        sound: one of ``SOUNDS``.
        take: number of the random draw of sounds and their positions.
        code: fingerprint of the extractor's code; see `planted`.
    """

    extractor: Extractor
    sound: str
    take: int
    code: str

    def __post_init__(self) -> None:
        if self.sound not in SOUNDS:
            raise InputError(f"unknown sound {self.sound!r} to plant; choose from {', '.join(SOUNDS)}")

    def __call__(self, signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
        """As the extractor's, of clips at ``rate`` Hz; row i depends on clip i alone."""
        return self.extractor([plant(signal, rate, self.sound, self.take) for signal in signals], rate)


def planted(extractor: Extractor, sound: str, take: int) -> Planted:
    """`Planted`, whose cache key includes the extractor's code."""
    return Planted(extractor, sound, take, key(extractor, 0))


def plant(signal: Signal, rate: int, sound: str, take: int) -> Signal:
    """A clip with crackles or wheezes added.

    Args:
        signal: (channels, samples); channels are averaged.
        rate: Hz.
        sound: one of ``SOUNDS``.
        take: number of the random draw.

    Returns:
        (1, samples) float32; depends on the arguments alone.
    """
    wave = mono(signal).astype(np.float64)
    content = hashlib.blake2b(wave.tobytes(), digest_size=8).digest()
    rng = np.random.default_rng([int.from_bytes(content), SOUNDS.index(sound), take])
    add = _crackles if sound == "crackles" else _wheezes
    return add(wave, rate, rng).astype(np.float32)[None]


def _crackles(wave: Wave, rate: int, rng: Generator) -> Wave:
    """A train of similar crackles in one part of the clip."""
    share = rng.uniform()
    shape = [fine * (coarse / fine) ** share for fine, coarse in zip(FINE_CRACKLE, COARSE_CRACKLE, strict=True)]
    around = _around(wave, rate, 2 / shape[1])
    loudness = np.sqrt(np.maximum(np.convolve(around**2, np.ones(rate // 10) / (rate // 10), "same")[: len(wave)], 0))
    strength = _log_uniform(rng, CRACKLE_STRENGTH)
    begin, stretch = rng.uniform(0, 0.7), rng.uniform(0.15, 0.5)
    out = wave.copy()
    for _ in range(rng.integers(CRACKLES[0], CRACKLES[1] + 1)):
        at = int(min(begin + rng.uniform(0, stretch), 0.99) * len(wave))
        slower = np.exp(0.1 * rng.standard_normal())
        sound = crackle(rate, shape[0] * slower, shape[1] * slower, rng.uniform(0, 1 / rate))[: len(wave) - at]
        out[at : at + len(sound)] += rng.choice([-1, 1]) * strength * rng.uniform(0.6, 1.5) * loudness[at] * sound
    return out


def _wheezes(wave: Wave, rate: int, rng: Generator) -> Wave:
    """One or two wheezes."""
    out = wave.copy()
    for _ in range(rng.integers(1, 3)):
        pitch = _log_uniform(rng, WHEEZE_PITCH)
        room = len(wave) / rate
        seconds = min(max(SHORTEST_WHEEZE, rng.uniform(0.15, 0.8)), room)
        sound = wheeze(rate, seconds, pitch, rng.uniform(-0.15, 0.15), rng.uniform(6, 20), rng.uniform(0, 2 * np.pi, 3))
        at = int(rng.integers(0, len(wave) - len(sound) + 1))
        around = _around(wave, rate, pitch)[at : at + len(sound)]
        out[at : at + len(sound)] += _log_uniform(rng, WHEEZE_STRENGTH) * np.sqrt(np.mean(around**2)) * sound
    return out


def _around(wave: Wave, rate: int, pitch: float) -> Wave:
    """The clip's own sound within a little over half an octave of a pitch in Hz, either way."""
    band = [pitch / 1.5, min(pitch * 1.5, 0.48 * rate)]
    around: Wave = sosfilt(butter(2, band, "bandpass", fs=rate, output="sos"), wave)
    return around


def _log_uniform(rng: Generator, limits: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(limits))))
