"""Encoders as networks that can be trained further."""

import numpy as np
from torch import Tensor

from respbench.corpora.problems import InputError
from respbench.features.encoders.checkpoint import NetworkEncoder, SoundNetwork
from respbench.features.encoders.crepe import QUIETEST, Crepe, CrepeEncoder
from respbench.features.encoders.encoder import Encoder
from respbench.features.encoders.resemblyzer import LOUDNESS, Resemblyzer, VoiceEncoder, mel_power
from respbench.features.encoders.resemblyzer import QUIETEST as QUIETEST_VOICE

CREPE_FRAME, CREPE_HOP = 1024, 512
"""Samples of a frame, and from one to the next."""


class FramedCrepe(SoundNetwork):
    """CREPE on the frames of a waveform, averaged over them.

    Args:
        network: encodes frames.
    """

    size = 256
    of_any_length = True

    def __init__(self, network: Crepe) -> None:
        super().__init__()
        self.network = network

    def spectrogram(self, waves: Tensor) -> Tensor:
        """(clips, samples) at 16 kHz to (clips, 1, 1, samples): a waveform needs the least memory."""
        return waves[:, None, None]

    def forward(self, spectrogram: Tensor) -> Tensor:
        """(clips, 1, 1, samples) to (clips, 256)."""
        frames = spectrogram[:, 0, 0].unfold(1, CREPE_FRAME, CREPE_HOP)  # (clips, frames, 1024)
        frames = frames - frames.mean(2, keepdim=True)
        frames = frames / frames.std(2, keepdim=True).clamp(min=QUIETEST)
        found: Tensor = self.network(frames.flatten(0, 1))
        return found.view(*frames.shape[:2], -1).mean(1)


class VoiceNetwork(SoundNetwork):
    """The voice encoder behind its spectrum.

    Args:
        network: encodes windows.
    """

    size = 256

    def __init__(self, network: VoiceEncoder) -> None:
        super().__init__()
        self.network = network

    def spectrogram(self, waves: Tensor) -> Tensor:
        """(windows, 25600) at 16 kHz to (windows, 1, frames, bands)."""
        windows = waves.numpy().astype(np.float64)
        rms = np.sqrt(np.square(windows).mean(axis=1, keepdims=True))
        return mel_power(windows * np.maximum(1, LOUDNESS / np.maximum(rms, QUIETEST_VOICE)))[:, None]

    def forward(self, spectrogram: Tensor) -> Tensor:
        """(windows, 1, frames, bands) to (windows, 256)."""
        embedding: Tensor = self.network(spectrogram[:, 0])
        return embedding


def sound_network(encoder: Encoder) -> SoundNetwork:
    """The network of an encoder; copy it to train it.

    Raises:
        InputError: the encoder has none, or it can't be trained.
    """
    match encoder:
        case NetworkEncoder():
            return encoder.network
        case CrepeEncoder():
            return FramedCrepe(encoder.network).eval()
        case Resemblyzer():
            return VoiceNetwork(encoder.network).eval()
    raise InputError(f"{type(encoder).__name__} is no network of torch and cannot be trained; use its probes")
