"""Any other corpus, through a CSV: ``path, patient, label``, optionally ``begin, end`` (s); the rest is metadata."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from corpora.cycles import FOUR_CLASSES, TWO_CLASSES, Cycle
from corpora.problems import InputError, InputErrors
from corpora.readers.files import read_text

REQUIRED = ("path", "patient", "label")


def read_manifest(manifest: Path) -> list[Cycle]:
    """List the clips of a manifest, not yet decoded.

    Paths are absolute or relative to the manifest. A clip is called after its path (and its span, where it has one);
    a column ``clip_id`` overrides that.

    Raises:
        InputError: the manifest can't be read, lacks a column, or has rows that can't be understood.
    """
    if manifest.is_dir():
        raise InputError(f"{manifest} is a folder; set DATA to the CSV file that lists the clips")
    if not manifest.exists():
        raise InputError(f"{manifest} does not exist; set DATA to the CSV file that lists the clips")
    problems: list[str] = []
    cycles: list[Cycle] = []
    lines: dict[str, int] = {}
    for line, fields, columns in _rows(manifest):
        try:
            if len(fields) != len(columns):
                raise ValueError(f"{len(fields)} fields, but the header has {len(columns)} columns; correct it")
            cycle = _cycle(manifest.parent, dict(zip(columns, fields, strict=True)))
        except ValueError as error:
            problems.append(f"{manifest}, line {line}: {error}")
            continue
        if cycle.clip_id in lines:
            problems.append(
                f"{manifest}, line {line}: {cycle.clip_id} is already on line {lines[cycle.clip_id]}; remove one"
            )
        lines.setdefault(cycle.clip_id, line)
        cycles.append(cycle)
    if problems:
        raise InputErrors(problems, f"Correct {manifest} and run the same command again.")
    if not cycles:
        raise InputError(f"{manifest} lists no clips; add one row per clip")
    return cycles


def _rows(manifest: Path) -> Iterator[tuple[int, list[str], list[str]]]:
    """Yield line number, fields and column names of each row that isn't blank."""
    reader = csv.reader(io.StringIO(read_text(manifest)), skipinitialspace=True, strict=True)
    columns: list[str] = []
    try:
        for row in reader:
            fields = [field.strip() for field in row]
            if columns and any(fields):
                yield reader.line_num, fields, columns
            elif not columns and any(fields):
                columns = fields
                _check_columns(manifest, columns)
    except csv.Error as error:
        raise InputError(f"{manifest}, line {reader.line_num}, is not CSV ({error}); correct it") from error
    if not columns:
        raise InputError(f"{manifest} is empty; its first line must name at least {', '.join(REQUIRED)}")


def _check_columns(manifest: Path, columns: list[str]) -> None:
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise InputError(
            f"{manifest} has no column {', '.join(missing)}; its columns, separated by commas, must be at least "
            f"{', '.join(REQUIRED)}"
        )
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    if twice:
        raise InputError(f"{manifest} has two columns {twice[0]}; rename or remove one")


def _cycle(folder: Path, row: dict[str, str]) -> Cycle:
    """Parse one row. Raises ValueError with what is wrong and the remedy."""
    for column in REQUIRED:
        if not row[column]:
            raise ValueError(f"{column} is empty; fill it in, or remove the row")
    label = row["label"].lower()
    if label not in {*FOUR_CLASSES, *TWO_CLASSES}:
        known = ", ".join(FOUR_CLASSES)
        raise ValueError(f"unknown label {row['label']!r}; use {known}, or normal and abnormal")
    begin, end = _seconds(row, "begin"), _seconds(row, "end")
    if end is not None and end <= (begin or 0.0):
        raise ValueError(f"end {row['end']} is not after begin; correct them")
    span = f"@{row.get('begin') or 0}-{row.get('end') or 'end'}" if begin is not None or end is not None else ""
    meta: dict[str, str | float] = {
        column: value for column, value in row.items() if column not in {"", *REQUIRED, "begin", "end", "clip_id"}
    }
    clip_id = row.get("clip_id") or row["path"] + span
    return Cycle(
        path=folder / row["path"],
        clip_id=clip_id,
        patient=row["patient"],
        label=label,
        begin=begin or 0.0,
        end=end,
        meta=meta,
    )


def _seconds(row: dict[str, str], column: str) -> float | None:
    text = row.get(column, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(f"{column} {text!r} is not a number of seconds; correct it") from error
    if not 0 <= value < float("inf"):
        raise ValueError(f"{column} {text!r} is not a time in the file; correct it")
    return value
