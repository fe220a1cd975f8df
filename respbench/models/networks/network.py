"""The model behind every network: from clips to a trained network and its predictions."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from respbench.corpora.choices import MOTION, SOUND
from respbench.corpora.clips import Clips
from respbench.corpora.cycles import TWO_CLASSES
from respbench.corpora.problems import InputError
from respbench.features.cache import Extractor, cached
from respbench.features.images import RepeatedMel, ResizedMel
from respbench.features.maps import CHANNELS, SoundMaps
from respbench.models.networks.backbone import Standardize, StandardizedNetwork
from respbench.models.networks.losses import AUXILIARY_OUTPUTS, Targets
from respbench.models.networks.motion import MotionInput, series_of
from respbench.models.networks.recipe import LAST, Recipe
from respbench.models.networks.starting_point import Architecture, Pretraining, Untrained, start_from
from respbench.models.networks.training import Curve, EpochCallback, Examples, predict, train
from respbench.models.networks.unsupervised import UnlabeledPool, UnsupervisedLoss

OnEpoch = Callable[[int, Callable[[Clips], NDArray[np.float64]]], None]
"""Called after each epoch with its number and a function from clips to the probabilities predicted at that point."""


class NetworkModel:
    """A network over images of clips, trained by `models.networks.training.train`.

    Args:
        architecture: builds the network.
        images: computes the images.
        recipe: how it is trained.
        seed: determines initial weights, order of the clips, augmentation and dropout.
        standardize: whether bands are standardized on the training clips, including unlabeled ones.
        method: the semi-supervised method; None = supervised.
        motion: how movements are taken in place of sounds; None = they aren't.
        pretraining: finds the weights of all but the last layer that training starts from; None = random ones.

    Attributes:
        standardize_on_labeled: whether bands are standardized on the labeled training clips alone, also for a method.
        random_on_movements: whether movements, for which there is no pretraining, are trained from random weights.
        on_epoch: see `models.spec.TrainedByEpoch`.
        curve: see `models.spec.HasLearningCurve`.
        pseudo_labels: see `models.spec.HasPseudoLabels`.
    """

    def __init__(
        self,
        architecture: Architecture,
        images: Extractor,
        recipe: Recipe,
        seed: int,
        standardize: bool = True,
        method: UnsupervisedLoss | None = None,
        motion: MotionInput | None = None,
        pretraining: Pretraining | None = None,
    ) -> None:
        self.architecture = architecture
        self.images = images
        self.recipe = recipe
        self.seed = seed
        self.standardize = standardize
        self.method = method
        self.motion = motion
        self.pretraining = pretraining
        self.standardize_on_labeled = False
        self.random_on_movements = False
        self.curve: Curve = []
        self.pseudo_labels: list[NDArray[np.int64]] = []
        self.on_epoch: OnEpoch | None = None

    def fit(self, train_clips: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Train on ``train_clips`` and keep the best epoch on ``valid``, or train on both, as the recipe requires.

        A method learns from ``unlabeled`` and from ``train_clips`` without their labels.
        """
        self.classes = len(train_clips.classes)
        recipe = self.recipe if train_clips.modality == SOUND else self._take_motion(train_clips)
        examples = self._examples(train_clips)
        held_out: Examples | None = self._examples(valid)
        if self.pretraining is not None:
            recipe = replace(recipe, learning_rate=self.pretraining.rate_factor * recipe.learning_rate)
        seen = [train_clips] if unlabeled is None else [train_clips, unlabeled]
        if recipe.keep == LAST and not recipe.hold_out:
            examples, held_out = _joined(examples, self._examples(valid)), None
            seen.append(valid)
        pool = None if self.method is None else self.unlabeled_pool(self.method, train_clips, unlabeled)
        seen_images = examples.images if pool is None or self.standardize_on_labeled else pool.images
        front = self._front_end(seen_images, train_clips)
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            outputs = self.classes + (AUXILIARY_OUTPUTS if recipe.auxiliary else 0)
            channels, bands, frames = examples.images.shape[1:]
            size = _behind(front, channels, bands, frames)
            self.network = StandardizedNetwork(front, self.architecture(size, outputs))
            self._pretrain(size, seen)
            if pool is not None:
                kept = recipe.augmentation.length(frames)
                pool.method.prepare(self.network, _behind(front, channels, bands, kept))
        if pool is not None and pool.method.first:
            self._train_unlabeled(recipe, pool)
            pool = None
        on_epoch = None if self.on_epoch is None else self._callback(self.on_epoch)
        self.curve = train(self.network, recipe, self.seed, examples, held_out, self.classes, pool, on_epoch)
        self.pseudo_labels = pool.pseudo_labels if pool is not None and pool.unlabeled_count else []
        return self

    def _pretrain(self, size: tuple[int, int, int], seen: Sequence[Clips]) -> None:
        """Load the pretrained weights, if the network is to start from any."""
        if self.pretraining is None:
            return
        if seen[0].modality != SOUND:
            raise InputError("pretraining is for sounds only; choose a network without it for movements")
        untrained = Untrained(self.architecture, size, self.images, self.recipe, self.standardize)
        state = self.pretraining(untrained, [part.hide_labels() for part in seen])
        start_from(self.network.backbone, state, self.pretraining.head and seen[0].classes == TWO_CLASSES)

    def _train_unlabeled(self, recipe: Recipe, pool: UnlabeledPool) -> None:
        """Minimize the method's loss alone, before the supervised training."""
        none = np.empty(0, dtype=np.int64)
        labeled = Examples(pool.images[:0], Targets.of(none, none))
        steps = recipe.steps or -(-len(pool.images) // recipe.unlabeled_batch)
        first = replace(recipe, epochs=pool.method.first, steps=steps, class_weights=False)
        train(self.network, first, self.seed, labeled, None, self.classes, pool)

    def _take_motion(self, train_clips: Clips) -> Recipe:
        """Replace the extractor by that for movements, and return how the network is trained on them."""
        if self.motion is None:
            raise InputError("this network takes sounds only; choose another model for movements")
        self.images = series_of(train_clips)
        if self.random_on_movements:
            self.pretraining = None
        return self.motion.recipe(self.recipe)

    def _front_end(self, images: NDArray[np.float32], train_clips: Clips) -> nn.Module:
        """What precedes the backbone, fitted on the images of the training clips, including unlabeled ones."""
        if train_clips.modality == MOTION and self.motion is not None:
            return self.motion.front_end(images, train_clips.rate)
        return Standardize(images) if self.standardize else nn.Identity()

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes)."""
        return self._predict(self.network, clips)

    def _predict(self, network: nn.Module, clips: Clips) -> NDArray[np.float64]:
        return predict(network, np.asarray(cached(self.images, clips)), self.classes)

    def _callback(self, on_epoch: OnEpoch) -> EpochCallback:
        return lambda epoch, network: on_epoch(epoch, lambda clips: self._predict(network, clips))

    def _examples(self, clips: Clips) -> Examples:
        return Examples(np.asarray(cached(self.images, clips)), Targets.of(clips.label, clips.sound))

    def unlabeled_pool(self, method: UnsupervisedLoss, train_clips: Clips, unlabeled: Clips | None) -> UnlabeledPool:
        """The clips that ``method`` learns from: D_U, then D_L without its labels."""
        parts = [part for part in (unlabeled, train_clips) if part is not None and len(part)]
        images, *views = (
            np.concatenate([np.asarray(cached(view, part)) for part in parts])
            for view in (self.images, *method.views(self.images))
        )
        patient = np.concatenate([part.patient for part in parts])
        known = all("recording" in part.meta for part in parts)
        recording = np.concatenate([part.meta["recording"].to_numpy(np.str_) for part in parts]) if known else patient
        numbers = [torch.from_numpy(np.unique(names, return_inverse=True)[1]) for names in (patient, recording)]
        return UnlabeledPool(method, images, views, numbers[0], numbers[1], len(images) - len(train_clips))

    @property
    def n_parameters(self) -> int:
        """Number of trained weights."""
        return sum(weights.numel() for weights in self.network.parameters())


@torch.no_grad()
def _behind(front: nn.Module, *size: int) -> tuple[int, int, int]:
    """(channels, bands, frames) behind a front end."""
    channels, bands, frames = front(torch.zeros(1, *size)).shape[1:]
    return channels, bands, frames


def _joined(one: Examples, other: Examples) -> Examples:
    targets = Targets(*(torch.cat([getattr(e.targets, name) for e in (one, other)]) for name in ("label", "sounds")))
    return Examples(np.concatenate([one.images, other.images]), targets)


def image_extractor(kind: str, n_mels: int, n_fft: int, hop: int, channels: tuple[str, ...] = CHANNELS) -> Extractor:
    """The extractor of a network's images: log-mel ``resized`` to 64 frames or ``repeated`` to 8 s, or ``maps``.

    Args:
        kind: ``resized``, ``repeated`` or ``maps``; maps have windows of their own.
        n_mels: mel bands.
        n_fft: samples per frame.
        hop: samples from one frame to the next.
        channels: of the maps, see `features.maps.CHANNELS`.

    Raises:
        InputError: unknown kind.
    """
    if kind == "resized":
        return ResizedMel(n_mels=n_mels, n_fft=n_fft, hop=hop)
    if kind == "repeated":
        return RepeatedMel(n_mels=n_mels, n_fft=n_fft, hop=hop)
    if kind == "maps":
        return SoundMaps(channels=channels)
    raise InputError(f"unknown image {kind!r}; choose resized, repeated or maps")
