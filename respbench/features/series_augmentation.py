"""Random augmentation of raw series, for training networks on movements and on waveforms.

Batched, on the device of the series, drawn from torch's generator.

Source: Um et al. 2017 (arXiv:1706.00527): rotation (a sensor worn the other way round),
scaling (a stronger movement) and time-warping (an uneven tempo) of inertial recordings.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate, normalize

WARP_POINTS = 6
"""Points of the random speed curve, linear in between: the paper's four knots between the two ends."""

AXES = 3
"""Axes of an inertial sensor."""


@dataclass(frozen=True)
class SeriesAugmentation:
    """Random changes, independent for each clip; the defaults change nothing.

    Attributes:
        rotation: standard deviation in degrees of a turn about a random axis. Channels are triples of axes, which turn
            together; if their number is no multiple of 3, they are not turned.
        scaling: standard deviation of the logarithm of a factor, common to all channels.
        warp: standard deviation of the logarithm of a smoothly varying speed.
        shift: largest circular shift in time, in either direction, as a share of the clip.
    """

    rotation: float = 0.0
    scaling: float = 0.0
    warp: float = 0.0
    shift: float = 0.0

    def __call__(self, series: Tensor) -> Tensor:
        """(clips, channels, 1, samples) to another tensor of that shape."""
        if self.shift or self.warp:
            series = self._in_time(series)
        if self.rotation and series.shape[1] % AXES == 0:
            series = _rotate(series, self.rotation)
        if self.scaling:
            series = series * (self.scaling * torch.randn(len(series), 1, 1, 1, device=series.device)).exp()
        return series

    def length(self, samples: int) -> int:
        """Samples of the result."""
        return samples

    def _in_time(self, series: Tensor) -> Tensor:
        """Shifted and warped, by linear interpolation between samples."""
        clips, channels, _, samples = series.shape
        place = torch.arange(samples, device=series.device, dtype=series.dtype).expand(clips, -1)
        if self.warp:
            speed = (self.warp * torch.randn(clips, 1, WARP_POINTS, device=series.device)).exp()
            run = interpolate(speed, size=samples, mode="linear", align_corners=True)[:, 0].cumsum(1)
            place = (run - run[:, :1]) / (run[:, -1:] - run[:, :1]).clamp(min=1e-6) * (samples - 1)
        if self.shift:
            distance = (2 * torch.rand(clips, 1, device=series.device) - 1) * self.shift * samples
            place = place + distance.round()
        before = place.floor()
        share = (place - before)[:, None, None]
        index = before.long()[:, None, None].expand(-1, channels, 1, -1)
        return torch.lerp(series.gather(3, index % samples), series.gather(3, (index + 1) % samples), share)


def _rotate(series: Tensor, deviation: float) -> Tensor:
    """Each clip turned about its own random axis, by an angle of this standard deviation in degrees."""
    clips, channels, _, samples = series.shape
    axis = normalize(torch.randn(clips, AXES, device=series.device), dim=1)
    angle = torch.deg2rad(deviation * torch.randn(clips, 1, device=series.device))
    x, y, z = (axis * angle).unbind(1)
    zero = torch.zeros_like(x)
    generator = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).view(clips, AXES, AXES)
    rotation = torch.linalg.matrix_exp(generator)  # (clips, 3, 3)
    triples = series.reshape(clips, channels // AXES, AXES, samples)
    turned: Tensor = rotation[:, None] @ triples
    return turned.reshape(series.shape)
