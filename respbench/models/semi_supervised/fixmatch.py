"""FixMatch: what the network is confident about in a weakly changed clip, it must find in a strongly changed one.

Sohn et al. 2020, FixMatch: simplifying semi-supervised learning with consistency and confidence, arXiv:2001.07685.
"""

from torch.nn.functional import cross_entropy

from respbench.models.networks.network import NetworkModel
from respbench.models.networks.unsupervised import Step, Term, UnsupervisedLoss
from respbench.models.semi_supervised.builder import build_ssl_model, space

__all__ = ["build", "space"]


class FixMatch(UnsupervisedLoss):
    """Cross-entropy of the strong view with the decision on the weak view, where that is confident.

    Args:
        threshold: probability from which on it is.
    """

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, step: Step) -> Term:
        """The mean is over all clips: few confident ones weigh little."""
        probabilities = step.predict(step.weak(step.images))
        confidence, decision = probabilities.max(1)
        each = cross_entropy(step.logits(step.strong(step.images)), decision, reduction="none")
        return Term((each * (confidence >= self.threshold)).mean(), probabilities)


def build(
    *,
    seed: int,
    backbone: str = "cnn",
    threshold: float = 0.95,
    alpha: float = 1.0,
    ramp: float = 0.0,
    ratio: int = 7,
    epochs: int = 15,
    steps: int = 20,
) -> NetworkModel:
    """See `FixMatch` for ``threshold``, `build_ssl_model` for the rest."""
    return build_ssl_model(backbone, FixMatch(threshold), seed, alpha, ramp, ratio, epochs, steps)
