"""PAMAP2: sensors at hand, chest and ankle of 9 subjects (Reiss & Stricker 2012, ISWC, doi:10.1109/ISWC.2012.13).

``Protocol/subject<number>.dat``, one file per subject: 54 columns at 100 Hz, separated by spaces (the dataset's
``readme.pdf``): time in s, activity, heart rate, and 17 per sensor. What the radio lost is NaN.
"""

import re
from collections import Counter
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
from respbench.corpora.readers.files import files_below, version_of
from respbench.corpora.readers.matrix import read_matrix
from respbench.corpora.readers.reading import Reading
from respbench.corpora.readers.stretches import TOO_SHORT, cut, runs, stretches

RATE = 100
"""Hz."""

COLUMNS = 54

TRANSIENT = 0
"""Between activities; the authors ask to discard it."""

ACTIVITIES = {
    1: "lying",
    2: "sitting",
    3: "standing",
    4: "walking",
    5: "running",
    6: "cycling",
    7: "Nordic walking",
    9: "watching TV",
    10: "computer work",
    11: "car driving",
    12: "ascending stairs",
    13: "descending stairs",
    16: "vacuum cleaning",
    17: "ironing",
    18: "folding laundry",
    19: "house cleaning",
    20: "playing soccer",
    24: "rope jumping",
}

SENSORS = {"hand": 3, "chest": 20, "ankle": 37}
"""The first column of each, counted from 0: its temperature."""

QUANTITIES = {"acc": 1, "gyro": 7}
"""Acceleration (the range of 16 g, which the authors recommend) in m/s² and angular velocity in rad/s: the first of
three columns after the sensor's first. The magnetometer, which shows where in the building a subject faced, is not
read."""

CHANNELS = tuple(f"{sensor}_{quantity}_{axis}" for sensor in SENSORS for quantity in QUANTITIES for axis in "xyz")

LONGEST_LOSS = 0.1
"""s: the longest loss that is interpolated, short against a step. A choice."""

