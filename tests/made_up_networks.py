"""Tiny networks and images for tests of training, and a step of it taken by itself."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from respbench.corpora.clips import HIDDEN
from respbench.features.augmentation import Augmentation
from respbench.models.networks.backbone import Backbone, StandardizedNetwork
from respbench.models.networks.losses import Targets
from respbench.models.networks.training import Examples
from respbench.models.networks.unsupervised import Step, Term, UnlabeledPool, UnsupervisedLoss

SIZE = (1, 4, 6)
LABEL = np.array([0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0])
SOUND = np.array([0, 1, 2, 0, 0, 0, 3, 0, 0, 1, 0, HIDDEN])


def examples(seed=0, label=LABEL, sound=SOUND):
    """Twelve images; the abnormal ones are brighter."""
    images = np.random.default_rng(seed).standard_normal((len(label), *SIZE)).astype(np.float32)
    images += 2.0 * label[:, None, None, None].astype(np.float32)
    return Examples(images, Targets.of(label, sound))


class Small(Backbone):
    """dropout - dense 5 - batch normalization, if asked for - tanh - dense."""

    def __init__(self, outputs=2, dropout=0.0, normalized=False, size=SIZE):
        super().__init__()
        normalize = nn.BatchNorm1d(5) if normalized else nn.Identity()
        dense = nn.Linear(int(np.prod(size)), 5)
        self.hidden = nn.Sequential(nn.Flatten(), nn.Dropout(dropout), dense, normalize, nn.Tanh())
        self.dense = nn.Linear(5, outputs)

    def encode(self, images):
        return self.hidden(images)

    def classify(self, features):
        return self.dense(features)


class Given(Backbone):
    """Its logits are the first pixels of the image, times ``scale``: nothing has to be learned."""

    def __init__(self, outputs=2, scale=1.0):
        super().__init__()
        self.outputs, self.scale = outputs, nn.Parameter(torch.tensor(float(scale)))

    def encode(self, images):
        return images.flatten(1)[:, : self.outputs]

    def classify(self, features):
        return self.scale * features


def network(backbone=Small, seed=0, **more):
    """StandardizedNetwork by nothing; the same for the same seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return StandardizedNetwork(nn.Identity(), backbone(**more))


def pool_of(method, images, count=None):
    """Clips to learn from without labels, each of a patient of its own; the first ``count`` are D_U."""
    numbers = torch.arange(len(images))
    return UnlabeledPool(
        method=method,
        images=images,
        views=[],
        patient=numbers,
        recording=numbers,
        unlabeled_count=len(images) if count is None else count,
    )


def one_step(images, net, **more):
    """What a method gets to see; nothing is changed at random unless ``more`` says so."""
    numbers = torch.arange(len(images))
    usual = {
        "views": images.new_empty(0, *images.shape),
        "patient": numbers,
        "recording": numbers,
        "ema": net,
        "classes": 2,
        "weak": Augmentation(),
        "strong": Augmentation(),
        "progress": 0.0,
        "labeled": torch.zeros(len(images), dtype=torch.bool),
    }
    return Step(images=images, network=net, **{**usual, **more})


class Spy(UnsupervisedLoss):
    """Asks the network for nothing but a gradient of zero, and writes down each step.

    Args:
        probabilities: of a step; None = says nothing.
        loss: of a step; None = 0.
    """

    def __init__(
        self,
        probabilities: Callable[[Step], torch.Tensor] | None = None,
        loss: Callable[[Step], torch.Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.says, self.costs = probabilities, loss

    def forward(self, step: Step) -> Term:
        self.steps.append(step)
        loss = 0.0 * step.logits(step.images).sum() if self.costs is None else self.costs(step)
        return Term(loss, None if self.says is None else self.says(step))


def weights(net):
    return torch.cat([weight.detach().flatten() for weight in net.parameters()])
