"""SPRSound, children's breathing from Shanghai (Zhang et al. 2022, IEEE TBioCAS, doi:10.1109/TBCAS.2022.3204910).

``<recording>.wav`` (8 kHz, mono) or ``.flac``, and ``<recording>.json`` of the same name, wherever they lie: the
database keeps sounds and annotations, training and test parts of several years, in folders of their own. An annotation
holds ``record_annotation`` (until 2023) and ``event_annotation``, a list of ``{"start": ms, "end": ms, "type": …}``.
A recording's name is ``<patient>_<age>_<sex>_<chest location>_<number>``.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from respbench.corpora.cycles import RECORDING_CLASSES, SEVEN_CLASSES, Cycle
from respbench.corpora.problems import InputError, Problem
from respbench.corpora.readers.files import read_text
from respbench.corpora.readers.reading import Reading
from respbench.corpora.readers.sprsound_files import Recording, inventory

EVENTS = dict(
    zip(
        ("Normal", "Rhonchi", "Wheeze", "Stridor", "Coarse Crackle", "Fine Crackle", "Wheeze+Crackle"),
        SEVEN_CLASSES,
        strict=True,
    )
)
"""Types of events, and their labels."""

RECORDINGS = dict(zip(("Normal", "CAS", "DAS", "CAS & DAS", "Poor Quality"), RECORDING_CLASSES, strict=True))
"""Annotations of whole recordings, and their labels."""

CONTINUOUS = {"rhonchi", "wheeze", "stridor", "wheeze+crackle"}
DISCONTINUOUS = {"coarse crackle", "fine crackle", "wheeze+crackle"}

LOCATIONS = {"p1": "Pl", "p2": "Ll", "p3": "Pr", "p4": "Lr"}
"""Left posterior, left lateral, right posterior and right lateral, in the codes of ICBHI 2017, so that the control
`metadata` reads both corpora alike. What p5 to p8 stand for is not published; they keep their codes."""

SEXES = {"0": "M", "1": "F"}


def read_sprsound(folder: Path, recordings: bool = False) -> Reading:
    """List every annotated event below a folder, or every annotated recording, not yet decoded.

    Metadata: recording, event, location, age (years), sex, and where it is known ``official``, the part of the
    database. (All recordings come from one kind of stethoscope.)

    Args:
        folder: of the database, or of parts of it.
        recordings: one clip per recording with its annotation as the label, instead of one per event.

    Raises:
        InputError: no recordings, or none that is annotated.
    """
    found = inventory(folder)
    if not found.recordings and not found.problems:
        raise InputError(
            f"{folder} holds no recording (.wav or .flac); set DATA to the folder of the SPRSound database"
        )
    problems, skipped = list(found.problems), {}
    cycles: list[Cycle] = []
    differing = 0
    for recording in found.recordings:
        try:
            quality, listed = _annotated(recording.annotation)
        except InputError as problem:
            problems.append(_problem(recording, recording.sound.stem, str(problem)))
            continue
        faults: list[Problem] = []
        events = list(_events(recording, listed, faults))
        problems += faults
        if recordings and faults:
            continue  # an annotation that is damaged in part is trusted in none
        if recordings and quality:
            label = RECORDINGS[quality]
            cycles.append(_cycle(recording, recording.sound.stem, label))
            differing += label != implied_label({event.label for event in events})
        elif recordings:
            skipped[recording.sound.stem] = "without an annotation of the whole recording"
        else:
            cycles += events
            if not events and not faults:
                poor = "of poor quality and " if quality == "Poor Quality" else ""
                skipped[recording.sound.stem] = f"{poor}without events"
    if not cycles and not problems:
        raise InputError(_nothing(folder, recordings))
    return Reading(
        cycles=cycles,
        classes=RECORDING_CLASSES if recordings else SEVEN_CLASSES,
        skipped=skipped,
        others=+found.others,
        problems=problems,
        note=f"{differing} of {len(cycles)} are annotated otherwise than their events imply" if differing else "",
    )


def implied_label(events: set[str]) -> str:
    """Return the label of a recording that the labels of its events imply; without events, its quality is poor.

    Zhang et al. 2022: continuous (CAS) or discontinuous (DAS) adventitious sounds, both, or neither. ``wheeze+crackle``
    is both.
    """
    if not events:
        return "poor quality"
    kinds = [name for name, labels in (("CAS", CONTINUOUS), ("DAS", DISCONTINUOUS)) if events & labels]
    return " & ".join(kinds) or "normal"


def _nothing(folder: Path, recordings: bool) -> str:
    if recordings:
        return (
            f"{folder}: no annotation labels its whole recording (record_annotation), as those of 2022 and 2023 do; "
            "set DATA to a folder that holds them, or choose another task"
        )
    return f"{folder}: no recording has an annotated event; set DATA to the folder of the whole database"


def _annotated(annotation: Path) -> tuple[str, list[object]]:
    """Return the label of a whole recording, as annotated (empty = not annotated), and its events.

    Raises:
        InputError: the file is no annotation.
    """
    try:
        content = json.loads(read_text(annotation))
    except json.JSONDecodeError as error:
        raise InputError(
            f"{annotation}, line {error.lineno}, is not JSON ({error.msg}); copy it again, or correct it"
        ) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or lists in lists in lists
        raise InputError(f"{annotation} can't be read as JSON ({error}); copy it again, or correct it") from error
    listed = content.get("event_annotation") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise InputError(f"{annotation} has no list event_annotation; copy it again, or correct it")
    quality = content.get("record_annotation", content.get("recording_annotation", ""))
    if quality not in ("", None, *RECORDINGS):
        raise InputError(
            f"{annotation}: unknown record_annotation {quality!r}; it is one of {', '.join(RECORDINGS)}: correct it"
        )
    return quality or "", listed


def _events(recording: Recording, listed: list[object], problems: list[Problem]) -> Iterator[Cycle]:
    """Yield the valid events of a recording, numbered from 1, and append what is wrong with the others."""
    for number, event in enumerate(listed, 1):
        clip_id = f"{recording.sound.stem}_event_{number}"
        try:
            label, begin, end = _event(event)
        except ValueError as error:
            problems.append(_problem(recording, clip_id, f"{recording.annotation}, event {number}{error}"))
        else:
            yield _cycle(recording, clip_id, label, begin, end, event=number)


def _problem(recording: Recording, name: str, text: str) -> Problem:
    return Problem(name=name, text=text, patient=recording.name["patient"])


def _event(event: object) -> tuple[str, float, float]:
    """Return label, begin and end (s) of an event. Raises ValueError with what is wrong and the remedy."""
    if not isinstance(event, dict) or not {"start", "end", "type"} <= event.keys():
        raise ValueError(", lacks start, end or type; correct it")
    kind, start, stop = event["type"], event["start"], event["end"]
    try:
        begin, end = float(start) / 1000, float(stop) / 1000
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f": start {start!r} and end {stop!r} are not milliseconds; correct them") from None
    if not isinstance(kind, str) or kind not in EVENTS:
        raise ValueError(f": unknown type {kind!r}; the types are {', '.join(EVENTS)}: correct it")
    if not 0 <= begin < end < float("inf"):
        raise ValueError(f": start {start} and end {stop} are not in order; correct them")
    return EVENTS[kind], begin, end


def _cycle(
    recording: Recording, clip_id: str, label: str, begin: float = 0.0, end: float | None = None, **meta: str | float
) -> Cycle:
    """Make a clip of a recording, with the recording's metadata."""
    name = recording.name
    part = {"official": recording.part} if recording.part else {}
    return Cycle(
        path=recording.sound,
        clip_id=clip_id,
        patient=name["patient"],
        label=label,
        begin=begin,
        end=end,
        meta={
            "recording": name.string,
            "location": LOCATIONS.get(name["location"], name["location"]),
            "age": float(name["age"]),
            "sex": SEXES[name["sex"]],
            **meta,
            **part,
        },
    )
