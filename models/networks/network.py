"""From clips to a trained network and back to probabilities: what all networks share."""

from collections.abc import Callable
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from corpora.clips import Clips
from corpora.problems import InputError
from features.cache import Extractor, cached
from features.images import RepeatedMel, ResizedMel
from features.maps import CHANNELS, SoundMaps
from models.networks.backbone import Backbone, Standardise, Standardised
from models.networks.losses import SOUNDS, Targets
from models.networks.recipe import LAST, Recipe
from models.networks.training import Curve, Examples, Watch, predict, train
from models.networks.unsupervised import Unlabeled, UnsupervisedLoss

Architecture = Callable[[tuple[int, int, int], int], Backbone]
"""Makes a network for images of (channels, bands, frames) and a number of outputs."""

OnEpoch = Callable[[int, Callable[[Clips], NDArray[np.float64]]], None]
"""Is told every epoch's number, and can ask what the network would predict now; what it raises ends the training."""


class NetworkModel:
    """A network over images of clips, trained by `models.networks.training.train`.

    Args:
        architecture: makes the network.
        images: makes the images.
        recipe: how it is trained.
        seed: decides the initial weights, the order of the clips and the dropout.
        standardise: whether bands are standardised on the training clips, the unlabeled ones among them.
        method: what is learned from unlabeled clips; None = nothing.

    Attributes:
        on_epoch: who looks on while it is fitted; None = nobody. Tuning gives hopeless trials up early by it.
    """

    def __init__(
        self,
        architecture: Architecture,
        images: Extractor,
        recipe: Recipe,
        seed: int,
        standardise: bool = True,
        method: UnsupervisedLoss | None = None,
    ) -> None:
        self.architecture = architecture
        self.images = images
        self.recipe = recipe
        self.seed = seed
        self.standardise = standardise
        self.method = method
        self.curve: Curve = []
        self.pseudo_labels: list[NDArray[np.int64]] = []
        self.on_epoch: OnEpoch | None = None

    def fit(self, train_clips: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Train on ``train`` and keep the best epoch on ``valid``; with a fixed schedule that holds nothing out, train
        on both. A method learns from ``unlabeled`` and from ``train`` without its labels.
        """
        self.classes = len(train_clips.classes)
        examples = self._examples(train_clips)
        held_out: Examples | None = self._examples(valid)
        if self.recipe.keep == LAST and not self.recipe.hold_out:
            examples, held_out = _joined(examples, self._examples(valid)), None
        crowd = None if self.method is None else self._crowd(self.method, train_clips, unlabeled)
        standardise = Standardise(examples.images if crowd is None else crowd.images) if self.standardise else None
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            outputs = self.classes + (SOUNDS if self.recipe.auxiliary else 0)
            network = self.architecture(examples.images.shape[1:], outputs)
            self.network = Standardised(standardise or nn.Identity(), network)
            if crowd is not None:
                channels, bands, frames = crowd.images.shape[1:]
                kept = min(self.recipe.augmentation.crop or frames, frames)
                crowd.method.prepare(self.network, (channels, bands, kept))
        watch = None if self.on_epoch is None else self._show_to(self.on_epoch)
        self.curve = train(self.network, self.recipe, self.seed, examples, held_out, self.classes, crowd, watch)
        self.pseudo_labels = crowd.pseudo_labels if crowd is not None and crowd.count else []
        return self

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes)."""
        return self._predict(self.network, clips)

    def _predict(self, network: nn.Module, clips: Clips) -> NDArray[np.float64]:
        return predict(network, np.asarray(cached(self.images, clips)), self.classes)

    def _show_to(self, on_epoch: OnEpoch) -> Watch:
        return lambda epoch, network: on_epoch(epoch, lambda clips: self._predict(network, clips))

    def _examples(self, clips: Clips) -> Examples:
        return Examples(np.asarray(cached(self.images, clips)), Targets.of(clips.label, clips.sound))

    def _crowd(self, method: UnsupervisedLoss, train_clips: Clips, unlabeled: Clips | None) -> Unlabeled:
        """D_U, then D_L without its labels."""
        parts = [part for part in (unlabeled, train_clips) if part is not None and len(part)]
        images, *looks = (
            np.concatenate([np.asarray(cached(look, part)) for part in parts])
            for look in (self.images, *method.looks(self.images))
        )
        patient = np.concatenate([part.patient for part in parts])
        known = all("recording" in part.meta for part in parts)
        recording = np.concatenate([part.meta["recording"].to_numpy(np.str_) for part in parts]) if known else patient
        numbers = [torch.from_numpy(np.unique(names, return_inverse=True)[1]) for names in (patient, recording)]
        return Unlabeled(method, images, looks, numbers[0], numbers[1], len(images) - len(train_clips))

    @property
    def n_parameters(self) -> int:
        """Trained weights."""
        return sum(weights.numel() for weights in self.network.parameters())


def _joined(one: Examples, other: Examples) -> Examples:
    targets = Targets(*(torch.cat([getattr(e.targets, name) for e in (one, other)]) for name in ("label", "sounds")))
    return Examples(np.concatenate([one.images, other.images]), targets)


def image(kind: str, n_mels: int, n_fft: int, hop: int, channels: tuple[str, ...] = CHANNELS) -> Extractor:
    """What a network looks at: log-mel ``resized`` to 64 frames or ``repeated`` to a fixed time, or ``maps``.

    Args:
        kind: one of these three.
        n_mels: mel bands.
        n_fft: samples a frame.
        hop: samples from one frame to the next.
        channels: of the maps.

    Raises:
        InputError: unknown kind.
    """
    if kind == "resized":
        return ResizedMel(n_mels=n_mels, n_fft=n_fft, hop=hop)
    if kind == "repeated":
        return RepeatedMel(n_mels=n_mels, n_fft=n_fft, hop=hop)
    if kind == "maps":  # their windows are part of what they are
        return SoundMaps(channels=channels)
    raise InputError(f"unknown image {kind!r}; choose resized, repeated or maps")
