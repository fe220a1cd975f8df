"""A clip as its own samples, repeated to a fixed duration, for networks on raw series."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.clips import Signal
from respbench.corpora.problems import InputError
from respbench.features.spectral import clip_lengths


@dataclass(frozen=True)
class RepeatedSeries:
    """The samples of a clip, repeated until they fill a fixed time; an `Extractor` of `features.cache`.

    Of a longer clip the first ``seconds`` are kept. Tempo and level are kept; each seam is a jump.

    Attributes:
        seconds: duration of the result in s.
    """

    seconds: float

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise InputError(f"seconds must be above 0; got {self.seconds:g}")

    def __call__(self, signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
        """Repeat or cut the clips.

        Args:
            signals: one float32 array (channels, samples) per clip.
            rate: sampling rate in Hz.

        Returns:
            (clips, channels, 1, samples) float32; row i depends on clip i alone. The third axis is that of the bands in
            the images of other extractors.

        Raises:
            InputError: a clip has no samples, or clips have different numbers of channels.
        """
        clip_lengths(signals)
        channels = {len(signal) for signal in signals}
        if len(channels) > 1:
            raise InputError(f"clips have {min(channels)} to {max(channels)} channels; give all of them the same ones")
        samples = max(1, round(self.seconds * rate))
        place = np.arange(samples)
        series = np.empty((len(signals), *channels, 1, samples) if channels else (0, 1, 1, samples), dtype=np.float32)
        for row, signal in zip(series, signals, strict=True):
            row[:, 0] = signal[:, place % signal.shape[1]]
        return series
