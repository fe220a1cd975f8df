"""Resemblyzer (Wan et al. 2018, doi:10.1109/ICASSP.2018.8462665): tells voices apart. A control, see docs/encoders.md.

The weights are a file of the wheel ``Resemblyzer``, of which nothing is imported: mel bands of 25 ms frames, three
layers of LSTM, and a linear layer. Neither the package's detection of speech nor its cutting of silence is applied,
since a breath would be cut as silence.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from respbench.features.spectral import Batch, mel_filters, power_spectrum

RATE, FRAME, HOP, BANDS, FRAMES = 16000, 400, 160, 40, 160
"""Hz, samples of a frame, from one frame to the next, mel bands, frames of a window."""

LOUDNESS = 10 ** (-30 / 20)
"""RMS (-30 dB of full scale) that a quieter window is amplified to, as the package does to a recording."""

QUIETEST = 1e-5
"""RMS (-100 dB) below which a window counts as silence and is not amplified further."""


class VoiceEncoder(nn.Module):
    """Mel power of a window to a vector of unit length."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(BANDS, 256, 3, batch_first=True)
        self.linear = nn.Linear(256, 256)

    def forward(self, mels: Tensor) -> Tensor:
        """(windows, frames, bands) to (windows, 256)."""
        hidden = self.lstm(mels)[1][0]
        found = self.linear(hidden[-1]).relu()
        unit: Tensor = nn.functional.normalize(found, dim=1)
        return unit


class Resemblyzer:
    """The voice encoder with its spectrum.

    Args:
        network: with its weights, in evaluation mode.
    """

    def __init__(self, network: VoiceEncoder) -> None:
        self.network = network

    def __call__(self, waves: NDArray[np.float32]) -> NDArray[np.float32]:
        """(windows, 25600) at 16 kHz to (windows, 256)."""
        rms = np.sqrt(np.square(waves, dtype=np.float64).mean(axis=1, keepdims=True))
        loud = waves * np.maximum(1, LOUDNESS / np.maximum(rms, QUIETEST))
        with torch.inference_mode():
            found: NDArray[np.float32] = self.network(mel_power(loud)).numpy()
        return found


def mel_power(waves: NDArray[np.float64]) -> Tensor:
    """(windows, samples) to (windows, frames, bands) float32: power in mel bands, without a logarithm."""
    batch = Batch(torch.from_numpy(waves), torch.full((len(waves),), waves.shape[1]))
    power = power_spectrum(batch, FRAME, HOP)[:, :FRAMES]
    return (power @ mel_filters(RATE, FRAME, BANDS)).float()


def load(files: Sequence[Path]) -> Resemblyzer:
    """Load the weights; those of the training objective are left out."""
    state = torch.load(files[0], map_location="cpu", weights_only=True)["model_state"]
    network = VoiceEncoder().eval()
    network.load_state_dict({name: state[name] for name in network.state_dict()})
    return Resemblyzer(network)
