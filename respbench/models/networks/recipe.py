"""How a network is trained: all settings of the training loop."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, recall_score
from torch import Tensor

from respbench.features.augmentation import Augmentation

SCORES: dict[str, Callable[[NDArray[np.int64], NDArray[np.int64]], float]] = {
    "accuracy": lambda label, decision: float(accuracy_score(label, decision)),
    # Mean recall of the classes present: a small validation set may lack one.
    "balanced_accuracy": lambda label, decision: float(
        recall_score(label, decision, labels=np.unique(label), average="macro", zero_division=0)
    ),
}

LAST = "last"
"""In place of a key of ``SCORES``: keep the last epoch; the validation score is recorded only."""


class Augment(Protocol):
    """Random changes of training clips, such as `features.augmentation.Augmentation`."""

    def __call__(self, images: Tensor, /) -> Tensor:
        """(clips, channels, bands, frames) to another tensor of that shape, or of fewer frames."""
        ...

    def length(self, frames: int, /) -> int:
        """Frames of the result."""
        ...


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        epochs: passes over the training clips, at most.
        batch_size: clips per step; 8 to 16 are fastest on a CPU.
        learning_rate: of Adam (Kingma & Ba 2015); its peak with ``one_cycle``.
        weight_decay: beta of the regularization, decoupled (AdamW, Loshchilov & Hutter 2019).
        class_weights: whether all classes have equal weight in the loss, however many clips they have.
        patience: epochs without a better validation score before training stops; None = never.
        keep: the validation score that selects the epoch, a key of ``SCORES``, ties broken by validation loss; or
            ``LAST``.
        one_cycle: whether the learning rate rises to its peak and falls to zero (Smith & Topin 2019,
            doi:10.1117/12.2520589), step by step.
        augmentation: of the training images.
        mixup: parameter of the beta distribution by which two clips are mixed (Zhang et al. 2018, arXiv:1710.09412);
            0 = never.
        auxiliary: weight of the auxiliary outputs, crackle and wheeze, where the corpus distinguishes them.
        averaging: decay of the exponential moving average of the weights, which replaces the weights (Polyak &
            Juditsky 1992, doi:10.1137/0330046); 0 = no average.
        hold_out: with ``keep`` = ``LAST``, whether validation clips are held out of training, to record a score.
        steps: per epoch; None = one pass over the labeled clips.
        alpha: weight of the unsupervised loss.
        ramp: share of the training over which that weight rises; 0 = constant.
        unlabeled_batch: unlabeled clips per step.
        strong: a stronger augmentation, for methods with two views.
        pretrained_rate: learning rate of the weights that a backbone has from elsewhere, as a share of the others'.
    """

    epochs: int = 16
    batch_size: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    class_weights: bool = True
    patience: int | None = None
    keep: str = "balanced_accuracy"
    one_cycle: bool = False
    augmentation: Augment = field(default_factory=Augmentation)
    mixup: float = 0.0
    auxiliary: float = 0.0
    averaging: float = 0.0
    hold_out: bool = False
    steps: int | None = None
    alpha: float = 0.0
    ramp: float = 0.0
    unlabeled_batch: int = 16
    strong: Augment = field(default_factory=Augmentation)
    pretrained_rate: float = 1.0
