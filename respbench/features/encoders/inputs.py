"""What a network that is trained further takes of clips: the input of an encoder, computed once and cached."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from respbench.corpora.clips import Signal
from respbench.corpora.code_identity.identity import code_identity
from respbench.features.encoders.embeddings import loaded, resampled
from respbench.features.encoders.encoder import EncoderCard
from respbench.features.encoders.trainable import sound_network
from respbench.features.encoders.weights import find_weights
from respbench.features.spectral import clip_lengths

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class EncoderInput:
    """The spectrogram that an encoder takes, of the first seconds of a clip; a shorter clip is repeated to fill them.

    Attributes:
        encoder: its name.
        target: of its adapter.
        rate: Hz that clips are resampled to.
        seconds: of a clip that are used.
        window: s that the encoder takes at once; None = any time.
        step: s from one window to the next.
        weights: hashes and versions, see `features.encoders.weights.Weights.identity`.
        code: identity of the adapter's code.
        paths: of the weights.
    """

    encoder: str
    target: str
    rate: int
    seconds: float
    window: float | None
    step: float
    weights: str
    code: str
    paths: tuple[Path, ...] = field(repr=False, compare=False)

    def __call__(self, signals: Sequence[Signal], rate: int) -> Floats:
        """Compute inputs.

        Args:
            signals: (channels, samples) each; channels are averaged.
            rate: Hz.

        Returns:
            (clips, windows, frames, bands), as `features.encoders.checkpoint.SoundNetwork` takes each window; row i
            depends on clip i alone.

        Raises:
            InputError: a clip has no samples, or the encoder is no network that can be trained.
        """
        clip_lengths(signals)
        with torch.random.fork_rng(devices=()):  # a new network draws weights, which are replaced
            network = sound_network(loaded(self.target, self.paths))
        whole = network.of_any_length
        rows = []
        for signal in signals:
            wave = resampled(np.asarray(signal, np.float32).mean(axis=0), rate, self.rate)
            filled = np.resize(wave, round(self.seconds * self.rate))
            with torch.no_grad():
                windows = torch.from_numpy(filled[None] if whole else self._windows(filled))
                rows.append(network.spectrogram(windows)[:, 0].numpy())
        return np.stack(rows)

    def _windows(self, wave: Floats) -> Floats:
        """Cut (samples,) into (windows, samples); zeros follow where it is shorter than a window."""
        if self.window is None:
            return wave[None]
        length = round(self.window * self.rate)
        wave = np.pad(wave, (0, max(0, length - len(wave))))
        starts = range(0, len(wave) - length + 1, max(1, round((self.step or self.window) * self.rate)))
        return np.stack([wave[start : start + length] for start in starts])


def input_of(card: EncoderCard, seconds: float) -> EncoderInput:
    """Make the inputs of an encoder.

    Raises:
        InputError: a package or a file of weights is missing.
    """
    weights = find_weights(card)
    return EncoderInput(
        encoder=card.name,
        target=card.target,
        rate=card.rate,
        seconds=seconds,
        window=card.seconds,
        step=card.step,
        weights=weights.identity(),
        code=code_identity(card.target),
        paths=weights.paths,
    )
