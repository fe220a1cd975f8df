"""A clip as four images of one size, for networks: adventitious sounds over frequency and time.

Channels of `SoundMaps`:
    0  level: loudness of each band. Wheezes are lines, crackles are columns, breath noise is the background.
    1  tonality: level of the strongest line of a band above its neighborhood in frequency (wheezes).
    2  transients: level of the loudest 16 ms of a frame above their neighborhood in time (crackles).
    3  broadband transients: the same after averaging over all bands, since a crackle is in many bands at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import max_pool1d
from torch.nn.functional import pad as pad_zeros

from respbench.corpora.clips import Signal
from respbench.corpora.problems import InputError
from respbench.features.spectral import BATCH_SAMPLES, Batch, clip_lengths, decibels, pad, power_spectrum

CHANNELS = ("level", "tonality", "transients", "broadband transients")

BANDS, BANDWIDTH = 32, 62.5
"""Linear bands from 0 to 2 kHz, and their width in Hz: about the spacing of the partials of a wheeze."""

LINES = 8
"""Frequency bins per band in the long window (128 ms), for wheezes, which last 80 ms and more. The short one, for
crackles of 5 to 15 ms, has one bin per band and lasts 16 ms (durations: Sovijärvi et al. 2000, CORSA)."""

FRAME, STEPS = 0.032, 8
"""s per column of the images; and short windows per column, one every 4 ms, so that no crackle is missed."""

LINE_NEIGHBORHOOD = 15
"""Bins of the long window (117 Hz) that a line is compared with: wider than the line, narrower than the spacing of the
harmonics of most wheezes."""

CLICK_NEIGHBORHOOD = 0.3
"""s that a click is compared with: longer than a crackle, shorter than a phase of the breath."""

MARGIN = 8
"""Columns computed beyond either end and cut off: more than any neighborhood."""


@dataclass(frozen=True)
class SoundMaps:
    """The four images of a clip, mirrored until it fills a fixed time; an `Extractor` of `features.cache`.

    Forwards, backwards, forwards: the waveform continues without the jumps that repetition has at each seam, and that
    resemble crackles. Of a longer clip the first ``seconds`` are kept. The level of each clip is centered, since it
    depends on the distance of the microphone.

    Attributes:
        seconds: time that the images cover in s.
        channels: which of `CHANNELS`.
    """

    seconds: float = 5.12
    channels: tuple[str, ...] = CHANNELS

    def __post_init__(self) -> None:
        if not self.channels or not set(self.channels) <= set(CHANNELS) or len(set(self.channels)) < len(self.channels):
            got = ", ".join(self.channels) or "none"
            raise InputError(f"channels must be different names out of {', '.join(CHANNELS)}; got {got}")
        if not self.seconds > 0:
            raise InputError(f"seconds must be above 0; got {self.seconds:g}")

    def __call__(self, signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
        """Compute maps.

        Args:
            signals: one float32 array (channels, samples) per clip; channels are averaged.
            rate: sampling rate in Hz.

        Returns:
            (clips, channels, 32, frames) float32 in dB, lowest band first; row i depends on clip i alone.

        Raises:
            InputError: a clip has no samples, or the rate is too low.
        """
        if rate < 2 * BANDS * BANDWIDTH:
            raise InputError(
                f"maps reach up to {BANDS * BANDWIDTH:g} Hz: a rate of {rate} Hz is too low; use "
                f"{2 * BANDS * BANDWIDTH:g} Hz or more"
            )
        step = round(FRAME * rate / STEPS)
        columns = round(self.seconds / FRAME)
        size = max(1, BATCH_SAMPLES // (columns * STEPS * step))
        maps = np.empty((len(signals), len(CHANNELS), BANDS, columns), dtype=np.float32)
        clip_lengths(signals)
        for start in range(0, len(signals), size):
            margin = MARGIN * STEPS * step
            batch = mirror(pad(signals[start : start + size]), -margin, columns * STEPS * step + margin)
            maps[start : start + size] = _maps(batch, rate, step)[..., MARGIN : MARGIN + columns].numpy()
        maps[:, 0] -= maps[:, 0].mean((1, 2), keepdims=True)
        return maps[:, [CHANNELS.index(channel) for channel in self.channels]]


def _maps(batch: Batch, rate: int, step: int) -> Tensor:
    """(clips, 4, 32, columns) in dB; ``step`` samples from one short window to the next."""
    long = power_spectrum(batch, 2 * round(LINES * rate / BANDWIDTH / 2), STEPS * step)[..., : LINES * BANDS]
    level = decibels(long.unflatten(2, (BANDS, LINES)).mean(3)).transpose(1, 2)
    tonality = _above(decibels(long), LINE_NEIGHBORHOOD).unflatten(2, (BANDS, LINES)).amax(3).transpose(1, 2)
    short = power_spectrum(batch, 2 * round(rate / BANDWIDTH / 2), step)[..., :BANDS].transpose(1, 2)
    clicks = _above(decibels(short), 2 * round(CLICK_NEIGHBORHOOD * rate / step / 2) + 1)  # (clips, bands, steps)
    transients, broadband = (max_pool1d(c, STEPS, padding=STEPS // 2) for c in (clicks, clicks.mean(1, keepdim=True)))
    return torch.stack([level, tonality, transients, broadband.expand_as(transients)], dim=1)


def mirror(batch: Batch, start: int, stop: int) -> Batch:
    """Every clip forwards and backwards alternately, from sample ``start`` (below 0: before the clip) to ``stop``."""
    twice = 2 * batch.lengths[:, None]
    place = torch.arange(start, stop) % twice
    samples = batch.samples.gather(1, torch.minimum(place, twice - 1 - place))
    return Batch(samples, torch.full_like(batch.lengths, stop - start))


def _above(level: Tensor, width: int) -> Tensor:
    """Levels minus their running mean over ``width`` places of the last axis, fewer at the ends."""
    sums = pad_zeros(level.cumsum(-1), (1, 0))
    place = torch.arange(level.shape[-1])
    low, high = (place - width // 2).clamp(min=0), (place + width // 2 + 1).clamp(max=level.shape[-1])
    return level - (sums[..., high] - sums[..., low]) / (high - low)
