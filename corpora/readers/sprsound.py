"""SPRSound, children's breathing from Shanghai (Zhang et al. 2022, IEEE TBioCAS, doi:10.1109/TBCAS.2022.3204910).

``<recording>.wav`` (8 kHz, mono) and ``<recording>.json`` of the same name, wherever they lie: the database keeps
sounds and annotations, training and test parts of several years, in folders of their own. An annotation holds
``record_annotation`` and ``event_annotation``, a list of ``{"start": ms, "end": ms, "type": …}``; one clip per event.
A recording's name is ``<patient>_<age>_<sex>_<chest location>_<number>``.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from corpora.cycles import Cycle
from corpora.problems import InputError, InputErrors
from corpora.readers.files import files_below, read_text

RECORDING = re.compile(
    r"(?P<patient>\d+)_(?P<age>\d+(?:\.\d+)?)_(?P<sex>[01])_(?P<location>p[1-4])_(?P<number>\d+)", re.ASCII
)

LABELS = {
    "Normal": "normal",
    "Fine Crackle": "crackle",
    "Coarse Crackle": "crackle",
    "Wheeze": "wheeze",
    "Rhonchi": "wheeze",
    "Stridor": "wheeze",
    "Wheeze+Crackle": "both",
}
"""The database itself calls wheeze, rhonchi and stridor continuous adventitious sounds, crackles discontinuous ones
(Zhang et al. 2022). Of the challenge's four classes, ``wheeze`` is the continuous one; rhonchi are its low pitches
(Pasterkamp et al. 2016, doi:10.1183/13993003.01132-2015)."""

LOCATIONS = {"p1": "Pl", "p2": "Ll", "p3": "Pr", "p4": "Lr"}
"""Left posterior, left lateral, right posterior and right lateral, in the codes of ICBHI 2017, so that the control
`metadata` reads both corpora alike."""

SEXES = {"0": "M", "1": "F"}
POOR = "Poor Quality"

_REMEDY = "Correct or move these files and run the same command again."


def read_sprsound(folder: Path) -> tuple[list[Cycle], dict[str, str]]:
    """List every annotated event below a folder, not yet decoded.

    Metadata: recording, event, location, age (years), sex. (All recordings come from one kind of stethoscope.)

    Returns:
        The events, and the recordings that have none, each with the reason: those of poor quality were not annotated.

    Raises:
        InputError: no recordings, or files that don't fit together.
    """
    files = files_below(folder)
    sounds = [path for path in files if path.suffix.lower() == ".wav"]
    if not sounds:
        raise InputError(f"{folder} holds no .wav file; set DATA to the folder of the SPRSound database")
    problems: list[str] = []
    annotations = _annotations(files, problems)
    events: list[Cycle] = []
    without: dict[str, str] = {}
    first: dict[str, Path] = {}
    for path in sounds:
        name = RECORDING.fullmatch(path.stem)
        if name is None:
            problems.append(f"{path} is not named <patient>_<age>_<sex 0 or 1>_<location p1 to p4>_<number>; rename it")
        elif path.stem in first:
            problems.append(f"{path}: recording {path.stem} is also in {first[path.stem]}; remove one of the two")
        else:
            first[path.stem] = path
            if path.stem not in annotations:
                problems.append(f"{path} has no annotation {path.stem}.json; restore it, or move the recording away")
                continue
            quality, own = _annotated(path, name, annotations[path.stem], problems)
            events += own
            if not own:
                without[path.stem] = "of poor quality and without events" if quality == POOR else "without events"
    problems.extend(
        f"{annotations[stem]} annotates a recording that is not here; restore {stem}.wav"
        for stem in sorted(annotations.keys() - {path.stem for path in sounds})
    )
    if problems:
        raise InputErrors(problems, _REMEDY)
    if not events:
        raise InputError(f"{folder}: no recording has an annotated event; set DATA to the folder of the whole database")
    return events, without


def _annotations(files: list[Path], problems: list[str]) -> dict[str, Path]:
    """Find the annotations by the recording's name; other JSON files are ignored."""
    found: dict[str, Path] = {}
    for path in files:
        if path.suffix.lower() == ".json" and RECORDING.fullmatch(path.stem):
            if path.stem in found:
                problems.append(f"{path}: annotation {path.name} is also in {found[path.stem]}; remove one")
            found.setdefault(path.stem, path)
    return found


def _annotated(path: Path, name: re.Match[str], annotation: Path, problems: list[str]) -> tuple[str, list[Cycle]]:
    """Return the quality of a recording, and its events."""
    try:
        content = json.loads(read_text(annotation))
    except json.JSONDecodeError as error:
        problems.append(f"{annotation}, line {error.lineno}, is not JSON ({error.msg}); copy it again, or correct it")
        return "", []
    except InputError as error:
        problems.append(str(error))
        return "", []
    listed = content.get("event_annotation") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        problems.append(f"{annotation} has no list event_annotation; copy it again, or correct it")
        return "", []
    meta: dict[str, str | float] = {
        "recording": path.stem,
        "location": LOCATIONS[name["location"]],
        "age": float(name["age"]),
        "sex": SEXES[name["sex"]],
    }
    events = [
        Cycle(
            path=path,
            clip_id=f"{path.stem}_event_{number}",
            patient=name["patient"],
            label=label,
            begin=begin,
            end=end,
            meta={**meta, "event": number},
        )
        for number, label, begin, end in _events(annotation, listed, problems)
    ]
    return str(content.get("record_annotation", "")), events


def _events(annotation: Path, listed: list[object], problems: list[str]) -> Iterator[tuple[int, str, float, float]]:
    """Yield number (from 1), label, begin and end (s) of each valid event."""
    for number, event in enumerate(listed, 1):
        where = f"{annotation}, event {number}"
        if not isinstance(event, dict) or not {"start", "end", "type"} <= event.keys():
            problems.append(f"{where}, lacks start, end or type; correct it")
            continue
        kind, times = event["type"], (event["start"], event["end"])
        try:
            begin, end = (float(time) / 1000 for time in times)
        except (TypeError, ValueError, OverflowError):
            problems.append(f"{where}: start {times[0]!r} and end {times[1]!r} are not milliseconds; correct them")
            continue
        if not isinstance(kind, str) or kind not in LABELS:
            problems.append(f"{where}: unknown type {kind!r}; the types are {', '.join(LABELS)}: correct it")
        elif not 0 <= begin < end < float("inf"):
            problems.append(f"{where}: start {times[0]} and end {times[1]} are not in order; correct them")
        else:
            yield number, LABELS[kind], begin, end
