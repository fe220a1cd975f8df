"""Spectrograms as published encoders take them, of many waveforms at once.

Two families: short-time Fourier transforms with centered frames (librosa, torchlibrosa), and Kaldi's filter banks,
whose frames lie within the signal. Everything is computed in float64 and returned as float32.

Sources of the definitions: McFee et al. 2015, librosa 0.11 (doi:10.25080/Majora-7b98e3ed-003); Povey et al. 2011, Kaldi
(feat/feature-fbank); O'Shaughnessy 1987 for the mel scale of HTK and Kaldi.
"""

from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

KALDI_FLOOR = float(torch.finfo(torch.float32).eps)
"""Power that counts as silence in Kaldi's filter banks."""

PREEMPHASIS = 0.97
"""Share of the previous sample that Kaldi subtracts from each."""

LOWEST = 20.0
"""Lower edge in Hz of the lowest of Kaldi's mel bands."""

Scale = Literal["slaney", "htk"]


def signal_lengths(waves: Tensor) -> Tensor:
    """(clips,) int64: samples up to the last that is not zero, at least 1.

    Encoders that treat the end of a short clip other than as silence (masks, repetition) take the zeros after its last
    sound for padding.
    """
    places = torch.arange(1, waves.shape[1] + 1, device=waves.device)
    return ((waves != 0) * places).amax(1).clamp(min=1)


