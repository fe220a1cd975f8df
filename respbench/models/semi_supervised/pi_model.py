"""Π-model: two random views of a clip must have the same predicted probabilities.

Laine & Aila 2017, Temporal ensembling for semi-supervised learning, arXiv:1610.02242. Views differ by
augmentation (SpecAugment's masks, Park et al. 2019, doi:10.21437/Interspeech.2019-2680) and dropout.
"""

from respbench.models.networks.network import NetworkModel
from respbench.models.networks.unsupervised import Step, Term, UnsupervisedLoss
from respbench.models.semi_supervised.builder import build_ssl_model, space

__all__ = ["build", "space"]


class PiModel(UnsupervisedLoss):
    """Mean squared difference of two passes' class probabilities."""

    def forward(self, step: Step) -> Term:
        """Gradients flow through both passes."""
        one, other = (step.logits(step.strong(step.images)).softmax(1) for _ in range(2))
        return Term((one - other).square().mean(), one)


def build(
    *,
    seed: int,
    backbone: str = "cnn",
    alpha: float = 1.0,
    ramp: float = 1.0,
    ratio: int = 2,
    epochs: int = 15,
    steps: int = 20,
) -> NetworkModel:
    """See `build_ssl_model`."""
    return build_ssl_model(backbone, PiModel(), seed, alpha, ramp, ratio, epochs, steps)
