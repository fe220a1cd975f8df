"""Groups of clips that share what a model might use instead of the disease: duration, recording, device and place."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from respbench.benchmarks.statistics.metrics import Floats, Ints

DECILES, FIFTHS = 10, 5
CIRCUMSTANCES = ("device", "location", "mode")


def groups_of(clips: pd.DataFrame) -> Mapping[str, Ints]:
    """Number the groups of each clip, by name in `benchmarks.statistics.metrics.GROUPED`; unknown ones are absent.

    Args:
        clips: the tested clips, as `Store.clips` gives them.

    Returns:
        ``durations``: decile of the duration. ``recordings``. ``strata``: device, location and mode, as far as they are
        known, and fifth of the duration. None that would hold all clips.
    """
    seconds = clips["seconds"].to_numpy(np.float64)
    known = [column for column in CIRCUMSTANCES if column in clips]
    strata = clips[known].assign(fifth=equal_parts(seconds, FIFTHS))
    groups = {"durations": equal_parts(seconds, DECILES)}
    if "recording" in clips:
        groups["recordings"] = _numbered(clips[["recording"]])
    if known:
        groups["strata"] = _numbered(strata)
    return {name: group for name, group in groups.items() if len(np.unique(group)) > 1}


def equal_parts(values: Floats, parts: int) -> Ints:
    """(clips,) which part each clip is in, if all are sorted by a value and cut into equal parts; ties stay together.

    Equal values are placed by the middle of their ranks, so that the parts are as equal in size as ties allow.

    Args:
        values: (clips,), such as durations in s.
        parts: number of them.
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    twice_the_middle = 2 * (count.cumsum() - count) + count
    part: Ints = (parts * twice_the_middle // (2 * len(values)))[place]
    return part


def _numbered(columns: pd.DataFrame) -> Ints:
    return columns.groupby(list(columns.columns), dropna=False).ngroup().to_numpy().astype(np.int64)
