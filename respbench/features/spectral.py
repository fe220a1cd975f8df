"""Short-time spectra of many clips at once: power, mel, decibels, MFCC, with librosa's definitions.

Everything is computed in float64. In float32 the rounding error of the loudest bin exceeds quiet ones; in float64
a clip's result, once rounded to float32, does not depend on the other clips of its batch.

Source of the definitions: McFee et al. 2015, librosa (doi:10.25080/Majora-7b98e3ed-003), version 0.11.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from respbench.corpora.clips import Signal
from respbench.corpora.problems import InputError

BATCH_SAMPLES = 2**16
"""Padded samples in a batch (16 s at 4 kHz): small enough for its spectra to stay in the processor's cache."""

POWER_FLOOR = 1e-10
"""The power that counts as silence, -100 dB: librosa's ``amin``."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Clips side by side, zeros after each clip's own end.

    Attributes:
        samples: (clips, samples of the longest) float64, mono, full scale = 1.
        lengths: (clips,) int64, samples of each clip.
    """

    samples: Tensor
    lengths: Tensor

    def frames(self, hop: int) -> Tensor:
        """(clips,) int64: number of frames of each clip; later frames of its row are padding."""
        return 1 + self.lengths // hop


def mono(signal: Signal) -> NDArray[np.float64]:
    """(channels, samples) to (samples,): the average of the channels."""
    average: NDArray[np.float64] = signal.mean(axis=0, dtype=np.float64)
    return average


def clip_lengths(signals: Sequence[Signal]) -> NDArray[np.int64]:
    """(clips,) samples of each clip.

    Raises:
        InputError: a clip has no samples.
    """
    lengths = np.array([signal.shape[-1] for signal in signals], dtype=np.int64)
    if not lengths.all():
        raise InputError(f"clip {int(np.argmin(lengths))} of {len(lengths)} has no samples; remove it from the corpus")
    return lengths


def pad(signals: Sequence[Signal]) -> Batch:
    """Average the channels and pad with zeros to the longest clip.

    Raises:
        InputError: a clip has no samples.
    """
    lengths = clip_lengths(signals)
    samples = np.zeros((len(lengths), lengths.max(initial=0)))
    for row, signal in zip(samples, signals, strict=True):
        row[: signal.shape[-1]] = mono(signal)
    return Batch(torch.from_numpy(samples), torch.from_numpy(lengths))


