"""Another extractor's rows of short windows of each clip, so that no number depends on how long the clip is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.clips import Signal
from respbench.features.cache import Extractor, key
from respbench.features.spectral import clip_lengths, mono

SECONDS, STEP = 0.512, 0.256
"""s of a window, and from one to the next: a wheeze of 80 ms or a few crackles fill a good part of it, and half of
SPRSound's wheezes are about as long (0.57 s)."""

MOST = 24
"""Windows per clip: a clip of more than 6.4 s has them further apart."""


@dataclass(frozen=True)
class Windows:
    """Rows of the windows of a clip; an `Extractor` of `features.cache`.

    Windows are evenly spaced from the clip's begin to its end. A clip shorter than a window is mirrored to one.

    Attributes:
        extractor: applied to each window.
        code: fingerprint of the extractor's code; see `windows`.
        seconds: length of a window in s.
        step: largest distance between windows in s, unless `MOST` are reached.
    """

    extractor: Extractor
    code: str
    seconds: float = SECONDS
    step: float = STEP

    def __call__(self, signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
        """Clips at ``rate`` Hz to (clips, MOST, columns); row i depends on clip i alone, NaN after its last window.

        Raises:
            InputError: a clip has no samples, or the extractor's settings don't fit the rate.
        """
        clip_lengths(signals)
        cut = [self._cut(mono(signal), rate) for signal in signals]
        counts = [len(own) for own in cut]
        rows = self.extractor([window[None] for own in cut for window in own], rate)
        table = np.full((len(signals), MOST, rows.shape[1]), np.nan, dtype=np.float32)
        table[np.arange(MOST) < np.array(counts, dtype=np.int64)[:, None]] = rows
        return table

    def _cut(self, samples: NDArray[np.float64], rate: int) -> NDArray[np.float32]:
        """(windows, samples of a window)."""
        size, step = round(self.seconds * rate), round(self.step * rate)
        if len(samples) < size:
            samples = np.pad(samples, (0, size - len(samples)), mode="symmetric")
        count = min(1 - (size - len(samples)) // step, MOST)
        begins = np.linspace(0, len(samples) - size, count).round().astype(np.int64)
        return np.stack([samples[begin : begin + size] for begin in begins]).astype(np.float32)


def windows(extractor: Extractor) -> Windows:
    """`Windows`, whose cache key includes the extractor's code."""
    return Windows(extractor, key(extractor, 0))
