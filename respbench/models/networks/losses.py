"""The supervised loss of the training loop: cross-entropy, weighted by class, with optional auxiliary outputs."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.nn import functional

from respbench.corpora.clips import HIDDEN

AUXILIARY_OUTPUTS = 2
"""Crackle present, wheeze present."""


@dataclass(frozen=True, eq=False)
class Targets:
    """The labels of clips.

    Attributes:
        label: (clips,) int64, class.
        sounds: (clips, 2) float32, 1 where a crackle (a wheeze) is annotated; NaN = unknown.
    """

    label: Tensor
    sounds: Tensor

    @classmethod
    def of(cls, label: NDArray[np.int64], sound: NDArray[np.int64]) -> "Targets":
        """From labels and finer labels as `corpora.clips.Clips` holds them."""
        present = np.stack([sound & 1, sound >> 1], axis=1).astype(np.float32)  # normal 0, crackle 1, wheeze 2, both 3
        present[sound == HIDDEN] = np.nan
        return cls(torch.from_numpy(label), torch.from_numpy(present))

    def take(self, index: Tensor, where: torch.device) -> "Targets":
        """The clips at ``index``, on a device."""
        return Targets(self.label[index].to(where), self.sounds[index].to(where))


@dataclass(frozen=True, eq=False)
class SupervisedLoss:
    """Cross-entropy of the class logits plus the auxiliary outputs' binary cross-entropy, the mean over the clips.

    Attributes:
        class_weight: (classes,), or None for equal weights.
        sound_weight: (2,) weight of a clip with a crackle (a wheeze) against one without.
        auxiliary: weight of the auxiliary outputs; 0 = the network has none of them.
    """

    class_weight: Tensor | None
    sound_weight: Tensor
    auxiliary: float

    def __call__(self, outputs: Tensor, targets: Targets) -> Tensor:
        """Loss of outputs (clips, classes + auxiliary outputs).

        With class weights the mean is over the weights, as in PyTorch: a batch without the rare class counts fully.
        """
        logits = self.logits(outputs)
        loss = functional.cross_entropy(logits, targets.label, self.class_weight)
        if self.auxiliary:
            known = torch.isfinite(targets.sounds)
            each = functional.binary_cross_entropy_with_logits(
                outputs[:, logits.shape[1] :],
                targets.sounds.nan_to_num(),
                pos_weight=self.sound_weight,
                reduction="none",
            )
            loss = loss + self.auxiliary * (each * known).sum() / known.sum().clamp(min=1)
        return loss

    def logits(self, outputs: Tensor) -> Tensor:
        """Class logits (clips, classes) of outputs (clips, classes + auxiliary outputs)."""
        return outputs[:, : outputs.shape[1] - (AUXILIARY_OUTPUTS if self.auxiliary else 0)]


def supervised_loss(
    targets: Targets, classes: int, weighted: bool, auxiliary: float, where: torch.device
) -> SupervisedLoss:
    """The loss for given training clips.

    Args:
        targets: of all training clips; weights follow from their frequencies.
        classes: number of classes.
        weighted: whether all classes have equal weight, however many clips they have.
        auxiliary: see `SupervisedLoss`.
        where: the device that the network is on.
    """
    present = targets.sounds.nansum(0)
    absent = torch.isfinite(targets.sounds).sum(0) - present
    return SupervisedLoss(
        _class_weights(targets.label.numpy(), classes).to(where) if weighted else None,
        (absent / present.clamp(min=1)).clamp(min=1).to(where),
        auxiliary,
    )


def _class_weights(labels: NDArray[np.int64], classes: int) -> Tensor:
    """(classes,) inverse frequencies, 1 on average over the clips; 0 for a class without training clips."""
    present = np.unique(labels)
    weights = torch.zeros(classes)
    weights[present] = torch.tensor(compute_class_weight("balanced", classes=present, y=labels), dtype=torch.float32)
    return weights
