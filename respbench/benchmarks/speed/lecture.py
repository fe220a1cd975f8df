"""What a training step of the practical's CNN costs, against the matrix products that it consists of.

A part of ``make speed``; it needs no data. The floor is every product of the forward and the backward pass as a plain
product of matrices of the same sizes, whose operands are ready: no windows of images are gathered, nothing is pooled,
no weight is updated. A second floor is their arithmetic at the rate of one large product.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from respbench.benchmarks.execution.environment import hardware, versions
from respbench.benchmarks.execution.memory import keep_freed_memory
from respbench.benchmarks.report.markdown import render
from respbench.benchmarks.storage.files import write_atomically
from respbench.features.threads import one_thread
from respbench.models.networks.backbone import StandardizedNetwork
from respbench.models.networks.losses import Targets
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.training import Examples, train
from respbench.models.registry import REGISTRY

MODEL = "cnn-lecture"
SIZE, CLASSES = (1, 128, 64), 2
STEPS = 10
ROUNDS = 15
"""Step and floor are timed so often, by turns."""

LARGE = 1024
"""Rows and columns of the product whose rate counts as the processor's."""


@dataclass(frozen=True)
class Product:
    """A product of two matrices, (rows, inner) and (inner, columns), in one step."""

    layer: str
    rows: int
    inner: int
    columns: int

    @property
    def operations(self) -> int:
        """Multiplications and additions."""
        return 2 * self.rows * self.inner * self.columns


@dataclass(frozen=True)
class LectureCost:
    """Medians over the rounds, in ms of the processor per clip, and the median ratio of a round.

    Attributes:
        step: of training, as a run does it.
        floor: of the matrix products alone.
        arithmetic: of as many operations at the rate of one large product.
        ratio: of step to floor.
    """

    step: float
    floor: float
    arithmetic: float
    ratio: float


def matrix_products(network: nn.Module, images: Tensor) -> list[Product]:
    """The products of one step: forward, to the weights, and, but for the first layer, to the inputs.

    Args:
        network: of convolutions and dense layers.
        images: (clips, channels, bands, frames), one batch.
    """
    products: list[Product] = []

    def record(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(layer, nn.Linear):
            rows, inner, columns = len(output), layer.in_features, layer.out_features
            back = (rows, columns, inner)
        elif isinstance(layer, nn.Conv2d):
            window = layer.kernel_size[0] * layer.kernel_size[1]
            rows, columns = output.numel() // layer.out_channels, layer.out_channels
            inner = layer.in_channels * window
            back = (inputs[0].numel() // layer.in_channels, columns * window, layer.in_channels)
        else:
            return
        name = type(layer).__name__
        first = not products
        products.append(Product(f"{name}, forward", rows, inner, columns))
        products.append(Product(f"{name}, to the weights", columns, rows, inner))
        if not first:
            products.append(Product(f"{name}, to the inputs", *back))

    handles = [module.register_forward_hook(record) for module in network.modules()]
    with torch.no_grad():
        network(images)
    for handle in handles:
        handle.remove()
    return products


def lecture_cost() -> LectureCost:
    """Time step, products and a large product by turns, on one core."""
    model = REGISTRY[MODEL].build(0, {"epochs": 1})
    if not isinstance(model, NetworkModel):
        raise TypeError(f"{MODEL} is no network")
    clips = STEPS * model.recipe.batch_size
    images = np.random.default_rng(0).standard_normal((clips, *SIZE), dtype=np.float32)
    examples = Examples(images, Targets.of(np.arange(clips) % CLASSES, np.full(clips, -1)))
    network = StandardizedNetwork(nn.Identity(), model.architecture(SIZE, CLASSES))
    products = matrix_products(network, torch.from_numpy(images[: model.recipe.batch_size]))
    operands = [(torch.randn(p.rows, p.inner), torch.randn(p.inner, p.columns)) for p in products]
    large = torch.randn(LARGE, LARGE)
    operations = sum(product.operations for product in products)

    def step() -> None:
        train(network, model.recipe, 0, examples, None, CLASSES)

    def floor() -> None:
        for one, other in operands:
            one @ other

    with one_thread():
        for work in (step, floor):
            work()  # the first round plans convolutions and fills caches
        rounds = []
        for _ in range(ROUNDS):
            step_time, floor_time = _seconds(step) / clips, _seconds(floor) / model.recipe.batch_size
            rate = 2 * LARGE**3 / _seconds(lambda: large @ large)
            arithmetic = operations / model.recipe.batch_size / rate
            rounds.append((1e3 * step_time, 1e3 * floor_time, 1e3 * arithmetic, step_time / floor_time))
    return LectureCost(*(float(median) for median in np.median(rounds, axis=0)))


def _seconds(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def page(cost: LectureCost) -> str:
    """``results/lecture-speed.md``."""
    row = [f"{cost.step:.2f}", f"{cost.floor:.2f}", f"{cost.ratio:.2f} x", f"{cost.arithmetic:.2f}"]
    return render("lecture-speed.md.j2", rows=[[MODEL, *row]], hardware=hardware(), versions=versions())


def main(arguments: Sequence[str] | None = None) -> int:
    """Time the step beside its floor, print and store the page."""
    parser = argparse.ArgumentParser(
        prog="python -m respbench.benchmarks.speed.lecture", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--results", type=Path, default=Path("results"), help="where lecture-speed.md goes")
    parser.add_argument(
        "--usual-memory", action="store_true", help="let large tensors return to the system when freed; store nothing"
    )
    options = parser.parse_args(arguments)
    if not options.usual_memory:
        keep_freed_memory()
    written = page(lecture_cost())
    if not options.usual_memory:
        write_atomically(options.results / "lecture-speed.md", written.encode())
    Console(soft_wrap=True).print(written, markup=False, highlight=False)
    return 0


if __name__ == "__main__":
    main()
