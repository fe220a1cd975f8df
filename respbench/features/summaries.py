"""Statistics of a series over each clip's own frames, for batches of clips."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Frames:
    """Series of several clips, side by side.

    Attributes:
        series: (clips, rows, frames) float64.
        counts: (clips, 1) float64, each clip's own number of frames; later ones are padding.
    """

    series: Tensor
    counts: Tensor

    @cached_property
    def own(self) -> Tensor:
        """(clips, 1, frames): true where a frame is the clip's own."""
        return (torch.arange(self.series.shape[-1]) < self.counts)[:, None]

    @cached_property
    def mean(self) -> Tensor:
        """(clips, rows)."""
        return torch.where(self.own, self.series, 0.0).sum(-1) / self.counts

    @property
    def std(self) -> Tensor:
        """(clips, rows): standard deviation of the population, as numpy's."""
        deviation = torch.where(self.own, self.series - self.mean[..., None], 0.0)
        return (deviation.square_().sum(-1) / self.counts).sqrt_()

    @cached_property
    def rising(self) -> Tensor:
        """(clips, rows, frames): sorted, padding last."""
        padded = torch.where(self.own, self.series, torch.inf)
        return torch.from_numpy(np.sort(padded.numpy(), axis=-1))  # several times faster than torch's sort

    def quantile(self, share: float) -> Tensor:
        """(clips, rows): linear between the two nearest values, as numpy's."""
        place = share * (self.counts - 1)
        below = self._ranked(place.floor())
        return below + (self._ranked(place.ceil()) - below) * (place - place.floor())

    def _ranked(self, rank: Tensor) -> Tensor:
        index = rank.long()[..., None].expand(-1, self.rising.shape[1], 1)
        return self.rising.gather(-1, index)[..., 0]


SUMMARIES: dict[str, Callable[[Frames], Tensor]] = {
    "mean": lambda frames: frames.mean,
    "std": lambda frames: frames.std,
    "median": lambda frames: frames.quantile(0.5),
    "iqr": lambda frames: frames.quantile(0.75) - frames.quantile(0.25),
    "p10": lambda frames: frames.quantile(0.1),
    "p90": lambda frames: frames.quantile(0.9),
}
"""Mean, standard deviation, median, interquartile range, 10th and 90th percentile."""


def summarize(series: Tensor, counts: Tensor, summaries: Sequence[str]) -> Tensor:
    """Statistics over each clip's own frames.

    Args:
        series: (clips, rows, frames) float64.
        counts: (clips,) each clip's own number of frames.
        summaries: which of `SUMMARIES`.

    Returns:
        (clips, rows, summaries).
    """
    frames = Frames(series, counts[:, None].double())
    return torch.stack([SUMMARIES[name](frames) for name in summaries], dim=-1)
