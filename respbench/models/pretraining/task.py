"""What all pretrainings have in common: the key of their weights, and how a training becomes a stored state."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from respbench.corpora.clips import Clips
from respbench.corpora.code_identity.identity import code_identity, target_of
from respbench.corpora.digests import digest
from respbench.features import cache
from respbench.features.cache import Extractor, cached
from respbench.features.threads import one_thread
from respbench.models.networks.backbone import Backbone, Standardize, StandardizedNetwork
from respbench.models.networks.batches import device
from respbench.models.networks.losses import AUXILIARY_OUTPUTS, Targets
from respbench.models.networks.recipe import LAST, Recipe
from respbench.models.networks.starting_point import State, Untrained, start_from
from respbench.models.networks.training import Examples, train
from respbench.models.networks.unsupervised import UnlabeledPool, UnsupervisedLoss
from respbench.models.pretraining.artefacts import get_or_make

CLASSES = 2
"""Normal and abnormal, whatever the task of the fit: its own last layer is not taken over."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A pretraining; a frozen dataclass whose repr states every parameter that the weights depend on.

    Attributes:
        epochs: passes over the clips, or of ``steps`` each.
        batch_size: clips per step.
        averaging: see `Recipe`.
        seed: of the pretraining; that of a fit does not matter, so that its repeats share the weights.
        first: what the pretraining itself starts from; None = random weights.
        head: see `models.networks.starting_point.Pretraining`; not a matter of the weights.
        rate_factor: likewise.
    """

    name = "pretraining"
    epochs: int = 10
    batch_size: int = 16
    averaging: float = 0.99
    seed: int = 0
    first: "Task | None" = None
    head: bool = field(default=True, repr=False)
    rate_factor: float = field(default=1.0, repr=False)

    def __call__(self, network: Untrained, clips: Sequence[Clips]) -> State:
        """See `models.networks.starting_point.Pretraining`; the weights are made if they are not stored."""
        hidden = [part.hide_labels() for part in clips]
        return get_or_make(self.name, self.key(network, hidden), lambda: self._make(network, hidden))

    def key(self, network: Untrained, clips: Sequence[Clips]) -> str:
        """Hash of all that the weights depend on."""
        backbone = network.architecture(network.size, CLASSES)
        parts = [
            *architecture_of(backbone),
            cache.key(network.images, clips[0].rate),
            code_identity(target_of(type(network.recipe.augmentation))),
            repr((network.size, network.standardize, self.recipe(network.recipe))),
            code_identity(target_of(type(self))),
            repr(self),
            f"torch {torch.__version__} {device().type}",
            *self.content(clips),
        ]
        if self.first is not None:
            parts.append(self.first.key(network, clips))
        return digest(parts)

    def content(self, clips: Sequence[Clips]) -> list[str]:
        """What of a fold's clips the weights depend on; of a pretraining that sees none of them, nothing."""
        return []

    def recipe(self, of_fit: Recipe) -> Recipe:
        """How the network is pretrained, from how it is trained: what belongs to the architecture is kept."""
        return Recipe(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=of_fit.learning_rate,
            weight_decay=of_fit.weight_decay,
            keep=LAST,
            one_cycle=True,
            augmentation=of_fit.augmentation,
            averaging=self.averaging,
        )

    def train(self, network: Untrained, clips: Sequence[Clips], first: State | None) -> Backbone:
        """The pretrained backbone.

        Args:
            network: to be trained.
            clips: of the training side, without labels.
            first: what ``self.first`` found.
        """
        raise NotImplementedError

    def _make(self, network: Untrained, clips: Sequence[Clips]) -> State:
        first = None if self.first is None else self.first(network, clips)
        with one_thread():
            return self.train(network, clips, first).state_dict()


@dataclass(frozen=True, kw_only=True)
class Supervised(Task):
    """Training on labeled clips.

    Attributes:
        auxiliary: weight of crackle and wheeze beside the class.
    """

    name = "supervised"
    auxiliary: float = 1.0

    def recipe(self, of_fit: Recipe) -> Recipe:
        """See `Task.recipe`."""
        return replace(super().recipe(of_fit), auxiliary=self.auxiliary)


def architecture_of(backbone: Backbone) -> list[str]:
    """Code, layers and shapes of a backbone."""
    shapes = (f"{name} {tuple(value.shape)}" for name, value in backbone.state_dict().items())
    return [code_identity(target_of(type(backbone))), repr(backbone), *shapes]


def train_supervised(
    network: Untrained, recipe: Recipe, seed: int, clips: Clips, first: State | None = None
) -> Backbone:
    """Train a network on labeled clips of the task ``abnormal``; crackle and wheeze too, if ``recipe.auxiliary``."""
    images = np.asarray(cached(network.images, clips))
    outputs = CLASSES + (AUXILIARY_OUTPUTS if recipe.auxiliary else 0)
    start = _start(network, images, outputs, seed, first)
    train(start, recipe, seed, Examples(images, Targets.of(clips.label, clips.sound)), None, CLASSES)
    return start.backbone


def train_unlabeled(
    network: Untrained,
    recipe: Recipe,
    seed: int,
    method: UnsupervisedLoss,
    clips: Sequence[Clips],
    first: State | None = None,
) -> Backbone:
    """Train a network by the loss of a semi-supervised method alone; the order of the clips does not matter."""
    order = np.argsort(content_of(clips))
    images, *views = (_images(view, clips)[order] for view in (network.images, *method.views(network.images)))
    start = _start(network, images, CLASSES, seed, first)
    method.prepare(start, network.size)
    number = torch.arange(len(images))
    pool = UnlabeledPool(method, images, views, number, number, len(images))
    none = np.empty(0, dtype=np.int64)
    labeled = Examples(images[:0], Targets.of(none, none))
    train(start, replace(recipe, alpha=1.0, ramp=0.0, class_weights=False), seed, labeled, None, CLASSES, pool)
    return start.backbone


def content_of(clips: Sequence[Clips]) -> list[str]:
    """A digest of the samples of each clip; labels, names, patients and other clips of the corpus don't count."""
    return [digest([str(signal.shape), signal.tobytes()]) for part in clips for signal in part.signals]


def _images(view: Extractor, clips: Sequence[Clips]) -> NDArray[np.float32]:
    return np.concatenate([np.asarray(cached(view, part)) for part in clips])


def _start(
    network: Untrained, images: NDArray[np.float32], outputs: int, seed: int, first: State | None
) -> StandardizedNetwork:
    """A network with its initial weights, behind a standardization of its own."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        backbone = network.architecture(network.size, outputs)
    if first is not None:
        start_from(backbone, first, head=True)
    return StandardizedNetwork(Standardize(images) if network.standardize else nn.Identity(), backbone)
