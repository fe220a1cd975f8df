"""Measures of adventitious lung sounds: continuous ones (wheezes, rhonchi) and discontinuous ones (crackles).

A wheeze is a line in the spectrum that lasts 80 ms and more; a crackle is a click of 5 to 15 ms in many bands at once
(CORSA: Sovijärvi et al. 2000, Definition of terms for applications of respiratory sounds, Eur Respir Rev
10:597).
Each family of columns measures one of them, or what distinguishes them from breath noise; every number is relative to
the clip itself, so that neither loudness nor, as far as possible, the stethoscope has an influence.

Clips are measured one by one, at 4 kHz whatever the clip's rate, since all of these sounds lie below 2 kHz.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from respbench.corpora.clips import Signal
from respbench.corpora.problems import InputError
from respbench.features.spectral import clip_lengths, mono
from respbench.features.tonality import continuous, periodicity
from respbench.features.transients import Bands, colour, discontinuous, rhythm, whitened

RATE = 4000
"""Hz at which clips are measured."""

SHORTEST = 2048
"""Samples (0.5 s) up to which a shorter clip is mirrored, so that every statistic is defined."""

FAMILIES = {
    "continuous": "wheezes and rhonchi: lines in the spectrum, how far they stand out and for how long",
    "discontinuous": "crackles: how explosive each band is, and how many clicks per second it has",
    "rhythm": "how fast the loudness of each band rises and falls",
    "colour": "how loud the bands are relative to each other, and whether the sound has a pitch",
    "whitened": "crackles, in the residual of linear prediction of the sound",
}
"""The families of columns, and what each measures."""


@dataclass(frozen=True)
class Adventitious:
    """Columns of the chosen families; an `Extractor` of `features.cache`.

    Attributes:
        families: which of `FAMILIES`, in that order of columns.

    Raises:
        InputError: an unknown family, none, or the same twice.
    """

    families: tuple[str, ...] = tuple(FAMILIES)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.families) - set(FAMILIES))
        if unknown or not self.families or len(set(self.families)) < len(self.families):
            got = ", ".join(self.families) or "none"
            raise InputError(f"families must be different names out of {', '.join(FAMILIES)}; got {got}")

    @property
    def columns(self) -> tuple[str, ...]:
        """Name of every column, in words."""
        return tuple(_measure(np.zeros(SHORTEST), self.families))

    def __call__(self, signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
        """Measure clips.

        Args:
            signals: one float32 array (channels, samples) per clip; channels are averaged.
            rate: sampling rate in Hz, at least 4000.

        Returns:
            (clips, columns) float32, finite; row i depends on clip i alone.

        Raises:
            InputError: a clip has no samples, or the rate is too low.
        """
        if rate < RATE:
            raise InputError(
                f"adventitious sounds reach up to 2 kHz: a rate of {rate} Hz is too low; use {RATE} Hz or more"
            )
        clip_lengths(signals)
        matrix = np.empty((len(signals), len(self.columns)), dtype=np.float32)
        for row, signal in zip(matrix, signals, strict=True):
            row[:] = list(_measure(_prepared(signal, rate), self.families).values())
        return matrix


def _prepared(signal: Signal, rate: int) -> NDArray[np.float64]:
    """(samples,) at 4 kHz, mirrored to `SHORTEST` samples if it is shorter."""
    samples = mono(signal)
    shortest = -(-SHORTEST * rate // RATE)
    if len(samples) < shortest:
        samples = np.pad(samples, (0, shortest - len(samples)), mode="symmetric")
    return samples if rate == RATE else soxr.resample(samples, rate, RATE, quality="VHQ")


def _measure(samples: NDArray[np.float64], families: Sequence[str]) -> dict[str, float]:
    """Every column of one clip."""
    bands = Bands(samples, RATE)
    measured: dict[str, float] = {}
    for family in families:
        if family == "continuous":
            measured |= continuous(bands.loudness_normalized, RATE)
        elif family == "discontinuous":
            measured |= discontinuous(bands)
        elif family == "rhythm":
            measured |= rhythm(bands)
        elif family == "colour":
            measured |= colour(bands) | periodicity(bands.broad, RATE)
        else:
            measured |= whitened(bands.broad, RATE)
    return measured