def batches(signals: Sequence[Signal]) -> Iterator[tuple[NDArray[np.int64], Batch]]:
    """Small batches of clips of similar length, to save padding.

    Yields:
        positions in ``signals``, and those clips, padded.
    """
    lengths = clip_lengths(signals)
    order = np.argsort(lengths, kind="stable")[::-1]
    start = 0
    while start < len(order):
        stop = start + max(1, BATCH_SAMPLES // int(lengths[order[start]]))
        index = order[start:stop]
        yield index, pad([signals[i] for i in index.tolist()])
        start = stop


def check_framing(n_fft: int, hop: int) -> None:
    """Check that frames can be centered.

    Raises:
        InputError: ``n_fft`` is not an even number above zero, or ``hop`` is below one.
    """
    if n_fft < 2 or n_fft % 2 or hop < 1:
        raise InputError(f"n_fft must be even and at least 2, hop at least 1; got n_fft={n_fft}, hop={hop}")


def power_spectrum(batch: Batch, n_fft: int, hop: int) -> Tensor:
    """Squared magnitude of the short-time Fourier transform; frame t is centered on sample t * hop.

    Periodic Hann window, zeros before the start and after the end of a clip.

    Args:
        batch: clips.
        n_fft: samples per frame.
        hop: samples from one frame to the next.

    Returns:
        (clips, frames, n_fft // 2 + 1); row i has ``batch.frames(hop)[i]`` frames of its own.
    """
    check_framing(n_fft, hop)
    padded = torch.nn.functional.pad(batch.samples, (n_fft // 2, n_fft // 2))
    frames = padded.unfold(-1, n_fft, hop) * torch.hann_window(n_fft, dtype=torch.float64)
    spectrum: Tensor = torch.fft.rfft(frames)
    return spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag)


def bin_frequencies(rate: int, n_fft: int) -> Tensor:
    """(n_fft // 2 + 1,) center of each frequency bin in Hz."""
    return torch.arange(n_fft // 2 + 1, dtype=torch.float64) * (rate / n_fft)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's mel scale (Auditory Toolbox, 1998): linear below 1 kHz, logarithmic above."""
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))


def _hz_to_mel(hz: float) -> float:
    return hz * 3 / 200 if hz < 1000 else 15 + 27 * float(np.log(hz / 1000) / np.log(6.4))


@lru_cache(maxsize=64)
def mel_filters(rate: int, n_fft: int, n_mels: int, fmin: float = 0.0) -> Tensor:
    """Slaney's triangular filters, each of unit area, from ``fmin`` Hz to half the sampling rate.

    Returns:
        (n_fft // 2 + 1, n_mels) float64.

    Raises:
        InputError: a filter contains no frequency bin, or ``fmin`` is too high.
    """
    if n_mels < 1 or not 0 <= fmin < rate / 2:
        raise InputError(f"need at least 1 mel band and 0 <= fmin < {rate / 2:g} Hz; got {n_mels} and {fmin:g} Hz")
    edges = _mel_to_hz(np.linspace(_hz_to_mel(fmin), _hz_to_mel(rate / 2), n_mels + 2))
    distance = edges - bin_frequencies(rate, n_fft).numpy()[:, None]
    rising = -distance[:, :-2] / np.diff(edges)[:-1]
    falling = distance[:, 2:] / np.diff(edges)[1:]
    filters = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))
    empty = np.flatnonzero(filters.max(axis=0) == 0)
    if len(empty):
        low, high = edges[empty[0]], edges[empty[0] + 2]
        raise InputError(
            f"{n_mels} mel bands are too many for frames of {n_fft} samples at {rate} Hz: no frequency bin lies "
            f"between {low:.1f} and {high:.1f} Hz; use fewer mel bands or longer frames"
        )
    return torch.from_numpy(filters)


def decibels(power: Tensor) -> Tensor:
    """10 log10 of the power, not below -100 dB.

    No limit relative to the clip's maximum (librosa's ``top_db``), so that a value depends on its own frame alone.
    """
    level = power.clamp(min=POWER_FLOOR).numpy()
    np.log10(level, out=level)  # numpy's logarithms and roots are faster than torch's
    return torch.from_numpy(level).mul_(10)


def log_mel(power: Tensor, filters: Tensor) -> Tensor:
    """(…, frames, bins) power to (…, frames, mels) in dB; ``filters`` as from `mel_filters`."""
    return decibels(power @ filters)


@lru_cache(maxsize=64)
def _cosines(n_mels: int, n_mfcc: int) -> Tensor:
    """(n_mels, n_mfcc): the orthonormal discrete cosine transform, type II."""
    if not 1 <= n_mfcc <= n_mels:
        raise InputError(f"n_mfcc must lie between 1 and n_mels; got n_mfcc={n_mfcc}, n_mels={n_mels}")
    angle = np.pi / n_mels * np.outer(np.arange(n_mels) + 0.5, np.arange(n_mfcc))
    cosines = np.sqrt(2 / n_mels) * np.cos(angle)
    cosines[:, 0] = np.sqrt(1 / n_mels)
    return torch.from_numpy(cosines)


def mfcc(log_mels: Tensor, n_mfcc: int) -> Tensor:
    """Mel-frequency cepstral coefficients: (…, frames, mels) in dB to (…, frames, n_mfcc).

    Raises:
        InputError: more coefficients than mel bands.
    """
    return log_mels @ _cosines(log_mels.shape[-1], n_mfcc)
