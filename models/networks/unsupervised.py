"""What a semi-supervised method is to the training loop: the term L_u of the loss, over clips without labels.

A method is an `UnsupervisedLoss` that says what it wants of one `Step`; everything else is the loop's.
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

from features.augmentation import Augmentation
from features.cache import Extractor
from models.networks.backbone import Standardised
from models.networks.batches import Rows, channels_last, device, to_device
from models.networks.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Step:
    """What a method may use in one step of training. Labels are not among it.

    Attributes:
        images: (clips, channels, bands, frames), as they are.
        looks: (looks, clips, channels, bands, frames), the further ones that the method asked for.
        patient: (clips,) int64; clips of one patient have the same number.
        recording: (clips,) int64; clips of one recording have the same number.
        network: what is trained, in training mode.
        average: its weights' exponential average over the steps, in evaluation mode: a teacher.
        classes: number of classes; further outputs of the network are not the method's business.
        weak: the augmentation that labeled clips get too.
        strong: a stronger one.
        progress: share of the training that is done, 0 to 1.
    """

    images: Tensor
    looks: Tensor
    patient: Tensor
    recording: Tensor
    network: Standardised
    average: Standardised
    classes: int
    weak: Augmentation
    strong: Augmentation
    progress: float

    def logits(self, images: Tensor) -> Tensor:
        """(clips, classes) of the network, with its dropout."""
        outputs: Tensor = self.network(channels_last(images))
        return outputs[:, : self.classes]

    @torch.no_grad()
    def probabilities(self, features: Tensor) -> Tensor:
        """(clips, classes) that the network gives to features (clips, d) as they are, without gradient."""
        with without_chance(self.network):
            return self.network.backbone.classify(features)[:, : self.classes].softmax(1)

    @torch.no_grad()
    def judged(self, images: Tensor, network: Standardised | None = None) -> Tensor:
        """(clips, classes) probabilities without gradient and dropout, of the network or of its ``average``."""
        judge = network or self.network
        with without_chance(judge):
            outputs: Tensor = judge(channels_last(images))
        return outputs[:, : self.classes].softmax(1)


@dataclass(frozen=True, eq=False)
class Term:
    """What a method says to one step.

    Attributes:
        loss: L_u, a scalar.
        probabilities: (clips, classes) of the clips, for the learning curves; None if the method makes none.
    """

    loss: Tensor
    probabilities: Tensor | None = None


class UnsupervisedLoss(nn.Module):
    """L_u of a method; its own weights, if it has any, are trained along with the network.

    Attributes:
        threshold: probability from which on a prediction counts as confident.
    """

    threshold = 0.95

    def looks(self, images: Extractor) -> list[Extractor]:
        """Further ways to look at every clip beside ``images``, computed once a corpus; most methods need none."""
        return []

    def prepare(self, network: Standardised, size: tuple[int, int, int]) -> None:
        """Make own weights for a network on images of (channels, bands, frames); most methods have none."""

    def forward(self, step: Step) -> Term:
        """The term for one batch of unlabeled clips."""
        raise NotImplementedError


@dataclass(eq=False)
class Unlabeled:
    """The clips of a fit that a method learns from, and what it was confident about.

    Attributes:
        method: L_u.
        images: (clips, channels, bands, frames) of D_U, then of the labeled training clips, D_L.
        looks: one such array for each of the method's further looks.
        patient: (clips,) int64.
        recording: (clips,) int64.
        count: how many of the clips, the first ones, are D_U.
        pseudo_labels: after training, for each epoch (count,) int64: the class of each clip of D_U that the method was
            confident about when it last saw it in that epoch; -1 = it was not, or did not see it.
    """

    method: UnsupervisedLoss
    images: NDArray[np.float32]
    looks: list[NDArray[np.float32]]
    patient: Tensor
    recording: Tensor
    count: int
    pseudo_labels: list[NDArray[np.int64]] = field(default_factory=list)


SEEDS_APART = 1_000_003
"""Between the seeds of one fit's steps and those of the next; more steps no fit has."""


