"""SoftMatch: every pseudo-label counts, with a weight that falls like a Gaussian below the mean confidence.

Chen et al. 2023, SoftMatch: addressing the quantity-quality trade-off in semi-supervised learning, arXiv:2301.10921. A
fixed threshold drops most pseudo-labels or admits wrong ones; here the mean and the variance of the confidences, over
the training so far, decide how much each counts. Uniform alignment keeps the more frequent predictions from having
most of the weight. Differs: the averages start with the first batch, see `running_average`.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from respbench.models.networks.backbone import StandardizedNetwork
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.unsupervised import Step, Term, UnsupervisedLoss
from respbench.models.semi_supervised.builder import build_ssl_model, space
from respbench.models.semi_supervised.running_average import RunningAverage

__all__ = ["build", "space"]


class SoftMatch(UnsupervisedLoss):
    """Weighted cross-entropy of the strong view with the decision on the weak view.

    Args:
        deviations: standard deviations below the mean at which the weight is exp(-1/2) to the power of their square.
        decay: of the averages.
    """

    def __init__(self, deviations: float, decay: float) -> None:
        super().__init__()
        self.deviations = deviations
        self.frequency, self.mean, self.variance = (RunningAverage(decay) for _ in range(3))

    def prepare(self, network: StandardizedNetwork, size: tuple[int, int, int]) -> None:
        """Forget the averages of another fit."""
        for average in (self.frequency, self.mean, self.variance):
            average.restart()

    def forward(self, step: Step) -> Term:
        """The mean is over all clips; those with half the weight or more count as confident."""
        probabilities = step.predict(step.weak(step.images))
        each = cross_entropy(step.logits(step.strong(step.images)), probabilities.argmax(1), reduction="none")
        weights = self.weights(probabilities)
        return Term((each * weights).mean(), probabilities, weights >= 0.5)

    @torch.no_grad()
    def weights(self, probabilities: Tensor) -> Tensor:
        """(clips, classes) predicted to weights (clips,) in [0, 1], after the averages were updated."""
        uniform = 1 / probabilities.shape[1]
        aligned = probabilities * uniform / self.frequency.update(probabilities.mean(0)).clamp(min=1e-6)
        confidence = (aligned / aligned.sum(1, keepdim=True)).max(1).values
        mean = self.mean.update(confidence.mean())
        variance = self.variance.update(confidence.var(correction=min(1, len(confidence) - 1)))
        below = (confidence - mean).clamp(max=0.0) * self.deviations
        return torch.exp(-below.square() / (2 * variance).clamp(min=1e-12))


def build(
    *,
    seed: int,
    backbone: str = "cnn",
    deviations: float = 2.0,
    decay: float = 0.99,
    alpha: float = 1.0,
    ramp: float = 0.0,
    ratio: int = 7,
    epochs: int = 15,
    steps: int = 20,
) -> NetworkModel:
    """See `SoftMatch` for ``deviations`` and ``decay``, `build_ssl_model` for the rest."""
    return build_ssl_model(backbone, SoftMatch(deviations, decay), seed, alpha, ramp, ratio, epochs, steps)
