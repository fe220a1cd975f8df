"""ICBHI 2017 Respiratory Sound Database (Rocha et al. 2019, doi:10.1088/1361-6579/ab03ea), in both of its layouts.

Original: ``<recording>.wav`` beside ``<recording>.txt``, whose lines are ``begin end crackle wheeze`` (s, s, 0/1, 0/1).
Segmented: one file per cycle, ``<recording>_segment_<number>_<crackle>_<wheeze>.wav`` (or .flac), numbered from 1.
A recording's name is ``<patient>_<index>_<chest location>_<mode>_<device>``.
"""

import re
from collections import Counter, defaultdict
from pathlib import Path

from respbench.corpora.cycles import Cycle, four_class
from respbench.corpora.problems import InputError, Problem
from respbench.corpora.readers.companions import DEMOGRAPHICS, DIAGNOSES, OFFICIAL_SPLIT, Companions
from respbench.corpora.readers.doubles import problems_of_doubles, same_bytes
from respbench.corpora.readers.files import counted, files_below, kind_of, read_text
from respbench.corpora.readers.reading import Reading

SEGMENT = re.compile(r"(?P<recording>.+)_segment_(?P<number>\d+)_(?P<crackle>[01])_(?P<wheeze>[01])")
RECORDING = re.compile(r"(?P<patient>\d+)_(?P<index>[^_]+)_(?P<location>[^_]+)_(?P<mode>[^_]+)_(?P<device>[^_]+)")

SOUNDS = (".wav", ".flac")

OF_THE_DATABASE = {OFFICIAL_SPLIT, DIAGNOSES, DEMOGRAPHICS, "filename_format.txt", "filename_differences.txt"}
"""Files without cycles that the database is distributed with."""


def read_icbhi(folder: Path) -> Reading:
    """List every annotated cycle below a folder, in either layout, not yet decoded.

    Metadata: recording, cycle, location, mode, device; age (years), sex, bmi (kg/m²), diagnosis and official (``train``
    or ``test``) where the database's own companion files lie in the folder or the one above it.

    Raises:
        InputError: no recordings, both layouts at once, or a companion file that can't be understood.
    """
    files = files_below(folder)
    audio = [path for path in files if path.suffix.lower() in SOUNDS]
    if not audio:
        instead = f", but {counted(map(kind_of, files))}" if files else ""
        raise InputError(
            f"{folder} holds no .wav or .flac file{instead}; set DATA to the folder of the ICBHI recordings"
        )
    segmented = sum(SEGMENT.fullmatch(path.stem) is not None for path in audio)
    recordings = sum(RECORDING.fullmatch(path.stem) is not None for path in audio)
    if segmented and recordings:
        raise InputError(
            f"{folder} holds {recordings} whole recordings and {segmented} cut cycles, perhaps of the same breaths; "
            "set DATA to the folder of one of the two"
        )
    patients = {path.stem.partition("_")[0] for path in audio if RECORDING.match(path.stem)}
    companions = Companions.found_near(folder, patients)
    annotations = [] if segmented else [path for path in files if _is_annotation(path)]
    read = {*audio, *annotations}
    others = Counter(kind_of(path) for path in files if path not in read and path.name not in OF_THE_DATABASE)
    problems: list[Problem] = []
    cycles = (
        _segmented(audio, companions, problems) if segmented else _annotated(audio, annotations, companions, problems)
    )
    return Reading(cycles=cycles, others=others, problems=problems, note=companions.lacking(patients))


def _is_annotation(path: Path) -> bool:
    return path.suffix.lower() == ".txt" and RECORDING.fullmatch(path.stem) is not None