class UnsupervisedTerm:
    """``alpha(t) * L_u``, step by step, and what the learning curves say about it.

    Args:
        unlabeled: the clips and the method.
        network: what is trained.
        average: of its weights.
        recipe: how.
        steps: an epoch.
        classes: number of classes.
        seed: decides the order of the clips and all that the method draws. The labeled clips are drawn apart from it:
            a method and its twin see the same ones, changed at random in the same way.
    """

    def __init__(
        self,
        unlabeled: Unlabeled,
        network: nn.Module,
        average: nn.Module,
        recipe: Recipe,
        steps: int,
        classes: int,
        seed: int,
    ) -> None:
        self.unlabeled, self.recipe = unlabeled, recipe
        self.network, self.average = cast(Standardised, network), cast(Standardised, average)
        self.steps, self.classes, self.seed, self.done = steps * recipe.epochs, classes, seed, 0
        self.rows = Rows(len(unlabeled.images))
        self.seen: list[tuple[Tensor, Tensor, Tensor]] = []

    def loss(self) -> Tensor:
        """The weighted term of the next step."""
        with torch.random.fork_rng():
            torch.manual_seed(self.seed * SEEDS_APART + self.done)
            weighted = self._loss(self.rows.take(self.recipe.unlabeled_batch))
        self.done += 1
        return weighted

    def _loss(self, batch: Tensor) -> Tensor:
        recipe, where = self.recipe, device()
        progress = self.done / self.steps
        images, *looks = (
            to_device(look[batch.numpy()], where) for look in (self.unlabeled.images, *self.unlabeled.looks)
        )
        step = Step(
            images,
            torch.stack(looks) if looks else images.new_empty(0, *images.shape),
            self.unlabeled.patient[batch].to(where),
            self.unlabeled.recording[batch].to(where),
            self.network,
            self.average,
            self.classes,
            recipe.augmentation,
            recipe.strong,
            progress,
        )
        self.alpha = recipe.alpha * (ramp_up(progress / recipe.ramp) if recipe.ramp else 1.0)
        term = self.unlabeled.method(step)
        found = torch.zeros(len(batch), self.classes) if term.probabilities is None else term.probabilities
        self.seen.append((batch, term.loss.detach(), found.detach()))
        weighted: Tensor = self.alpha * term.loss
        return weighted

    def row(self) -> dict[str, float]:
        """The epoch in numbers: unsupervised_loss, alpha at its last step, and the share of D_U's clips that the method
        was confident about; the pseudo-labels behind that share are written down.
        """
        seen, self.seen = self.seen, []
        batch = torch.cat([clips for clips, _, _ in seen])
        confidence, label = torch.cat([found.cpu() for _, _, found in seen]).max(1)
        ours = batch < self.unlabeled.count
        confident = confidence >= self.unlabeled.method.threshold
        pseudo_labels = np.full(self.unlabeled.count, -1)
        pseudo_labels[batch[ours].numpy()] = torch.where(confident, label, -1)[ours].numpy()
        self.unlabeled.pseudo_labels.append(pseudo_labels)
        row = {"unsupervised_loss": float(torch.stack([loss for _, loss, _ in seen]).mean()), "alpha": self.alpha}
        if bool(ours.any()):
            row["confident"] = float(confident[ours].float().mean())
        return row


@contextmanager
def without_chance(network: nn.Module) -> Iterator[None]:
    """The network as it predicts: no dropout, batch normalisation by what it has learned so far.

    Recurrent layers stay as they are, since cuDNN can't differentiate them otherwise.
    """
    chance = [m for m in network.modules() if isinstance(m, _BY_CHANCE) and m.training]
    for module in chance:
        module.eval()
    try:
        yield
    finally:
        for module in chance:
            module.train()


_BY_CHANCE = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)


def ramp_up(progress: float) -> float:
    """exp(-5 (1 - t)²) up to t = 1, then 1: the Gaussian ramp of Laine & Aila 2017 (arXiv:1610.02242)."""
    return math.exp(-5 * (1 - min(1.0, max(0.0, progress))) ** 2)
