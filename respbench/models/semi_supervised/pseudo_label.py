"""Pseudo-labels: confident predictions serve as labels.

Lee 2013, Pseudo-label: the simple and efficient semi-supervised learning method for deep neural networks (ICML workshop
on challenges in representation learning).
"""

from torch.nn.functional import cross_entropy

from respbench.models.networks.network import NetworkModel
from respbench.models.networks.unsupervised import Step, Term, UnsupervisedLoss
from respbench.models.semi_supervised.builder import build_ssl_model, space

__all__ = ["build", "space"]


class PseudoLabel(UnsupervisedLoss):
    """Cross-entropy with the predicted class, over the clips predicted with confidence.

    Args:
        threshold: lowest probability that counts as confident.
    """

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, step: Step) -> Term:
        """The mean is over all clips, so that few confident ones have little weight."""
        logits = step.logits(step.weak(step.images))
        probabilities = logits.detach().softmax(1)
        confidence, decision = probabilities.max(1)
        each = cross_entropy(logits, decision, reduction="none")
        return Term((each * (confidence >= self.threshold)).mean(), probabilities)


def build(
    *,
    seed: int,
    backbone: str = "cnn",
    threshold: float = 0.95,
    alpha: float = 1.0,
    ramp: float = 1.0,
    ratio: int = 2,
    epochs: int = 15,
    steps: int = 20,
) -> NetworkModel:
    """See `PseudoLabel` for ``threshold``, `build_ssl_model` for the rest."""
    return build_ssl_model(backbone, PseudoLabel(threshold), seed, alpha, ramp, ratio, epochs, steps)
