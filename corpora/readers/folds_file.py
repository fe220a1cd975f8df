"""Folds that others made, from a CSV file: ``recording,fold`` or ``patient,fold``."""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from corpora.digests import digest
from corpora.problems import InputError
from corpora.readers.files import read_text

RECORDING, PATIENT, FOLD = "recording", "patient", "fold"

_HEADER = f"name the columns {RECORDING},{FOLD} or {PATIENT},{FOLD} in its first line, separated by a comma"


@dataclass(frozen=True, kw_only=True)
class FoldsFile:
    """What a file states about folds.

    Attributes:
        path: of the file, absolute.
        column: `RECORDING` or `PATIENT`: what it assigns.
        fold: the label of the fold of each recording or patient, by name.
    """

    path: Path
    column: str
    fold: Mapping[str, str]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of all folds, sorted; 5 comes before 10."""
        return tuple(sorted(set(self.fold.values()), key=_in_order))

    @property
    def content(self) -> str:
        """Hash of what it states, whatever the order of its lines."""
        return digest([self.column, *(text for row in sorted(self.fold.items()) for text in row)])


def read_folds(path: Path) -> FoldsFile:
    """Read a file of folds; further columns are ignored, and a line may occur twice.

    Raises:
        InputError: the file can't be read, lacks a column, has an empty cell, or states two folds of one name.
    """
    path = path.absolute()
    reader = csv.DictReader(io.StringIO(read_text(path)), skipinitialspace=True)
    columns = [name.strip() for name in reader.fieldnames or ()]
    column = next((name for name in (RECORDING, PATIENT) if name in columns), "")
    if not column or FOLD not in columns:
        raise InputError(f"{path} has the columns {', '.join(columns) or 'none'}; {_HEADER}")
    reader.fieldnames = columns
    fold: dict[str, str] = {}
    for row in reader:
        name, label = ((row[cell] or "").strip() for cell in (column, FOLD))
        where = f"{path}, line {reader.line_num},"
        if not name or not label:
            raise InputError(f"{where} has no {FOLD if name else column}; fill it in, or remove the line")
        if fold.setdefault(name, label) != label:
            raise InputError(
                f"{where} puts {column} {name} into fold {label}, an earlier line into {fold[name]}; keep one of them"
            )
    labels = set(fold.values())
    if len(labels) < 2:
        raise InputError(f"{path} states {len(labels)} folds; state at least two, since one is tested by the others")
    return FoldsFile(path=path, column=column, fold=fold)


def _in_order(label: str) -> list[str | int]:
    """Sort numbers within a label as numbers."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"(\d+)", label))]
