"""Autoencoder: the features that classify a clip must also suffice to reconstruct it.

Yang et al. 2022, A survey on deep semi-supervised learning (doi:10.1109/TKDE.2022.3220219): reconstruction as the
unsupervised term, with a decoder on the encoder that labeled clips share.
"""

import math

import torch
from torch import nn

from respbench.models.networks.backbone import StandardizedNetwork
from respbench.models.networks.batches import channels_last
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.unsupervised import Step, Term, UnsupervisedLoss, deterministic
from respbench.models.semi_supervised.builder import build_ssl_model, space

__all__ = ["build", "space"]


class Autoencoder(UnsupervisedLoss):
    """Mean squared error of a linear decoder's reconstruction of the standardized image."""

    def prepare(self, network: StandardizedNetwork, size: tuple[int, int, int]) -> None:
        """A decoder from the features of ``network`` to images of ``size``."""
        with torch.no_grad(), deterministic(network):
            features = network.backbone.encode(torch.zeros(1, *size))
        self.decoder = nn.Linear(features.shape[1], math.prod(size))

    def forward(self, step: Step) -> Term:
        """Reconstruct every clip from its features."""
        images = step.network.standardize(step.weak(step.images))
        features = step.network.backbone.encode(channels_last(images))
        reconstructed = self.decoder(features).view_as(images)
        return Term((reconstructed - images).square().mean(), step.probabilities(features))


def build(
    *,
    seed: int,
    backbone: str = "cnn",
    alpha: float = 1.0,
    ramp: float = 0.0,
    ratio: int = 2,
    epochs: int = 15,
    steps: int = 20,
) -> NetworkModel:
    """See `build_ssl_model`."""
    return build_ssl_model(backbone, Autoencoder(), seed, alpha, ramp, ratio, epochs, steps)
