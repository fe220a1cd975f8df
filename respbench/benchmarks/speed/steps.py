"""What a semi-supervised epoch costs, against the forward and backward passes that its formula asks for.

The second part of ``make speed``; it needs no data. What an epoch takes beyond these passes is batches, augmentation,
optimizer and averaging; work done twice, or clip by clip, would show here.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from respbench.benchmarks.execution.environment import hardware, versions
from respbench.benchmarks.report.markdown import render
from respbench.benchmarks.storage.files import write_atomically
from respbench.features.threads import one_thread
from respbench.models.networks.backbone import Standardize, StandardizedNetwork
from respbench.models.networks.batches import channels_last, device
from respbench.models.networks.losses import Targets
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.recipe import Recipe
from respbench.models.networks.training import Examples, train
from respbench.models.networks.unsupervised import UnlabeledPool
from respbench.models.registry import REGISTRY
from respbench.models.semi_supervised.autoencoder import Autoencoder

CLIPS, SIZE, CLASSES = 256, (1, 128, 64), 2
"""Images as the practical's networks have them; what is on them costs nothing more or less."""

STEPS = 10
ROUNDS = 8
"""Both sides are timed so often, by turns; the fastest round of each counts."""


@dataclass(frozen=True)
class Passes:
    """What one step asks for, in passes of the batch of unlabeled clips; the labeled batch is learned from once.

    The autoencoder's decoder is part of its passes.

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
    "softmatch": Passes(judged=1),
    "freematch": Passes(judged=1),
    "adamatch": Passes(judged=1),
    "vicreg": Passes(learned=2),
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
    method = model.method
    network = StandardizedNetwork(Standardize(images), model.architecture(SIZE, CLASSES))
    method.prepare(network, SIZE)
    views = [images for _ in method.views(model.images)]
    pool = UnlabeledPool(method, images, views, torch.arange(CLIPS), torch.arange(CLIPS), CLIPS)
    recipe = model.recipe

    def learned(batch: Tensor) -> Tensor:
        """What an unlabeled batch is learned from by."""
        if isinstance(method, Autoencoder):
            drawn: Tensor = method.decoder(network.backbone.encode(network.standardize(batch)))
            return drawn
        outputs: Tensor = network(batch)
        return outputs

    def epoch() -> None:
        train(network, recipe, 0, examples, None, CLASSES, pool)

    def bare() -> None:
        _passes(network, learned, recipe, passes, torch.from_numpy(images))

    for work in (epoch, bare):
        work()  # the first round plans convolutions and fills caches
    rounds = [(_seconds(epoch), _seconds(bare)) for _ in range(ROUNDS)]
    return StepCost(name, *(min(times) for times in zip(*rounds, strict=True)))


def _passes(
    network: StandardizedNetwork, learned: Callable[[Tensor], Tensor], recipe: Recipe, passes: Passes, images: Tensor
) -> None:
    """The passes of an epoch, on ready batches."""
    where = device()
    labeled = channels_last(images[: recipe.batch_size].to(where))
    unlabeled = channels_last(images[: recipe.unlabeled_batch].to(where))
    network.train()
    for _ in range(STEPS):
        network.zero_grad(set_to_none=True)
        network(labeled).logsumexp(1).mean().backward()
        for _ in range(passes.learned):
            learned(unlabeled).square().mean().backward()
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


def page(costs: Sequence[StepCost]) -> str:
    """``results/step-speed.md``."""
    rows = [[cost.model, f"{cost.epoch:.2f}", f"{cost.passes:.2f}", f"{cost.ratio:.2f} x"] for cost in costs]
    return render("step-speed.md.j2", rows=rows, steps=STEPS, hardware=hardware(), versions=versions())


def main(arguments: Sequence[str] | None = None) -> int:
    """Time every method, print and store the page."""
    parser = argparse.ArgumentParser(
        prog="python -m respbench.benchmarks.speed.steps", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--results", type=Path, default=Path("results"), help="where step-speed.md goes")
    options = parser.parse_args(arguments)
    written = page(step_costs())
    write_atomically(options.results / "step-speed.md", written.encode())
    Console(soft_wrap=True).print(written, markup=False, highlight=False)
    return 0


if __name__ == "__main__":
    main()
