"""Count whether a folder holds the whole ICBHI 2017 database."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import soundfile

from respbench.corpora.cycles import FOUR_CLASSES, Cycle
from respbench.corpora.problems import InputErrors
from respbench.corpora.readers.companions import DEMOGRAPHICS, DIAGNOSES, OFFICIAL_SPLIT
from respbench.corpora.readers.icbhi import read_icbhi
from respbench.corpora.splits.official import OFFICIAL


@dataclass(frozen=True, kw_only=True)
class Structure:
    """How much of what a database holds.

    Attributes:
        recordings: wav files, each with the txt file of its annotations.
        patients: people recorded.
        normal: cycles without crackles and wheezes.
        crackle: cycles with crackles only.
        wheeze: cycles with wheezes only.
        both: cycles with crackles and wheezes.
    """

    recordings: int
    patients: int
    normal: int
    crackle: int
    wheeze: int
    both: int

    @property
    def cycles(self) -> int:
        """Annotated breathing cycles of any class."""
        return self.normal + self.crackle + self.wheeze + self.both


ICBHI_2017 = Structure(recordings=920, patients=126, normal=3642, crackle=1864, wheeze=886, both=506)
"""The whole database (Rocha et al. 2019, doi:10.1088/1361-6579/ab03ea): 6,898 cycles."""

PART = "A PART of the database"
"""How the sentence begins that a description has where not all of the database is here."""

COMPANIONS = {
    OFFICIAL_SPLIT: "the challenge's split: protocol `official` needs it",
    DIAGNOSES: "the diagnosis of each patient: metadata only",
    DEMOGRAPHICS: "age, sex and BMI of each patient: metadata only",
}
"""Files that the reader takes from the data folder or its parent, and what each is for."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What `verify` found.

    Attributes:
        structure: the counts.
        seconds: duration of all recordings together, s.
    """

    structure: Structure
    seconds: float

    def __str__(self) -> str:
        found = self.structure
        return (
            f"{found.recordings} recordings of {found.patients} patients, {self.seconds / 3600:.2g} h, "
            f"{found.cycles} cycles ({found.normal} normal, {found.crackle} crackle, "
            f"{found.wheeze} wheeze, {found.both} both)"
        )


def verify(folder: Path, expected: Structure = ICBHI_2017) -> Summary:
    """Check that ``folder`` holds the whole database: names, pairs, annotations, wav headers and counts.

    Args:
        folder: holds ``*.wav`` and ``*.txt``, side by side.
        expected: the counts to find.

    Raises:
        InputErrors: what does not fit together; or, where all does, every count and file that differs.
    """
    reading = read_icbhi(folder)
    cycles = reading.cycles
    found = _structure(cycles)
    problems = [problem.text for problem in reading.problems] or _differences(found, expected)
    seconds = sum(_duration(path, problems) for path in sorted({cycle.path for cycle in cycles}))
    if problems:
        raise InputErrors(problems, f"Restore what differs in {folder} from the archive, or fetch it again.")
    return Summary(structure=found, seconds=seconds)


def part_here(cycles: Sequence[Cycle], whole: Structure = ICBHI_2017) -> str:
    """State how much of the database is here, in a clause for the corpus' description; empty if all of it is."""
    found = _structure(cycles)
    if found.cycles >= whole.cycles and found.recordings >= whole.recordings:
        return ""
    sides = Counter(str(cycle.meta.get(OFFICIAL, "")).lower() for cycle in cycles)
    known = f" ({sides['train']:,} of the official training part, {sides['test']:,} of the test part)"
    return (
        f"{PART}: {found.cycles:,} of {whole.cycles:,} cycles{known * bool(sides['train'] + sides['test'])}, from "
        f"{found.recordings:,} of {whole.recordings:,} recordings of {found.patients:,} of {whole.patients:,} "
        "patients, so that its figures are not comparable with those published on the whole"
    )


def stated_part(description: str) -> str:
    """Find what `part_here` stated in a description; empty if nothing."""
    _, found, rest = description.partition(PART)
    return found + rest.partition(";")[0]


def absent_companions(folder: Path) -> list[str]:
    """List the names in `COMPANIONS` that are neither in ``folder`` nor in its parent."""
    return [name for name in COMPANIONS if not any((place / name).is_file() for place in (folder, folder.parent))]


def _structure(cycles: Sequence[Cycle]) -> Structure:
    """Count what cycles make up."""
    labels = Counter(cycle.label for cycle in cycles)
    return Structure(
        recordings=len({str(cycle.meta["recording"]) for cycle in cycles}),
        patients=len({cycle.patient for cycle in cycles}),
        **{label: labels[label] for label in FOUR_CLASSES},
    )


def _duration(path: Path, problems: list[str]) -> float:
    """Return the duration in a wav file's header (s); 0 if it can't be read."""
    try:
        with soundfile.SoundFile(path) as file:
            seconds: float = file.frames / file.samplerate
    except (OSError, soundfile.SoundFileError):
        problems.append(f"{path} is not readable as sound")
        return 0.0
    if seconds == 0:
        problems.append(f"{path} holds no sound")
    return seconds


def _differences(found: Structure, expected: Structure) -> list[str]:
    problems = []
    for field in fields(Structure):
        wanted, there = getattr(expected, field.name), getattr(found, field.name)
        noun = f"{field.name} cycles" if field.name in FOUR_CLASSES else field.name
        if wanted != there:
            problems.append(f"{wanted} {noun} expected, {there} found")
    return problems
