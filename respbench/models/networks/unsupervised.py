"""The interface of a semi-supervised method to the training loop: the term L_u of the loss, over clips without labels.

A method is an `UnsupervisedLoss`, a function of one `Step`; all else is done by the loop.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from respbench.features.cache import Extractor
from respbench.models.networks.backbone import StandardizedNetwork
from respbench.models.networks.batches import ShuffledRows, channels_last, device, to_device
from respbench.models.networks.recipe import Augment, Recipe


@dataclass(frozen=True, eq=False)
class Step:
    """The inputs of a method in one step of training; labels are not among them.

    Attributes:
        images: (clips, channels, bands, frames), not augmented.
        views: (views, clips, channels, bands, frames), those of `UnsupervisedLoss.views`.
        patient: (clips,) int64; clips of one patient have the same number.
        recording: (clips,) int64; clips of one recording have the same number.
        network: being trained, in training mode.
        ema: the network with the exponential moving average of its weights, in evaluation mode.
        classes: number of classes; further outputs of the network don't concern the method.
        weak: the augmentation of the labeled clips.
        strong: a stronger one.
        progress: share of the training that is finished, 0 to 1.
        labeled: (clips,) bool; which of them are among the labeled clips. Their labels are not given.
    """

    images: Tensor
    views: Tensor
    patient: Tensor
    recording: Tensor
    network: StandardizedNetwork
    ema: StandardizedNetwork
    classes: int
    weak: Augment
    strong: Augment
    progress: float
    labeled: Tensor

    def logits(self, images: Tensor) -> Tensor:
        """(clips, classes) of the network, with its dropout."""
        outputs: Tensor = self.network(channels_last(images))
        return outputs[:, : self.classes]

    @torch.no_grad()
    def probabilities(self, features: Tensor) -> Tensor:
        """(clips, classes) predicted from features (clips, d), without gradient and dropout."""
        with deterministic(self.network):
            return self.network.backbone.classify(features)[:, : self.classes].softmax(1)

    @torch.no_grad()
    def predict(self, images: Tensor, network: StandardizedNetwork | None = None) -> Tensor:
        """(clips, classes) predicted without gradient and dropout, by the network or by its ``ema``."""
        network = network or self.network
        with deterministic(network):
            outputs: Tensor = network(channels_last(images))
        return outputs[:, : self.classes].softmax(1)


@dataclass(frozen=True, eq=False)
class Term:
    """The result of a method for one step.

    Attributes:
        loss: L_u, a scalar.
        probabilities: (clips, classes) predicted, for the learning curves; None if the method predicts none.
        confident: (clips,) bool, those that get a pseudo-label; None = those above `UnsupervisedLoss.threshold`.
    """

    loss: Tensor
    probabilities: Tensor | None = None
    confident: Tensor | None = None


class UnsupervisedLoss(nn.Module):
    """L_u of a method; its own weights, if any, are trained together with the network.

    Attributes:
        threshold: probability from which on a prediction counts as confident.
        first: epochs in which the term is minimized alone, before a supervised training without it; 0 = both are
            minimized together.
    """

    threshold = 0.95
    first = 0

    def views(self, images: Extractor) -> list[Extractor]:
        """Further extractors beside ``images``, each applied once per corpus; most methods need none."""
        return []

    def prepare(self, network: StandardizedNetwork, size: tuple[int, int, int]) -> None:
        """Create the method's weights for images of (channels, bands, frames); most methods have none."""

    def forward(self, step: Step) -> Term:
        """The term for one batch of unlabeled clips."""
        raise NotImplementedError


@dataclass(eq=False)
class UnlabeledPool:
    """The clips that a method learns from without labels, and its pseudo-labels.

    Attributes:
        method: L_u.
        images: (clips, channels, bands, frames) of D_U, then of the labeled training clips, D_L.
        views: one array like ``images`` for each of the method's views.
        patient: (clips,) int64.
        recording: (clips,) int64.
        unlabeled_count: how many of the clips, the first ones, are D_U.
        pseudo_labels: after training, for each epoch (unlabeled_count,) int64: the class predicted with confidence for
            each clip of D_U, at its last step of the epoch; -1 = not confident, or not in any step.
    """

    method: UnsupervisedLoss
    images: NDArray[np.float32]
    views: list[NDArray[np.float32]]
    patient: Tensor
    recording: Tensor
    unlabeled_count: int
    pseudo_labels: list[NDArray[np.int64]] = field(default_factory=list)


