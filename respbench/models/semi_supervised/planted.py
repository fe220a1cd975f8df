"""Planted sounds: a clip with a crackle or a wheeze added must be predicted as more abnormal than the clip itself.

Ours. No label is needed or guessed: the order of the two is known by construction, for every patient and stethoscope.
Learning from synthetic defects: Li et al. 2021, CutPaste
(arXiv:2104.04015); learning from the order of pairs: Burges et al. 2005, RankNet (doi:10.1145/1102351.1102363).
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from respbench.features.cache import Extractor
from respbench.features.planting import SOUNDS, planted
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.unsupervised import Step, Term, UnsupervisedLoss
from respbench.models.semi_supervised.builder import build_ssl_model, space

__all__ = ["build", "space"]


class PlantedSounds(UnsupervisedLoss):
    """Logistic loss of the order of a clip and its planted version.

    Args:
        takes: planted versions of each clip per kind of sound.
    """

    def __init__(self, takes: int) -> None:
        super().__init__()
        self.takes = takes

    def views(self, images: Extractor) -> list[Extractor]:
        """Every clip with planted crackles, and with planted wheezes."""
        return [planted(images, sound, take) for take in range(self.takes) for sound in SOUNDS]

    def forward(self, step: Step) -> Term:
        """Each step has one kind of sound in all of its clips."""
        view = step.views[int(torch.randint(len(step.views), ()))]
        plain, changed = step.logits(step.weak(torch.cat([step.images, view]))).chunk(2)
        return Term(softplus(abnormality(plain) - abnormality(changed)).mean(), plain.detach().softmax(1))


def abnormality(logits: Tensor) -> Tensor:
    """(clips, classes) to (clips,) log-odds of anything but the first class, ``normal``."""
    return logits[:, 1:].logsumexp(1) - logits[:, 0]


def build(
    *,
    seed: int,
    backbone: str = "cnn",
    takes: int = 2,
    alpha: float = 1.0,
    ramp: float = 0.0,
    ratio: int = 2,
    epochs: int = 15,
    steps: int = 20,
) -> NetworkModel:
    """See `PlantedSounds` for ``takes``, `build_ssl_model` for the rest."""
    return build_ssl_model(backbone, PlantedSounds(takes), seed, alpha, ramp, ratio, epochs, steps)
