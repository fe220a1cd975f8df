"""Any other corpus of movements: a CSV of text files of samples, ``path, subject, label, rate`` and further columns."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from respbench.corpora.choices import MOTION
from respbench.corpora.measurement import Measurement
from respbench.corpora.patients import spelling
from respbench.corpora.problems import InputError, InputErrors, Problem
from respbench.corpora.readers.clocks import SeriesCycle, channels_of, read_series
from respbench.corpora.readers.columns import BEGIN, CLIP_ID, END, OF_SAMPLES, PATIENT, SUBJECT, named_columns
from respbench.corpora.readers.columns import OPTIONAL as COLUMNS_OF_CLIPS
from respbench.corpora.readers.listed import ListedFiles
from respbench.corpora.readers.reading import Reading
from respbench.corpora.readers.tables import distinct, note_on_metadata, read_rows

OPTIONAL = (*COLUMNS_OF_CLIPS, *OF_SAMPLES)
"""The span in s; the columns that are channels, by name or number; the column of times in s; the factor to the unit and
the unit; the trial (``recording``), if it isn't the file; and metadata that protocols and reports look for. Other
columns are metadata, too."""

OF_TRIALS = frozenset({"", "path", PATIENT, SUBJECT, "label", "rate", BEGIN, END, CLIP_ID, "recording", *OF_SAMPLES})
"""Columns that are no metadata."""

RESERVED = ("clip_id", "patient", "label")
"""No label, since tables of predictions have columns of these names."""

EMPTY = frozenset({"nan", "<na>", "#n/a"})
"""No label either."""

_REMEDY = "Correct {} and run the same command again."


def read_series_manifest(manifest: Path) -> Reading:
    """List the trials of a manifest, not yet decoded.

    Paths are absolute or relative to the manifest. Channels are those of the first file that can be read: its columns
    but that of the times, or those that the row names. All rows must have as many, in one unit. Files of different
    rates are resampled to the lowest one, rounded down to whole Hz. Of all cells, spaces and composed characters are
    made one `spelling`. The column of the people may be called `SUBJECT` or `PATIENT`, as reports then call them.

    Raises:
        InputError: the manifest can't be read, lacks a column, has one that may be misspelled, has no row that can be
            understood, or one label only.
    """
    manifest = manifest.absolute()
    problems: list[Problem] = []
    listed: list[SeriesCycle] = []
    labels: dict[str, str] = {}
    files = ListedFiles(manifest)
    header, *rows = read_rows(manifest, "trials", _required(SUBJECT))
    people = [name for name in (SUBJECT, PATIENT) if name in map(str.lower, header[1])]
    person = people[0] if people else SUBJECT
    if len(people) > 1:
        raise InputError(f"{manifest} has two columns {' and '.join(people)}; rename or remove one")
    columns = named_columns(manifest, header[1], _required(person), OPTIONAL)
    for line, fields in rows:
        place = f"{manifest}, line {line}"
        cells = dict(zip(columns, map(spelling, fields), strict=False))
        try:
            if len(fields) != len(columns):
                raise ValueError(f"{len(fields)} fields, but the header has {len(columns)} columns; correct it")
            cycle = _cycle(files.find(fields[columns.index("path")]), cells, person, place)
            known = labels.setdefault(cycle.label.casefold(), cycle.label)
            if known != cycle.label:
                raise ValueError(f"label {cycle.label!r} differs from {known!r} in case alone; write both alike")
            first = next(iter(listed), cycle)
            if cycle.unit != first.unit:
                raise ValueError(
                    f"unit {cycle.unit!r} is not {first.unit!r}, that of {first.clip_id}; scale to one unit"
                )
        except ValueError as error:
            name = cells.get(CLIP_ID) or cells.get("path") or f"line {line}"
            problems.append(Problem(name=name, text=f"{place}: {error}", patient=cells.get(person, "")))
        else:
            listed.append(cycle)
    cycles, missing = files.split_missing(distinct(listed, problems))
    problems += missing
    if not cycles:
        empty = [f"{manifest} lists no trials; add rows"]
        raise InputErrors([problem.text for problem in problems] or empty, _REMEDY.format(manifest))
    reading = _reading(manifest, cycles, problems, person)
    return replace(reading, note="; ".join(filter(None, (reading.note, note_on_metadata(columns, OF_TRIALS)))))


def _required(person: str) -> tuple[str, ...]:
    return ("path", person, "label", "rate")


def _reading(manifest: Path, cycles: list[SeriesCycle], problems: list[Problem], person: str) -> Reading:
    labels = sorted({cycle.label for cycle in cycles})
    if len(labels) < 2:
        alike = f"{manifest} labels every trial {labels[0]!r}; add trials of another activity"
        raise InputErrors([*(problem.text for problem in problems), alike], _REMEDY.format(manifest))
    rates = sorted({cycle.native_rate for cycle in cycles})
    channels = _channels(cycles)
    measurement = Measurement(
        read=read_series,
        rate=int(rates[0]),
        noun="series",
        modality=MOTION,
        channels=channels,
        unit=cycles[0].unit,
        person=person,
    )
    resampled = f"resampled from {', '.join(f'{rate:g}' for rate in rates)} Hz" if rates != [int(rates[0])] else ""
    return Reading(
        cycles=[*(replace(cycle, channels=channels) for cycle in cycles)],
        classes=tuple(labels),
        problems=problems,
        note=resampled,
        measurement=measurement,
    )


def _channels(cycles: list[SeriesCycle]) -> tuple[str, ...]:
    """The names of the channels in the first file that can be read."""
    for cycle in cycles:
        try:
            return channels_of(cycle)
        except InputError:  # which is reported when it is decoded
            continue
    return ()


def _cycle(path: Path, cells: Mapping[str, str], person: str, place: str) -> SeriesCycle:
    """Parse one row. Raises ValueError with what is wrong and the remedy."""
    for column in _required(person):
        if not cells[column]:
            raise ValueError(f"{column} is empty; fill it in, or remove the row")
    if cells["label"] in RESERVED:
        raise ValueError(f"label {cells['label']!r} is the name of a column of results; use another word")
    if cells["label"].casefold() in EMPTY:
        raise ValueError(f"label {cells['label']!r} is what programs write for an empty cell; correct it")
    selected = tuple(filter(None, re.split(r"[\s,;|]+", cells.get("columns", ""))))
    if twice := [column for column in selected if selected.count(column) > 1]:
        raise ValueError(f"columns names {twice[0]} twice; correct it")
    begin, end = _number(cells, BEGIN, 0.0), _number(cells, END, float("inf"))
    if not 0 <= begin < end:
        raise ValueError(f"it ends at {cells['end']} s, but begins at {cells['begin'] or 0} s; correct them")
    rate, scale = _number(cells, "rate", 0.0), _number(cells, "scale", 1.0)
    if rate < 1:
        raise ValueError(f"rate {cells['rate']} is no sampling rate from 1 Hz on; correct it")
    if scale == 0:
        raise ValueError("scale 0 makes every sample 0; correct it, or leave it empty")
    stated = cells.get("begin") or cells.get("end")
    span = f"@{cells.get('begin') or 0}-{cells.get('end') or 'end'}" if stated else ""
    meta: dict[str, str | float] = {"recording": cells.get("recording") or cells["path"]}
    return SeriesCycle(
        path=path,
        clip_id=cells.get("clip_id") or cells["path"] + span,
        patient=cells[person],
        label=cells["label"],
        begin=begin,
        end=None if end == float("inf") else end,
        meta=meta | {column: value for column, value in cells.items() if column not in OF_TRIALS},
        row=place,
        native_rate=rate,
        columns=selected,
        time=cells.get("time", ""),
        scale=scale,
        unit=cells.get("unit", ""),
    )


def _number(cells: Mapping[str, str], column: str, default: float) -> float:
    text = cells.get(column, "")
    try:
        value = float(text.replace("_", "?")) if text else default  # Python would read over an underscore
    except ValueError as error:
        raise ValueError(f"{column} {text!r} is no number; correct it") from error
    if text and not abs(value) < float("inf"):
        raise ValueError(f"{column} {text!r} is no finite number; correct it")
    return value
