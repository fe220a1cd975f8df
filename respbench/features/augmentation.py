"""Random augmentation of images of breath sounds, for training networks.

Batched, on the device of the images, drawn from torch's generator.

Sources: masks of time and frequency, SpecAugment, Park et al. 2019 (doi:10.21437/Interspeech.2019-2680); mixing two
clips, mixup, Zhang et al. 2018 (arXiv:1710.09412). The equalizer simulates another stethoscope at another place of the
chest; it is ours.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

EQUALISER_POINTS = 6
"""Points of the random gain curve, linear in between: about one per octave, as smooth as a stethoscope's response."""


@dataclass(frozen=True)
class Augmentation:
    """Random changes, independent for each clip; the defaults change nothing.

    Attributes:
        crop: frames of a random crop; None = all.
        equaliser: standard deviation in dB of a smooth random gain over the bands, of channel 0 (the level).
        noise: largest standard deviation in dB of noise on every pixel; each clip draws its own.
        masked_bands: largest number of adjacent bands that are masked.
        masked_frames: largest number of adjacent frames that are masked.
        shift: largest circular shift in time, in either direction, as a share of the clip.
        gain: standard deviation in dB of a random gain, of channel 0.
    """

    crop: int | None = None
    equaliser: float = 0.0
    noise: float = 0.0
    masked_bands: int = 0
    masked_frames: int = 0
    shift: float = 0.0
    gain: float = 0.0

    def __call__(self, images: Tensor) -> Tensor:
        """(clips, channels, bands, frames) in dB to another tensor of that shape, or of ``crop`` frames."""
        if self.crop is not None and self.crop < images.shape[3]:
            images = _crop(images, self.crop)
        if self.shift:
            images = _shift(images, self.shift)
        clips, _, bands, _ = images.shape
        if self.gain:
            images = images.clone()
            images[:, :1] += self.gain * torch.randn(clips, 1, 1, 1, device=images.device)
        if self.equaliser:
            points = torch.randn(clips, 1, EQUALISER_POINTS, device=images.device) * self.equaliser
            gain = interpolate(points, size=bands, mode="linear", align_corners=True)  # (clips, 1, bands)
            images = torch.cat([images[:, :1] + gain[..., None], images[:, 1:]], dim=1)
        if self.noise:
            strength = self.noise * torch.rand(clips, 1, 1, 1, device=images.device)
            images = images + strength * torch.randn_like(images)
        if self.masked_bands or self.masked_frames:
            masked = _mask(images, 2, self.masked_bands) | _mask(images, 3, self.masked_frames)
            # The mean over clips and time, which is zero once bands are standardized.
            images = torch.where(masked, images.mean((0, 3), keepdim=True), images)
        return images

    def length(self, frames: int) -> int:
        """Frames of the result."""
        return min(self.crop or frames, frames)


def _crop(images: Tensor, frames: int) -> Tensor:
    """A random crop of each clip."""
    start = torch.randint(0, images.shape[3] - frames + 1, (len(images), 1), device=images.device)
    index = start + torch.arange(frames, device=images.device)
    return images.gather(3, index[:, None, None].expand(-1, images.shape[1], images.shape[2], -1))


def _shift(images: Tensor, share: float) -> Tensor:
    """Each clip shifted circularly by its own random distance."""
    frames = images.shape[3]
    distance = ((2 * torch.rand(len(images), 1, device=images.device) - 1) * share * frames).round().long()
    index = (torch.arange(frames, device=images.device) - distance) % frames
    return images.gather(3, index[:, None, None].expand_as(images))


def _mask(images: Tensor, axis: int, longest: int) -> Tensor:
    """True at 0 to ``longest`` adjacent places along an axis, at random; broadcasts to the images."""
    size = images.shape[axis]
    length = torch.randint(0, min(longest, size) + 1, (len(images), 1), device=images.device)
    start = (torch.rand(len(images), 1, device=images.device) * (size - length + 1)).long()
    place = torch.arange(size, device=images.device)
    inside = (place >= start) & (place < start + length)  # (clips, size)
    return inside[:, None, :, None] if axis == 2 else inside[:, None, None, :]
