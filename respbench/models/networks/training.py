"""The one training loop: every network of the suite is fitted by `train` and by nothing else.

It minimizes ``L_s(labeled) + alpha(t) * L_u(labeled + unlabeled) + beta * R(all)``: the supervised loss
(`models.networks.losses`), the term of a semi-supervised method (`models.networks.unsupervised`) if there is one, and
the squared norm of the weights. The epoch that is best on the validation patients is kept, or the last one of a fixed
schedule; test clips never enter.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from respbench.models.networks.backbone import Backbone
from respbench.models.networks.batches import ShuffledRows, channels_last, device, to_device
from respbench.models.networks.losses import SupervisedLoss, Targets, supervised_loss
from respbench.models.networks.recipe import LAST, SCORES, Recipe
from respbench.models.networks.unsupervised import UnlabeledPool, UnsupervisedTerm

Images = NDArray[np.float32]
Curve = list[dict[str, float]]
EpochCallback = Callable[[int, nn.Module], None]
"""Called after each epoch with its number and the network that would predict now; what it raises ends training."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Labeled clips as inputs of a network.

    Attributes:
        images: (clips, channels, bands, frames) float32.
        targets: their labels.
    """

    images: Images
    targets: Targets


def train(
    network: nn.Module,
    recipe: Recipe,
    seed: int,
    examples: Examples,
    valid: Examples | None,
    classes: int,
    unlabeled: UnlabeledPool | None = None,
    on_epoch: EpochCallback | None = None,
) -> Curve:
    """Fit a network in place and leave it with the weights of the epoch that is kept.

    Args:
        network: maps (batch, channels, bands, frames) to (batch, classes + auxiliary outputs).
        recipe: how it is trained.
        seed: determines the order of the clips, augmentation and dropout.
        examples: the training clips; of no clips, the network learns from unlabeled ones alone.
        valid: the validation clips, which select the epoch; with ``keep`` = ``LAST``, for the record only, or None.
        classes: number of classes.
        unlabeled: clips without labels and the method that learns from them; its pseudo-labels are recorded in it.
        on_epoch: called after each epoch; must not draw from torch's generator.

    Returns:
        One dict per epoch: epoch; train_loss and train_accuracy, over the labeled clips, if any, as the network saw
        them (augmented, with dropout, before the step that follows); kept (1 on the epoch whose weights are kept); with
        validation clips, valid_loss, valid_accuracy and valid_score; with unlabeled clips, the columns of
        `UnsupervisedTerm.row`.

    Raises:
        ValueError: training diverged in the first epoch; if later, it ends there.
    """
    where = device()
    network.to(where)
    channels_last_weights(network)
    loss_of = supervised_loss(examples.targets, classes, recipe.class_weights, recipe.auxiliary, where)
    optimizer = optimizer_for([network] if unlabeled is None else [network, unlabeled.method.to(where)], recipe)
    steps = recipe.steps or -(-len(examples.images) // recipe.batch_size)
    schedule = schedule_for(optimizer, recipe, steps)
    ema = EMA(network, recipe.averaging)
    rows = ShuffledRows(len(examples.images))
    unsupervised = None
    if unlabeled is not None:
        unsupervised = UnsupervisedTerm(unlabeled, network, ema.network, recipe, steps, classes, seed)
    curve: Curve = []
    kept = KeptEpoch(recipe)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for epoch in range(recipe.epochs):
            row = _epoch(network, recipe, examples, rows, loss_of, optimizer, schedule, ema, unsupervised)
            if not (all(np.isfinite(value) for value in row.values()) and all_finite(ema.network)):
                break
            curve.append({"epoch": epoch, **row, "kept": 0})
            if unsupervised is not None:
                curve[-1] |= unsupervised.row()
            if on_epoch is not None:
                on_epoch(epoch, ema.network)
            if valid is not None:
                curve[-1] |= validate(ema.network, recipe, valid, classes, loss_of)
            if kept.stops(curve[-1], ema.network):
                break
    kept.restore(network, curve)
    return curve


class KeptEpoch:
    """The epoch whose weights are kept, and when training stops for lack of a better one.

    Args:
        recipe: by which of them.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.epoch, self.merit = -1, (-np.inf, -np.inf)
        self.state: dict[str, Any] = {}

    def stops(self, row: dict[str, float], network: nn.Module) -> bool:
        """Consider an epoch, from its row of the curve and the network as of then; whether training ends here."""
        epoch = int(row["epoch"])
        chosen = "valid_score" in row and self.recipe.keep != LAST
        merit = (row["valid_score"], -row["valid_loss"]) if chosen else (float(epoch), 0.0)
        if merit > self.merit:
            self.merit, self.epoch, self.state = merit, epoch, copy.deepcopy(network.state_dict())
            return False
        return self.recipe.patience is not None and epoch - self.epoch >= self.recipe.patience

    def restore(self, network: nn.Module, curve: Curve) -> None:
        """Load the weights of the kept epoch and mark it in the curve.

        Raises:
            ValueError: there is none, since training diverged in the first.
        """
        if self.epoch < 0:
            raise ValueError("the loss of the first epoch is not finite; lower the learning rate")
        curve[self.epoch]["kept"] = 1
        network.load_state_dict(self.state)


