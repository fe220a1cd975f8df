"""WISDM 1.1: a phone in the front pocket in 6 activities of 36 subjects (Kwapisz et al. 2010, SensorKDD, pp. 10-18).

One file, ``WISDM_ar_v1.1_raw.txt``: records ``user,activity,timestamp,x,y,z;`` in m/s² at 20 Hz, times in ns
(``WISDM_ar_v1.1_raw_about.txt``). In the published file some records share a line, some end with a comma more, and some
are damaged: they lack a value or, while the phone recorded nothing, have time 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.choices import MOTION
from respbench.corpora.clips import Signal
from respbench.corpora.cycles import Cycle
from respbench.corpora.measurement import Measurement
from respbench.corpora.problems import InputError, Problem
from respbench.corpora.readers.clocks import JITTER
from respbench.corpora.readers.files import files_below, read_text, version_of
from respbench.corpora.readers.reading import Reading
from respbench.corpora.readers.stretches import TOO_SHORT, cut, runs, stretches

RATE = 20
"""Hz."""

FILE = "WISDM_ar_v1.1_raw.txt"

ACTIVITIES = ("Walking", "Jogging", "Upstairs", "Downstairs", "Sitting", "Standing")

GAP = 1.0
"""s: trials are parted where the clock jumps by more or back. A choice: the steps of the published clock vary between
about 50 and 110 ms, and published figures take samples in their order as 20 Hz, as is done here."""

NANOSECONDS = 1e9
"""Per s."""


@dataclass(frozen=True, kw_only=True)
class Records:
    """The records of the file that can be used, and what is wrong with others.

    Attributes:
        user: (records,).
        activity: (records,) rows of `ACTIVITIES`.
        time: (records,) in s.
        acceleration: (records, 3) in m/s².
        broken: (records,) whether others are before a record.
        problems: of the others, one per run of damaged records.
    """

    user: NDArray[np.int64]
    activity: NDArray[np.int64]
    time: NDArray[np.float64]
    acceleration: NDArray[np.float32]
    broken: NDArray[np.bool_]
    problems: tuple[Problem, ...]


def read_stretch(cycle: Cycle, rate: int) -> Signal:
    """Decode a part of a trial to (3, samples) in m/s².

    Raises:
        InputError: the file can't be read, or the part doesn't vary.
    """
    return cut(cycle, _records(cycle.path, *version_of(cycle.path)).acceleration, rate)


ACCELERATION = Measurement(
    read=read_stretch,
    rate=RATE,
    noun="stretch",
    modality=MOTION,
    channels=("x", "y", "z"),
    unit="m/s²",
    person="subject",
)


def read_wisdm(folder: Path) -> Reading:
    """List the trials of the one file below a folder, not yet decoded.

    A trial is a run of records of one subject and activity; it is parted at damaged records and where the clock jumps.
    Metadata: recording (the trial). Spans count the records that can be used.

    Raises:
        InputError: there is not one such file, or it can't be read.
    """
    found = [path for path in files_below(folder) if path.name == FILE]
    if len(found) != 1:
        raise InputError(f"{folder} holds {len(found)} files {FILE}; set DATA to the one folder WISDM_ar_v1.1")
    path = found[0]
    records = _records(path, *version_of(path))
    key = records.user * len(ACTIVITIES) + records.activity
    step = np.diff(records.time, prepend=records.time[:1])
    broken = records.broken | (step < 0) | (step > GAP)
    cycles: list[Cycle] = []
    skipped: dict[str, str] = {}
    for stretch in stretches(key, broken):
        label = ACTIVITIES[records.activity[stretch.first]]
        cycle = stretch.cycle(path, str(records.user[stretch.first]), label, RATE)
        if stretch.is_short(RATE):
            skipped[cycle.clip_id] = TOO_SHORT
        else:
            cycles.append(cycle)
    within = ~broken & np.r_[False, np.diff(key) == 0]
    uneven = within & (np.abs(step * RATE - 1) > JITTER)
    share = uneven.sum() / max(1, within.sum())
    labels = {cycle.label for cycle in cycles}
    return Reading(
        cycles=cycles,
        classes=tuple(activity for activity in ACTIVITIES if activity in labels),
        skipped=skipped,
        problems=list(records.problems),
        note=f"{len(runs(key))} trials in {len(cycles)} parts between gaps; {share:.0%} of the clock's steps differ "
        f"from {1000 // RATE} ms by more than half, and samples are taken in their order as {RATE} Hz",
        measurement=ACCELERATION,
    )


@lru_cache(maxsize=1)
def _records(path: Path, changed: int, size: int) -> Records:
    """Read the file once for all of its trials."""
    users: list[int] = []
    rows: list[tuple[int, float, float, float, float]] = []
    broken: list[bool] = []
    damaged: list[tuple[int, str]] = []  # line and fault of each of the records since the last one that can be used
    problems: list[Problem] = []
    for line, fields in _fields(read_text(path)):
        if fault := _fault(fields):
            damaged.append((line, fault))
            continue
        if damaged:
            problems.append(_problem(path, damaged))
        broken.append(bool(damaged))
        damaged = []
        users.append(int(fields[0]))
        time, x, y, z = (float(field) for field in fields[2:])
        rows.append((ACTIVITIES.index(fields[1]), time / NANOSECONDS, x, y, z))
    if damaged:
        problems.append(_problem(path, damaged))
    if not rows:
        raise InputError(f"{path} holds no record user,activity,timestamp,x,y,z; copy it again")
    values = np.array(rows)
    return Records(
        user=np.array(users, dtype=np.int64),
        activity=values[:, 0].astype(np.int64),
        time=values[:, 1],
        acceleration=values[:, 2:].astype(np.float32),
        broken=np.array(broken),
        problems=tuple(problems),
    )


def _fields(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of each record with its line; several records may share a line, and end with a comma more."""
    for number, line in enumerate(text.splitlines(), 1):
        for record in line.split(";"):
            fields = [field.strip() for field in record.split(",")]
            if len(fields) == 7 and not fields[6]:
                fields.pop()
            if any(fields):
                yield number, fields


def _fault(fields: list[str]) -> str:
    """Say what is wrong with a record; empty if nothing is."""
    if len(fields) != 6:
        return f"{len(fields)} values instead of 6"
    if not fields[0].isdecimal():
        return f"user {fields[0]!r} is no number"
    if fields[1] not in ACTIVITIES:
        return f"unknown activity {fields[1]!r}"
    try:
        numbers = [float(field) for field in fields[2:]]
    except ValueError:
        return "a value is missing or no number"
    if not np.isfinite(numbers).all():
        return "a value is not finite"
    return "" if numbers[0] > 0 else f"time {numbers[0]:g}, when nothing was recorded"


def _problem(path: Path, damaged: list[tuple[int, str]]) -> Problem:
    """Describe a run of damaged records by the first one."""
    line, fault = damaged[0]
    more = f" and {len(damaged) - 1} more behind it" * (len(damaged) > 1)
    text = f"{path}, line {line}, holds a damaged record ({fault}){more}; correct it, or leave it out"
    return Problem(name=f"line {line}", text=text)
