"""Files that hold many trials one after the other: find the trials, and the parts of them between gaps."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.clips import Signal
from respbench.corpora.cycles import Cycle
from respbench.corpora.readers.samples import SHORTEST, require_movement

TOO_SHORT = f"parts of less than {SHORTEST} s between gaps"
"""Reason why a part yields no clip."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A part of a trial without gaps.

    Attributes:
        first, last: its first sample in the file, and the one behind its last.
        trial: first sample of the trial that it is a part of.
    """

    first: int
    last: int
    trial: int

    def is_short(self, rate: int) -> bool:
        """Whether it lasts less than any activity, at ``rate`` Hz."""
        return self.last - self.first < SHORTEST * rate

    def cycle(self, path: Path, subject: str, label: str, rate: int) -> Cycle:
        """Return its clip, named after its subject and begin in s, as the trial is: neither gives the label away."""
        begin, end = self.first / rate, self.last / rate
        return Cycle(
            path=path,
            clip_id=f"{subject}@{begin:.2f}",
            patient=subject,
            label=label,
            begin=begin,
            end=end,
            meta={"recording": f"{subject}@{self.trial / rate:.2f}"},
            row=f"{path}, samples {self.first + 1} to {self.last}",
        )


def runs(key: NDArray[np.int64], broken: NDArray[np.bool_] | None = None) -> list[tuple[int, int]]:
    """Return the longest runs of equal keys: first sample, and the one behind the last.

    Args:
        key: (samples,).
        broken: (samples,) whether a run ends before a sample although the key is the same.
    """
    if not len(key):
        return []
    begins = np.r_[True, np.diff(key) != 0]
    if broken is not None:
        begins |= broken
    first = np.flatnonzero(begins)
    return list(zip(first.tolist(), [*first[1:].tolist(), len(key)], strict=True))


def stretches(
    key: NDArray[np.int64], broken: NDArray[np.bool_], missing: NDArray[np.bool_] | None = None
) -> Iterator[Stretch]:
    """Yield the parts of each trial, a run of equal keys, in order.

    Args:
        key: (samples,) subject and activity, as one number.
        broken: (samples,) whether there is a gap before a sample.
        missing: (samples,) whether a sample is in no part.
    """
    absent = np.zeros(len(key), dtype=bool) if missing is None else missing
    ends = broken | np.r_[False, absent[1:] != absent[:-1]] if len(key) else broken
    trial_of = np.zeros(len(key), dtype=np.int64)
    for first, last in runs(key):
        trial_of[first:last] = first
    for first, last in runs(trial_of, ends):
        if not absent[first]:
            yield Stretch(first=first, last=last, trial=int(trial_of[first]))


def cut(cycle: Cycle, values: NDArray[np.float32], rate: int) -> Signal:
    """Return the signal of a `Stretch.cycle`, (channels, samples), given all samples of its file, (samples, channels).

    Raises:
        InputError: it doesn't vary.
    """
    assert cycle.end is not None
    part = values[round(cycle.begin * rate) : round(cycle.end * rate)]
    require_movement(Path(cycle.place), part.astype(np.float64), rate)
    return np.ascontiguousarray(part.T, dtype=np.float32)
