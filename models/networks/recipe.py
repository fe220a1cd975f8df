"""How a network is trained: everything about it that can be chosen."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, recall_score

from features.augmentation import Augmentation

SCORES: dict[str, Callable[[NDArray[np.int64], NDArray[np.int64]], float]] = {
    "accuracy": lambda label, decision: float(accuracy_score(label, decision)),
    # Mean recall of the classes that are there: a small validation set may lack one.
    "balanced_accuracy": lambda label, decision: float(
        recall_score(label, decision, labels=np.unique(label), average="macro", zero_division=0)
    ),
}

LAST = "last"
"""Instead of a key of ``SCORES``: keep the last epoch. Nothing is chosen; a validation score is for the record only."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        epochs: passes over the training clips, at most.
        batch_size: clips a step; 8 to 16 are fastest on a CPU.
        learning_rate: of Adam (Kingma & Ba 2015); its peak with ``one_cycle``.
        weight_decay: beta of the regularisation, decoupled (AdamW, Loshchilov & Hutter 2019).
        class_weights: whether each class weighs the same in the loss, however many clips it has.
        patience: epochs without a better validation score before training stops; None = never.
        keep: which validation score chooses the epoch, a key of ``SCORES``, a tie going to the lower validation loss;
            or ``LAST``.
        one_cycle: whether the learning rate rises to its peak and falls to nothing (Smith & Topin 2019,
            doi:10.1117/12.2520589), step by step.
        augmentation: how training images are changed at random.
        mixup: parameter of the beta distribution by which two clips are mixed (Zhang et al. 2018, arXiv:1710.09412);
            0 = never.
        auxiliary: weight of the auxiliary outputs, crackle and wheeze, where the corpus tells them apart.
        averaging: decay of the exponential average of the weights that is kept in place of the weights themselves
            (Polyak & Juditsky 1992, doi:10.1137/0330046); 0 = no average.
        hold_out: whether a fixed schedule, too, leaves the validation clips out of training, for a validation score.
        steps: an epoch; None = as many as one pass over the labeled clips takes.
        alpha: weight of the unsupervised loss.
        ramp: share of the training over which that weight rises; 0 = it is there from the first step.
        unlabeled_batch: unlabeled clips a step.
        strong: a stronger augmentation, for methods that want two.
    """

    epochs: int = 16
    batch_size: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    class_weights: bool = True
    patience: int | None = None
    keep: str = "balanced_accuracy"
    one_cycle: bool = False
    augmentation: Augmentation = field(default_factory=Augmentation)
    mixup: float = 0.0
    auxiliary: float = 0.0
    averaging: float = 0.0
    hold_out: bool = False
    steps: int | None = None
    alpha: float = 0.0
    ramp: float = 0.0
    unlabeled_batch: int = 16
    strong: Augmentation = field(default_factory=Augmentation)
