"""What a run leaves on disk: one file of predictions and one record for every model, seed and fold.

Every file is written under a temporary name and renamed, so that it is whole or absent. The record is written last and
holds a digest of the predictions: a pair that doesn't fit together, was edited, or was interrupted, is not used.
"""

import json
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from respbench.benchmarks.storage.clip_table import clip_table
from respbench.benchmarks.storage.files import STALE, TEMPORARY, prepare_stale, refuse_link, write_atomically
from respbench.benchmarks.storage.predictions import compressed, predictions_csv, read_predictions, read_table
from respbench.benchmarks.storage.records import CLIP_METADATA, SCHEMA_VERSION, SUBGROUP_METADATA, FitKey, FitRecord
from respbench.corpora.bounded import decompress_bounded, read_bounded
from respbench.corpora.clips import Clips
from respbench.corpora.digests import digest
from respbench.corpora.facts import CorpusFacts
from respbench.corpora.prepared.left_out import LEFT_OUT, left_out_csv
from respbench.corpora.problems import InputError, Problem

CLIPS = "clips.csv.gz"

CORPUS = "corpus.json"

_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, RecursionError, zlib.error, msgspec.DecodeError)
_STEM = re.compile(r"seed(\d+)-fold(\d+)")
_TEMPORARY = re.compile(rf"\..+\.\d+{re.escape(TEMPORARY)}")


@dataclass(frozen=True)
class StoredFit:
    """The predictions and the record of one fit, read back.

    Attributes:
        key: which fit.
        predictions: clip_id, patient, label (class name), and one probability column per class.
        record: everything else.
    """

    key: FitKey
    predictions: pd.DataFrame
    record: FitRecord


