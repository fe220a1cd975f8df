"""Clips: a table of recordings with labels, patients and metadata, the type that all parts of the suite exchange."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Self, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from respbench.corpora.choices import SOUND
from respbench.corpora.problems import InputError

Signal = NDArray[np.float32]
"""One clip: float32, shape (channels, samples). Of a sound full scale = 1; else the unit is that of the corpus."""

HIDDEN = -1
"""Label of a clip whose label is unknown or withheld from the model."""


@lru_cache(maxsize=8)
def _open_flat(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    return np.load(folder / "signals.npy", mmap_mode="r"), np.load(folder / "offsets.npy")


class StoredSignals(Sequence[Signal]):
    """Signals of a prepared corpus: stretches of one array on disk, memory-mapped.

    Pickles as a path and row numbers, so that worker processes share the pages instead of receiving copies.

    Args:
        folder: holds ``signals.npy`` (float32, all clips end to end: (samples,), or (samples, channels) where there are
            several) and ``offsets.npy`` (int64, clips + 1).
        rows: which clips of the folder, in which order.
    """

    def __init__(self, folder: Path, rows: NDArray[np.int64]) -> None:
        self.folder = folder
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Signal: ...
    @overload
    def __getitem__(self, index: slice) -> "StoredSignals": ...
    def __getitem__(self, index: int | slice) -> "Signal | StoredSignals":
        if isinstance(index, slice):
            return StoredSignals(self.folder, self.rows[index])
        flat, offsets = _open_flat(self.folder)
        row = self.rows[index]
        return np.atleast_2d(flat[offsets[row] : offsets[row + 1]].T)

    def take(self, index: NDArray[np.int64]) -> "StoredSignals":
        """Return the rows at ``index``, as another view of the same file."""
        return StoredSignals(self.folder, self.rows[index])

    def whole(self) -> "StoredSignals":
        """Return every clip of the prepared corpus, in stored order; features are computed once from these."""
        return StoredSignals(self.folder, np.arange(len(_open_flat(self.folder)[1]) - 1))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Samples of each clip."""
        offsets = _open_flat(self.folder)[1]
        lengths: NDArray[np.int64] = np.diff(offsets)[self.rows]
        return lengths


@dataclass(frozen=True, kw_only=True, eq=False)
class Clips:
    """A table of clips; row i of every field is the same clip.

    Attributes:
        signals: one float32 array (channels, samples) per clip.
        rate: sampling rate in Hz, one for the whole table.
        label: (n,) index into ``classes``; -1 = hidden.
        patient: (n,) who was recorded.
        clip_id: (n,) unique; independent of the label.
        classes: names of the classes.
        meta: one row per clip (recording, device, location, …); never derived from the label.
        sound: (n,) index into `corpora.cycles.FOUR_CLASSES`, the finer label where the corpus distinguishes
            crackles from wheezes, whatever the task; -1 = hidden or unknown. Hidden with the label.
        overlap: (n,) name of the group of overlapping clips of a recording that each is in, which no fold may part;
            empty = none.
        modality: what was recorded, one of `corpora.choices.MODALITIES`.

    Raises:
        InputError: fields disagree in length, a clip_id occurs twice, or a label is out of range.
    """

    signals: Sequence[Signal]
    rate: int
    label: NDArray[np.int64]
    patient: NDArray[np.str_]
    clip_id: NDArray[np.str_]
    classes: tuple[str, ...]
    meta: pd.DataFrame
    sound: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    overlap: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, dtype=np.str_))
    modality: str = SOUND

    def __post_init__(self) -> None:
        if len(self.sound) == 0:
            object.__setattr__(self, "sound", np.full(len(self.label), HIDDEN, dtype=np.int64))
        if len(self.overlap) == 0:
            object.__setattr__(self, "overlap", np.full(len(self.label), "", dtype=np.str_))
        parts = (self.signals, self.label, self.patient, self.clip_id, self.meta, self.sound, self.overlap)
        lengths = {len(part) for part in parts}
        if len(lengths) != 1:
            raise InputError(f"the fields of Clips have different lengths: {sorted(lengths)}")
        if len(np.unique(self.clip_id)) != len(self.clip_id):
            names, counts = np.unique(self.clip_id, return_counts=True)
            raise InputError(f"clip {names[counts > 1][0]} occurs twice; remove or rename one of the two")
        if len(self.label) and not (self.label.min() >= HIDDEN and self.label.max() < len(self.classes)):
            raise InputError(f"labels must be {HIDDEN} or an index into the {len(self.classes)} classes")

    def __len__(self) -> int:
        return len(self.label)

    def __iter__(self) -> Iterator[Signal]:
        return (self.signals[i] for i in range(len(self)))

    def take(self, index: NDArray[np.int64]) -> Self:
        """Return the clips at ``index``, in that order."""
        index = np.asarray(index, dtype=np.int64)
        signals = (
            self.signals.take(index)
            if isinstance(self.signals, StoredSignals)
            else [self.signals[i] for i in index.tolist()]
        )
        return replace(
            self,
            signals=signals,
            label=self.label[index],
            patient=self.patient[index],
            clip_id=self.clip_id[index],
            meta=self.meta.iloc[index].reset_index(drop=True),
            sound=self.sound[index],
            overlap=self.overlap[index],
        )

    def hide_labels(self) -> Self:
        """Return the same clips with every label hidden, as ``predict_proba`` and ``unlabeled`` receive them."""
        hidden = np.full(len(self), HIDDEN, dtype=np.int64)
        return replace(self, label=hidden, sound=hidden)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """(n,) duration of each clip in s."""
        lengths = (
            self.signals.lengths
            if isinstance(self.signals, StoredSignals)
            else np.array([signal.shape[-1] for signal in self.signals], dtype=np.int64)
        )
        return lengths / self.rate