def _epoch(
    network: nn.Module,
    recipe: Recipe,
    examples: Examples,
    rows: ShuffledRows,
    loss_of: SupervisedLoss,
    optimizer: torch.optim.Optimizer,
    schedule: LRScheduler,
    ema: "EMA",
    unsupervised: UnsupervisedTerm | None,
) -> dict[str, float]:
    """One pass over the training clips, or ``recipe.steps`` steps.

    Returns:
        train_loss, the mean supervised loss of the steps; train_accuracy, the share of the labeled clips classified
        correctly by the outputs that the loss was computed from. Neither of them without labeled clips.
    """
    network.train()
    losses: list[Tensor] = []
    correct: list[Tensor] = []
    for batch in rows.epoch(recipe.batch_size, recipe.steps):
        loss = torch.zeros(())
        if len(batch):
            loss, hits = _supervised(network, recipe, examples, loss_of, batch)
            losses.append(loss.detach())
            correct.append(hits)
        if unsupervised is not None:
            loss = loss + unsupervised.loss()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        ema.update()
    if not losses:
        return {}
    accuracy = float(torch.cat(correct).double().mean())
    return {"train_loss": float(torch.stack(losses).mean()), "train_accuracy": accuracy}


def _supervised(
    network: nn.Module, recipe: Recipe, examples: Examples, loss_of: SupervisedLoss, batch: Tensor
) -> tuple[Tensor, Tensor]:
    """The supervised loss of one batch of labeled clips, and (clips,) bool: which of them were classified correctly.

    Of two mixed clips, the label with the larger share is the correct one.
    """
    where = device()
    images = recipe.augmentation(to_device(examples.images[batch.numpy()], where))
    targets = examples.targets.take(batch, where)
    if not recipe.mixup:
        outputs = network(channels_last(images))
        return loss_of(outputs, targets), _correct(loss_of.logits(outputs), targets)
    share = float(torch.distributions.Beta(recipe.mixup, recipe.mixup).sample())
    other = torch.randperm(len(batch))
    outputs = network(channels_last(images.lerp(images[other.to(where)], 1 - share)))
    mixed = examples.targets.take(batch[other], where)
    loss = share * loss_of(outputs, targets) + (1 - share) * loss_of(outputs, mixed)
    return loss, _correct(loss_of.logits(outputs), targets if share >= 0.5 else mixed)


def _correct(logits: Tensor, targets: Targets) -> Tensor:
    """(clips,) bool: whether the class with the highest of the logits (clips, classes) is the label."""
    return logits.detach().argmax(1) == targets.label


class EMA:
    """Exponential moving average of a network's weights; its decay rises as in Tarvainen & Valpola 2017.

    Args:
        network: being trained.
        decay: 0 = no average; ``network`` itself is used.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.source, self.decay, self.steps = network, decay, 0
        self.network = copy.deepcopy(network).eval() if decay else network

    @torch.no_grad()
    def update(self) -> None:
        """Update after a step; counters, such as those of batch normalization, are copied."""
        if not self.decay:
            return
        self.steps += 1
        share = 1 - min(self.decay, self.steps / (self.steps + 10))
        for mean, value in zip(self.network.state_dict().values(), self.source.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, share)
            else:
                mean.copy_(value)


def channels_last_weights(network: nn.Module) -> None:
    """Lay out the weights of convolutions with the channels last in memory: a third faster."""
    for weights in network.parameters():
        if weights.dim() == 4:
            weights.data = weights.data.contiguous(memory_format=torch.channels_last)


def optimizer_for(modules: Sequence[nn.Module], recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW over the weights of all modules, of which pretrained ones have a learning rate of their own."""
    backbones = [part for module in modules for part in module.modules() if isinstance(part, Backbone)]
    slow = {id(weight): weight for backbone in backbones for weight in backbone.pretrained()}
    groups: list[dict[str, Any]] = [
        {"params": [weight for module in modules for weight in module.parameters() if id(weight) not in slow]}
    ]
    if slow:
        groups.append({"params": [*slow.values()], "lr": recipe.pretrained_rate * recipe.learning_rate})
    return torch.optim.AdamW(groups, recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True)


def schedule_for(optimizer: torch.optim.Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    """The learning rate of each step; ``steps`` per epoch."""
    if recipe.one_cycle:
        rates = [group["lr"] for group in optimizer.param_groups]
        return OneCycleLR(optimizer, rates, total_steps=recipe.epochs * steps + 1)
    return LambdaLR(optimizer, lambda step: 1.0)


@torch.no_grad()
def predict(network: nn.Module, images: Images, classes: int, batch_size: int = 64) -> NDArray[np.float64]:
    """Class probabilities (clips, classes) of images (clips, channels, bands, frames)."""
    network.eval()
    where = next(network.parameters()).device
    parts = [
        network(channels_last(to_device(images[start : start + batch_size], where)))[:, :classes]
        .double()
        .softmax(dim=1)
        .cpu()
        for start in range(0, len(images), batch_size)
    ]
    probabilities: NDArray[np.float64] = torch.cat(parts).numpy()
    return probabilities


def validate(
    network: nn.Module, recipe: Recipe, valid: Examples, classes: int, loss_of: SupervisedLoss
) -> dict[str, float]:
    """valid_loss (of the classes), valid_accuracy and valid_score on the validation clips."""
    probabilities = predict(network, valid.images, classes)
    log_p = torch.from_numpy(np.log(np.maximum(probabilities, 1e-12)))
    weight = None if loss_of.class_weight is None else loss_of.class_weight.double().cpu()
    loss = functional.nll_loss(log_p, valid.targets.label, weight)
    label, decision = valid.targets.label.numpy(), probabilities.argmax(axis=1)
    score = SCORES["balanced_accuracy" if recipe.keep == LAST else recipe.keep]
    return {
        "valid_loss": float(loss),
        "valid_accuracy": SCORES["accuracy"](label, decision),
        "valid_score": score(label, decision),
    }


def all_finite(network: nn.Module) -> bool:
    """Whether weights and running statistics are finite; an epoch's loss is that before its last step."""
    return all(bool(torch.isfinite(value).all()) for value in network.state_dict().values())