class Store:
    """The folder ``<corpus>/<task>/<protocol>`` of a results folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, key: FitKey, clips: Clips, probabilities: NDArray[np.float64], record: FitRecord) -> None:
        """Store one fit. ``clips`` are its test clips with their labels, row by row with ``probabilities``."""
        text = predictions_csv(clips, probabilities)
        self._write_pair(key, compressed(text), replace(record, predictions_digest=digest([text])))

    def copy_fit(self, other: "Store", key: FitKey, protocol: str) -> None:
        """Store a fit of another folder here too: same clips, folds and model under another protocol's name."""
        record = replace(_read_record(other._record_path(key)), protocol=protocol)
        self._write_pair(key, other._predictions_path(key).read_bytes(), record)

    def write_failure(self, key: FitKey, trace: str) -> None:
        """Store the traceback of a failed fit; the next run tries it again."""
        write_atomically(self._failure_path(key), trace.encode(errors="backslashreplace"))

    def delete_failure(self, key: FitKey) -> None:
        """Delete the traceback of a fit that is stored now."""
        self._failure_path(key).unlink(missing_ok=True)

    def write_clips(self, clips: Clips) -> None:
        """Store `clip_table`, for the report alone: models get their clips from the corpus.

        Args:
            clips: the whole corpus, with its labels.
        """
        table = clip_table(clips, (*CLIP_METADATA, *SUBGROUP_METADATA))
        content = compressed(table.to_csv(index=False, float_format="%.9g", lineterminator="\n"))
        path = self.folder / CLIPS
        if not (path.exists() and path.read_bytes() == content):
            write_atomically(path, content)

    def write_corpus(self, facts: CorpusFacts, left_out: Sequence[Problem]) -> None:
        """Store what the last run knew of the corpus, and what was left out of it, for the report alone."""
        write_atomically(self.folder / CORPUS, msgspec.json.format(msgspec.json.encode(facts), indent=1))
        if left_out:
            write_atomically(self.folder / LEFT_OUT, left_out_csv(left_out).encode())
        else:
            (self.folder / LEFT_OUT).unlink(missing_ok=True)

    def corpus(self, known: CorpusFacts) -> CorpusFacts:
        """Return what the last run knew of the corpus; ``known`` if that is not stored, or of other clips."""
        try:
            facts = CorpusFacts.read(self.folder / CORPUS)
        except _DAMAGE:
            return known
        return facts if facts.fingerprint == known.fingerprint else known

    def clips(self) -> pd.DataFrame | None:
        """Read what `write_clips` stored; see `clip_table`. Ages (years) and rates (Hz) that are unknown are NaN.

        Returns:
            One row per clip; None if the folder comes from a version that stored no clips.

        Raises:
            InputError: the file is damaged.
        """
        path = self.folder / CLIPS
        if not path.exists():
            return None
        try:
            table = read_table(read_bounded(path))
            if table["clip_id"].duplicated().any() or not {"patient", "label"} <= set(table.columns):
                raise ValueError("no table of clips")
            numbers = [name for name in ("age", "native_rate") if name in table]
            known = {name: pd.to_numeric(table[name], errors="coerce").astype(np.float64) for name in numbers}
            return table.assign(seconds=table["seconds"].astype(np.float64), **known)
        except _DAMAGE as error:
            raise InputError(f"{path} is damaged; delete it and run the benchmark again, which fits nothing") from error

    def has(self, key: FitKey, fingerprint: str) -> bool:
        """Whether this fit is stored, whole, and came from this code, corpus and parameters."""
        return _has_identity(self._record_path(key), self._predictions_path(key), fingerprint)

    def set_aside(self, key: FitKey) -> None:
        """Move a stored fit to the folder `STALE`, so that old predictions never appear beside new ones."""
        record = self.record(key)
        # A damaged fit must not replace a whole one of the same identity that was set aside before.
        identity = record.fingerprint if record and not self.has_set_aside(key, record.fingerprint) else "unreadable"
        folder = self._stale_folder(key.model, identity)
        prepare_stale(self.folder, folder)
        _move_pair(self._record_path(key), self._predictions_path(key), folder)

    def has_set_aside(self, key: FitKey, fingerprint: str) -> bool:
        """Whether the folder `STALE` holds this fit with this identity, whole."""
        folder = self._stale_folder(key.model, fingerprint)
        record, predictions = (folder / path.name for path in (self._record_path(key), self._predictions_path(key)))
        return _has_identity(record, predictions, fingerprint)

    def restore(self, key: FitKey, fingerprint: str) -> None:
        """Move a fit of this identity back from the folder `STALE`."""
        record, predictions = self._record_path(key), self._predictions_path(key)
        folder = self._stale_folder(key.model, fingerprint)
        record.parent.mkdir(parents=True, exist_ok=True)
        _move_pair(folder / record.name, folder / predictions.name, record.parent)
        self.delete_failure(key)

    def record(self, key: FitKey) -> FitRecord | None:
        """Read the record of a fit; None if there is none that can be read."""
        try:
            return _read_record(self._record_path(key))
        except _DAMAGE:
            return None

    def read(self, key: FitKey) -> StoredFit:
        """Read one stored fit.

        Raises:
            InputError: its files are damaged, of another version, or don't belong together.
        """
        record, predictions = self.record(key), self._predictions_path(key)
        if record is None or not _has_identity(self._record_path(key), predictions, record.fingerprint):
            raise InputError(
                f"{predictions} and its .json don't belong together (edited, interrupted, or of an "
                "older version); run the benchmark again"
            )
        try:
            return StoredFit(key, read_predictions(read_bounded(predictions), record.classes), record)
        except _DAMAGE as error:
            raise InputError(
                f"{predictions} holds no predictions of the classes that its .json names; delete both, "
                "then run the benchmark again"
            ) from error

    def fits(self) -> list[FitKey]:
        """List every stored fit, sorted."""
        return sorted(key for path in self.folder.glob("runs/*/*.json") if (key := _key_of(path)))

    def corpus_fingerprint(self) -> str:
        """Identity of the corpus that the stored fits come from; empty if no record can be read."""
        records = (self.record(key) for key in self.fits())
        return next((record.corpus.fingerprint for record in records if record is not None), "")

    def failures(self) -> dict[FitKey, str]:
        """The fits that failed and were not repeated since, each with the last line of its traceback."""
        found = {}
        for path in sorted(self.folder.glob("failures/*/*.txt")):
            if key := _key_of(path):
                text = path.read_text(encoding="utf-8", errors="replace").strip()
                found[key] = (text or "no reason given").splitlines()[-1]
        return found

    def refuse_links(self) -> None:
        """Refuse folders within this one that are links; see `benchmarks.storage.files.refuse_link`."""
        for root, folders, _ in os.walk(self.folder):
            for name in folders:
                refuse_link(Path(root, name))

    def remove_temporary(self) -> None:
        """Remove what a killed run left half-written: files of `write_atomically`, and no others."""
        for path in self.folder.rglob(f".*{TEMPORARY}"):
            if _TEMPORARY.fullmatch(path.name) and not path.is_dir():
                path.unlink(missing_ok=True)

    def __iter__(self) -> Iterator[StoredFit]:
        return (self.read(key) for key in self.fits())

    def _write_pair(self, key: FitKey, predictions: bytes, record: FitRecord) -> None:
        text = json.dumps(asdict(record), indent=1, allow_nan=False) + "\n"
        write_atomically(self._predictions_path(key), predictions)
        write_atomically(self._record_path(key), text.encode())
        self.delete_failure(key)

    def _predictions_path(self, key: FitKey) -> Path:
        return self.folder / "runs" / key.model / f"{key.stem}.csv.gz"

    def _record_path(self, key: FitKey) -> Path:
        return self.folder / "runs" / key.model / f"{key.stem}.json"

    def _failure_path(self, key: FitKey) -> Path:
        return self.folder / "failures" / key.model / f"{key.stem}.txt"

    def _stale_folder(self, model: str, fingerprint: str) -> Path:
        return self.folder / STALE / model / fingerprint


def _move_pair(record: Path, predictions: Path, folder: Path) -> None:
    """Move a fit so that, wherever that is interrupted, one of the two places holds all of it."""
    if predictions.exists():
        write_atomically(folder / predictions.name, predictions.read_bytes())
    record.replace(folder / record.name)  # the record last, as when it is written
    predictions.unlink(missing_ok=True)


def _read_record(path: Path) -> FitRecord:
    record = msgspec.json.decode(read_bounded(path), type=FitRecord)
    if record.schema_version != SCHEMA_VERSION:
        raise ValueError(f"version {record.schema_version}")
    return record


def _has_identity(record_path: Path, predictions_path: Path, fingerprint: str) -> bool:
    """Whether a record and its predictions are whole, belong together, and have this identity."""
    try:
        record = _read_record(record_path)
        predictions = decompress_bounded(read_bounded(predictions_path))
        return record.fingerprint == fingerprint and record.predictions_digest == digest([predictions])
    except _DAMAGE:
        return False


def _key_of(path: Path) -> FitKey | None:
    match = _STEM.fullmatch(path.stem)
    return FitKey(path.parent.name, int(match[1]), int(match[2])) if match else None
