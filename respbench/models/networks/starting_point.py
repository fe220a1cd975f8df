"""Where the training of a network starts: at random weights, or at those of a pretraining (`models.pretraining`).

The network's own file names no pretraining, so that the identity of a fit without one doesn't depend on their code.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from respbench.corpora.clips import Clips
from respbench.features.cache import Extractor
from respbench.models.networks.backbone import Backbone
from respbench.models.networks.recipe import Recipe

Architecture = Callable[[tuple[int, int, int], int], Backbone]
"""Builds a network from the size (channels, bands, frames) of its images and a number of outputs."""

State = Mapping[str, Tensor]
"""Weights and running statistics of a backbone by name, on the CPU."""


@dataclass(frozen=True, eq=False)
class Untrained:
    """A network before its training.

    Attributes:
        architecture: builds the backbone.
        size: (channels, bands, frames) of its images.
        images: computes them.
        recipe: how it will be trained.
        standardize: whether bands are standardized.
    """

    architecture: Architecture
    size: tuple[int, int, int]
    images: Extractor
    recipe: Recipe
    standardize: bool


class Pretraining(Protocol):
    """Finds the weights that a network starts from.

    Attributes:
        head: whether the last layer is taken over, too; only where its outputs mean the same, normal and abnormal.
        rate_factor: of the learning rate of the training that follows.
    """

    @property
    def head(self) -> bool: ...  # noqa: D102

    @property
    def rate_factor(self) -> float: ...  # noqa: D102

    def __call__(self, network: Untrained, clips: Sequence[Clips], /) -> State:
        """The backbone's state.

        Args:
            network: to be trained.
            clips: those of the training side of the fold, their labels hidden.
        """
        ...


def start_from(backbone: nn.Module, state: State, head: bool = False) -> None:
    """Load a state into a backbone, except its last linear layer, unless ``head``.

    Of the last layer, outputs that one of the two networks lacks are left out.

    Raises:
        ValueError: the state is that of another architecture.
    """
    last, own = last_layer(backbone), backbone.state_dict()
    shapes = [{name: value.shape for name, value in of.items() if name not in last} for of in (own, state)]
    if shapes[0] != shapes[1] or not last <= state.keys():
        raise ValueError("the pretrained weights are those of another architecture")
    loaded = {name: value for name, value in state.items() if name not in last}
    if head:
        for name in last:
            outputs = min(len(own[name]), len(state[name]))
            loaded[name] = torch.cat([state[name][:outputs], own[name][outputs:].cpu()])
    backbone.load_state_dict({**own, **loaded})


def last_layer(backbone: nn.Module) -> set[str]:
    """Names, in the state, of the weights of the last linear layer.

    Raises:
        ValueError: there is none.
    """
    names = [name for name, module in backbone.named_modules() if isinstance(module, nn.Linear)]
    if not names:
        raise ValueError("the network has no linear layer, so that it can't start from pretrained weights")
    return {name for name in backbone.state_dict() if name.rpartition(".")[0] == names[-1]}
