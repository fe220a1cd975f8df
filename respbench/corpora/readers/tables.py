"""Rows of the tables that list clips: read as CSV, and each clip once."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from respbench.corpora.problems import InputError, Problem
from respbench.corpora.readers.columns import REQUIRED
from respbench.corpora.readers.files import csv_rows
from respbench.corpora.readers.listed import Listed


def read_rows(manifest: Path, what: str, required: Sequence[str] = REQUIRED) -> list[tuple[int, list[str]]]:
    """Return line number and fields of each row of a CSV file that isn't blank, its header first.

    Args:
        manifest: the file.
        what: it lists, for messages.
        required: columns that it must have, for messages.

    Raises:
        InputError: it is missing, can't be read, is no CSV or empty.
    """
    if manifest.is_dir():
        raise InputError(f"{manifest} is a folder; set DATA to the CSV file that lists the {what}")
    if not manifest.exists():
        raise InputError(f"{manifest} does not exist; set DATA to the CSV file that lists the {what}")
    rows = list(csv_rows(manifest))
    if not rows:
        raise InputError(f"{manifest} is empty; its first line must name at least {', '.join(required)}")
    return rows


def distinct(cycles: Sequence[Listed], problems: list[Problem]) -> list[Listed]:
    """Return each clip once, without those whose rows contradict each other; append the other rows to the problems."""
    named: dict[str, list[Listed]] = defaultdict(list)
    for cycle in cycles:
        named[cycle.clip_id].append(cycle)
    kept: list[Listed] = []
    for name, (first, *others) in named.items():
        line = first.row.rpartition(" ")[2]
        differing = [what for what in REQUIRED if any(getattr(first, what) != getattr(other, what) for other in others)]
        remedy = f" with another {differing[0]}; correct one of them" if differing else "; remove one"
        for other in others:
            text = f"{other.row}: {name} is already on line {line}{remedy}"
            problems.append(Problem(name=name, text=text, patient=other.patient))
        if differing:
            problems.append(replace(problems[-1], patient=first.patient))
        else:
            kept.append(first)
    return kept


def note_on_metadata(columns: Sequence[str], known: Collection[str]) -> str:
    """State which columns of a table were taken as metadata, being none of the known ones, and which weren't read."""
    metadata = [column for column in columns if column not in known]
    said = f"metadata: the column{'s' * (len(metadata) > 1)} {', '.join(metadata)}" if metadata else "no metadata"
    return said + f"; not read: {columns.count('')} without a name" * ("" in columns)
