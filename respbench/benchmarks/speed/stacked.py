"""Fits trained as one stack against the same fits one by one, on whatever device there is.

``python -m respbench.benchmarks.speed.stacked`` prints the table and stores nothing. A stack is made for a GPU, where
small networks leave most of it idle; on a CPU, nothing is won by it. No run uses it: see `models.networks.stacked`.
"""

import argparse
import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from respbench.features.columns import Columns
from respbench.features.threads import one_thread
from respbench.models.networks.backbone import Standardize, StandardizedNetwork
from respbench.models.networks.batches import device
from respbench.models.networks.losses import Targets
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.stacked import Member, train_stacked
from respbench.models.networks.training import Examples, predict, train
from respbench.models.registry import REGISTRY

MODELS = {"cnn-lecture": {}, "cnn": {}, "mlp": {"input_dropout": 0.0, "dropout": 0.0}}
"""Networks by name, and parameters by which they have no dropout: both ways then come to the same predictions."""

IMAGE, CLASSES = (1, 128, 64), 2


@dataclass(frozen=True)
class StackCost:
    """Seconds of both ways, medians over the rounds, the median ratio, and how far predictions are apart."""

    model: str
    one_by_one: float
    stacked: float
    ratio: float
    apart: float


def stack_cost(name: str, fits: int, clips: int, rounds: int) -> StackCost:
    """Time ``fits`` fits of about ``clips`` clips each, one epoch, by turns.

    Args:
        name: a key of `MODELS`.
        fits: members of the stack.
        clips: of the largest member; each further one has one less.
        rounds: how often both ways are timed, after one round that counts for nothing.
    """
    model = REGISTRY[name].build(0, {"epochs": 1, **MODELS[name]})
    if not isinstance(model, NetworkModel):
        raise TypeError(f"{name} is no network")
    size = (1, sum(Columns().families), 1) if name == "mlp" else IMAGE
    members = [_member(model, size, seed, clips - seed) for seed in range(fits)]
    unseen = np.random.default_rng(fits).standard_normal((32, *size), dtype=np.float32)

    def one_by_one(own: Sequence[Member]) -> None:
        for member in own:
            train(member.network, model.recipe, member.seed, member.examples, None, CLASSES)

    def stacked(own: Sequence[Member]) -> None:
        train_stacked(own, model.recipe, CLASSES)

    times = []
    for _ in range(rounds + 1):
        first, second = _copied(members), _copied(members)
        times.append((_seconds(one_by_one, first), _seconds(stacked, second)))
    pairs = zip(first, second, strict=True)
    apart = max(
        float(np.abs(predict(a.network, unseen, CLASSES) - predict(b.network, unseen, CLASSES)).max()) for a, b in pairs
    )
    counted = np.array(times[1:])
    alone, together = (float(median) for median in np.median(counted, axis=0))
    return StackCost(name, alone, together, float(np.median(counted[:, 0] / counted[:, 1])), apart)


def _member(model: NetworkModel, size: tuple[int, int, int], seed: int, clips: int) -> Member:
    images = np.random.default_rng(seed).standard_normal((clips, *size), dtype=np.float32)
    examples = Examples(images, Targets.of(np.arange(clips) % CLASSES, np.full(clips, -1)))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = StandardizedNetwork(Standardize(images), model.architecture(size, CLASSES))
    return Member(network, seed, examples, None)


def _copied(members: Sequence[Member]) -> list[Member]:
    return [replace(member, network=copy.deepcopy(member.network)) for member in members]


def _seconds(work: Callable[[Sequence[Member]], None], members: Sequence[Member]) -> float:
    """Of the processor on a CPU, which others share; of the clock on a GPU."""
    clock = time.perf_counter if device().type == "cuda" else time.process_time
    start = clock()
    work(members)
    return clock() - start


def main(arguments: Sequence[str] | None = None) -> int:
    """Time each network both ways and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m respbench.benchmarks.speed.stacked", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--fits", type=int, default=10, help="fits in a stack (default: 10; on a GPU, try 50)")
    parser.add_argument("--clips", type=int, default=160, help="training clips of a fit (default: 160)")
    parser.add_argument("--rounds", type=int, default=5, help="times that both ways are timed (default: 5)")
    options = parser.parse_args(arguments)
    table = Table("network", "one by one, s", "stacked, s", "one by one / stacked", "predictions apart")
    with one_thread():
        for name in MODELS:
            cost = stack_cost(name, options.fits, options.clips, options.rounds)
            seconds = (f"{cost.one_by_one:.2f}", f"{cost.stacked:.2f}", f"{cost.ratio:.2f} x")
            table.add_row(name, *seconds, f"{cost.apart:.0e}")
    console = Console(soft_wrap=True)
    console.print(f"{options.fits} fits of {options.clips} clips, one epoch, on {device().type}", highlight=False)
    console.print(table)
    return 0


if __name__ == "__main__":
    main()
