"""The supervised loss of the training loop: cross-entropy, weighted by class, with auxiliary outputs if asked for."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.nn import functional

from corpora.clips import HIDDEN

SOUNDS = 2
"""Auxiliary outputs: a crackle is heard, a wheeze is heard."""


@dataclass(frozen=True, eq=False)
class Targets:
    """What the clips are, as far as it is known.

    Attributes:
        label: (clips,) int64, class.
        sounds: (clips, 2) float32, 1 where a crackle (a wheeze) was heard; NaN = not known.
    """

    label: Tensor
    sounds: Tensor

    @classmethod
    def of(cls, label: NDArray[np.int64], sound: NDArray[np.int64]) -> "Targets":
        """From labels and finer labels as `corpora.clips.Clips` holds them."""
        heard = np.stack([sound & 1, sound >> 1], axis=1).astype(np.float32)  # normal 0, crackle 1, wheeze 2, both 3
        heard[sound == HIDDEN] = np.nan
        return cls(torch.from_numpy(label), torch.from_numpy(heard))

    def take(self, index: Tensor, where: torch.device) -> "Targets":
        """The clips at ``index``, on a device."""
        return Targets(self.label[index].to(where), self.sounds[index].to(where))


@dataclass(frozen=True, eq=False)
class SupervisedLoss:
    """Cross-entropy of the class logits plus the auxiliary outputs' binary cross-entropy, the mean over the clips.

    Attributes:
        class_weight: (classes,), or None for equal weights.
        sound_weight: (2,) weight of a clip with a crackle (a wheeze) against one without.
        auxiliary: weight of the auxiliary outputs; 0 = the network has none.
    """

    class_weight: Tensor | None
    sound_weight: Tensor
    auxiliary: float

    def __call__(self, outputs: Tensor, targets: Targets) -> Tensor:
        """Loss of outputs (clips, classes + auxiliary outputs).

        With class weights the mean is over the weights, as in PyTorch: a batch without the rare class weighs the same.
        """
        classes = outputs.shape[1] - (SOUNDS if self.auxiliary else 0)
        loss = functional.cross_entropy(outputs[:, :classes], targets.label, self.class_weight)
        if self.auxiliary:
            known = torch.isfinite(targets.sounds)
            each = functional.binary_cross_entropy_with_logits(
                outputs[:, classes:], targets.sounds.nan_to_num(), pos_weight=self.sound_weight, reduction="none"
            )
            loss = loss + self.auxiliary * (each * known).sum() / known.sum().clamp(min=1)
        return loss


def supervised_loss(
    targets: Targets, classes: int, weighted: bool, auxiliary: float, where: torch.device
) -> SupervisedLoss:
    """The loss for these training clips.

    Args:
        targets: of all training clips; their frequencies make the weights.
        classes: number of classes.
        weighted: whether each class weighs the same, however many clips it has.
        auxiliary: see `SupervisedLoss`.
        where: the device that the network is on.
    """
    heard = targets.sounds.nansum(0)
    silent = torch.isfinite(targets.sounds).sum(0) - heard
    return SupervisedLoss(
        _class_weights(targets.label.numpy(), classes).to(where) if weighted else None,
        (silent / heard.clamp(min=1)).clamp(min=1).to(where),
        auxiliary,
    )


def _class_weights(labels: NDArray[np.int64], classes: int) -> Tensor:
    """(classes,) inverse frequencies, 1 on average over the clips; 0 for a class without training clips."""
    present = np.unique(labels)
    weights = torch.zeros(classes)
    weights[present] = torch.tensor(compute_class_weight("balanced", classes=present, y=labels), dtype=torch.float32)
    return weights
