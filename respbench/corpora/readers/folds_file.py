"""Folds that others made, from a CSV file: ``recording,fold`` or ``patient,fold``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from respbench.corpora.digests import digest
from respbench.corpora.patients import spelling
from respbench.corpora.problems import InputError
from respbench.corpora.readers.files import read_cells

RECORDING, PATIENT, SUBJECT, FOLD = "recording", "patient", "subject", "fold"

_HEADER = f"name the columns {RECORDING},{FOLD} or {PATIENT},{FOLD} in its first line, separated by a comma"


@dataclass(frozen=True, kw_only=True)
class FoldsFile:
    """What a file states about folds.

    Attributes:
        path: of the file, absolute.
        column: `RECORDING` or `PATIENT`: what it assigns.
        fold: the label of the fold of each recording or patient, by the `spelling` of its name.
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
    """Read a file of folds; further columns are ignored, and a line may occur twice. A `SUBJECT` is a `PATIENT`.

    Raises:
        InputError: the file can't be read, lacks a column, has an empty cell, states two folds of one name, or is
            what `respbench folds` writes, which lists each clip once per fold.
    """
    path = path.absolute()
    columns, rows = read_cells(path)
    column = next((name for name in (RECORDING, PATIENT, SUBJECT) if name in columns), "")
    if not column or FOLD not in columns:
        raise InputError(f"{path} has the columns {', '.join(columns) or 'none'}; {_HEADER}")
    if {"part", "seed"} <= set(columns):
        raise InputError(
            f"{path} lists the parts of each fold, as `respbench folds` writes them; choose the protocol that it was "
            f"written for, or keep {column} and {FOLD} alone, of one seed's lines whose part is test"
        )
    fold: dict[str, str] = {}
    for line, row in rows:
        name, label = spelling(row[column]), spelling(row[FOLD])
        where = f"{path}, line {line},"
        if not name or not label:
            raise InputError(f"{where} has no {FOLD if name else column}; fill it in, or remove the line")
        if fold.setdefault(name, label) != label:
            raise InputError(
                f"{where} puts {column} {name} into fold {label}, an earlier line into {fold[name]}; keep one of them"
            )
    labels = set(fold.values())
    if len(labels) < 2:
        raise InputError(f"{path} states {len(labels)} folds; state at least two, since one is tested by the others")
    return FoldsFile(path=path, column=PATIENT if column == SUBJECT else column, fold=fold)


def _in_order(label: str) -> list[str | tuple[int, str]]:
    """Sort numbers within a label as numbers: by length, then digit by digit, since one may be too long for `int`."""
    parts = enumerate(re.split(r"(\d+)", label))
    return [(len(part.lstrip("0")), part.lstrip("0")) if i % 2 else part for i, part in parts]
