"""UCI-HAR: a smartphone at the waist in 6 activities of 30 subjects (Anguita et al. 2013, ESANN, pp. 437-442).

``activity_labels.txt`` (number and name per line), and in ``train`` and ``test``: ``subject_*.txt`` and ``y_*.txt``
(one number per window) and ``Inertial Signals/<signal>_*.txt`` (128 samples per window). Windows of one trial overlap
by half (``README.txt``, version 1.0).
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.choices import MOTION
from respbench.corpora.clips import Signal
from respbench.corpora.cycles import Cycle
from respbench.corpora.digests import digest, file_digest
from respbench.corpora.measurement import Measurement
from respbench.corpora.problems import InputError, Problem
from respbench.corpora.readers.files import files_below, read_text
from respbench.corpora.readers.matrix import read_matrix
from respbench.corpora.readers.reading import Reading
from respbench.corpora.readers.samples import require_movement
from respbench.corpora.readers.stretches import runs
from respbench.corpora.splits.official import OFFICIAL

RATE, SAMPLES = 50, 128
"""Hz, and samples of a window (``README.txt``)."""

WINDOWS = {"train": 7352, "test": 2947}
"""Windows of each part of the published split, which parts subjects."""

SIGNALS = tuple(f"{signal}_{axis}" for signal in ("total_acc", "body_acc", "body_gyro") for axis in "xyz")
"""Acceleration and its part without gravity in g, angular velocity in rad/s."""

LABELS = "activity_labels.txt"


@dataclass(frozen=True, kw_only=True)
class Window(Cycle):
    """One window: ``path`` is the file of the first signal, ``begin`` counts the windows before it as if in a line.

    Attributes:
        content: digest of the files of all signals.
    """

    content: str


def read_window(cycle: Cycle, rate: int) -> Signal:
    """Return a window, (9, 128), in g and rad/s.

    Raises:
        InputError: it holds what is no number, or doesn't vary.
    """
    assert isinstance(cycle, Window)
    window: Signal = _signals(cycle.path.parents[1], cycle.content)[round(cycle.begin * rate / SAMPLES)]
    if not np.isfinite(window).all():
        raise InputError(f"{cycle.place}: a signal of the window holds NaN; copy the files again, or leave it out")
    require_movement(Path(cycle.place), window.T.astype(np.float64), rate)
    return window


INERTIAL = Measurement(
    read=read_window,
    rate=RATE,
    noun="window",
    modality=MOTION,
    channels=SIGNALS,
    unit="g, rad/s",
    person="subject",
)


def read_uci_har(folder: Path) -> Reading:
    """List every window below a folder, not yet decoded.

    Metadata: recording (the trial: consecutive windows of one subject and activity) and official (the published part).

    Raises:
        InputError: there are no windows, or no names of activities.
    """
    found = [path for path in files_below(folder) if path.name == LABELS]
    if len(found) != 1:
        raise InputError(f"{folder} holds {len(found)} files {LABELS}; set DATA to the one folder 'UCI HAR Dataset'")
    names = _activities(found[0])
    cycles: list[Cycle] = []
    problems: list[Problem] = []
    for part in WINDOWS:
        try:
            cycles += _windows(found[0].parent / part, names)
        except InputError as problem:
            problems.append(Problem(name=part, text=str(problem)))
    published = sum(WINDOWS.values())
    whole = len(cycles) == published
    return Reading(
        cycles=cycles,
        classes=tuple(name for name in names.values() if name in {cycle.label for cycle in cycles}),
        problems=problems,
        note="" if whole else f"A PART of the dataset: {len(cycles)} of {published} windows",
        measurement=INERTIAL,
    )


def _activities(path: Path) -> dict[int, str]:
    """Read the names of the activities by their number."""
    rows = [line.split() for line in read_text(path).splitlines() if line.strip()]
    if not rows or any(len(row) != 2 or not row[0].isdecimal() for row in rows):
        raise InputError(f"{path} doesn't hold a number and a name per line; copy it again")
    return {int(number): name for number, name in rows}


def _windows(folder: Path, names: dict[int, str]) -> list[Cycle]:
    """List the windows of a part."""
    part = folder.name
    files = [_file(folder, signal) for signal in SIGNALS]
    subject, activity = (_numbers(folder / f"{name}_{part}.txt") for name in ("subject", "y"))
    unknown = np.flatnonzero(~np.isin(activity, list(names)))
    if len(unknown):
        line = unknown[0]
        where = f"{folder / f'y_{part}.txt'}, line {line + 1}"
        raise InputError(f"{where}: {LABELS} doesn't name activity {activity[line]}; copy both again")
    try:
        content = digest([file_digest(file) for file in files])
    except OSError as error:
        raise InputError(f"{error.filename} can't be read ({error.strerror}); copy the dataset again") from error
    counts = {len(subject), len(activity), len(_signals(folder, content))}
    if len(counts) > 1:
        raise InputError(f"the files of {folder} hold from {min(counts)} to {max(counts)} windows; copy them again")
    cycles: list[Cycle] = []
    for first, last in runs(subject * (max(names) + 1) + activity):
        for row in range(first, last):
            cycle = Window(
                path=files[0],
                clip_id=f"{part}-{row + 1}",
                patient=str(subject[row]),
                label=names[int(activity[row])],
                begin=row * SAMPLES / RATE,
                end=(row + 1) * SAMPLES / RATE,
                meta={"recording": f"{part}-{first + 1}", OFFICIAL: part},
                row=f"{folder}, line {row + 1}",
                content=content,
            )
            cycles.append(cycle)
    return cycles


def _file(folder: Path, signal: str) -> Path:
    return folder / "Inertial Signals" / f"{signal}_{folder.name}.txt"


def _numbers(path: Path) -> NDArray[np.int64]:
    """Read one whole number per line."""
    values = read_matrix(path, 1)[:, 0]
    wrong = np.flatnonzero((values % 1 != 0) | (values < 1))
    if len(wrong):
        raise InputError(f"{path}, line {wrong[0] + 1}: {values[wrong[0]]:g} is no number from 1 on; copy it again")
    return values.astype(np.int64)


@lru_cache(maxsize=len(WINDOWS))
def _signals(folder: Path, content: str) -> NDArray[np.float32]:
    """Read the signals of a part, (windows, signals, samples), once for its ``content``."""
    signals = [read_matrix(_file(folder, signal), SAMPLES, missing_allowed=True) for signal in SIGNALS]
    windows = [len(signal) for signal in signals]
    if len(set(windows)) > 1:
        odd = windows.index(min(windows))
        raise InputError(
            f"{_file(folder, SIGNALS[odd])} holds {windows[odd]} windows, other signals up to {max(windows)}; copy it "
            "again"
        )
    return np.stack(signals, axis=1).astype(np.float32)
