"""What an encoder is: a function from sound to a vector, and the card that states the rest. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Encoder(Protocol):
    """Turns sound into vectors; its rate, window and size are those of its `EncoderCard`."""

    def __call__(self, waves: NDArray[np.float32]) -> NDArray[np.float32]:
        """Encode windows of one clip.

        Args:
            waves: (windows, samples) mono, full scale = 1, at the rate of the card. Each has the length of the card's
                window; of an encoder without a window, it is one whole clip of any length.

        Returns:
            (windows, size): row i depends on window i alone.
        """
        ...


Load = Callable[[Sequence[Path]], Encoder]
"""What an adapter's target is: a function from the files of weights, in the order of the card, to the encoder."""


@dataclass(frozen=True, kw_only=True)
class EncoderCard:
    """An encoder: what it takes and returns, whose it is, and how to get it.

    Attributes:
        name: unique; entries of models are named after it.
        target: ``"package.module:symbol"``, a function from paths of weights to the `Encoder`; see `Load`.
        rate: Hz of the sound that it takes.
        seconds: of a window; None = it takes a clip as a whole.
        step: s from one window to the next; 0 = the length of a window.
        size: numbers of an embedding.
        license: of code and weights.
        commercial: whether the license allows commercial use.
        source: paper.
        trained_on: the sounds that it was trained on; empty = nothing, it is a fixed set of measures.
        package: the distribution that ships the weights, or the whole encoder; empty = files that a user has.
        files: of the weights: paths within the package's site-packages or, without a package, within
            ``<folder of weights>/<name>/``. ``"a|b"`` = the one that is there.
        runtime: distributions that the adapter imports, beside the package and this project's own dependencies.
        get: how to get it: a command, or where a checkpoint is to be had and what to put where.
    """

    name: str
    target: str
    rate: int
    seconds: float | None
    step: float = 0.0
    size: int
    license: str
    commercial: bool
    source: str
    trained_on: str
    package: str = ""
    files: tuple[str, ...] = ()
    runtime: tuple[str, ...] = ()
    get: str
