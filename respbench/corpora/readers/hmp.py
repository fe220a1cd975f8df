"""HMP: a wrist accelerometer in 14 activities (Bruno et al. 2013, ICRA, doi:10.1109/ICRA.2013.6630784).

One text file per trial, ``<Activity>/Accelerometer-<start>-<activity>-<subject>.txt``: three columns (x toward the
hand, y toward the left, z perpendicular to the hand), 32 Hz, codes from 0 to 63 (``MANUAL.txt``, version 1, 2014).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from respbench.corpora.choices import MOTION
from respbench.corpora.clips import Signal
from respbench.corpora.cycles import Cycle
from respbench.corpora.measurement import Measurement
from respbench.corpora.problems import InputError, Problem
from respbench.corpora.readers.doubles import same_bytes
from respbench.corpora.readers.files import files_below, kind_of
from respbench.corpora.readers.reading import Reading
from respbench.corpora.readers.samples import read_samples, require_movement

RATE = 32
"""Hz (``MANUAL.txt``, 3)."""

LARGEST_CODE, RANGE = 63, 3.0
"""6 bits for -1.5 g to +1.5 g (``MANUAL.txt``, 4.2): g = -1.5 + code / 63 * 3."""

STANDARD_GRAVITY = 9.80665
"""m/s² (3rd General Conference on Weights and Measures, 1901)."""

TRIALS = {
    "brush_teeth": 12,
    "climb_stairs": 102,
    "comb_hair": 31,
    "descend_stairs": 42,
    "drink_glass": 100,
    "eat_meat": 5,
    "eat_soup": 3,
    "getup_bed": 101,
    "liedown_bed": 28,
    "pour_water": 100,
    "sitdown_chair": 100,
    "standup_chair": 102,
    "use_telephone": 13,
    "walk": 100,
}
"""The activities, and the trials that ``MANUAL.txt`` counts of each."""

MODEL = re.compile("_MODEL$", re.IGNORECASE)
"""End of the folders with the trials from which the authors built their models; six activities have one."""

NAME = re.compile(
    r"Accelerometer-(?P<day>\d{4}-\d\d-\d\d)-(?P<time>\d\d-\d\d-\d\d)-(?P<activity>[a-z_]+)-(?P<subject>[fm]\d+)",
    re.ASCII | re.IGNORECASE,
)


def read_trial(cycle: Cycle, rate: int) -> Signal:
    """Decode a trial to (3, samples) in m/s².

    Raises:
        InputError: the file can't be read, or holds anything but three columns of codes that vary.
    """
    codes, path = read_samples(cycle.path).values, cycle.path
    if codes.shape[1] != 3:
        raise InputError(f"{path} has {codes.shape[1]} columns instead of x, y, z; copy it again, or leave it out")
    wrong = np.flatnonzero(((codes < 0) | (codes > LARGEST_CODE) | (codes % 1 != 0)).any(axis=1))
    if len(wrong):
        raise InputError(
            f"{path}, sample {wrong[0] + 1}, holds {codes[wrong[0]].max():g}, which is no code from 0 to "
            f"{LARGEST_CODE}; copy it again, or leave it out"
        )
    require_movement(path, codes, rate)
    acceleration = (codes / LARGEST_CODE - 0.5) * RANGE * STANDARD_GRAVITY
    return np.ascontiguousarray(acceleration.T, dtype=np.float32)


ACCELERATION = Measurement(
    read=read_trial, rate=RATE, noun="trial", modality=MOTION, channels=("x", "y", "z"), unit="m/s²", person="subject"
)


def read_hmp(folder: Path) -> Reading:
    """List every trial below a folder, not yet decoded.

    Metadata: recording (the trial), start (when it began), sex. The trials of the authors' models are not read, since
    they are no further recordings, but a choice of these or others for one way of modeling.

    Raises:
        InputError: there are no trials.
    """
    named: dict[str, list[Cycle]] = defaultdict(list)
    problems: list[Problem] = []
    others: Counter[str] = Counter()
    for path in files_below(folder):
        if path.stem.upper() in {"MANUAL", "README"}:
            continue
        if path.suffix.lower() != ".txt":
            others[kind_of(path)] += 1
            continue
        if MODEL.search(path.parent.name):
            others["trials in folders *_MODEL"] += 1
            continue
        try:
            cycle = _cycle(path)
        except InputError as problem:
            problems.append(Problem(name=path.stem, text=str(problem), patient=_subject(path)))
        else:
            named[cycle.clip_id].append(cycle)
    cycles = _distinct(named, problems)
    if not cycles and not problems:
        raise InputError(f"{folder} holds no trial Accelerometer-….txt; set DATA to the folder of the HMP dataset")
    return Reading(
        cycles=cycles,
        classes=tuple(activity for activity in TRIALS if activity in {cycle.label for cycle in cycles}),
        others=others,
        problems=problems,
        note=_part_here(cycles),
        measurement=ACCELERATION,
    )


def _distinct(named: Mapping[str, Sequence[Cycle]], problems: list[Problem]) -> list[Cycle]:
    """Return each trial once, and none of those that contradict each other; append what is wrong to the problems."""
    kept: list[Cycle] = []
    for first, *doubles in named.values():
        trials = [first, *doubles]
        copies = same_bytes([trial.path for trial in trials]) and len({trial.label for trial in trials}) == 1
        for trial in doubles if copies else trials:
            other = first if trial is not first else doubles[0]
            text = f"{trial.path} and {other.path} are of the same subject and second; remove one of the two"
            problems.append(Problem(name=trial.path.stem, text=text, patient=trial.patient))
        kept += [first] * copies
    return kept


def _subject(path: Path) -> str:
    """The subject that a file's name ends with; empty if it ends with none."""
    return found[0].lower() if (found := re.search(r"(?<=-)[fm]\d+$", path.stem, re.ASCII | re.IGNORECASE)) else ""


def _cycle(path: Path) -> Cycle:
    """Parse the name of a file; the activity is in the label alone."""
    name = NAME.fullmatch(path.stem)
    if name is None:
        raise InputError(f"{path} is not named Accelerometer-<start>-<activity>-<subject>; rename it")
    activity, subject = name["activity"].lower(), name["subject"].lower()
    if activity not in TRIALS:
        raise InputError(f"{path} is of the activity {activity!r}, which is none of the dataset's; rename it")
    folder = path.parent.name.lower()
    if folder in TRIALS and folder != activity:
        raise InputError(f"{path} is named {activity}, but lies in a folder of {folder}; correct one of the two")
    trial = f"{subject}-{name['day']}-{name['time']}"
    start = f"{name['day']}T{name['time'].replace('-', ':')}"
    meta: dict[str, str | float] = {"recording": trial, "start": start, "sex": subject[0].upper()}
    return Cycle(path=path, clip_id=trial, patient=subject, label=activity, meta=meta)


def _part_here(cycles: list[Cycle]) -> str:
    """State which trials of the dataset are missing, as its manual counts them; empty if none is."""
    here = Counter(cycle.label for cycle in cycles)
    off = [f"{activity} {here[activity]} of {count}" for activity, count in TRIALS.items() if here[activity] != count]
    total = sum(TRIALS.values())
    return f"A PART of the dataset: {len(cycles)} of {total} trials ({', '.join(off)})" if off else ""
