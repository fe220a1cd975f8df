"""The running average of a statistic of the batches, as thresholds and alignments need it."""

import torch
from torch import Tensor, nn


class RunningAverage(nn.Module):
    """Average of a statistic: the plain mean of the first steps, then an exponential moving average (EMA).

    The published EMAs start at a constant, and forget it over some thousand steps. A training here has a few hundred:
    the mean of all steps so far needs no start, and becomes the EMA once their number exceeds 1 / (1 - decay).

    Args:
        decay: of the EMA.
    """

    def __init__(self, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.value: Tensor
        self.steps: Tensor
        self.register_buffer("value", torch.zeros(()))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def restart(self) -> None:
        """Forget everything, before a fit."""
        self.value, self.steps = torch.zeros(()), torch.zeros((), dtype=torch.int64)

    @torch.no_grad()
    def update(self, statistic: Tensor) -> Tensor:
        """Include the statistic of one more step, of any shape that stays the same, and return the average."""
        self.steps = self.steps + 1
        share = max(1 - self.decay, 1 / int(self.steps))
        self.value = self.value.to(statistic) + share * (statistic - self.value.to(statistic))
        return self.value
