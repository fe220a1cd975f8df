"""Any other corpus, through a CSV: ``path, patient, label``, optionally ``begin, end`` (s); the rest is metadata."""

from collections.abc import Mapping
from pathlib import Path

from respbench.corpora.cycles import FOUR_CLASSES, TWO_CLASSES, Cycle
from respbench.corpora.patients import spelling
from respbench.corpora.problems import InputError, InputErrors, Problem
from respbench.corpora.readers.columns import BEGIN, CLIP_ID, END, REQUIRED, named_columns
from respbench.corpora.readers.listed import ListedFiles
from respbench.corpora.readers.reading import Reading
from respbench.corpora.readers.tables import distinct, note_on_metadata, read_rows

OF_CLIPS = frozenset({"", *REQUIRED, BEGIN, END, CLIP_ID})
"""Columns that are no metadata."""


def read_manifest(manifest: Path) -> Reading:
    """List the clips of a manifest, not yet decoded.

    Paths are absolute or relative to the manifest. A clip is called after its path (and its span, where it has one);
    a column ``clip_id`` overrides that. Of all cells, spaces and composed characters are made one `spelling`.

    Raises:
        InputError: the manifest can't be read, lacks a column, has one that may be misspelled, or has no usable row.
    """
    problems: list[Problem] = []
    listed: list[Cycle] = []
    files = ListedFiles(manifest)
    header, *rows = read_rows(manifest, "clips")
    columns = named_columns(manifest, header[1])
    for line, fields in rows:
        place = f"{manifest}, line {line}"
        cells = dict(zip(columns, map(spelling, fields), strict=False))
        try:
            if len(fields) != len(columns):
                raise ValueError(f"{len(fields)} fields, but the header has {len(columns)} columns; correct it")
            path = files.find(fields[columns.index("path")])
            listed.append(_cycle(path, cells, place))
        except ValueError as error:
            name, patient = cells.get("path") or f"line {line}", cells.get("patient", "")
            problems.append(Problem(name=name, text=f"{place}: {error}", patient=patient))
    if not listed and not problems:
        raise InputError(f"{manifest} lists no clips; add one row per clip")
    cycles, missing = files.split_missing(distinct(listed, problems))
    problems += missing
    if not cycles:
        raise InputErrors([problem.text for problem in problems], f"Correct {manifest} and run the same command again.")
    return Reading(cycles=cycles, problems=problems, note=note_on_metadata(columns, OF_CLIPS))


def _cycle(path: Path, row: Mapping[str, str], place: str) -> Cycle:
    """Parse one row. Raises ValueError with what is wrong and the remedy."""
    for column in REQUIRED:
        if not row[column]:
            raise ValueError(f"{column} is empty; fill it in, or remove the row")
    label = row["label"].lower()
    if label not in {*FOUR_CLASSES, *TWO_CLASSES}:
        known = ", ".join(FOUR_CLASSES)
        raise ValueError(f"unknown label {row['label']!r}; use {known}, or normal and abnormal")
    begin, end = _seconds(row, BEGIN), _seconds(row, END)
    if end is not None and end <= (begin or 0.0):
        raise ValueError(f"end {row[END]} is not after begin; correct them")
    span = f"@{row.get(BEGIN) or 0}-{row.get(END) or 'end'}" if begin is not None or end is not None else ""
    return Cycle(
        path=path,
        clip_id=row.get(CLIP_ID) or row["path"] + span,
        patient=row["patient"],
        label=label,
        begin=begin or 0.0,
        end=end,
        meta={column: value for column, value in row.items() if column not in OF_CLIPS},
        row=place,
    )


def _seconds(row: Mapping[str, str], column: str) -> float | None:
    text = row.get(column, "")
    if not text:
        return None
    try:
        value = float(text.replace("_", "?"))  # which Python would read over
    except ValueError as error:
        raise ValueError(f"{column} {text!r} is not a number of seconds; correct it") from error
    if not 0 <= value < float("inf"):
        raise ValueError(f"{column} {text!r} is not a time in the file; correct it")
    return value
