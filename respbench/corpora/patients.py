"""Patients have one name each: spellings made equal, and clips refused whose patient is in doubt."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from respbench.corpora.cycles import UNLABELED, Cycle
from respbench.corpora.problems import Problem
from respbench.corpora.readers.reading import Reading

UNKNOWN = frozenset(
    {"nan", "na", "n/a", "#n/a", "<na>", "n.a.", "none", "null", "nil", "missing", "unknown", "unnamed", "undefined"}
)
"""What spreadsheets, databases and people write in place of a name that is not known; in any case."""

_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_POINT_ZERO = re.compile(r"\.0*$")


def spelling(text: str) -> str:
    """Return the one spelling of texts that look alike: composed (NFC), single spaces, no invisible characters.

    A non-breaking space becomes a space; zero-width and control characters are removed.
    """
    if text.isascii() and text.isprintable():  # most are, and this is faster
        return " ".join(text.split())
    visible = "".join(char for char in text if char.isspace() or unicodedata.category(char) not in {"Cf", "Cc"})
    return unicodedata.normalize("NFC", " ".join(visible.split()))


def reduced(name: str) -> str:
    """Return what is left of a name without what programs and typists change in it.

    That is case, leading zeros, a ``.0`` at the end, the kind of dash, and letters of full width. Names that are equal
    then, but not before, may or may not be one patient's.
    """
    text = unicodedata.normalize("NFKC", spelling(name)).casefold()
    text = "".join("-" if unicodedata.category(char) == "Pd" else char for char in text)
    return _ZEROS.sub("", _POINT_ZERO.sub("", text))


def is_unknown(name: str) -> bool:
    """Whether a name stands for a patient who is not known, such as ``NA``, ``?`` and an empty one."""
    return name.casefold() in UNKNOWN or not any(char.isalnum() for char in name)


def without_doubtful(reading: Reading) -> Reading:
    """Move the clips whose patient is in doubt from the clips of a corpus to its problems.

    A patient is in doubt who is unknown, or whose name differs from another one in the corpus only as `reduced` says.
    """
    problems = _unknown(reading.cycles) | _ambiguous(reading.cycles)
    return replace(
        reading,
        cycles=[cycle for cycle in reading.cycles if cycle.clip_id not in problems],
        problems=[*reading.problems, *problems_of(reading.cycles, problems)],
    )


def problems_of(cycles: Iterable[Cycle], texts: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the problem of each clip that has one, given what is wrong with them by ``clip_id``."""
    for cycle in cycles:
        if text := texts.get(cycle.clip_id):
            patient = "" if is_unknown(cycle.patient) else cycle.patient
            yield Problem(name=cycle.clip_id, text=text, patient=patient)


def confused_with(name: str, patients: Iterable[str]) -> str | None:
    """Return the first of ``patients`` that a name may mean without being equal to it; None if there is none."""
    return next((other for other in patients if other != name and reduced(other) == reduced(name)), None)


def shared_sounds(cycles: Sequence[Cycle], content: Mapping[Path, str]) -> dict[str, str]:
    """Find clips that overlap with a clip of another patient in one file.

    Of an unlabeled recording the patient is mostly not known, and called after the file. Clips that are the same from
    beginning to end are left to the comparison of sounds, which finds those of other files, too.

    Args:
        cycles: of the corpus.
        content: digest of each file, so that copies and links count as one file.

    Returns:
        What is wrong with each of these clips, by its ``clip_id``.
    """
    problems: dict[str, str] = {}
    of_file: dict[str, list[Cycle]] = defaultdict(list)
    for cycle in cycles:
        if cycle.label != UNLABELED:
            of_file[content[cycle.path]].append(cycle)
    for clips in of_file.values():
        if len({clip.patient for clip in clips}) > 1:
            problems |= _shared_in_file(clips)
    return problems


def _shared_in_file(clips: Sequence[Cycle]) -> dict[str, str]:
    """Find the clips of one file that overlap with one of another patient; see `shared_sounds`."""
    problems: dict[str, str] = {}
    reaching: dict[str, Cycle] = {}  # of each patient, the clip that ends last so far
    for clip in sorted(clips, key=lambda clip: clip.begin):
        for patient, other in reaching.items():
            if patient != clip.patient and clip.begin < _end(other) and not _same_span(clip, other):
                problem = (
                    f"{other.place}: this sound of patient {other.patient} is also that of patient {clip.patient} "
                    f"({_briefly(clip)}); correct one of them"
                )
                problems.setdefault(other.clip_id, problem)
                problems.setdefault(clip.clip_id, problem)
        if clip.patient not in reaching or _end(reaching[clip.patient]) < _end(clip):
            reaching[clip.patient] = clip
    return problems


def _same_span(clip: Cycle, other: Cycle) -> bool:
    return (clip.begin, clip.end) == (other.begin, other.end)


def _end(clip: Cycle) -> float:
    return float("inf") if clip.end is None else clip.end


def _unknown(cycles: Sequence[Cycle]) -> dict[str, str]:
    return {
        cycle.clip_id: f"{cycle.place}: patient {cycle.patient!r} is no name; state who was recorded, or leave it out"
        for cycle in cycles
        if is_unknown(cycle.patient)
    }


def _ambiguous(cycles: Sequence[Cycle]) -> dict[str, str]:
    """Find the clips of patients whose names are nearly equal."""
    first: dict[str, dict[str, Cycle]] = defaultdict(dict)
    for cycle in cycles:
        first[reduced(cycle.patient)].setdefault(cycle.patient, cycle)
    problem_of: dict[str, str] = {}
    for alike in first.values():
        if len(alike) > 1:
            (patient, cycle), *others = alike.items()
            named = " and ".join(f"{name!r} ({_briefly(other)})" for name, other in others)
            problem = (
                f"{cycle.place}: patient {patient!r} differs from {named} only in {_difference(list(alike))}, so that "
                "one person may be trained on and tested; write one patient in one way, and others more differently"
            )
            problem_of |= dict.fromkeys(alike, problem)
    return {cycle.clip_id: problem_of[cycle.patient] for cycle in cycles if cycle.patient in problem_of}


def _briefly(cycle: Cycle) -> str:
    """Where a user finds it, given the table."""
    return cycle.row.rpartition(", ")[2] or str(cycle.path)


def _difference(names: Sequence[str]) -> str:
    """Say in what nearly equal names differ."""
    if len({name.casefold() for name in names}) == 1:
        return "case"
    if len({_POINT_ZERO.sub("", name) for name in names}) == 1:
        return "a '.0' at the end"
    if len({_ZEROS.sub("", name) for name in names}) == 1:
        return "leading zeros"
    return "case, leading zeros, a '.0' at the end or look-alike characters"