def repeat_whole(waves: Tensor) -> Tensor:
    """Repeat every clip as often as it fits into its row, (clips, samples); the rest stays zero."""
    lengths = signal_lengths(waves)[:, None]
    place = torch.arange(waves.shape[1], device=waves.device)
    return waves.gather(1, place % lengths) * (place < waves.shape[1] // lengths * lengths)


def repeat_to_start(waves: Tensor) -> Tensor:
    """Move every clip to the end of its row, (clips, samples), and fill the start with repetitions of it."""
    place = torch.arange(waves.shape[1], device=waves.device) - waves.shape[1]
    return waves.gather(1, place % signal_lengths(waves)[:, None])


def power(waves: Tensor, n_fft: int, hop: int, padding: Literal["reflect", "constant"]) -> Tensor:
    """Squared magnitude of the short-time Fourier transform; frame t is centered on sample t * hop.

    Args:
        waves: (clips, samples).
        n_fft: samples per frame, under a periodic Hann window.
        hop: samples from one frame to the next.
        padding: what precedes and follows a signal: itself, mirrored, or zeros.

    Returns:
        (clips, 1 + samples // hop, n_fft // 2 + 1) float64.
    """
    beyond = functional.pad(waves.double()[:, None], (n_fft // 2, n_fft // 2), mode=padding)[:, 0]
    window = torch.hann_window(n_fft, dtype=torch.float64, device=waves.device)
    return _squared(torch.fft.rfft(beyond.unfold(-1, n_fft, hop) * window))


def mel_filters(rate: int, n_fft: int, n_mels: int, low: float, high: float, scale: Scale, unit_area: bool) -> Tensor:
    """Triangular filters over the frequency bins, as librosa's ``filters.mel``.

    Args:
        rate: sampling rate in Hz.
        n_fft: samples per frame.
        n_mels: number of bands.
        low: lower edge of the lowest band in Hz.
        high: upper edge of the highest band in Hz.
        scale: ``slaney`` (linear below 1 kHz) or ``htk``.
        unit_area: whether filters have unit area (librosa's ``norm="slaney"``), else a peak of 1.

    Returns:
        (n_fft // 2 + 1, n_mels) float64; a filter between two bins is 0.
    """
    return _mel_filters(rate, n_fft, n_mels, low, high, scale, unit_area)


@lru_cache(maxsize=16)
def _mel_filters(rate: int, n_fft: int, n_mels: int, low: float, high: float, scale: Scale, unit_area: bool) -> Tensor:
    to_mel, to_hz = (_slaney_mel, _slaney_hz) if scale == "slaney" else (_htk_mel, _htk_hz)
    edges = to_hz(np.linspace(to_mel(np.array(low)), to_mel(np.array(high)), n_mels + 2))
    filters = _triangles(np.arange(n_fft // 2 + 1) * rate / n_fft, edges)
    return torch.from_numpy(filters * (2 / (edges[2:] - edges[:-2])) if unit_area else filters)


def log_mel(power_spectrum: Tensor, filters: Tensor) -> Tensor:
    """(…, frames, bins) power to (…, frames, mels) float32 in dB, not below -100 dB."""
    return (10 * (power_spectrum @ filters.to(power_spectrum.device)).clamp(min=1e-10).log10()).float()


def kaldi_filter_bank(waves: Tensor, rate: int, n_mels: int, window: Literal["hann", "povey"]) -> Tensor:
    """Kaldi's log-mel filter bank: frames of 25 ms every 10 ms, without those that reach beyond the signal.

    Each frame loses its mean, is pre-emphasized and windowed; bands from 20 Hz to half the rate are triangles on the
    mel scale. No dither.

    Args:
        waves: (clips, samples), at least 25 ms long.
        rate: sampling rate in Hz.
        n_mels: number of bands.
        window: symmetric; ``povey`` is Hann to the power of 0.85, Kaldi's default.

    Returns:
        (clips, frames, n_mels) float32, natural logarithm of the power.
    """
    length, hop = round(0.025 * rate), round(0.010 * rate)
    n_fft = 2 ** (length - 1).bit_length()
    frames = waves.double().unfold(-1, length, hop)
    frames = frames - frames.mean(-1, keepdim=True)
    frames = frames - PREEMPHASIS * torch.cat([frames[..., :1], frames[..., :-1]], -1)
    hann = torch.hann_window(length, periodic=False, dtype=torch.float64, device=waves.device)
    spectrum = torch.fft.rfft(frames * (hann if window == "hann" else hann**0.85), n=n_fft)
    bands = _squared(spectrum) @ _kaldi_filters(rate, n_fft, n_mels).to(waves.device)
    return bands.clamp(min=KALDI_FLOOR).log().float()


@lru_cache(maxsize=4)
def _kaldi_filters(rate: int, n_fft: int, n_mels: int) -> Tensor:
    """(n_fft // 2 + 1, n_mels): triangles on the mel scale; the highest frequency belongs to none."""
    edges = np.linspace(_htk_mel(np.array(LOWEST)), _htk_mel(np.array(rate / 2)), n_mels + 2)
    filters = _triangles(_htk_mel(np.arange(n_fft // 2 + 1) * rate / n_fft), edges)
    filters[-1] = 0
    return torch.from_numpy(filters)


@lru_cache(maxsize=4)
def htk_triangles(rate: int, n_fft: int, n_mels: int) -> Tensor:
    """(n_fft // 2 + 1, n_mels) float64: triangles on the mel scale from 0 Hz; bin 0 belongs to none (TensorFlow's)."""
    edges = np.linspace(0, _htk_mel(np.array(rate / 2)), n_mels + 2)
    filters = _triangles(_htk_mel(np.arange(n_fft // 2 + 1) * rate / n_fft), edges)
    filters[0] = 0
    return torch.from_numpy(filters)


def _squared(spectrum: Tensor) -> Tensor:
    return spectrum.real.square() + spectrum.imag.square()


def _triangles(places: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """(places, edges - 2): rises from each edge to the next, and falls to the one after it."""
    distance = edges - places[:, None]
    width = np.diff(edges)
    return np.maximum(0, np.minimum(-distance[:, :-2] / width[:-1], distance[:, 2:] / width[1:]))


def _htk_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    return 2595 * np.log10(1 + hz / 700)


def _htk_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    hertz: NDArray[np.float64] = 700 * (10 ** (mel / 2595) - 1)
    return hertz


def _slaney_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Auditory Toolbox, 1998: linear below 1 kHz, logarithmic above."""
    return np.where(hz < 1000, hz * 3 / 200, 15 + 27 * np.log(np.maximum(hz, 1) / 1000) / np.log(6.4))


def _slaney_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))
