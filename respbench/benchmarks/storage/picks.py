"""Predictions of the epoch that is best on the test clips, stored beside the fits that they belong to.

They measure how much that choice, which much published code makes, flatters a network. They lie outside of ``runs/``:
no table may take them for predictions on unseen patients.
"""

import json
import zlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from respbench.benchmarks.storage.files import write_atomically
from respbench.benchmarks.storage.predictions import compressed, predictions_csv, read_predictions
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store
from respbench.corpora.bounded import decompress_bounded, read_bounded
from respbench.corpora.clips import Clips
from respbench.corpora.digests import digest

PICKED = "picked-on-test"
"""Folder of the picks in a results folder."""


@dataclass(frozen=True, kw_only=True)
class PickRecord:
    """One fit whose epoch was picked on its test clips.

    Attributes:
        epoch: that is best on the test clips, counted from 0; the first of equal ones.
        scores: balanced accuracy on the test clips, by epoch.
        fit_digest: digest of the fit's own predictions; a pick counts only beside the fit that it comes from.
        predictions_digest: digest of the file of predictions beside the record.
    """

    epoch: int
    scores: tuple[float, ...]
    fit_digest: str
    predictions_digest: str = ""


@dataclass(frozen=True, kw_only=True)
class StoredPick:
    """A pick, read back.

    Attributes:
        predictions: as those of a `benchmarks.storage.store.StoredFit`, of the picked epoch.
        record: how it was picked.
    """

    predictions: pd.DataFrame
    record: PickRecord


class Picks:
    """The folder `PICKED` of a results folder: ``<model>/seed<k>-fold<j>.csv.gz`` and ``.json``."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def write(self, key: FitKey, clips: Clips, probabilities: NDArray[np.float64], record: PickRecord) -> None:
        """Store one pick. ``clips`` are the test clips with their labels, row by row with ``probabilities``."""
        text = predictions_csv(clips, probabilities)
        whole = replace(record, predictions_digest=digest([text]))
        write_atomically(self._path(key, "csv.gz"), compressed(text))
        write_atomically(
            self._path(key, "json"), (json.dumps(asdict(whole), indent=1, allow_nan=False) + "\n").encode()
        )

    def read(self, key: FitKey) -> StoredPick | None:
        """Read the pick of a stored fit; None if there is none that is whole and comes from this very fit."""
        fit = self.store.record(key)
        try:
            record = msgspec.json.decode(read_bounded(self._path(key, "json")), type=PickRecord)
            content = read_bounded(self._path(key, "csv.gz"))
            whole = digest([decompress_bounded(content)]) == record.predictions_digest
            if fit is None or not whole or record.fit_digest != fit.predictions_digest:
                return None
            return StoredPick(predictions=read_predictions(content, fit.classes), record=record)
        except (OSError, ValueError, EOFError, RecursionError, zlib.error):
            return None

    def _path(self, key: FitKey, suffix: str) -> Path:
        return self.store.folder / PICKED / key.model / f"{key.stem}.{suffix}"
