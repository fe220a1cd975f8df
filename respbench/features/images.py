"""A clip as an image of fixed size, log-mel over time, for networks: resized, or repeated to a fixed duration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from respbench.corpora.clips import Signal
from respbench.corpora.problems import InputError
from respbench.features.spectral import (
    BATCH_SAMPLES,
    Batch,
    batches,
    check_framing,
    clip_lengths,
    log_mel,
    mel_filters,
    pad,
    power_spectrum,
)


@dataclass(frozen=True)
class ResizedMel:
    """Mel-spectrogram of the clip, resized along time to a fixed width; an `Extractor` of `features.cache`.

    Time is resized by linear interpolation, with a low-pass (a triangle as wide as the reduction) where it shrinks, so
    that no frame is skipped. Every breath fills the image: shape is kept, tempo is not.

    Attributes:
        n_mels: height, mel bands from 0 Hz to half the sampling rate, lowest first.
        width: frames of the image.
        n_fft: samples per frame (512 = 128 ms at 4 kHz).
        hop: samples from one frame to the next, before resizing (64 = 16 ms at 4 kHz).
        decibels: dB (from -100) if true, else power.
    """

    n_mels: int = 128
    width: int = 64
    n_fft: int = 512
    hop: int = 64
    decibels: bool = True

    def __post_init__(self) -> None:
        check_framing(self.n_fft, self.hop)
        if self.width < 1:
            raise InputError(f"width must be at least 1; got {self.width}")

    def __call__(self, signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
        """Compute images.

        Args:
            signals: one float32 array (channels, samples) per clip; channels are averaged.
            rate: sampling rate in Hz.

        Returns:
            (clips, 1, n_mels, width) float32; row i depends on clip i alone.

        Raises:
            InputError: too many mel bands for the frame length, or a clip has no samples.
        """
        filters = mel_filters(rate, self.n_fft, self.n_mels)
        images = np.empty((len(signals), 1, self.n_mels, self.width), dtype=np.float32)
        for index, batch in batches(signals):
            power = power_spectrum(batch, self.n_fft, self.hop)
            mels = (log_mel(power, filters) if self.decibels else power @ filters).transpose(1, 2)
            counts = batch.frames(self.hop)
            for count in np.unique(counts.numpy()).tolist():
                same = counts == count
                images[index[same.numpy()], 0] = _resize(mels[same, :, :count], self.width).numpy()
        return images


def _resize(mels: Tensor, width: int) -> Tensor:
    """(clips, mels, frames) to (clips, mels, width)."""
    size = (mels.shape[1], width)
    return interpolate(mels[:, None], size=size, mode="bilinear", antialias=True, align_corners=False)[:, 0]


@dataclass(frozen=True)
class RepeatedMel:
    """Log-mel spectrogram of the clip, repeated until it fills a fixed time; an `Extractor` of `features.cache`.

    Of a longer clip the first ``seconds`` are kept. Tempo is kept; each seam is a jump in the waveform, which can
    resemble a crackle.

    Source: Moummad & Farrugia, arXiv:2210.16192, with code at github.com/ilyassmoummad/scl_icbhi2017: a cycle repeated
    to 8 s, 64 mel bands from 50 to 2000 Hz, frames of 64 ms every 32 ms; these are the defaults, at 4 kHz. Not
    adopted: fading the ends of a cycle in and out, and their mel scale. RespireNet (Gairola et al. 2021,
    arXiv:2011.00196, code at github.com/microsoft/RespireNet) offers padding by repetition as well.

    Attributes:
        n_mels: mel bands, lowest first.
        seconds: time that the image covers in s.
        n_fft: samples per frame (256 = 64 ms at 4 kHz).
        hop: samples from one frame to the next (128 = 32 ms at 4 kHz).
        fmin: lower edge of the lowest mel band in Hz.
    """

    n_mels: int = 64
    seconds: float = 8.0
    n_fft: int = 256
    hop: int = 128
    fmin: float = 50.0

    def __post_init__(self) -> None:
        check_framing(self.n_fft, self.hop)
        if not self.seconds > 0:
            raise InputError(f"seconds must be above 0; got {self.seconds:g}")

    def __call__(self, signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
        """Compute images.

        Args:
            signals: one float32 array (channels, samples) per clip; channels are averaged.
            rate: sampling rate in Hz.

        Returns:
            (clips, 1, n_mels, frames) float32 in dB (from -100), frames = 1 + seconds * rate // hop; row i depends on
            clip i alone.

        Raises:
            InputError: too many mel bands for the frame length, or a clip has no samples.
        """
        filters = mel_filters(rate, self.n_fft, self.n_mels, self.fmin)
        samples = max(1, round(self.seconds * rate))
        images = np.empty((len(signals), 1, self.n_mels, 1 + samples // self.hop), dtype=np.float32)
        clip_lengths(signals)
        size = max(1, BATCH_SAMPLES // samples)
        for start in range(0, len(signals), size):
            batch = _loop(pad(signals[start : start + size]), samples)
            mels = log_mel(power_spectrum(batch, self.n_fft, self.hop), filters)
            images[start : start + size, 0] = mels.transpose(1, 2).numpy()
        return images


def _loop(batch: Batch, samples: int) -> Batch:
    """Every clip repeated from its start, cut at ``samples``."""
    place = torch.arange(samples) % batch.lengths[:, None]
    return Batch(batch.samples.gather(1, place), torch.full_like(batch.lengths, samples))
