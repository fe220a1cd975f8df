"""KAUH lung sounds from Irbid, Jordan (Fraiwan et al. 2021, Data in Brief, doi:10.1016/j.dib.2021.106913).

One wav per recording and filtering, ``<filter>P<patient>_<diagnosis>,<sound>,<location>,<age>,<sex>.wav``, such as
``BP1_Asthma,I E W,P L L,70,M.wav``. A patient was recorded once, and the recording filtered three times, as the bell
(B), the diaphragm (D) and the extended mode (E) of a stethoscope would: three clips of one patient. The names were
typed by hand, so that spaces and capitals are as they come.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from respbench.corpora.cycles import Cycle, four_class
from respbench.corpora.problems import InputError, Problem
from respbench.corpora.readers.doubles import problems_of_doubles, same_bytes
from respbench.corpora.readers.files import counted, files_below, kind_of
from respbench.corpora.readers.reading import Reading

NAME = re.compile(
    r"(?P<filter>[BDE])\s*P\s*(?P<number>\d+)\s*_(?P<diagnosis>[^,]+),(?P<sound>[^,]+),(?P<location>[^,]+),"
    r"\s*(?P<age>\d+(?:\.\d+)?)\s*,\s*(?P<sex>[FM])\s*",
    re.ASCII | re.IGNORECASE,
)

FILTERS = {"B": "bell", "D": "diaphragm", "E": "extended"}

NORMAL = "N"
PHASES = {"I", "E"}
"""Inspiration and expiration: the phase of a sound, not its kind."""
CRACKLES = {"C", "CREP"}
"""Crackles, or crepitations, as they were called before (Sovijärvi et al. 2000, Eur Respir Rev 10:77, 597-610)."""
WHEEZES = {"W"}
BRONCHIAL = {"B", "BRONCHIAL"}
"""Tracheal breath sounds over the lung: abnormal, yet neither crackle nor wheeze."""

SKIPPED = "of bronchial breathing alone, which is neither normal, crackle nor wheeze"


def read_kauh(folder: Path) -> Reading:
    """List every recording below a folder in each of its filterings, not yet decoded.

    Metadata: recording (one per patient), mode (the filtering), diagnosis, location, age (years), sex.

    Raises:
        InputError: no recordings, or none of a class.
    """
    files = files_below(folder)
    sounds = [path for path in files if path.suffix.lower() == ".wav"]
    others = Counter(kind_of(path) for path in files if path.suffix.lower() != ".wav")
    if not sounds:
        rest = f", but {counted(others.elements())}" if others else ""
        raise InputError(f"{folder} holds no .wav file{rest}; set DATA to the folder of the KAUH recordings")
    problems: list[Problem] = []
    found: dict[str, list[Cycle]] = defaultdict(list)
    for path in sounds:
        try:
            clip = _clip(path)
        except ValueError as error:
            problems.append(Problem(name=path.name, text=f"{path}{error}"))
        else:
            found[clip.clip_id].append(clip)
    contradictions = {problem.name: problem for problem in _contradictions(chain(*found.values()))}
    known, skipped = [], {}
    for clip_id, (clip, *others_of_name) in found.items():
        paths = [one.path for one in (clip, *others_of_name)]
        copies = same_bytes(paths)
        problems += problems_of_doubles("recording", clip_id, clip.patient, paths, copies)
        if not copies:
            continue
        if clip_id in contradictions:
            problems.append(contradictions[clip_id])
        elif clip.label:
            known.append(clip)
        else:
            skipped[clip_id] = SKIPPED
    if not known and not problems:
        raise InputError(
            f"{folder} holds no recording that is normal or has crackles or wheezes; use the whole database"
        )
    return Reading(cycles=known, skipped=skipped, others=others, problems=problems)


def _clip(path: Path) -> Cycle:
    """Parse a file's name; no label for bronchial breathing alone. Raises ValueError with what is wrong."""
    name = NAME.fullmatch(path.stem.strip())
    if name is None:
        raise ValueError(" is not named <B, D or E>P<patient>_<diagnosis>,<sound>,<location>,<age>,<sex>; rename it")
    try:
        label = label_of(name["sound"])
    except ValueError as error:
        raise ValueError(f": {error}") from error
    patient = f"P{int(name['number'])}"
    clip_id = name["filter"].upper() + patient
    return Cycle(path=path, clip_id=clip_id, patient=patient, label=label, meta=_meta(patient, name))


def _contradictions(clips: Iterable[Cycle]) -> Iterator[Problem]:
    """Describe all filterings of each recording whose filterings differ in label: nothing says which is right."""
    filterings: dict[str, list[Cycle]] = defaultdict(list)
    for clip in clips:
        filterings[clip.patient].append(clip)
    for clip in chain(*filterings.values()):
        other = next((one for one in filterings[clip.patient] if one.label != clip.label), None)
        if other:
            mine, theirs = clip.label or "bronchial", other.label or "bronchial"
            text = (
                f"{clip.path} is named {mine}, but {other.path}, the same recording, {theirs}; correct one of the two"
            )
            yield Problem(name=clip.clip_id, text=text, patient=clip.patient)


def label_of(sound: str) -> str:
    """Return the class of a sound like ``I C E W``; empty for bronchial breathing alone.

    Raises:
        ValueError: what is wrong with it, and the remedy.
    """
    words = sound.upper().split()
    unknown = [word for word in words if word not in {NORMAL, *PHASES, *CRACKLES, *WHEEZES, *BRONCHIAL}]
    if unknown:
        raise ValueError(
            f"unknown sound {unknown[0]!r} in {sound.strip()!r}; use N, C, Crep, W or Bronchial, with I and E for when"
        )
    abnormal = set(words) - {NORMAL} - PHASES
    if (NORMAL in words) == bool(abnormal):
        which = "is both normal and not" if abnormal else "names no sound"
        raise ValueError(f"{sound.strip()!r} {which}; use N, or C, Crep, W or Bronchial")
    crackle, wheeze = bool(abnormal & CRACKLES), bool(abnormal & WHEEZES)
    return "" if abnormal and not (crackle or wheeze) else four_class(crackle, wheeze)


def _meta(patient: str, name: re.Match[str]) -> dict[str, str | float]:
    def tidy(text: str) -> str:
        return " ".join(text.split())

    return {
        "recording": patient,
        "mode": FILTERS[name["filter"].upper()],
        "diagnosis": tidy(name["diagnosis"]).lower(),
        "location": tidy(name["location"]).upper(),
        "age": float(name["age"]),
        "sex": name["sex"].upper(),
    }
