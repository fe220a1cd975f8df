"""Self-supervised pretraining, then the labeled clips: two views of a clip must have similar embeddings, clips not.

Bardes, Ponce & LeCun 2022, VICReg: variance-invariance-covariance regularization for self-supervised learning,
arXiv:2105.04906. The network is trained on all clips without any label first, through a projection head that is then
dropped; the supervised training starts there and has no unsupervised term. Differs: a projection head without batch
normalization, of the size of these networks.
"""

import torch
from torch import Tensor, nn

from respbench.models.networks.backbone import StandardizedNetwork
from respbench.models.networks.batches import channels_last
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.unsupervised import Step, Term, UnsupervisedLoss, deterministic
from respbench.models.semi_supervised.builder import build_ssl_model, space

__all__ = ["build", "space"]

COVARIANCE = 0.04
"""Weight of the covariance term; invariance and variance have 1. The paper's 25, 25 and 1."""

HIDDEN, EMBEDDING = 64, 32
"""Sizes of the projection head (ours)."""


class VICReg(UnsupervisedLoss):
    """Distance of the embeddings of two strong views; their variance over clips, and covariance, as regularization.

    Args:
        first: epochs of the pretraining.
    """

    def __init__(self, first: int) -> None:
        super().__init__()
        self.first = first

    def prepare(self, network: StandardizedNetwork, size: tuple[int, int, int]) -> None:
        """A projection head on the features of ``network``."""
        with torch.no_grad(), deterministic(network):
            features = network.backbone.encode(torch.zeros(1, *size))
        self.head = nn.Sequential(nn.Linear(features.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, EMBEDDING))

    def forward(self, step: Step) -> Term:
        """Gradients flow through both views."""
        one, other = (self.head(encode(step)) for _ in range(2))
        spread = (collapse(one) + collapse(other)) / 2
        return Term((one - other).square().mean() + spread + COVARIANCE * (redundancy(one) + redundancy(other)))


def encode(step: Step) -> Tensor:
    """Features (clips, d) of a strong view."""
    images = step.network.standardize(step.strong(step.images))
    return step.network.backbone.encode(channels_last(images))


def collapse(embeddings: Tensor) -> Tensor:
    """(clips, d) to the mean over d of what the standard deviation over the clips lacks to 1."""
    return (1 - (embeddings.var(0, correction=min(1, len(embeddings) - 1)) + 1e-4).sqrt()).relu().mean()


def redundancy(embeddings: Tensor) -> Tensor:
    """(clips, d) to the sum of squared covariances of different columns, divided by d."""
    centered = embeddings - embeddings.mean(0)
    covariance = centered.T @ centered / max(1, len(embeddings) - 1)
    return (covariance.square().sum() - covariance.diagonal().square().sum()) / embeddings.shape[1]


def build(
    *,
    seed: int,
    backbone: str = "cnn",
    first: int = 5,
    alpha: float = 1.0,
    ramp: float = 0.0,
    ratio: int = 2,
    epochs: int = 15,
    steps: int = 20,
) -> NetworkModel:
    """See `VICReg` for ``first``, `build_ssl_model` for the rest."""
    return build_ssl_model(backbone, VICReg(first), seed, alpha, ramp, ratio, epochs, steps)
