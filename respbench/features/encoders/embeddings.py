"""Embeddings of clips by a pretrained encoder, as features that are cached like any others."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from respbench.corpora.clips import Signal
from respbench.corpora.code_identity.identity import code_identity
from respbench.features.encoders.encoder import Encoder, EncoderCard
from respbench.features.encoders.weights import find_weights

POOLINGS = ("mean", "mean+max", "mean+std")
"""How the embeddings of a clip's windows become one row; the last two have twice the columns."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Embeddings:
    """Embeddings by one encoder: one row per clip, pooled over its windows.

    Attributes:
        encoder: its name.
        target: of its adapter.
        rate: Hz that clips are resampled to.
        seconds: of a window; None = the clip as a whole.
        step: s from one window to the next.
        size: columns of an embedding.
        pooling: of `POOLINGS`.
        weights: hashes and versions, see `features.encoders.weights.Weights.identity`.
        code: identity of the adapter's code.
        paths: of the weights.
    """

    encoder: str
    target: str
    rate: int
    seconds: float | None
    step: float
    size: int
    pooling: str
    weights: str
    code: str
    paths: tuple[Path, ...] = field(repr=False, compare=False)

    def __call__(self, signals: Sequence[Signal], rate: int) -> Floats:
        """Encode clips one by one, so that a row depends on its clip alone.

        Args:
            signals: (channels, samples) each; channels are averaged.
            rate: Hz.

        Returns:
            (clips, columns); ``size`` columns, or twice as many with two kinds of pooling.
        """
        encoder = loaded(self.target, self.paths)
        rows = np.empty((len(signals), self.size * (1 + self.pooling.count("+"))), np.float32)
        for number, signal in enumerate(signals):
            wave = resampled(np.asarray(signal, np.float32).mean(axis=0), rate, self.rate)
            rows[number] = pooled(encoder(self.windows(wave)), self.pooling)
        return rows

    def windows(self, wave: Floats) -> Floats:
        """Cut (samples,) into (windows, samples): a short clip is padded with zeros, the last window ends with it."""
        if self.seconds is None:
            return wave[None]
        length = round(self.seconds * self.rate)
        if len(wave) <= length:
            return np.pad(wave, (0, length - len(wave)))[None]
        starts = np.arange(0, len(wave) - length, max(1, round((self.step or self.seconds) * self.rate)))
        return np.stack([wave[start : start + length] for start in (*starts, len(wave) - length)])


def embeddings_of(card: EncoderCard, pooling: str = "mean") -> Embeddings:
    """Make the features of an encoder.

    Raises:
        InputError: a package or a file of weights is missing.
        ValueError: there is no such pooling.
    """
    if pooling not in POOLINGS:
        raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}; it is {pooling!r}")
    weights = find_weights(card)
    return Embeddings(
        encoder=card.name,
        target=card.target,
        rate=card.rate,
        seconds=card.seconds,
        step=card.step,
        size=card.size,
        pooling=pooling,
        weights=weights.identity(),
        code=code_identity(card.target),
        paths=weights.paths,
    )


@lru_cache(maxsize=2)
def loaded(target: str, paths: tuple[Path, ...]) -> Encoder:
    """The encoder behind a target, loaded once per process."""
    module, _, symbol = target.partition(":")
    encoder: Encoder = getattr(importlib.import_module(module), symbol)(paths)
    return encoder


def resampled(wave: Floats, rate: int, to: int) -> Floats:
    """(samples,) at another rate, in Hz."""
    if rate == to:
        return wave
    found: Floats = soxr.resample(wave, rate, to)
    return found


def pooled(rows: Floats, pooling: str) -> Floats:
    """(windows, size) to (columns,): see `POOLINGS`."""
    mean: Floats = rows.mean(axis=0)
    match pooling:
        case "mean+max":
            return np.concatenate([mean, rows.max(axis=0)])
        case "mean+std":
            return np.concatenate([mean, rows.std(axis=0)])
    return mean
