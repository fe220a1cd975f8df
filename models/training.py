"""The one training loop: every network of the suite is fitted by `train` and by nothing else.

It minimises ``L_s(labeled) + beta * R``: the (class-weighted) cross-entropy of the labeled clips and the squared norm
of the weights. The epoch that is best on the validation patients is kept; no test clip is ever near it.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, recall_score
from sklearn.utils.class_weight import compute_class_weight
from torch import nn
from torch.nn import functional

Images = NDArray[np.float32]
Curve = list[dict[str, float]]

SCORES: dict[str, Callable[[NDArray[np.int64], NDArray[np.int64]], float]] = {
    "accuracy": lambda label, decision: float(accuracy_score(label, decision)),
    # Mean recall of the classes that are there: a small validation set may lack one.
    "balanced_accuracy": lambda label, decision: float(
        recall_score(label, decision, labels=np.unique(label), average="macro", zero_division=0)
    ),
}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        epochs: passes over the training clips, at most.
        batch_size: clips a step; 8 to 16 are fastest on a CPU.
        learning_rate: of Adam (Kingma & Ba 2015).
        weight_decay: beta of the regularisation, decoupled (AdamW, Loshchilov & Hutter 2019).
        class_weights: whether each class weighs the same in the loss, however many clips it has.
        patience: epochs without a better validation score before training stops; None = never.
        keep: which validation score chooses the epoch, a key of ``SCORES``; a tie goes to the lower validation loss.
    """

    epochs: int = 16
    batch_size: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    class_weights: bool = True
    patience: int | None = None
    keep: str = "balanced_accuracy"


def device() -> torch.device:
    """Where networks run: the first GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def train(
    network: nn.Module,
    recipe: Recipe,
    seed: int,
    train: tuple[Images, NDArray[np.int64]],
    valid: tuple[Images, NDArray[np.int64]],
    classes: int,
) -> Curve:
    """Fit a network in place and leave it with the weights of its best validation epoch.

    Args:
        network: maps (batch, 1, mels, frames) to logits (batch, classes).
        recipe: how.
        seed: decides the order of the clips and the dropout.
        train: images (clips, 1, mels, frames) and labels (clips,) to learn from.
        valid: the same of the validation patients, to choose the epoch by.
        classes: number of classes.

    Returns:
        One dict an epoch: epoch, train_loss, valid_loss, valid_score, kept (1 on the epoch whose weights stay).

    Raises:
        ValueError: training diverged in the first epoch; later, it ends there.
    """
    where = device()
    network.to(where)
    for weights in network.parameters():
        if weights.dim() == 4:  # convolutions are a third faster with the channels last in memory
            weights.data = weights.data.contiguous(memory_format=torch.channels_last)
    labels = torch.from_numpy(train[1])
    weight = _class_weights(train[1], classes).to(where) if recipe.class_weights else None
    optimiser = torch.optim.AdamW(
        network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    curve: Curve = []
    best, best_state, kept = (-1.0, -np.inf), network.state_dict(), -1
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for epoch in range(recipe.epochs):
            network.train()
            losses: list[torch.Tensor] = []
            for batch in torch.randperm(len(labels)).split(recipe.batch_size):
                images = _to_device(train[0][batch.numpy()], where)
                loss = functional.cross_entropy(network(images), labels[batch].to(where), weight)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                losses.append(loss.detach())
            train_loss = float(torch.stack(losses).mean())
            if not np.isfinite(train_loss):
                break
            score, valid_loss = _validate(network, recipe, valid, weight)
            curve.append(
                {
                    "epoch": epoch,
                    "train_loss": train_loss,
                    "valid_loss": valid_loss,
                    "valid_score": score,
                    "kept": 0,
                }
            )
            if (score, -valid_loss) > best:
                best, best_state, kept = (score, -valid_loss), copy.deepcopy(network.state_dict()), epoch
            elif recipe.patience is not None and epoch - kept >= recipe.patience:
                break
    if kept < 0:
        raise ValueError("the loss of the first epoch is not finite; lower the learning rate")
    curve[kept]["kept"] = 1
    network.load_state_dict(best_state)
    return curve


@torch.no_grad()
def predict(network: nn.Module, images: Images, batch_size: int = 64) -> NDArray[np.float64]:
    """Class probabilities (clips, classes) of images (clips, 1, mels, frames)."""
    network.eval()
    where = next(network.parameters()).device
    parts = [
        network(_to_device(images[start : start + batch_size], where)).double().softmax(dim=1).cpu()
        for start in range(0, len(images), batch_size)
    ]
    probabilities: NDArray[np.float64] = torch.cat(parts).numpy()
    return probabilities


def _validate(
    network: nn.Module, recipe: Recipe, valid: tuple[Images, NDArray[np.int64]], weight: torch.Tensor | None
) -> tuple[float, float]:
    """Score and loss on the validation clips."""
    probabilities = predict(network, valid[0])
    log_p = torch.from_numpy(np.log(np.maximum(probabilities, 1e-12)))
    loss = functional.nll_loss(log_p, torch.from_numpy(valid[1]), None if weight is None else weight.double().cpu())
    return SCORES[recipe.keep](valid[1], probabilities.argmax(axis=1)), float(loss)


def _class_weights(labels: NDArray[np.int64], classes: int) -> torch.Tensor:
    """(classes,) inverse frequencies, 1 on average over the clips; 0 for a class without training clips."""
    present = np.unique(labels)
    weights = torch.zeros(classes)
    weights[present] = torch.tensor(compute_class_weight("balanced", classes=present, y=labels), dtype=torch.float32)
    return weights


def _to_device(images: Images, where: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(images)).to(where, memory_format=torch.channels_last)
