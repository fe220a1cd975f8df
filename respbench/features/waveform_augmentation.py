"""Random augmentation of waveforms of breath sounds, for training networks with filters of their own.

Batched, on the device of the waveforms, drawn from torch's generator.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class WaveformAugmentation:
    """Random changes, independent for each clip; the defaults change nothing.

    Attributes:
        crop: share of the waveform that a random crop keeps.
        noise: largest standard deviation of white noise, relative to the clip's root mean square; each clip draws its
            own on a logarithmic scale, over 40 dB.
    """

    crop: float = 1.0
    noise: float = 0.0

    def __call__(self, waves: Tensor) -> Tensor:
        """(clips, channels, 1, samples) to another tensor of that shape, or of fewer samples."""
        kept = self.length(waves.shape[3])
        if kept < waves.shape[3]:
            start = torch.randint(0, waves.shape[3] - kept + 1, (len(waves), 1), device=waves.device)
            index = start + torch.arange(kept, device=waves.device)
            waves = waves.gather(3, index[:, None, None].expand(-1, waves.shape[1], 1, -1))
        if self.noise:
            strength = self.noise * 10 ** (-2 * torch.rand(len(waves), 1, 1, 1, device=waves.device))
            waves = waves + strength * waves.square().mean((1, 2, 3), keepdim=True).sqrt() * torch.randn_like(waves)
        return waves

    def length(self, samples: int) -> int:
        """Samples of the result."""
        return max(1, round(self.crop * samples))
