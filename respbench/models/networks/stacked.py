"""Many fits of one network trained at once: the weights of all of them stacked, one step for all (torch.func).

On a GPU, a step of a small network mostly waits for its kernels to be started; folds, repeats and draws that share
these starts cost little more than one fit. Each member has its own clips, order, augmentation, validation clips and
kept epoch. Loss, optimizer, schedule, averaging, validation and the choice of the epoch are those of
`models.networks.training`; without dropout a member ends up where `train` would have led it, up to rounding.

With dropout, the masks of all members are drawn together from one generator, seeded by the members' seeds: the same
members in the same order give the same result, and it differs from that of each alone as another seed's would. A run
doesn't stack its fits, since their predictions would then depend on which others are missing.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from respbench.models.networks.batches import ShuffledRows, device
from respbench.models.networks.losses import AUXILIARY_OUTPUTS, SupervisedLoss, Targets, supervised_loss
from respbench.models.networks.recipe import Recipe
from respbench.models.networks.training import (
    EMA,
    Curve,
    Examples,
    KeptEpoch,
    all_finite,
    channels_last_weights,
    optimizer_for,
    schedule_for,
    validate,
)

NO_CLIP = -100
"""Label of what fills up a batch that is smaller than another member's: left out of the loss."""

UNSTACKED = (nn.modules.batchnorm._BatchNorm, nn.RNNBase)
"""Layers that no stack can have: statistics of a filled-up batch would be wrong, and vmap has no recurrence."""


@dataclass(frozen=True, eq=False)
class Member:
    """One fit of a stack; the arguments of `train` that differ from fit to fit."""

    network: nn.Module
    seed: int
    examples: Examples
    valid: Examples | None


def train_stacked(members: Sequence[Member], recipe: Recipe, classes: int) -> list[Curve]:
    """Fit the networks of all members in place; each is left with the weights of its own kept epoch.

    A member whose training is finished leaves the stack. The images of all members lie on the device meanwhile.

    Args:
        members: of one architecture; their clips may differ in number.
        recipe: how they are trained.
        classes: number of classes.

    Returns:
        The learning curve of each member, as `train` gives it.

    Raises:
        ValueError: they can't be stacked, or training of one of them diverged in the first epoch.
    """
    if reason := refusal(members, recipe):
        raise ValueError(reason)
    where = device()
    fits = [_Fit(member, recipe, classes, where) for member in members]
    stack = Stack([member.network for member in members]).to(where).train()
    optimizer = optimizer_for([stack], recipe)
    schedule = schedule_for(optimizer, recipe, fits[0].steps)
    ema = EMA(stack, recipe.averaging)
    averaged = cast(Stack, ema.network)
    running = fits
    with torch.random.fork_rng():
        torch.manual_seed(hash(tuple(member.seed for member in members)))
        while running:
            optimizer.zero_grad(set_to_none=True)
            _backward(stack, running)
            optimizer.step()
            schedule.step()
            ema.update()
            finished = [fit.step_done(averaged, place) for place, fit in enumerate(running)]
            if any(finished):
                left = [place for place, done in enumerate(finished) if not done]
                running = [running[place] for place in left]
                stack.keep(left, optimizer)
                if averaged is not stack:
                    averaged.keep(left)
    for fit in fits:
        fit.kept.restore(fit.member.network, fit.curve)
    return [fit.curve for fit in fits]


