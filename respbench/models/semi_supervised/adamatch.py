"""AdaMatch: pseudo-labels with the class frequencies, and at the confidence, of the predictions on labeled clips.

Berthelot et al. 2022, AdaMatch: a unified approach to semi-supervised learning and domain adaptation, arXiv:2106.04732.
Distribution alignment divides the predictions on unlabeled clips by their mean and multiplies them by that on labeled
ones; a pseudo-label counts where it is as confident as a share of the mean confidence on labeled clips. Differs: the
means are over the training so far, not over a batch, since few clips of a batch are labeled. Random logit interpolation
is left out: it mixes two passes that differ in the statistics of batch normalization, which the backbones for few
labels don't have.
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


class AdaMatch(UnsupervisedLoss):
    """Cross-entropy of the strong view with the aligned decision on the weak view, where that is confident.

    Args:
        relative: threshold as a share of the mean confidence on labeled clips.
        decay: of the averages.
    """

    def __init__(self, relative: float, decay: float) -> None:
        super().__init__()
        self.relative = relative
        self.labeled, self.unlabeled, self.confidence = (RunningAverage(decay) for _ in range(3))

    def prepare(self, network: StandardizedNetwork, size: tuple[int, int, int]) -> None:
        """Forget the averages of another fit."""
        for average in (self.labeled, self.unlabeled, self.confidence):
            average.restart()

    def forward(self, step: Step) -> Term:
        """The mean is over all clips."""
        probabilities = step.predict(step.weak(step.images))
        aligned, threshold = self.align(probabilities, step.labeled)
        confidence, decision = aligned.max(1)
        each = cross_entropy(step.logits(step.strong(step.images)), decision, reduction="none")
        confident = confidence >= threshold
        return Term((each * confident).mean(), aligned, confident)

    @torch.no_grad()
    def align(self, probabilities: Tensor, labeled: Tensor) -> tuple[Tensor, Tensor]:
        """Align predictions with those on labeled clips, after the averages were updated.

        Args:
            probabilities: (clips, classes) predicted.
            labeled: (clips,) bool, which of them are labeled.

        Returns:
            Probabilities (clips, classes), and the threshold of confidence, a scalar; the predictions as they are and
            a threshold above 1 as long as there was no labeled clip or no unlabeled one.
        """
        if bool(labeled.any()):
            self.labeled.update(probabilities[labeled].mean(0))
            self.confidence.update(probabilities[labeled].max(1).values.mean())
        if bool((~labeled).any()):
            self.unlabeled.update(probabilities[~labeled].mean(0))
        if not (int(self.labeled.steps) and int(self.unlabeled.steps)):
            return probabilities, probabilities.new_tensor(2.0)
        aligned = probabilities * self.labeled.value / self.unlabeled.value.clamp(min=1e-6)
        return aligned / aligned.sum(1, keepdim=True), self.relative * self.confidence.value


def build(
    *,
    seed: int,
    backbone: str = "cnn",
    relative: float = 0.9,
    decay: float = 0.99,
    alpha: float = 1.0,
    ramp: float = 0.5,
    ratio: int = 7,
    epochs: int = 15,
    steps: int = 20,
) -> NetworkModel:
    """See `AdaMatch` for ``relative`` and ``decay``, `build_ssl_model` for the rest."""
    return build_ssl_model(backbone, AdaMatch(relative, decay), seed, alpha, ramp, ratio, epochs, steps)