def _segmented(audio: list[Path], companions: Companions, problems: list[Problem]) -> list[Cycle]:
    """Return one cycle per file; those whose names contradict each other, or the folder, are problems."""
    found: dict[str, list[Cycle]] = defaultdict(list)
    for path in audio:
        match = SEGMENT.fullmatch(path.stem)
        name = RECORDING.fullmatch(match["recording"]) if match else None
        if match is None or name is None:
            text = f"{path} is not named <recording>_segment_<number>_<crackle>_<wheeze>; rename it"
            problems.append(Problem(name=path.name, text=text))
            continue
        label = four_class(match["crackle"] == "1", match["wheeze"] == "1")
        cycle = _cycle(path, name, int(match["number"]), label, companions)
        if path.parent.name in {"pos", "neg"} and (path.parent.name == "pos") != (label != "normal"):
            text = f"{path} lies in {path.parent.name}/, but its name says {label}; correct one of the two"
            problems.append(Problem(name=cycle.clip_id, text=text, patient=cycle.patient))
        else:
            found[cycle.clip_id].append(cycle)
    usable: list[Cycle] = []
    for clip_id, cycles in found.items():
        paths = [cycle.path for cycle in cycles]
        copies = len({cycle.label for cycle in cycles}) == 1 and same_bytes(paths)
        usable += cycles[:1] if copies else []
        problems += problems_of_doubles("cycle", clip_id, cycles[0].patient, paths, copies)
    return usable


def _annotated(
    audio: list[Path], annotations: list[Path], companions: Companions, problems: list[Problem]
) -> list[Cycle]:
    """Return the cycles of all recordings that belong to one annotation."""
    annotation_of, sounds_of = _by_stem(annotations), _by_stem(audio)
    cycles: list[Cycle] = []
    for stem, paths in sounds_of.items():
        name = RECORDING.fullmatch(stem)
        if name is None:
            shape = "<patient>_<index>_<location>_<mode>_<device>"
            problems += (Problem(name=path.name, text=f"{path} is not named {shape}; rename it") for path in paths)
            continue
        stated = annotation_of.get(stem, [])
        if not stated:
            text = f"{paths[0]} has no annotation {stem}.txt; restore it, or move the recording away"
            problems.append(Problem(name=stem, text=text, patient=name["patient"]))
            continue
        doubles = (("recording", paths, same_bytes(paths)), ("annotation", stated, same_bytes(stated)))
        for what, files, copies in doubles:
            problems += problems_of_doubles(what, stem, name["patient"], files, copies)
        if all(copies for _, _, copies in doubles):
            cycles += _cut(paths[0], name, stated[0], companions, problems)
    for stem in sorted(annotation_of.keys() - sounds_of.keys()):
        text = f"{annotation_of[stem][0]} annotates a recording that is not here; restore {stem}.wav"
        problems.append(Problem(name=stem, text=text, patient=stem.partition("_")[0]))
    return cycles


def _by_stem(paths: list[Path]) -> dict[str, list[Path]]:
    """Group files by their names without endings."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        groups[path.stem].append(path)
    return groups


def _cut(
    path: Path, name: re.Match[str], annotation: Path, companions: Companions, problems: list[Problem]
) -> list[Cycle]:
    """Return the cycles of one recording, numbered as the lines of its annotation."""

    def refuse(text: str, number: int | None = None) -> None:
        clip = name.string if number is None else f"{name.string}_segment_{number}"
        problems.append(Problem(name=clip, text=text, patient=name["patient"]))

    try:
        lines = enumerate(read_text(annotation).splitlines(), 1)
    except InputError as error:
        refuse(str(error))
        return []
    rows = [(line, text.split()) for line, text in lines if text.strip()]
    if not rows:
        refuse(f"{annotation} annotates no cycle; restore it, or move the recording away")
    cycles: list[Cycle] = []
    for number, (line, fields) in enumerate(rows, 1):
        where = f"{annotation}, line {line}:"
        try:
            begin, end, crackle, wheeze = fields
            span = float(begin), float(end)
        except ValueError:
            refuse(f"{where} {' '.join(fields)!r} is not 'begin end crackle wheeze'; correct it", number)
            continue
        if not {crackle, wheeze} <= {"0", "1"}:
            refuse(f"{where} unknown label '{crackle} {wheeze}', each must be 0 or 1; correct it", number)
        elif not 0 <= span[0] < span[1] < float("inf"):
            refuse(f"{where} begin {begin} and end {end} are not in order; correct them", number)
        else:
            label = four_class(crackle == "1", wheeze == "1")
            cycles.append(_cycle(path, name, number, label, companions, *span))
    return cycles


def _cycle(
    path: Path,
    name: re.Match[str],
    number: int,
    label: str,
    companions: Companions,
    begin: float = 0.0,
    end: float | None = None,
) -> Cycle:
    meta = {
        "recording": name.string,
        "cycle": number,
        "location": name["location"],
        "mode": name["mode"],
        "device": name["device"],
        **companions.of(name["patient"], name.string),
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
