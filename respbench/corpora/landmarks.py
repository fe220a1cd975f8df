"""Landmarks of sounds: find that two corpora hold the same recording, however it was cut.

A landmark is the neighborhood of a sample that is louder than all within a quarter of a second. Two clips of one
recording share the landmarks of the stretch that they share; landmark-based search: Wang 2003 (ISMIR).
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from respbench.corpora.clips import Clips, Signal, StoredSignals
from respbench.corpora.digests import digest

REACH = 0.25
"""s on either side in which a landmark is the loudest sample."""

WIDTH = 32
"""Samples on either side that make up a landmark: 16 ms at 4 kHz."""

FEWEST_VALUES = 16
"""Different values in a landmark; fewer are silence or clipping, which any two recordings may share."""


def landmarks(clips: Clips) -> frozenset[int]:
    """Landmarks of clips, and of all other clips of their prepared corpus: of those of other folds, too.

    Returns:
        64-bit numbers; equal ones come from equal samples.
    """
    if isinstance(clips.signals, StoredSignals):
        return _of_folder(clips.signals.folder, clips.rate)
    return _of_signals(clips.signals, clips.rate)


@lru_cache(maxsize=4)
def _of_folder(folder: Path, rate: int) -> frozenset[int]:
    return _of_signals(StoredSignals(folder, np.empty(0, dtype=np.int64)).whole(), rate)


def _of_signals(signals: Iterable[Signal], rate: int) -> frozenset[int]:
    return frozenset(mark for signal in signals for channel in signal for mark in _of_channel(channel, rate))


def _of_channel(samples: NDArray[np.float32], rate: int) -> Iterable[int]:
    if len(samples) <= 2 * WIDTH:
        return
    level = np.abs(samples)
    peaks = np.flatnonzero(level == maximum_filter1d(level, 2 * round(REACH * rate) + 1))
    for peak in peaks[(peaks >= WIDTH) & (peaks < len(samples) - WIDTH)].tolist():
        part = samples[peak - WIDTH : peak + WIDTH]
        if len(np.unique(part)) >= FEWEST_VALUES:
            yield int(digest([part.tobytes()]), 16) - 2**63
