"""The one training loop: every network of the suite is fitted by `train` and by nothing else.

It minimises ``L_s(labeled) + beta * R``: the supervised loss of `models.losses` and the squared norm of the weights.
The epoch that is best on the validation patients is kept, or the last one of a fixed schedule; no test clip is ever
near it.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, recall_score
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from features.augmentation import Augmentation
from models.losses import SupervisedLoss, Targets, supervised_loss

Images = NDArray[np.float32]
Curve = list[dict[str, float]]

SCORES: dict[str, Callable[[NDArray[np.int64], NDArray[np.int64]], float]] = {
    "accuracy": lambda label, decision: float(accuracy_score(label, decision)),
    # Mean recall of the classes that are there: a small validation set may lack one.
    "balanced_accuracy": lambda label, decision: float(
        recall_score(label, decision, labels=np.unique(label), average="macro", zero_division=0)
    ),
}

LAST = "last"
"""Instead of a key of ``SCORES``: keep the last epoch. Nothing is chosen, so that no clip is needed to choose by."""


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


@dataclass(frozen=True, eq=False)
class Examples:
    """Labeled clips as a network sees them.

    Attributes:
        images: (clips, channels, bands, frames) float32.
        targets: what they are.
    """

    images: Images
    targets: Targets


def device() -> torch.device:
    """Where networks run: the first GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def train(
    network: nn.Module, recipe: Recipe, seed: int, examples: Examples, valid: Examples | None, classes: int
) -> Curve:
    """Fit a network in place and leave it with the weights of the epoch that is kept.

    Args:
        network: maps (batch, channels, bands, frames) to (batch, classes + auxiliary outputs).
        recipe: how.
        seed: decides the order of the clips, what is changed at random, and the dropout.
        examples: to learn from.
        valid: of the validation patients, to choose the epoch by; None with ``keep`` = ``LAST``.
        classes: number of classes.

    Returns:
        One dict an epoch: epoch, train_loss, kept (1 on the epoch whose weights stay) and, where there is something to
        choose by, valid_loss and valid_score.

    Raises:
        ValueError: training diverged before anything was worth keeping; later, it ends there.
    """
    where = device()
    network.to(where)
    for weights in network.parameters():
        if weights.dim() == 4:  # convolutions are a third faster with the channels last in memory
            weights.data = weights.data.contiguous(memory_format=torch.channels_last)
    loss_of = supervised_loss(examples.targets, classes, recipe.class_weights, recipe.auxiliary, where)
    optimiser = torch.optim.AdamW(
        network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    steps = -(-len(examples.images) // recipe.batch_size)
    schedule = _schedule(optimiser, recipe, steps)
    average = Average(network, recipe.averaging)
    curve: Curve = []
    best, best_state, kept = (-np.inf, -np.inf), network.state_dict(), -1
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for epoch in range(recipe.epochs):
            train_loss = _epoch(network, recipe, examples, loss_of, optimiser, schedule, average)
            if not np.isfinite(train_loss):
                break
            curve.append({"epoch": epoch, "train_loss": train_loss, "kept": 0})
            if recipe.keep == LAST or valid is None:
                merit = (float(epoch), 0.0)
            else:
                score, valid_loss = _validate(average.network, recipe, valid, classes, loss_of)
                curve[-1] |= {"valid_loss": valid_loss, "valid_score": score}
                merit = (score, -valid_loss)
            if merit > best:
                best, best_state, kept = merit, copy.deepcopy(average.network.state_dict()), epoch
            elif recipe.patience is not None and epoch - kept >= recipe.patience:
                break
    if kept < 0:
        raise ValueError("the loss of the first epoch is not finite; lower the learning rate")
    curve[kept]["kept"] = 1
    network.load_state_dict(best_state)
    return curve


def _epoch(
    network: nn.Module,
    recipe: Recipe,
    examples: Examples,
    loss_of: SupervisedLoss,
    optimiser: torch.optim.Optimizer,
    schedule: LRScheduler,
    average: "Average",
) -> float:
    """One pass over the training clips; returns their mean loss."""
    where = device()
    network.train()
    losses: list[Tensor] = []
    for batch in torch.randperm(len(examples.images)).split(recipe.batch_size):
        images = recipe.augmentation(_to_device(examples.images[batch.numpy()], where))
        targets = examples.targets.take(batch, where)
        if recipe.mixup:
            share = float(torch.distributions.Beta(recipe.mixup, recipe.mixup).sample())
            other = torch.randperm(len(batch))
            outputs = network(_channels_last(images.lerp(images[other.to(where)], 1 - share)))
            mixed = examples.targets.take(batch[other], where)
            loss = share * loss_of(outputs, targets) + (1 - share) * loss_of(outputs, mixed)
        else:
            loss = loss_of(network(_channels_last(images)), targets)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        average.update()
        losses.append(loss.detach())
    return float(torch.stack(losses).mean())


class Average:
    """The exponential average of a network's weights over the steps, quick at first: Tarvainen & Valpola 2017's ramp.

    Args:
        network: what is trained.
        decay: 0 = no average; ``network`` itself is used.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.source, self.decay, self.steps = network, decay, 0
        self.network = copy.deepcopy(network) if decay else network

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after a step; counters, such as batch normalisation's, are copied."""
        if not self.decay:
            return
        self.steps += 1
        share = 1 - min(self.decay, self.steps / (self.steps + 10))
        for mean, value in zip(self.network.state_dict().values(), self.source.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, share)
            else:
                mean.copy_(value)


def _schedule(optimiser: torch.optim.Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    """The learning rate of each step; ``steps`` an epoch."""
    if recipe.one_cycle:
        return OneCycleLR(optimiser, recipe.learning_rate, total_steps=recipe.epochs * steps + 1)
    return LambdaLR(optimiser, lambda step: 1.0)


@torch.no_grad()
def predict(network: nn.Module, images: Images, classes: int, batch_size: int = 64) -> NDArray[np.float64]:
    """Class probabilities (clips, classes) of images (clips, channels, bands, frames)."""
    network.eval()
    where = next(network.parameters()).device
    parts = [
        network(_channels_last(_to_device(images[start : start + batch_size], where)))[:, :classes]
        .double()
        .softmax(dim=1)
        .cpu()
        for start in range(0, len(images), batch_size)
    ]
    probabilities: NDArray[np.float64] = torch.cat(parts).numpy()
    return probabilities


def _validate(
    network: nn.Module, recipe: Recipe, valid: Examples, classes: int, loss_of: SupervisedLoss
) -> tuple[float, float]:
    """Score and loss (of the classes) on the validation clips."""
    probabilities = predict(network, valid.images, classes)
    log_p = torch.from_numpy(np.log(np.maximum(probabilities, 1e-12)))
    weight = None if loss_of.class_weight is None else loss_of.class_weight.double().cpu()
    loss = functional.nll_loss(log_p, valid.targets.label, weight)
    return SCORES[recipe.keep](valid.targets.label.numpy(), probabilities.argmax(axis=1)), float(loss)


def _to_device(images: Images, where: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(images)).to(where)


def _channels_last(images: Tensor) -> Tensor:
    # Not `contiguous`: of images with one channel it changes nothing, not even the strides by which PyTorch chooses.
    return images.to(memory_format=torch.channels_last)