SEED_STRIDE = 1_000_003
"""Distance between the step seeds of two fits; above the number of steps of any fit."""


class UnsupervisedTerm:
    """``alpha(t) * L_u``, step by step, and its columns of the learning curves.

    Args:
        unlabeled: the clips and the method.
        network: being trained.
        ema: the network with averaged weights.
        recipe: how it is trained.
        steps: per epoch.
        classes: number of classes.
        seed: determines the order of the clips and everything that the method draws. Labeled clips are drawn
            independently: a method and its supervised baseline have the same ones, augmented in the same way.
    """

    def __init__(
        self,
        unlabeled: UnlabeledPool,
        network: nn.Module,
        ema: nn.Module,
        recipe: Recipe,
        steps: int,
        classes: int,
        seed: int,
    ) -> None:
        self.unlabeled, self.recipe = unlabeled, recipe
        self.network, self.ema = cast(StandardizedNetwork, network), cast(StandardizedNetwork, ema)
        self.steps, self.classes, self.seed, self.done = steps * recipe.epochs, classes, seed, 0
        self.rows = ShuffledRows(len(unlabeled.images))
        self.seen: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []

    def loss(self) -> Tensor:
        """The weighted term of the next step."""
        with torch.random.fork_rng():
            torch.manual_seed(self.seed * SEED_STRIDE + self.done)
            weighted = self._loss(self.rows.take(self.recipe.unlabeled_batch))
        self.done += 1
        return weighted

    def _loss(self, batch: Tensor) -> Tensor:
        recipe, where = self.recipe, device()
        progress = self.done / self.steps
        images, *views = (
            to_device(view[batch.numpy()], where) for view in (self.unlabeled.images, *self.unlabeled.views)
        )
        step = Step(
            images,
            torch.stack(views) if views else images.new_empty(0, *images.shape),
            self.unlabeled.patient[batch].to(where),
            self.unlabeled.recording[batch].to(where),
            self.network,
            self.ema,
            self.classes,
            recipe.augmentation,
            recipe.strong,
            progress,
            (batch >= self.unlabeled.unlabeled_count).to(where),
        )
        self.alpha = recipe.alpha * (ramp_up(progress / recipe.ramp) if recipe.ramp else 1.0)
        term = self.unlabeled.method(step)
        predicted = torch.zeros(len(batch), self.classes) if term.probabilities is None else term.probabilities
        confident = predicted.max(1).values >= self.unlabeled.method.threshold
        confident = confident if term.confident is None else term.confident
        self.seen.append((batch, term.loss.detach(), predicted.detach(), confident.detach()))
        weighted: Tensor = self.alpha * term.loss
        return weighted

    def row(self) -> dict[str, float]:
        """The columns of an epoch: unsupervised_loss, alpha at its last step, and the share of D_U's clips that were
        predicted with confidence; their pseudo-labels are recorded.
        """
        seen, self.seen = self.seen, []
        batch = torch.cat([clips for clips, *_ in seen])
        label = torch.cat([predicted.cpu() for _, _, predicted, _ in seen]).argmax(1)
        confident = torch.cat([sure.cpu() for *_, sure in seen])
        in_unlabeled = batch < self.unlabeled.unlabeled_count
        pseudo_labels = np.full(self.unlabeled.unlabeled_count, -1)
        pseudo_labels[batch[in_unlabeled].numpy()] = torch.where(confident, label, -1)[in_unlabeled].numpy()
        self.unlabeled.pseudo_labels.append(pseudo_labels)
        row = {"unsupervised_loss": float(torch.stack([loss for _, loss, *_ in seen]).mean()), "alpha": self.alpha}
        if bool(in_unlabeled.any()):
            row["confident"] = float(confident[in_unlabeled].float().mean())
        return row


@contextmanager
def deterministic(network: nn.Module) -> Iterator[None]:
    """Switch off dropout, and normalize batches by their running statistics, inside.

    Recurrent layers stay in training mode, since cuDNN can't differentiate them otherwise.
    """
    training = [m for m in network.modules() if isinstance(m, STOCHASTIC_LAYERS) and m.training]
    for module in training:
        module.eval()
    try:
        yield
    finally:
        for module in training:
            module.train()


STOCHASTIC_LAYERS = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)


def ramp_up(progress: float) -> float:
    """exp(-5 (1 - t)²) up to t = 1, then 1: the Gaussian ramp of Laine & Aila 2017 (arXiv:1610.02242)."""
    return math.exp(-5 * (1 - min(1.0, max(0.0, progress))) ** 2)
