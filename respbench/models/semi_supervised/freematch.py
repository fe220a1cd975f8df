"""FreeMatch: the threshold of confident pseudo-labels follows the network's own confidence, class by class.

Wang et al. 2023, FreeMatch: self-adaptive thresholding for semi-supervised learning, arXiv:2205.07246. The threshold of
all classes is the mean confidence over the training so far, that of a class is lower by as much as it is predicted less
often. A fairness term keeps the predictions on strong views from concentrating on one class. Differs: the averages
start with the first batch, see `running_average`.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from respbench.models.networks.backbone import StandardizedNetwork
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.unsupervised import Step, Term, UnsupervisedLoss
from respbench.models.semi_supervised.builder import build_ssl_model, space
from respbench.models.semi_supervised.running_average import RunningAverage

__all__ = ["build", "space"]

SMALLEST = 1e-6
"""Frequency that a class has at least where it is divided by, or its logarithm is taken."""


class FreeMatch(UnsupervisedLoss):
    """Cross-entropy of the strong view with the decision on the weak view above that class' threshold, plus fairness.

    Args:
        fairness: weight of the fairness term; the paper has 0.01 to 0.05.
        decay: of the averages.
    """

    def __init__(self, fairness: float, decay: float) -> None:
        super().__init__()
        self.fairness = fairness
        self.confidence, self.frequency, self.histogram = (RunningAverage(decay) for _ in range(3))

    def prepare(self, network: StandardizedNetwork, size: tuple[int, int, int]) -> None:
        """Forget the averages of another fit."""
        for average in (self.confidence, self.frequency, self.histogram):
            average.restart()

    def forward(self, step: Step) -> Term:
        """The mean of the cross-entropy is over all clips."""
        probabilities = step.predict(step.weak(step.images))
        confidence, decision = probabilities.max(1)
        confident = confidence > self.thresholds(probabilities)[decision]
        logits = step.logits(step.strong(step.images))
        each = cross_entropy(logits, decision, reduction="none")
        loss = (each * confident).mean()
        if bool(confident.any()):
            loss = loss + self.fairness * self.concentration(logits[confident])
        return Term(loss, probabilities, confident)

    @torch.no_grad()
    def thresholds(self, probabilities: Tensor) -> Tensor:
        """(clips, classes) predicted on weak views to thresholds (classes,), after the averages were updated."""
        confidence, decision = probabilities.max(1)
        overall = self.confidence.update(confidence.mean())
        frequency = self.frequency.update(probabilities.mean(0))
        self.histogram.update(one_hot(decision, probabilities.shape[1]).to(probabilities).mean(0))
        return overall * frequency / frequency.max()

    def concentration(self, logits: Tensor) -> Tensor:
        """Minus the cross-entropy of the classes' frequencies over the training and those in strong views.

        Both are mean probabilities divided by shares of decisions, rescaled to a sum of 1.

        Args:
            logits: (confident clips, classes) of their strong views.
        """
        strong = logits.softmax(1)
        decisions = one_hot(strong.argmax(1), logits.shape[1]).to(strong).mean(0)
        over_training = _shares(self.frequency.value, self.histogram.value)
        in_batch = _shares(strong.mean(0), decisions)
        return (over_training * in_batch.clamp(min=SMALLEST).log()).sum()


def _shares(frequency: Tensor, histogram: Tensor) -> Tensor:
    """``frequency`` / ``histogram`` (classes,), 0 for a class without decisions, rescaled to a sum of 1."""
    ratio = torch.where(histogram > 0, frequency / histogram.clamp(min=SMALLEST), torch.zeros_like(frequency))
    return ratio / ratio.sum().clamp(min=SMALLEST)


def build(
    *,
    seed: int,
    backbone: str = "cnn",
    fairness: float = 0.01,
    decay: float = 0.99,
    alpha: float = 1.0,
    ramp: float = 0.0,
    ratio: int = 7,
    epochs: int = 15,
    steps: int = 20,
) -> NetworkModel:
    """See `FreeMatch` for ``fairness`` and ``decay``, `build_ssl_model` for the rest."""
    return build_ssl_model(backbone, FreeMatch(fairness, decay), seed, alpha, ramp, ratio, epochs, steps)
