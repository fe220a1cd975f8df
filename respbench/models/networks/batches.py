"""Batches of images on the device that networks run on."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def device() -> torch.device:
    """The device of all networks: the first GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class ShuffledRows:
    """Row numbers in random order, pass after pass, so that all clips are drawn equally often.

    Args:
        clips: number of rows.
    """

    def __init__(self, clips: int) -> None:
        self.clips = clips
        self.left = torch.empty(0, dtype=torch.int64)

    def take(self, size: int) -> Tensor:
        """The next ``size`` rows, continuing where the last call ended; none if there are none at all."""
        while self.clips and len(self.left) < size:
            self.left = torch.cat([self.left, torch.randperm(self.clips)])
        rows, self.left = self.left[:size], self.left[size:]
        return rows

    def epoch(self, size: int, steps: int | None) -> Iterator[Tensor]:
        """``steps`` batches of ``size``; if None, those of one pass, the last of which may be smaller."""
        if steps is None:
            return iter(torch.randperm(self.clips).split(size))
        return (self.take(size) for _ in range(steps))


def to_device(images: NDArray[np.float32], where: torch.device) -> Tensor:
    """Images as a tensor on a device."""
    return torch.from_numpy(np.ascontiguousarray(images)).to(where)


def channels_last(images: Tensor) -> Tensor:
    """The same images with the channels last in memory, which makes convolutions a third faster."""
    # Not `contiguous`: of images with one channel it changes nothing, not even the strides by which PyTorch chooses.
    return images.to(memory_format=torch.channels_last)
