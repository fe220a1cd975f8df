"""What a run leaves on disk: one file of predictions and one of facts for every model, seed and fold.

Every file is written under a temporary name and renamed, so that it is whole or absent. The facts are written last and
hold a digest of the predictions: a pair that doesn't fit together, was edited, or was interrupted, is not taken.
"""

import errno
import gzip
import io
import json
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from corpora.clips import Clips
from corpora.fingerprint import digest
from corpora.problems import InputError

TEMPORARY = ".tmp"
CLIPS = "clips.csv.gz"
KNOWN_OF_A_CLIP = ("corpus", "recording", "device", "location", "mode")
"""The metadata that a report may need. Age, sex, diagnosis and whatever a manifest holds besides stay with the data."""

_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, zlib.error)
_NAME = re.compile(r"seed(\d+)-fold(\d+)\.json")


class CannotWrite(InputError):
    """The disk is full or the folder can't be written: nobody's model is to blame."""


def disk_refuses(error: Exception) -> bool:
    """Whether an error is no model's fault, but the disk's, and would make all further work fail too."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    return isinstance(error, CannotWrite)


@dataclass(frozen=True, order=True)
class Fit:
    """One model, fitted once: the unit of work, of storage and of resumption."""

    model: str
    seed: int
    fold: int

    @property
    def stem(self) -> str:
        """``seed<k>-fold<j>``."""
        return f"seed{self.seed}-fold{self.fold}"


@dataclass(frozen=True)
class Stored:
    """The predictions and facts of one fit, read back.

    Attributes:
        fit: which.
        predictions: clip_id, patient, label (class name), and one probability column a class.
        facts: the JSON beside them.
    """

    fit: Fit
    predictions: pd.DataFrame
    facts: dict[str, Any]


class Store:
    """The folder ``<corpus>/<task>/<protocol>`` of a results folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, fit: Fit, clips: Clips, probabilities: NDArray[np.float64], facts: dict[str, Any]) -> None:
        """Store one fit. ``clips`` are its test clips with their labels, row by row with ``probabilities``."""
        names = np.array(clips.classes)
        table = pd.DataFrame({"clip_id": clips.clip_id, "patient": clips.patient, "label": names[clips.label]})
        for column, name in enumerate(clips.classes):
            table[name] = probabilities[:, column]
        # Nine digits keep apart what float64 networks tell apart, and sum to 1 well within 1e-5.
        text = table.to_csv(index=False, float_format="%.9g", lineterminator="\n")
        facts = {**facts, "predictions_digest": digest([text])}
        facts_text = json.dumps(facts, indent=1, allow_nan=False) + "\n"
        self._failure(fit).unlink(missing_ok=True)
        write_atomically(self._csv(fit), gzip.compress(text.encode(), mtime=0))
        write_atomically(self._json(fit), facts_text.encode())

    def take_over(self, other: "Store", fit: Fit, protocol: str) -> None:
        """Store a fit of another folder here too: the same clips, folds and model under another protocol's name."""
        facts = {**json.loads(other._json(fit).read_text()), "protocol": protocol}
        self._failure(fit).unlink(missing_ok=True)
        write_atomically(self._csv(fit), other._csv(fit).read_bytes())
        write_atomically(self._json(fit), (json.dumps(facts, indent=1, allow_nan=False) + "\n").encode())

    def write_failure(self, fit: Fit, trace: str) -> None:
        """Note that a fit failed, with its traceback; the next run tries it again."""
        write_atomically(self._failure(fit), trace.encode())

    def write_trial(self, fit: Fit, number: int, record: dict[str, Any]) -> None:
        """Store a trial of the study of a tuned fit."""
        write_atomically(self._trial(fit, number), (json.dumps(record, allow_nan=False) + "\n").encode())

    def trial(self, fit: Fit, number: int) -> dict[str, Any] | None:
        """A stored trial; None if there is none, or none that can be read."""
        try:
            return dict(json.loads(self._trial(fit, number).read_text()))
        except _DAMAGE:
            return None

    def forget_trial(self, fit: Fit, number: int) -> bool:
        """Remove a stored trial, so that it is done again; whether there was one."""
        there = self._trial(fit, number).exists()
        self._trial(fit, number).unlink(missing_ok=True)
        return there

    def running(self, name: str) -> Path:
        """The file that is there while a piece of work is being done, and stays behind if its process is killed."""
        return self.folder / f".running-{name}{TEMPORARY}"

    def write_clips(self, clips: Clips) -> None:
        """Store what is known of each clip, for the report alone: models get their clips from the corpus.

        Args:
            clips: the whole corpus, with its labels.
        """
        names = np.array(clips.classes)
        table = pd.DataFrame({"clip_id": clips.clip_id, "patient": clips.patient, "label": names[clips.label]})
        table["seconds"] = clips.seconds
        for column in KNOWN_OF_A_CLIP:
            if column in clips.meta:
                table[column] = clips.meta[column].to_numpy()
        content = gzip.compress(table.to_csv(index=False, float_format="%.9g", lineterminator="\n").encode(), mtime=0)
        path = self.folder / CLIPS
        if not (path.exists() and path.read_bytes() == content):
            write_atomically(path, content)

    def clips(self) -> pd.DataFrame | None:
        """What `write_clips` stored: clip_id, patient, label (class name), seconds (s) and some metadata.

        Returns:
            One row a clip; None if the folder comes from a version that stored no clips.

        Raises:
            InputError: the file is damaged.
        """
        path = self.folder / CLIPS
        if not path.exists():
            return None
        try:
            text = gzip.decompress(path.read_bytes()).decode()
            table = pd.read_csv(
                io.StringIO(text), dtype=dict.fromkeys(("clip_id", "patient", "label"), str), keep_default_na=False
            )
            return table.assign(seconds=table["seconds"].astype(np.float64))
        except _DAMAGE as error:
            raise InputError(f"{path} is damaged; delete it and run the benchmark again, which fits nothing") from error

    def has(self, fit: Fit, fingerprint: str) -> bool:
        """Whether this fit is stored, whole, and came from this code, corpus and parameters."""
        try:
            facts = json.loads(self._json(fit).read_text())
            return bool(
                facts["fingerprint"] == fingerprint and facts["predictions_digest"] == digest([self._text(fit)])
            )
        except _DAMAGE:
            return False

    def discard(self, fit: Fit) -> None:
        """Remove a stored fit, so that old predictions never stand beside new ones."""
        for path in (self._json(fit), self._csv(fit)):
            path.unlink(missing_ok=True)

    def corpus_fingerprint(self, fit: Fit) -> str:
        """Which corpus a stored fit came from; empty if its facts can't be read."""
        try:
            return str(self.facts(fit)["corpus"]["fingerprint"])
        except _DAMAGE:
            return ""

    def facts(self, fit: Fit) -> dict[str, Any]:
        """What is stored about a fit; empty if it can't be read."""
        try:
            return dict(json.loads(self._json(fit).read_text()))
        except _DAMAGE:
            return {}

    def read(self, fit: Fit) -> Stored:
        """One stored fit.

        Raises:
            InputError: its files are damaged or don't belong together.
        """
        try:
            facts = json.loads(self._json(fit).read_text())
            text = self._text(fit)
            intact = facts["predictions_digest"] == digest([text])
        except _DAMAGE:
            intact = False
        if not intact:
            raise InputError(
                f"{self._csv(fit)} and its .json don't belong together (edited or interrupted); run the benchmark again"
            )
        table = pd.read_csv(
            io.StringIO(text), dtype={"clip_id": str, "patient": str, "label": str}, keep_default_na=False
        )
        return Stored(fit, table, facts)

    def fits(self) -> list[Fit]:
        """Every fit that is stored, in a fixed order."""
        found = [
            Fit(path.parent.name, int(match[1]), int(match[2]))
            for path in self.folder.glob("runs/*/*.json")
            if (match := _NAME.fullmatch(path.name))
        ]
        return sorted(found)

    def failures(self) -> dict[Fit, str]:
        """The fits that failed and were not repeated since, each with the last line of its traceback."""
        found = {}
        for path in sorted(self.folder.glob("failures/*/*.txt")):
            match = re.fullmatch(r"seed(\d+)-fold(\d+)", path.stem)
            if match:
                lines = path.read_text().strip().splitlines()
                found[Fit(path.parent.name, int(match[1]), int(match[2]))] = lines[-1] if lines else "no reason given"
        return found

    def remove_temporary(self) -> None:
        """Remove what a killed run left half-written."""
        for path in self.folder.rglob(f"*{TEMPORARY}"):
            path.unlink(missing_ok=True)

    def __iter__(self) -> Iterator[Stored]:
        return (self.read(fit) for fit in self.fits())

    def _csv(self, fit: Fit) -> Path:
        return self.folder / "runs" / fit.model / f"{fit.stem}.csv.gz"

    def _json(self, fit: Fit) -> Path:
        return self.folder / "runs" / fit.model / f"{fit.stem}.json"

    def _failure(self, fit: Fit) -> Path:
        return self.folder / "failures" / fit.model / f"{fit.stem}.txt"

    def _trial(self, fit: Fit, number: int) -> Path:
        return self.folder / "trials" / fit.model / fit.stem / f"{number:03d}.json"

    def _text(self, fit: Fit) -> str:
        return gzip.decompress(self._csv(fit).read_bytes()).decode()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is whole or not there, also after a crash or on a full disk.

    Raises:
        CannotWrite: the disk is full or the folder can't be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise CannotWrite(
            f"{path} can't be written ({error.strerror}); free some space or choose another RESULTS folder, then run "
            "the same command again: what is finished is kept"
        ) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
