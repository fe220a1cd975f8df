"""ICBHI 2017 Respiratory Sound Database (Rocha et al. 2019, doi:10.1088/1361-6579/ab03ea), in both of its layouts.

Original: ``<recording>.wav`` beside ``<recording>.txt``, whose lines are ``begin end crackle wheeze`` (s, s, 0/1, 0/1).
Segmented: one file per cycle, ``<recording>_segment_<number>_<crackle>_<wheeze>.wav`` (or .flac), numbered from 1.
A recording's name is ``<patient>_<index>_<chest location>_<mode>_<device>``.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from corpora.cycles import Cycle, four_class
from corpora.problems import InputError, InputErrors
from corpora.readers.files import files_below, read_text

SEGMENT = re.compile(r"(?P<recording>.+)_segment_(?P<number>\d+)_(?P<crackle>[01])_(?P<wheeze>[01])")
RECORDING = re.compile(r"(?P<patient>\d+)_(?P<index>[^_]+)_(?P<location>[^_]+)_(?P<mode>[^_]+)_(?P<device>[^_]+)")
OFFICIAL_SPLIT = "ICBHI_challenge_train_test.txt"
DIAGNOSES = "patient_diagnosis.csv"
DEMOGRAPHICS = "demographic_info.txt"

_REMEDY = "Correct or move these files and run the same command again."


def read_icbhi(folder: Path) -> list[Cycle]:
    """List every annotated cycle below a folder, in either layout, not yet decoded.

    Metadata: recording, cycle, location, mode, device; age (years), sex, bmi (kg/m²), diagnosis and official (``train``
    or ``test``) where the database's own companion files lie in the folder or the one above it.

    Raises:
        InputError: no recordings, both layouts at once, or files that don't fit together.
    """
    files = files_below(folder)
    audio = [path for path in files if path.suffix.lower() in {".wav", ".flac"}]
    if not audio:
        raise InputError(f"{folder} holds no .wav or .flac file; set DATA to the folder of the ICBHI recordings")
    segmented = sum(SEGMENT.fullmatch(path.stem) is not None for path in audio)
    recordings = sum(RECORDING.fullmatch(path.stem) is not None for path in audio)
    if segmented and recordings:
        raise InputError(
            f"{folder} holds {recordings} whole recordings and {segmented} cut cycles, perhaps of the same breaths; "
            "set DATA to the folder of one of the two"
        )
    companions = Companions.found_near(folder)
    problems: list[str] = []
    cycles = (_segmented if segmented else _annotated)(audio, files, companions, problems)
    first: dict[str, Path] = {}
    for cycle in cycles:
        if cycle.clip_id in first:
            problems.append(
                f"{cycle.path}: cycle {cycle.clip_id} is also in {first[cycle.clip_id]}; remove one of the two"
            )
        elif segmented:
            first[cycle.clip_id] = cycle.path
    if problems:
        raise InputErrors(problems, _REMEDY)
    return cycles


def _segmented(audio: list[Path], files: list[Path], companions: "Companions", problems: list[str]) -> list[Cycle]:
    cycles: list[Cycle] = []
    for path in audio:
        match = SEGMENT.fullmatch(path.stem)
        name = RECORDING.fullmatch(match["recording"]) if match else None
        if match is None or name is None:
            problems.append(f"{path} is not named <recording>_segment_<number>_<crackle>_<wheeze>; rename it")
            continue
        label = four_class(match["crackle"] == "1", match["wheeze"] == "1")
        if path.parent.name in {"pos", "neg"} and (path.parent.name == "pos") != (label != "normal"):
            problems.append(f"{path} lies in {path.parent.name}/, but its name says {label}; correct one of the two")
        cycles.append(_cycle(path, name, int(match["number"]), label, companions))
    return cycles


def _annotated(audio: list[Path], files: list[Path], companions: "Companions", problems: list[str]) -> list[Cycle]:
    annotations: dict[str, Path] = {}
    for path in files:
        if path.suffix.lower() == ".txt" and RECORDING.fullmatch(path.stem):
            if path.stem in annotations:
                problems.append(f"{path}: annotation {path.name} is also in {annotations[path.stem]}; remove one")
            annotations[path.stem] = path
    cycles: list[Cycle] = []
    first: dict[str, Path] = {}
    for path in audio:
        name = RECORDING.fullmatch(path.stem)
        if name is None:
            problems.append(f"{path} is not named <patient>_<index>_<location>_<mode>_<device>; rename it")
        elif path.stem in first:
            problems.append(f"{path}: recording {path.stem} is also in {first[path.stem]}; remove one of the two")
        elif path.stem not in annotations:
            problems.append(f"{path} has no annotation {path.stem}.txt; restore it, or move the recording away")
        else:
            first[path.stem] = path
            cycles += _cut(path, name, annotations[path.stem], companions, problems)
    problems.extend(
        f"{annotations[stem]} annotates a recording that is not here; restore {stem}.wav"
        for stem in sorted(annotations.keys() - {path.stem for path in audio})
    )
    return cycles


def _cut(
    path: Path, name: re.Match[str], annotation: Path, companions: "Companions", problems: list[str]
) -> list[Cycle]:
    """Return the cycles of one recording, one per line of its annotation."""
    cycles: list[Cycle] = []
    rows = [(number, line.split()) for number, line in enumerate(read_text(annotation).splitlines(), 1) if line.strip()]
    if not rows:
        problems.append(f"{annotation} annotates no cycle; restore it, or move the recording away")
    for number, fields in rows:
        try:
            begin, end, crackle, wheeze = fields
            span = float(begin), float(end)
        except ValueError:
            problems.append(
                f"{annotation}, line {number}: {' '.join(fields)!r} is not 'begin end crackle wheeze'; correct it"
            )
            continue
        if not {crackle, wheeze} <= {"0", "1"}:
            problems.append(
                f"{annotation}, line {number}: unknown label '{crackle} {wheeze}', each must be 0 or 1; correct it"
            )
        elif not 0 <= span[0] < span[1] < float("inf"):
            problems.append(f"{annotation}, line {number}: begin {begin} and end {end} are not in order; correct them")
        else:
            label = four_class(crackle == "1", wheeze == "1")
            cycles.append(_cycle(path, name, len(cycles) + 1, label, companions, *span))
    return cycles


def _cycle(
    path: Path,
    name: re.Match[str],
    number: int,
    label: str,
    companions: "Companions",
    begin: float = 0.0,
    end: float | None = None,
) -> Cycle:
    meta = {
        "recording": name.string,
        "cycle": number,
        "location": name["location"],
        "mode": name["mode"],
        "device": name["device"],
        **companions.of(name),
    }
    return Cycle(
        path=path,
        clip_id=f"{name.string}_segment_{number}",
        patient=name["patient"],
        label=label,
        begin=begin,
        end=end,
        meta=meta,
    )


@dataclass(frozen=True, kw_only=True)
class Companions:
    """The database's companion files about patients and recordings; empty where a file is absent."""

    demographics: dict[str, dict[str, str | float]]
    diagnosis: dict[str, str]
    official: dict[str, str]

    @classmethod
    def found_near(cls, folder: Path) -> "Companions":
        """Read the companion files in a folder or the one above it.

        Raises:
            InputError: a companion file has a line that can't be understood.
        """

        def rows(name: str, width: int) -> list[list[str]]:
            for path in (folder / name, folder.resolve().parent / name):
                if path.is_file():
                    lines = [line for line in read_text(path).splitlines() if line.strip()]
                    split = [re.split(r"[\s,;]+", line.strip()) for line in lines]
                    for line, fields in zip(lines, split, strict=True):
                        if len(fields) != width:
                            raise InputError(
                                f"{path}: {line!r} has {len(fields)} fields instead of {width}; correct it"
                            )
                    return split
            return []

        return cls(
            demographics={patient: _person(*fields) for patient, *fields in rows(DEMOGRAPHICS, 6)},
            diagnosis={patient: diagnosis for patient, diagnosis in rows(DIAGNOSES, 2) if patient != "ID"},
            official={_without_device(recording): part for recording, part in rows(OFFICIAL_SPLIT, 2)},
        )

    def of(self, name: re.Match[str]) -> dict[str, str | float]:
        """Return the metadata of one recording; columns of absent files are left out."""
        meta = dict(self.demographics.get(name["patient"], {}))
        if self.diagnosis:
            meta["diagnosis"] = self.diagnosis.get(name["patient"], "")
        if self.official:
            meta["official"] = self.official.get(_without_device(name.string), "")
        return meta


def _without_device(recording: str) -> str:
    """Return a recording's key: the split file and the audio disagree about the device of 226_1b1_Pl_sc."""
    return recording.rpartition("_")[0]


def _person(age: str, sex: str, adult_bmi: str, weight: str, height: str) -> dict[str, str | float]:
    """Parse age (years), sex and BMI (kg/m²; of children from weight in kg and height in cm); NA = NaN."""

    def number(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            return float("nan")

    bmi = number(adult_bmi)
    if bmi != bmi and number(height) > 0:
        bmi = number(weight) / (number(height) / 100) ** 2
    return {"age": number(age), "sex": "" if sex == "NA" else sex, "bmi": bmi}
