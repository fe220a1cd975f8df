"""The stored trials of the study of a tuned fit, one file each, while the study goes on."""

import json
from dataclasses import asdict
from pathlib import Path

import msgspec

from respbench.benchmarks.storage.files import STALE, prepare_stale, write_atomically
from respbench.benchmarks.storage.records import FitKey, TrialRecord
from respbench.corpora.bounded import read_bounded


class StoredStudy:
    """Trials and confirmations of one tuned fit, by the names of their files.

    Args:
        results: ``<corpus>/<task>/<protocol>`` of a results folder.
        key: the tuned fit.
    """

    def __init__(self, results: Path, key: FitKey) -> None:
        self.results = results
        self.folder = results / "trials" / key.model / key.stem
        self.stale = results / STALE / key.model / "trials" / key.stem

    def write(self, name: str, record: TrialRecord) -> None:
        """Store a record."""
        write_atomically(self._path(name), (json.dumps(asdict(record), allow_nan=False) + "\n").encode())

    def read(self, name: str) -> TrialRecord | None:
        """Read a record; None if there is none that can be read."""
        return _read(self._path(name))

    def has(self, name: str) -> bool:
        """Whether there is a file of this name, readable or not."""
        return self._path(name).exists()

    def delete(self, name: str) -> None:
        """Delete a record that circumstances ended, of which there is nothing to keep."""
        self._path(name).unlink(missing_ok=True)

    def set_aside(self, name: str) -> None:
        """Move a record to the folder `STALE`."""
        record = self.read(name)
        prepare_stale(self.results, self.stale)
        self._path(name).replace(self._stale_path(record.key if record else f"unreadable-{name}"))

    def read_set_aside(self, identity: str) -> TrialRecord | None:
        """Read a record of this identity from the folder `STALE`; None if there is none that can be read."""
        return _read(self._stale_path(identity))

    def restore(self, name: str, identity: str) -> None:
        """Move a record back from the folder `STALE`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._stale_path(identity).replace(self._path(name))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _stale_path(self, identity: str) -> Path:
        return self.stale / f"{identity}.json"


def _read(path: Path) -> TrialRecord | None:
    try:
        return msgspec.json.decode(read_bounded(path), type=TrialRecord)
    except (OSError, ValueError, RecursionError, msgspec.DecodeError):
        return None
