"""`Windows`: cut trials into windows of equal duration, as long recordings of movements usually are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from respbench.corpora.clips import Signal
from respbench.corpora.cycles import Cycle
from respbench.corpora.problems import InputError

RECORDING = "recording"
"""Column of the metadata that names the trial of a window: what no splitter may part."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """How trials are cut: a window begins every ``hop`` s, and one more ends with the trial if samples are left.

    Every sample of a trial is in some window. A trial that is shorter than a window is one clip as it is.

    Attributes:
        seconds: duration of a window in s; 0 = trials are clips as they are.
        hop: s from the beginning of a window to that of the next one; 0 = half a window, the field's usual overlap.

    Raises:
        InputError: there is a hop without a window, or samples between windows would be lost.
    """

    seconds: float = 0.0
    hop: float = 0.0

    def __post_init__(self) -> None:
        if self.hop and not self.seconds:
            raise InputError("HOP=, the distance of windows, goes with WINDOW= only; set WINDOW, too, or leave out HOP")
        if not (0 <= self.seconds < float("inf") and 0 <= self.hop <= self.seconds):
            raise InputError(
                f"windows of {self.seconds:g} s that begin every {self.hop:g} s would lose samples between them; set "
                "HOP to a number of seconds up to WINDOW"
            )

    @property
    def step(self) -> float:
        """The hop in s, also where none is stated."""
        return self.hop or self.seconds / 2

    @property
    def suffix(self) -> str:
        """What the name of a corpus of these windows ends with, so that its results have a folder of their own."""
        return f"-{self.seconds:g}s-every-{self.step:g}s" if self.seconds else ""

    def __str__(self) -> str:
        return f"windows of {self.seconds:g} s, {self.step:g} s apart" if self.seconds else "whole trials"

    def begins(self, samples: int, rate: int) -> list[int]:
        """Return the first sample of each window of a trial of so many samples at ``rate`` Hz."""
        size, step = self._size(rate), max(1, round(self.step * rate))
        if not self.seconds or samples <= size:
            return [0]
        begins = list(range(0, samples - size + 1, step))
        return begins if begins[-1] + size == samples else [*begins, samples - size]

    def cut(self, rows: Iterable[tuple[Cycle, Signal]], rate: int) -> Iterator[tuple[Cycle, Signal]]:
        """Yield the windows of each trial; their metadata gain the trial (`RECORDING`) and where they begin, in s."""
        if not self.seconds:
            yield from rows
            return
        size = self._size(rate)
        for cycle, signal in rows:
            for begin in self.begins(signal.shape[1], rate):
                window = signal[:, begin : begin + size]
                first, last = (round(sample / rate, 3) for sample in (begin, begin + window.shape[1]))
                meta = {RECORDING: cycle.clip_id, **cycle.meta, "begin": first}
                yield replace(cycle, clip_id=f"{cycle.clip_id}@{first:.9g}-{last:.9g}", meta=meta), window

    def _size(self, rate: int) -> int:
        return max(1, round(self.seconds * rate))


WHOLE = Windows()
