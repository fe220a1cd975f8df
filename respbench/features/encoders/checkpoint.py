"""Checkpoints that a user has on disk: read without running code in them, and held as a network that encodes sound.

A file is either safetensors or one of torch, of which only numbers are accepted (``weights_only``).
"""

import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from respbench.corpora.problems import InputError
from respbench.features.encoders.spectrograms import signal_lengths

WINDOWS = 8
"""Windows that are encoded at a time, so that memory stays bounded."""

WRAPPERS = ("model", "state_dict")
"""Keys under which published files hold their weights, beside other things."""


class SoundNetwork(nn.Module):
    """A network that encodes sound in two steps, of which only the second is trained.

    Attributes:
        size: numbers of an embedding.
        of_any_length: whether it takes signals of any length, so that silence after a short clip is cut.
    """

    size: int
    of_any_length = False

    def spectrogram(self, waves: Tensor) -> Tensor:
        """(clips, samples) at the rate of the encoder, zeros after a clip's own end, to (clips, 1, frames, bands)."""
        raise NotImplementedError

    def forward(self, spectrogram: Tensor) -> Tensor:
        """(clips, 1, frames, bands) to (clips, size)."""
        raise NotImplementedError


class NetworkEncoder:
    """An `Encoder` of `features.encoders.encoder` made of a network.

    Attributes:
        network: in evaluation mode; copy it to train it.
    """

    def __init__(self, network: SoundNetwork) -> None:
        self.network = network.eval().requires_grad_(False)

    @torch.no_grad()
    def __call__(self, waves: NDArray[np.float32]) -> NDArray[np.float32]:
        """(windows, samples) to (windows, size)."""
        windows = torch.from_numpy(np.ascontiguousarray(waves, np.float32))
        if len(windows) == 1 and self.network.of_any_length:
            windows = windows[:, : int(signal_lengths(windows))]
        parts = [self.network(self.network.spectrogram(part)) for part in windows.split(WINDOWS)]
        rows: NDArray[np.float32] = torch.cat(parts).numpy()
        return rows


Loader = Callable[[Sequence[Path]], NetworkEncoder]


def drawing_nothing(load: Loader) -> Loader:
    """Let a loader leave torch's generator alone: the random weights of a new network are replaced anyway."""

    @wraps(load)
    def loader(paths: Sequence[Path]) -> NetworkEncoder:
        with torch.random.fork_rng(devices=()):
            return load(paths)

    return loader


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read what a file holds: tensors by name, or these under one of `WRAPPERS`, beside plain settings.

    Raises:
        InputError: the file is damaged, holds code, or is no checkpoint.
    """
    try:
        found = _safetensors(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "weights_only" not in str(error) and "Weights only" not in str(error):
            raise InputError(_damaged(path)) from error
        raise InputError(
            f"{path} holds more than numbers and could run code when it is opened, so it is refused; "
            "save its weights alone, as safetensors or by torch.save, and put that file there"
        ) from error
    except (RuntimeError, ValueError, EOFError, KeyError, AttributeError, TypeError, UnicodeDecodeError) as error:
        raise InputError(_damaged(path)) from error
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no weights by name; put the published checkpoint there")
    return found


def weights_of(found: Mapping[str, Any], kept: Sequence[str] = ()) -> dict[str, Tensor]:
    """The tensors by name that `read_checkpoint` has found, without a wrapper.

    Args:
        found: what a file holds.
        kept: beginnings of the names that are kept; empty = all.
    """
    inner = next((found[name] for name in WRAPPERS if isinstance(found.get(name), dict)), found)
    named = {name: value for name, value in inner.items() if isinstance(value, Tensor)}
    return {name: value for name, value in named.items() if not kept or name.startswith(tuple(kept))}


def _damaged(path: Path) -> str:
    return f"{path} is damaged, cut off or no checkpoint; fetch it again and compare its size with the published one"


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise InputError(f"{path} needs the package safetensors; pip install safetensors") from error
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    return tensors


def fill(network: nn.Module, weights: Mapping[str, Tensor], path: Path, what: str, ignored: Sequence[str] = ()) -> None:
    """Copy weights into a network whose weights they must be, all of them.

    Args:
        network: has the published names.
        weights: by name.
        path: of the file, for the message.
        what: names the architecture, for the message.
        ignored: beginnings of names that the network has no use for, such as those of a classifier.

    Raises:
        InputError: names or shapes differ.
    """
    own = network.state_dict()
    given = {name: value for name, value in weights.items() if name in own or not name.startswith(tuple(ignored))}
    check_names(own.keys() - given.keys(), given.keys() - own.keys(), path, what)
    for name, value in own.items():
        if given[name].shape != value.shape:
            raise InputError(
                f"{path} is no checkpoint of {what}: {name} is of shape {tuple(given[name].shape)}, expected is "
                f"{tuple(value.shape)}; put the published checkpoint there"
            )
    network.load_state_dict(given)


def check_names(missing: Iterable[str], unknown: Iterable[str], path: Path, what: str) -> None:
    """Refuse weights some of which are missing or unknown.

    Args:
        missing: names.
        unknown: names.
        path: of the file.
        what: names the architecture.

    Raises:
        InputError: there are some.
    """
    kinds = {"missing": sorted(missing), "unknown": sorted(unknown)}
    parts = [f"{len(names)} are {kind}, such as {names[0]}" for kind, names in kinds.items() if names]
    if parts:
        raise InputError(
            f"{path} is no checkpoint of {what}: of its weights, {' and '.join(parts)}; put the published file there"
        )