NAME = re.compile(r"subject(?P<subject>\d+)\.dat", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Content:
    """One file.

    Attributes:
        activity: (samples,).
        signals: (samples, channels), short losses interpolated.
        missing: (samples,) whether a sample is of a longer loss.
        broken: (samples,) whether the clock jumps before a sample.
        interpolated: (samples,) whether a sample had a value that was lost, but for a short time.
    """

    activity: NDArray[np.int64]
    signals: NDArray[np.float32]
    missing: NDArray[np.bool_]
    broken: NDArray[np.bool_]
    interpolated: NDArray[np.bool_]


def read_stretch(cycle: Cycle, rate: int) -> Signal:
    """Decode a part of a trial to (18, samples) in m/s² and rad/s.

    Raises:
        InputError: the file can't be read, or the part doesn't vary.
    """
    return cut(cycle, _content(cycle.path, *version_of(cycle.path)).signals, rate)


INERTIAL = Measurement(
    read=read_stretch,
    rate=RATE,
    noun="stretch",
    modality=MOTION,
    channels=CHANNELS,
    unit="m/s², rad/s",
    person="subject",
)


def read_pamap2(folder: Path) -> Reading:
    """List the trials of the protocol below a folder, not yet decoded; files of folders ``Optional`` are not read.

    A trial is parted where more than `LONGEST_LOSS` s are lost or the clock jumps. Metadata: recording (the trial).

    Raises:
        InputError: there are no files of subjects.
    """
    cycles: list[Cycle] = []
    problems: list[Problem] = []
    skipped: dict[str, str] = {}
    others: Counter[str] = Counter()
    found: dict[str, Path] = {}
    interpolated = trials = 0
    for path in files_below(folder):
        name = NAME.fullmatch(path.name)
        if name is None or path.parent.name == "Optional":
            others["files of optional activities"] += name is not None
            continue
        try:
            if name["subject"] in found:
                other = found[name["subject"]]
                raise InputError(f"{path} and {other} are of the same subject; remove one of the two")
            content = _content(path, *version_of(path))
        except InputError as problem:
            problems.append(Problem(name=path.stem, text=str(problem), patient=name["subject"]))
            continue
        found[name["subject"]] = path
        interpolated += int((content.interpolated & (content.activity != TRANSIENT)).sum())
        of_file, without, count = _clips(path, name["subject"], content)
        cycles += of_file
        skipped |= without
        trials += count
    if not cycles and not problems:
        raise InputError(f"{folder} holds no trial of a file subject….dat; set DATA to the folder PAMAP2_Dataset")
    labels = {cycle.label for cycle in cycles}
    return Reading(
        cycles=cycles,
        classes=tuple(name for name in ACTIVITIES.values() if name in labels),
        skipped=skipped,
        others=+others,
        problems=problems,
        note=f"{trials} trials in {len(cycles)} parts between losses of more than {LONGEST_LOSS} s; "
        f"{interpolated} samples of shorter losses are interpolated",
        measurement=INERTIAL,
    )


def _clips(path: Path, subject: str, content: Content) -> tuple[list[Cycle], dict[str, str], int]:
    """Return the clips of a file, what yields none with the reason, and how many trials there are."""
    trials = [(first, last) for first, last in runs(content.activity) if content.activity[first] != TRANSIENT]
    lost = [first for first, last in trials if content.missing[first:last].all()]
    skipped = {f"{subject}@{first / RATE:.2f}": "trials of which a sensor is lost throughout" for first in lost}
    cycles: list[Cycle] = []
    for stretch in stretches(content.activity, content.broken, content.missing):
        activity = int(content.activity[stretch.first])
        if activity == TRANSIENT:
            continue
        cycle = stretch.cycle(path, subject, ACTIVITIES[activity], RATE)
        if stretch.is_short(RATE):
            skipped[cycle.clip_id] = TOO_SHORT
        else:
            cycles.append(cycle)
    return cycles, skipped, len(trials)


@lru_cache(maxsize=1)
def _content(path: Path, changed: int, size: int) -> Content:
    """Read a file once for all of its trials."""
    values = read_matrix(path, COLUMNS, missing_allowed=True)
    known = np.isin(values[:, 1], [TRANSIENT, *ACTIVITIES])
    if not (known & np.isfinite(values[:, 0])).all():
        row = int(np.argmin(known & np.isfinite(values[:, 0])))
        raise InputError(
            f"{path}, row {row + 1}, is of time {values[row, 0]:g} s and activity {values[row, 1]:g}, which the "
            "dataset doesn't have; copy it again, or leave it out"
        )
    columns = [
        sensor + quantity + axis for sensor in SENSORS.values() for quantity in QUANTITIES.values() for axis in range(3)
    ]
    steps = np.diff(values[:, 0]) * RATE
    signals, lost, missing = _without_losses(values[:, columns])
    return Content(
        activity=values[:, 1].astype(np.int64),
        signals=signals.astype(np.float32),
        missing=missing,
        broken=np.r_[False, np.abs(steps - 1) > JITTER],
        interpolated=lost & ~missing,
    )


def _without_losses(
    signals: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Interpolate short losses linearly.

    Args:
        signals: (samples, channels), NaN where a value is lost.

    Returns:
        The signals, whether a value of each sample is lost, and whether for longer (or where the file begins or ends).
    """
    lost = np.isnan(signals)
    sample = np.arange(len(signals))
    for channel in range(signals.shape[1]):
        known = ~lost[:, channel]
        if known.any():
            signals[:, channel] = np.interp(sample, sample[known], signals[known, channel])
    any_lost: NDArray[np.bool_] = np.asarray(lost.any(axis=1))
    missing = any_lost.copy()
    for first, last in runs(any_lost.astype(np.int64)):
        if first > 0 and last < len(missing) and last - first <= LONGEST_LOSS * RATE:
            missing[first:last] = False
    return signals, any_lost, missing