def refusal(members: Sequence[Member], recipe: Recipe) -> str | None:
    """Why these fits can't be trained as one stack, in one sentence; None if they can."""
    network = members[0].network
    shapes = {tuple((name, value.shape) for name, value in m.network.state_dict().items()) for m in members}
    lengths = {recipe.steps or -(-len(m.examples.images) // recipe.batch_size) for m in members}
    layer = next((type(module).__name__ for module in network.modules() if isinstance(module, UNSTACKED)), None)
    if len(shapes) > 1 or len({m.examples.images.shape[1:] for m in members}) > 1:
        return "members of a stack need one architecture and one size of images; train these one by one"
    if layer is not None:
        return f"a network with {layer} can't be stacked; train its fits one by one"
    if not all(weight.requires_grad for weight in network.parameters()):
        return "a network with frozen weights can't be stacked; train its fits one by one"
    if recipe.mixup:
        return "mixup can't be stacked; train these fits one by one"
    if recipe.one_cycle and len(lengths) > 1:
        return "a stack with one_cycle needs members with equally many steps per epoch; train these one by one"
    if not all(len(m.examples.images) for m in members):
        return "a member of a stack needs labeled clips; train these one by one"
    return None


class Stack(nn.Module):
    """Networks of one architecture as one module, whose weights and buffers have a first dimension for the member.

    Args:
        networks: copied from.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        weights, buffers = stack_module_state(list(networks))
        self.names = [*weights, *buffers]
        self.weights = nn.ParameterList(weights.values())
        self.running = nn.ParameterList(nn.Parameter(value, requires_grad=False) for value in buffers.values())
        self.architecture = [copy.deepcopy(networks[0]).to("meta").train()]  # in a list: not part of the state

    def forward(self, images: Tensor) -> Tensor:
        """(members, clips, channels, bands, frames) to outputs (members, clips, outputs)."""

        def one(values: dict[str, Tensor], batch: Tensor) -> Tensor:
            outputs: Tensor = functional_call(self.architecture[0], values, (batch,))
            return outputs

        outputs: Tensor = vmap(one, randomness="different")(self._values(), images)
        return outputs

    def load_into(self, network: nn.Module, place: int) -> None:
        """Give a network the weights of the member at ``place``."""
        network.load_state_dict({name: value[place] for name, value in self._values().items()}, strict=False)

    def keep(self, places: Sequence[int], optimizer: torch.optim.Optimizer | None = None) -> None:
        """Reduce the stack, and what its optimizer remembers, to the members at ``places``."""
        for values in (*self.weights, *self.running):
            before = values.shape
            values.data, values.grad = values.data[list(places)], None
            state = {} if optimizer is None else optimizer.state.get(values, {})
            for name, remembered in state.items():
                if remembered.shape == before:
                    state[name] = remembered[list(places)]

    def _values(self) -> dict[str, Tensor]:
        return dict(zip(self.names, [*self.weights, *self.running], strict=True))


@dataclass(eq=False)
class _Fit:
    """Where the training of a member has got to."""

    member: Member
    recipe: Recipe
    classes: int
    where: torch.device
    curve: Curve = field(default_factory=list)
    losses: list[Tensor] = field(default_factory=list)
    correct: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        member, recipe = self.member, self.recipe
        channels_last_weights(member.network.to(self.where))
        self.images = torch.from_numpy(member.examples.images).to(self.where)
        self.loss_of = supervised_loss(
            member.examples.targets, self.classes, recipe.class_weights, recipe.auxiliary, self.where
        )
        self.steps = recipe.steps or -(-len(self.images) // recipe.batch_size)
        self.kept = KeptEpoch(recipe)
        self.rows = ShuffledRows(len(self.images))
        self.batches: Iterator[Tensor] = iter(())
        self.generators = _seeded(member.seed, self.where)
        self.epoch = 0

    def batch(self) -> tuple[Tensor, Targets]:
        """The next clips, augmented, and their targets; drawn as `train` draws them."""
        with _drawing(self.generators):
            if not self.losses:
                self.batches = self.rows.epoch(self.recipe.batch_size, self.recipe.steps)
            rows = next(self.batches)
            images = self.recipe.augmentation(self.images[rows.to(self.where)])
        return images, self.member.examples.targets.take(rows, self.where)

    def step_done(self, stack: Stack, place: int) -> bool:
        """Close the epoch after its last step; whether the training of this member has ended.

        Args:
            stack: that would predict now.
            place: of the member in it.
        """
        if len(self.losses) < self.steps:
            return False
        loss, accuracy = torch.stack(self.losses).mean(), torch.cat(self.correct).double().mean()
        row = {"epoch": self.epoch, "train_loss": float(loss), "train_accuracy": float(accuracy), "kept": 0}
        self.losses, self.correct, self.epoch = [], [], self.epoch + 1
        network, valid = self.member.network, self.member.valid
        stack.load_into(network, place)
        if not (bool(torch.isfinite(loss)) and all_finite(network)):
            return True
        if valid is not None:
            row |= validate(network, self.recipe, valid, self.classes, self.loss_of)
        self.curve.append(row)
        return self.kept.stops(row, network) or self.epoch == self.recipe.epochs


def _backward(stack: Stack, fits: Sequence[_Fit]) -> None:
    """Differentiate the members' losses of their next batches; the sum's gradient for each member is its own."""
    batches = [fit.batch() for fit in fits]
    size = max(len(images) for images, _ in batches)
    images = torch.stack([_filled(images, size, 0.0) for images, _ in batches])
    label = torch.stack([_filled(targets.label, size, NO_CLIP) for _, targets in batches])
    sounds = torch.stack([_filled(targets.sounds, size, torch.nan) for _, targets in batches])
    outputs = stack(images)
    losses = _losses(fits)(outputs, label, sounds)
    auxiliary = AUXILIARY_OUTPUTS if fits[0].recipe.auxiliary else 0
    hits = outputs.detach()[..., : outputs.shape[2] - auxiliary].argmax(2) == label
    for fit, loss, hit, (own, _) in zip(fits, losses.detach(), hits, batches, strict=True):
        fit.losses.append(loss)
        fit.correct.append(hit[: len(own)])
    losses.sum().backward()


def _losses(fits: Sequence[_Fit]) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Outputs, labels and sounds of all members to (members,): the supervised loss of each."""
    sound_weight = torch.stack([fit.loss_of.sound_weight for fit in fits])
    weights = [fit.loss_of.class_weight for fit in fits]
    known = [weight for weight in weights if weight is not None]
    class_weight = torch.stack(known) if known else None

    def one(outputs: Tensor, label: Tensor, sounds: Tensor, sound: Tensor, weight: Tensor | None) -> Tensor:
        return SupervisedLoss(weight, sound, fits[0].loss_of.auxiliary)(outputs, Targets(label, sounds))

    each = vmap(one, in_dims=(0, 0, 0, 0, None if class_weight is None else 0))
    return lambda outputs, label, sounds: each(outputs, label, sounds, sound_weight, class_weight)


def _filled(values: Tensor, size: int, by: float) -> Tensor:
    """``values`` with as many rows more as ``size`` needs."""
    if len(values) == size:
        return values
    return torch.cat([values, values.new_full((size - len(values), *values.shape[1:]), by)])


def _seeded(seed: int, where: torch.device) -> list[Tensor]:
    """The states of torch's generators after ``torch.manual_seed``: the CPU's, and the GPU's if that is used."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return [torch.get_rng_state(), *([torch.cuda.get_rng_state()] if where.type == "cuda" else [])]


@contextmanager
def _drawing(generators: list[Tensor]) -> Iterator[None]:
    """Draw from a member's own generators inside, which go on where they were."""
    with torch.random.fork_rng():
        torch.set_rng_state(generators[0])
        if len(generators) > 1:
            torch.cuda.set_rng_state(generators[1])
        yield
        generators[:] = [torch.get_rng_state(), *([torch.cuda.get_rng_state()] if len(generators) > 1 else [])]
