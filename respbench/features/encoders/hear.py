"""HeAR: a vision transformer trained on masked spectrograms of health sounds (Baur et al. 2024, arXiv:2403.02522).

Input as published with the PyTorch port: 16 kHz, 2 s; a window is scaled to -1..1 by its extremes, then a mel
spectrogram of 128 bands (frames of 25 ms every 10 ms) with per-channel energy normalization (Wang et al. 2017,
arXiv:1607.05666), resized to 192 frames. Published code takes the extremes of a whole batch; here each window has its
own, as in a batch of one, so that its embedding depends on it alone. The network is that of the library transformers.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from respbench.features.encoders.checkpoint import (
    NetworkEncoder,
    SoundNetwork,
    drawing_nothing,
    read_checkpoint,
    weights_of,
)
from respbench.features.encoders.hugging_face import build, read_config
from respbench.features.encoders.spectrograms import htk_triangles

RATE = 16000
SECONDS = 2.0
N_FFT, HOP, N_MELS = 400, 160, 128
FRAMES = 192
SMOOTHING, GAIN, BIAS, ROOT, FLOOR = 0.04, 0.8, 2.0, 2.0, 1e-8
"""Of the energy normalization: weight of a new frame in the average, exponent of the average, offset, root, least
energy."""


class HeAR(SoundNetwork):
    """The transformer behind its spectrogram.

    Args:
        network: ``ViTModel`` of transformers.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network: nn.Module = network
        self.size = int(network.config.pooler_output_size)

    def spectrogram(self, waves: Tensor) -> Tensor:
        """(clips, samples) at 16 kHz to (clips, 1, 192, 128)."""
        samples = round(RATE * SECONDS)
        waves = functional.pad(waves, (0, max(0, samples - waves.shape[1])))[:, :samples].double()
        waves = waves - waves.amin(1, keepdim=True)
        waves = waves / (waves.amax(1, keepdim=True) + 1e-8) * 2 - 1
        frames = functional.pad(waves, (0, N_FFT - HOP)).unfold(-1, N_FFT, HOP)
        spectrum = torch.fft.rfft(frames * torch.hann_window(N_FFT, dtype=torch.float64, device=waves.device))
        energy = spectrum.abs().square() @ htk_triangles(RATE, N_FFT, N_MELS).to(waves.device)
        normalized = energy_normalized(energy).float()[:, None]
        image: Tensor = functional.interpolate(normalized, (FRAMES, N_MELS), mode="bilinear", align_corners=False)
        return image

    def forward(self, spectrogram: Tensor) -> Tensor:
        """(clips, 1, 192, 128) to (clips, size)."""
        embedding: Tensor = self.network(spectrogram).pooler_output
        return embedding


def energy_normalized(energy: Tensor) -> Tensor:
    """Per-channel energy normalization of (clips, frames, bands)."""
    average, averages = energy[:, 0], [energy[:, 0]]
    for frame in range(1, energy.shape[1]):
        average = SMOOTHING * energy[:, frame] + (1 - SMOOTHING) * average
        averages.append(average)
    gained = energy / (FLOOR + torch.stack(averages, 1)) ** GAIN
    normalized: Tensor = (gained + BIAS) ** (1 / ROOT) - BIAS ** (1 / ROOT)
    return normalized


@drawing_nothing
def load(paths: Sequence[Path]) -> NetworkEncoder:
    """Load the folder ``google/hear-pytorch``: weights, then config.

    Raises:
        InputError: it holds no vision transformer.
    """
    settings = read_config(paths[1], "vit")
    weights = weights_of(read_checkpoint(paths[0]))
    return NetworkEncoder(HeAR(build("ViTModel", settings, weights, paths[0], "HeAR")))
