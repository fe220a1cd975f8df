"""Any other corpus, through a CSV: ``path, patient, label``, optionally ``begin, end`` (s); the rest is metadata."""

from pathlib import Path

import pandas as pd

from corpora.cycles import FOUR_CLASSES, TWO_CLASSES, Cycle
from corpora.problems import InputError, InputErrors

REQUIRED = ("path", "patient", "label")


def read_manifest(manifest: Path) -> list[Cycle]:
    """The clips that a manifest names, not yet decoded.

    Paths are absolute or relative to the manifest. A clip is called after its path (and its span, where it has one);
    a column ``clip_id`` overrides that.

    Raises:
        InputError: the manifest can't be read, lacks a column, or has rows that can't be understood.
    """
    if manifest.is_dir():
        raise InputError(f"{manifest} is a folder; set DATA to the CSV file that lists the clips")
    try:
        table = pd.read_csv(manifest, dtype=str, keep_default_na=False, skipinitialspace=True, encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{manifest} does not exist; set DATA to the CSV file that lists the clips") from error
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{manifest} can't be read as CSV ({error}); save it as UTF-8, one header line") from error
    table.columns = table.columns.str.strip()
    missing = [column for column in REQUIRED if column not in table]
    if missing:
        raise InputError(
            f"{manifest} has no column {', '.join(missing)}; its columns must be at least {', '.join(REQUIRED)}"
        )
    if table.empty:
        raise InputError(f"{manifest} lists no clips; add one row a clip")
    problems: list[str] = []
    cycles: list[Cycle] = []
    lines: dict[str, int] = {}
    for line, row in enumerate(table.to_dict("records"), 2):
        text = {str(column): str(value).strip() for column, value in row.items()}
        try:
            cycle = _cycle(manifest.parent, text)
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
        raise InputErrors(problems, f"Mend {manifest} and run the same command again.")
    return cycles


def _cycle(folder: Path, row: dict[str, str]) -> Cycle:
    """One row. Raises ValueError with what is wrong and the mend."""
    for column in REQUIRED:
        if not row[column]:
            raise ValueError(f"{column} is empty; fill it in, or remove the row")
    label = row["label"].lower()
    if label not in {*FOUR_CLASSES, *TWO_CLASSES}:
        known = ", ".join(FOUR_CLASSES)
        raise ValueError(f"unknown label {row['label']!r}; use {known}, or normal and abnormal")
    begin, end = _seconds(row, "begin"), _seconds(row, "end")
    if end is not None and end <= (begin or 0.0):
        raise ValueError(f"end {row['end']} does not lie after begin; correct them")
    span = f"@{row.get('begin') or 0}-{row.get('end') or 'end'}" if begin is not None or end is not None else ""
    meta: dict[str, str | float] = {
        column: value for column, value in row.items() if column not in {*REQUIRED, "begin", "end", "clip_id"}
    }
    clip_id = row.get("clip_id") or row["path"] + span
    return Cycle(folder / row["path"], clip_id, row["patient"], label, begin or 0.0, end, meta)


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
