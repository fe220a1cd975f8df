"""Virtual adversarial training: predictions must be stable under the worst small change of a clip.

Miyato et al. 2018, Virtual adversarial training, doi:10.1109/TPAMI.2018.2858821 (arXiv:1704.03976). Of all changes of
one length, the worst one for the divergence KL(p(x) ‖ p(x + r)) is the leading eigenvector of its Hessian at r = 0;
power iteration finds it, each step a finite difference of the gradient.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import kl_div

from respbench.models.networks.batches import channels_last
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.unsupervised import Step, Term, UnsupervisedLoss, deterministic
from respbench.models.semi_supervised.builder import build_ssl_model, space

__all__ = ["build", "space"]

Logits = Callable[[Tensor], Tensor]


class VirtualAdversarial(UnsupervisedLoss):
    """Divergence between the class probabilities of a clip and of its worst small change.

    Args:
        epsilon: root mean square of the change of a standardized pixel, comparable across image sizes.
        xi: the same for the finite differences of the power iteration. The paper's 1e-6 (of the whole image) is below
            the resolution of float32 here; of 1e-6 to 0.1 per pixel, 1e-3 is closest to the exact direction.
        iterations: of the power iteration.
    """

    def __init__(self, epsilon: float, xi: float, iterations: int) -> None:
        super().__init__()
        self.epsilon, self.xi, self.iterations = epsilon, xi, iterations

    def forward(self, step: Step) -> Term:
        """The clean pass is the target, without gradient."""
        images = step.network.standardize(step.weak(step.images))

        def logits(changed: Tensor) -> Tensor:
            outputs: Tensor = step.network.backbone(channels_last(changed))
            return outputs[:, : step.classes]

        with deterministic(step.network):
            with torch.no_grad():
                clean = logits(images).log_softmax(1)
            worst = adversarial_direction(logits, images, clean, self.xi, self.iterations)
            return Term(divergence(clean, logits(images + self.epsilon * worst)), clean.exp())


def adversarial_direction(logits: Logits, images: Tensor, clean: Tensor, xi: float, iterations: int) -> Tensor:
    """The direction in which each clip's class probabilities change most, found by power iteration.

    Args:
        logits: maps images to (clips, classes).
        images: (clips, channels, bands, frames).
        clean: (clips, classes) their log-probabilities.
        xi: see `VirtualAdversarial`.
        iterations: from a random direction on.

    Returns:
        As ``images``, each clip with a root mean square of 1.
    """
    direction = _unit(torch.randn_like(images))
    for _ in range(iterations):
        direction.requires_grad_()
        (gradient,) = torch.autograd.grad(divergence(clean, logits(images + xi * direction)), direction)
        direction = _unit(gradient)
    return direction


def divergence(clean: Tensor, changed: Tensor) -> Tensor:
    """KL(p ‖ q) of log-probabilities ``clean`` and logits ``changed``, (clips, classes) each; the mean over clips."""
    return kl_div(changed.log_softmax(1), clean, reduction="batchmean", log_target=True)


def _unit(direction: Tensor) -> Tensor:
    """Scale each clip's direction to a root mean square of 1; 0 stays 0."""
    direction = direction.detach()
    smallest = torch.finfo(direction.dtype).tiny
    # First by the largest value: for confident predictions the squares of the gradients underflow.
    direction = direction / direction.abs().amax((1, 2, 3), keepdim=True).clamp(min=smallest)
    return direction / direction.square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=smallest)


def build(
    *,
    seed: int,
    backbone: str = "cnn",
    epsilon: float = 0.05,
    xi: float = 0.001,
    iterations: int = 1,
    alpha: float = 1.0,
    ramp: float = 0.0,
    ratio: int = 2,
    epochs: int = 15,
    steps: int = 20,
) -> NetworkModel:
    """See `VirtualAdversarial` for ``epsilon`` to ``iterations``, `build_ssl_model` for the rest."""
    return build_ssl_model(
        backbone, VirtualAdversarial(epsilon, xi, iterations), seed, alpha, ramp, ratio, epochs, steps
    )
