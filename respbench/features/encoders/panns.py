"""CNN14 of PANNs: a network of twelve convolutions, trained to tag AudioSet (Kong et al. 2020, arXiv:1912.10211).

Input as published: 32 kHz, frames of 32 ms every 10 ms, 64 mel bands from 50 Hz to 14 kHz, in dB. Embedding: the layer
before the classifier. A signal is taken as a whole, up to 10 s, the length of AudioSet's; one shorter than the
network's five poolings allow is followed by silence.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from respbench.features.encoders.checkpoint import (
    NetworkEncoder,
    SoundNetwork,
    drawing_nothing,
    fill,
    read_checkpoint,
    weights_of,
)
from respbench.features.encoders.spectrograms import log_mel, mel_filters, power

RATE = 32000
N_FFT, HOP, N_MELS, LOW, HIGH = 1024, 320, 64, 50.0, 14000.0
BLOCKS = 6
SHORTEST = 2 ** (BLOCKS - 1) * HOP
"""Samples below which a pooling would leave no frame."""

FRONT_END = ("spectrogram_extractor.", "logmel_extractor.", "spec_augmenter.", "fc_audioset.")
"""Beginnings of the names of weights that compute the spectrogram, or AudioSet's classes."""


class Block(nn.Module):
    """Two convolutions of 3 x 3, each with batch normalization and ReLU.

    Args:
        channels: of the input.
        width: channels of the output.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)

    def forward(self, maps: Tensor) -> Tensor:
        """(batch, channels, frames, bands) to (batch, width, frames, bands)."""
        maps = self.bn1(self.conv1(maps)).relu()
        rectified: Tensor = self.bn2(self.conv2(maps)).relu()
        return rectified


class CNN14(SoundNetwork):
    """Six blocks, with mean pooling between them - mean over bands - mean plus maximum over frames - dense.

    Args:
        width: channels of the first block, 64 as published; they double from block to block.
    """

    of_any_length = True

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.size = width * 2 ** (BLOCKS - 1)
        self.bn0 = nn.BatchNorm2d(N_MELS)
        for number in range(BLOCKS):
            channels = width * 2 ** (number - 1) if number else 1
            self.add_module(f"conv_block{number + 1}", Block(channels, width * 2**number))
        self.fc1 = nn.Linear(self.size, self.size)

    def spectrogram(self, waves: Tensor) -> Tensor:
        """(clips, samples) at 32 kHz to (clips, 1, frames, 64) in dB."""
        waves = functional.pad(waves, (0, max(0, SHORTEST - waves.shape[1])))
        filters = mel_filters(RATE, N_FFT, N_MELS, LOW, HIGH, "slaney", unit_area=True)
        return log_mel(power(waves, N_FFT, HOP, "reflect"), filters)[:, None]

    def forward(self, spectrogram: Tensor) -> Tensor:
        """(clips, 1, frames, 64) to (clips, size)."""
        maps = self.bn0(spectrogram.transpose(1, 3)).transpose(1, 3)
        for number in range(BLOCKS):
            maps = self.get_submodule(f"conv_block{number + 1}")(maps)
            if number < BLOCKS - 1:
                maps = functional.dropout(functional.avg_pool2d(maps, 2), 0.2, self.training)
        frames = functional.dropout(maps, 0.2, self.training).mean(3)
        pooled = functional.dropout(frames.amax(2) + frames.mean(2), 0.5, self.training)
        embedding: Tensor = self.fc1(pooled).relu()
        return embedding


@drawing_nothing
def load(paths: Sequence[Path]) -> NetworkEncoder:
    """Load the published file, ``Cnn14_mAP=0.431.pth``, or its weights as safetensors.

    Raises:
        InputError: the file is no checkpoint of CNN14.
    """
    weights = weights_of(read_checkpoint(paths[0]))
    first = weights.get("conv_block1.conv1.weight", torch.empty(64))
    network = CNN14(len(first))
    fill(network, weights, paths[0], "CNN14 of PANNs", FRONT_END)
    return NetworkEncoder(network)
