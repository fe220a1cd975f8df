"""ICBHI's companion files: age, sex, BMI and diagnosis of patients, and the challenge's split of the recordings."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from respbench.corpora.patients import confused_with, is_unknown, spelling
from respbench.corpora.problems import InputErrors
from respbench.corpora.readers.files import read_text

OFFICIAL_SPLIT = "ICBHI_challenge_train_test.txt"
DIAGNOSES = "patient_diagnosis.csv"
DEMOGRAPHICS = "demographic_info.txt"

_WIDTHS = {DEMOGRAPHICS: 6, DIAGNOSES: 2, OFFICIAL_SPLIT: 2}


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A line of a companion file.

    Attributes:
        place: path and number.
        key: whom or which recording it is about.
        values: what it states.
    """

    place: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Companions:
    """The database's companion files about patients and recordings; empty where a file is absent."""

    demographics: dict[str, dict[str, str | float]]
    diagnosis: dict[str, str]
    official: dict[str, str]

    @classmethod
    def found_near(cls, folder: Path, patients: Collection[str]) -> "Companions":
        """Read the companion files in a folder or the one above it.

        Args:
            folder: of the recordings.
            patients: of the recordings; the files may list more of them.

        Raises:
            InputErrors: lines that can't be understood, contradict each other, or may be of a patient who is spelled
                otherwise.
        """
        problems: list[str] = []
        demographics, diagnoses, recordings = (_lines(folder, name, problems) for name in _WIDTHS)
        official = [replace(line, key=_without_device(line.key)) for line in recordings]
        for lines in (demographics, diagnoses, official):
            problems += _contradictions(lines)
        for lines in (demographics, diagnoses):
            problems += _doubtful(lines, patients)
        persons = {line.key: _person(line, problems) for line in demographics}
        if problems:
            raise InputErrors(problems, "Correct these lines and run the same command again.")
        return cls(
            demographics=persons,
            diagnosis={line.key: line.values[0] for line in diagnoses},
            official={line.key: line.values[0] for line in official},
        )

    def of(self, patient: str, recording: str) -> dict[str, str | float]:
        """Return the metadata of one recording; columns of absent files are left out."""
        meta = dict(self.demographics.get(patient, {}))
        if self.diagnosis:
            meta["diagnosis"] = self.diagnosis.get(patient, "")
        if self.official:
            meta["official"] = self.official.get(_without_device(recording), "")
        return meta

    def lacking(self, patients: Collection[str]) -> str:
        """State how many patients a file about patients lacks; empty if none."""
        tables = ((DEMOGRAPHICS, set(self.demographics)), (DIAGNOSES, set(self.diagnosis)))
        absent = {name: len(set(patients) - listed) for name, listed in tables if listed}
        return "; ".join(f"{name} lacks {n} of {len(set(patients))} patients" for name, n in absent.items() if n)


def _lines(folder: Path, name: str, problems: list[str]) -> list[_Line]:
    """Read a companion file; without the line that names its columns, which has no number in front."""
    path = next((place for place in (folder / name, folder.resolve().parent / name) if place.is_file()), None)
    lines: list[_Line] = []
    for number, text in enumerate(read_text(path).splitlines() if path else (), 1):
        key, *values = fields = re.split(r"[\s,;]+", spelling(text))
        if len(fields) != _WIDTHS[name]:
            if any(fields):
                width = _WIDTHS[name]
                problems.append(
                    f"{path}, line {number}: {text!r} has {len(fields)} fields instead of {width}; correct it"
                )
        elif lines or is_unknown(key) or key[0].isdigit():
            lines.append(_Line(place=f"{path}, line {number}", key=key, values=tuple(values)))
    return lines


def _contradictions(lines: Sequence[_Line]) -> Iterator[str]:
    """Describe the lines that state something else than an earlier line with the same key."""
    first: dict[str, _Line] = {}
    for line in lines:
        other = first.setdefault(line.key, line)
        if other.values != line.values:
            yield f"{line.place}: {line.key} is also on {other.place.rpartition(', ')[2]}, with other values; keep one"


def _doubtful(lines: Sequence[_Line], patients: Collection[str]) -> Iterator[str]:
    """Describe the lines that don't say of whom they are."""
    for line in lines:
        if is_unknown(line.key):
            yield f"{line.place}: patient {line.key!r} is no name; state whose line it is, or remove it"
        elif line.key not in patients and (meant := confused_with(line.key, patients)):
            yield f"{line.place}: patient {line.key!r} may be {meant!r} of the recordings; write both in one way"


def _without_device(recording: str) -> str:
    """Return a recording's key: the split file and the audio disagree about the device of 226_1b1_Pl_sc."""
    return recording.rpartition("_")[0]


def _person(line: _Line, problems: list[str]) -> dict[str, str | float]:
    """Parse age (years), sex and BMI (kg/m²; of children from weight in kg and height in cm); NA = NaN."""

    def number(text: str) -> float:
        try:
            return float("nan") if is_unknown(text) else float(text)
        except ValueError:
            problems.append(f"{line.place}: {text!r} is neither a number nor NA; correct it")
            return float("nan")

    age, sex, adult_bmi, weight, height = line.values
    bmi = number(adult_bmi)
    if bmi != bmi and number(height) > 0:
        bmi = number(weight) / (number(height) / 100) ** 2
    return {"age": number(age), "sex": "" if is_unknown(sex) else sex, "bmi": bmi}
