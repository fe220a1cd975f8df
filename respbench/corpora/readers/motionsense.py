"""MotionSense: a phone in the pocket, 6 activities, 24 subjects (Malekzadeh et al. 2019, doi:10.1145/3302505.3310068).

One file per trial, ``A_DeviceMotion_data/<activity>_<trial>/sub_<subject>.csv``: an index and 12 columns at 50 Hz; and
about the subjects ``data_subjects_info.csv`` (the repository's ``README.md``).
"""

import re
from collections import Counter
from pathlib import Path

import numpy as np

from respbench.corpora.choices import MOTION
from respbench.corpora.clips import Signal
from respbench.corpora.cycles import Cycle
from respbench.corpora.digests import digest
from respbench.corpora.measurement import Measurement
from respbench.corpora.problems import InputError, Problem
from respbench.corpora.readers.files import files_below, read_cells
from respbench.corpora.readers.matrix import read_matrix
from respbench.corpora.readers.reading import Reading
from respbench.corpora.readers.samples import require_movement

RATE = 50
"""Hz."""

ACTIVITIES = {
    "dws": "downstairs",
    "ups": "upstairs",
    "wlk": "walking",
    "jog": "jogging",
    "std": "standing",
    "sit": "sitting",
}
"""What the folders are named after."""

ATTITUDE = tuple(f"attitude.{angle}" for angle in ("roll", "pitch", "yaw"))
"""Angles in rad, which jump where they pass pi; they follow from the rest but for the direction, and are not read."""

CHANNELS = tuple(f"{name}.{axis}" for name in ("gravity", "rotationRate", "userAcceleration") for axis in "xyz")
"""Gravity and the subject's own acceleration in g, angular velocity in rad/s, as iOS divides them (CMDeviceMotion)."""

HEADER = ("", *ATTITUDE, *CHANNELS)

SUBJECTS = "data_subjects_info.csv"

SEX = {"0": "F", "1": "M"}
"""The column ``gender``."""

SINGLE_SENSORS = {"B_Accelerometer_data", "C_Gyroscope_data"}
"""Folders with the two sensors of the same trials on their own."""

TRIAL = re.compile(rf"(?P<activity>{'|'.join(ACTIVITIES)})_(?P<trial>\d+)", re.ASCII)

NAME = re.compile(r"sub_(?P<subject>\d+)\.csv", re.ASCII)


def read_trial(cycle: Cycle, rate: int) -> Signal:
    """Decode a trial to (9, samples) in g and rad/s.

    Raises:
        InputError: the file can't be read, is not as published, lacks samples, or doesn't vary.
    """
    values = read_matrix(cycle.path, len(HEADER), header=HEADER, delimiter=",")
    jumps = np.flatnonzero(np.diff(values[:, 0]) != 1)
    if len(jumps):
        raise InputError(
            f"{cycle.path}, line {jumps[0] + 3}, is not the sample that follows line {jumps[0] + 2}: its index is "
            f"{values[jumps[0] + 1, 0]:g}; copy it again, or leave it out"
        )
    signal = values[:, 1 + len(ATTITUDE) :]
    require_movement(cycle.path, signal, rate)
    return np.ascontiguousarray(signal.T, dtype=np.float32)


INERTIAL = Measurement(
    read=read_trial, rate=RATE, noun="trial", modality=MOTION, channels=CHANNELS, unit="g, rad/s", person="subject"
)


def read_motionsense(folder: Path) -> Reading:
    """List every trial below a folder, not yet decoded.

    Metadata: recording (the trial) and, if `SUBJECTS` is there, age in years, sex, height in cm and weight in kg. IDs
    are hashed, since the number of a trial is that of its activity, too.

    Raises:
        InputError: there are no trials, or `SUBJECTS` is damaged.
    """
    files = files_below(folder)
    subjects = {code: meta for path in files if path.name == SUBJECTS for code, meta in _subjects(path).items()}
    cycles: dict[str, Cycle] = {}
    problems: list[Problem] = []
    others: Counter[str] = Counter()
    for path in files:
        name, trial = NAME.fullmatch(path.name), TRIAL.fullmatch(path.parent.name)
        if name is None:
            continue
        if SINGLE_SENSORS & set(path.parts):
            others["of single sensors"] += 1
            continue
        clip_id = f"{name['subject']}-{digest([path.parent.name, path.name])[:8]}"
        fault = f"{path} lies in no folder <activity>_<trial> of {', '.join(ACTIVITIES)}; rename the folder"
        if trial is not None and clip_id in cycles:
            fault = f"{path} and {cycles[clip_id].path} are of the same trial; remove one of the two"
        if trial is None or clip_id in cycles:
            problems.append(Problem(name=f"{path.parent.name}/{path.stem}", text=fault, patient=name["subject"]))
            continue
        cycles[clip_id] = Cycle(
            path=path,
            clip_id=clip_id,
            patient=name["subject"],
            label=ACTIVITIES[trial["activity"]],
            meta={"recording": clip_id, **subjects.get(name["subject"], {})},
        )
    if not cycles and not problems:
        raise InputError(f"{folder} holds no trial …/sub_….csv; set DATA to the folder with A_DeviceMotion_data")
    labels = {cycle.label for cycle in cycles.values()}
    return Reading(
        cycles=list(cycles.values()),
        classes=tuple(activity for activity in ACTIVITIES.values() if activity in labels),
        others=others,
        problems=problems,
        measurement=INERTIAL,
    )


def _subjects(path: Path) -> dict[str, dict[str, str | float]]:
    """Read who the subjects are, by their code."""
    columns, rows = read_cells(path)
    missing = {"code", "weight", "height", "age", "gender"} - set(columns)
    if missing:
        raise InputError(f"{path} has no column {', '.join(sorted(missing))}; copy it again, or remove it")
    return {
        row["code"]: {
            "age": row["age"],
            "sex": SEX.get(row["gender"], ""),
            "height": row["height"],
            "weight": row["weight"],
        }
        for _, row in rows
    }
