"""What a semi-supervised epoch costs, against the forward and backward passes that its formula asks for.

Part of ``make speed``. What an epoch takes beyond these passes is batches, augmentation, optimiser and averaging; work
done twice, or clip by clip, would show here.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from features.threads import one_thread
from models.backbone import Standardise, Standardised
from models.batches import channels_last, device
from models.losses import Targets
from models.network import NetworkModel
from models.recipe import Recipe
from models.registry import REGISTRY
from models.training import Examples, train
from models.unsupervised import Unlabeled

CLIPS, SIZE, CLASSES = 256, (1, 128, 64), 2
"""Images as the practical's networks have them; what is on them costs nothing more or less."""

STEPS = 10
ROUNDS = 3
"""Both sides are timed so often, by turns; the fastest round of each counts."""


@dataclass(frozen=True)
class Passes:
    """What one step asks for, in passes of the batch of unlabeled clips; the labeled batch is learned from once.

    Attributes:
        learned: forward, and backward to the weights.
        probed: forward, and backward to the images alone.
        judged: forward only.
    """

    learned: int = 1
    probed: int = 0
    judged: int = 0


PASSES = {
    "autoencoder": Passes(),
    "pi-model": Passes(learned=2),
    "vat": Passes(probed=1, judged=1),
    "pseudo-label": Passes(),
    "mean-teacher": Passes(judged=1),
    "fixmatch": Passes(judged=1),
    "planted": Passes(learned=2),
}


@dataclass(frozen=True)
class StepCost:
    """Seconds of an epoch of a model, and of its passes alone."""

    model: str
    epoch: float
    passes: float

    @property
    def ratio(self) -> float:
        """How many times its passes an epoch costs."""
        return self.epoch / self.passes


def step_costs(backbone: str = "cnn") -> list[StepCost]:
    """Each method over a backbone, on one core."""
    with one_thread():
        return [_cost(f"{method}-{backbone}", passes) for method, passes in PASSES.items()]


def _cost(name: str, passes: Passes) -> StepCost:
    rng = np.random.default_rng(0)
    images = rng.standard_normal((CLIPS, *SIZE), dtype=np.float32)
    label = np.arange(CLIPS) % CLASSES
    examples = Examples(images, Targets.of(label, np.full(CLIPS, -1)))
    model = REGISTRY[name].build(0, {"epochs": 1, "steps": STEPS})
    if not (isinstance(model, NetworkModel) and model.method is not None):
        raise TypeError(f"{name} is no semi-supervised network")
    network = Standardised(Standardise(images), model.architecture(SIZE, CLASSES))
    model.method.prepare(network, SIZE)
    looks = [images for _ in model.method.looks(model.images)]
    crowd = Unlabeled(model.method, images, looks, torch.arange(CLIPS), torch.arange(CLIPS), CLIPS)
    recipe = model.recipe

    def epoch() -> None:
        train(network, recipe, 0, examples, None, CLASSES, crowd)

    def bare() -> None:
        _passes(network, recipe, passes, torch.from_numpy(images))

    for work in (epoch, bare):
        work()  # the first round plans convolutions and fills caches
    rounds = [(_seconds(epoch), _seconds(bare)) for _ in range(ROUNDS)]
    return StepCost(name, *(min(times) for times in zip(*rounds, strict=True)))


def _passes(network: Standardised, recipe: Recipe, passes: Passes, images: Tensor) -> None:
    """The passes of an epoch, on ready batches."""
    where = device()
    labeled = channels_last(images[: recipe.batch_size].to(where))
    unlabeled = channels_last(images[: recipe.unlabeled_batch].to(where))
    network.train()
    for _ in range(STEPS):
        for batch in (labeled, *(unlabeled for _ in range(passes.learned))):
            network.zero_grad(set_to_none=True)
            network(batch).logsumexp(1).mean().backward()
        for _ in range(passes.probed):
            probe = unlabeled.clone().requires_grad_()
            torch.autograd.grad(network(probe).logsumexp(1).mean(), probe)
        with torch.no_grad():
            for _ in range(passes.judged):
                network(unlabeled)


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
