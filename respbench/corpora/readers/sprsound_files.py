"""Find the recordings of SPRSound: which sound belongs to which annotation and part, and what else lies there."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from respbench.corpora.problems import InputError, Problem
from respbench.corpora.readers.doubles import same_bytes
from respbench.corpora.readers.files import files_below, kind_of, read_cells, read_text

RECORDING = re.compile(
    r"(?P<patient>\d+)_(?P<age>\d+(?:\.\d+)?)_(?P<sex>[01])_(?P<location>p[1-8])_(?P<number>\d+)", re.ASCII
)
"""Name of a recording. Locations p5 to p8 occur since 2024."""

SOUNDS = (".wav", ".flac")

LIST = "official.csv"
"""A list of recordings and their parts (columns ``recording``, ``part``), for copies whose folders don't say."""

PARTS = ("train", "inter", "intra")
"""The training part, and the test parts: new patients, and patients of the training part."""

COPIES = "copies of recordings"

_SHAPE = "<patient>_<age>_<sex 0 or 1>_<location p1 to p8>_<number>"


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A recording of which sound and annotation were found.

    Attributes:
        name: match of `RECORDING`.
        sound, annotation: the two files.
        part: one of `PARTS`, or ``test<year>`` of a later challenge; empty = unknown.
    """

    name: re.Match[str]
    sound: Path
    annotation: Path
    part: str


@dataclass(frozen=True)
class Inventory:
    """What lies in a folder.

    Attributes:
        recordings: with their annotations, by the path of the sound.
        problems: recordings or files that can't be used.
        others: how many files of each kind are neither a recording nor an annotation.
    """

    recordings: list[Recording] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)


def inventory(folder: Path) -> Inventory:
    """Pair sounds and annotations by their names, wherever they lie.

    A file that is named like neither is a problem if it seems to be a misnamed recording: a sound in a folder of
    recordings, or one with an annotation of the same name. What was derived from a recording (``<recording>_…``),
    lies in a folder of its own or is of another kind is counted in ``others``.

    Raises:
        InputError: the folder or its list of parts can't be read.
    """
    found = Inventory()
    files = files_below(folder)
    by_suffix = [[path for path in files if path.suffix.lower() in kinds] for kinds in (SOUNDS, (".json",))]
    sounds, annotations = ({name: list(paths) for name, paths in _by_name(kind)} for kind in by_suffix)
    parts = _Parts(folder, files)
    for name in sorted({*sounds, *annotations}, key=lambda name: str((sounds.get(name) or annotations[name])[0])):
        try:
            found.recordings.append(_paired(name, sounds.get(name, []), annotations.get(name, []), parts, found.others))
        except InputError as error:
            found.problems.append(Problem(name=name, text=str(error), patient=name.partition("_")[0]))
    for path, problem in _unnamed(folder, files, sounds, annotations, found.others):
        found.problems.append(Problem(name=str(path.relative_to(folder)), text=problem))
    return found


def _by_name(paths: Iterable[Path]) -> Iterator[tuple[str, list[Path]]]:
    """Group files by the name of their recording; those that have none are left out."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        if RECORDING.fullmatch(path.stem):
            groups[path.stem].append(path)
    yield from groups.items()


def _paired(name: str, sounds: list[Path], annotations: list[Path], parts: "_Parts", others: Counter[str]) -> Recording:
    """Decide which sound and annotation of a name count; copies of the same content are counted in ``others``.

    Raises:
        InputError: one of the two is lacking, or there are several that differ.
    """
    if not annotations:
        raise InputError(f"{sounds[0]} has no annotation {name}.json; restore it, or move the recording away")
    if not sounds:
        raise InputError(f"{annotations[0]} annotates a recording that is not here; restore {name}.wav")
    for paths, what in ((annotations, "annotation"), (sounds, "recording")):
        differs = next((path for path in paths[1:] if not _same(path, paths[0])), None)
        if differs:
            raise InputError(
                f"{paths[0]}: {what} {name} is also in {differs}, with other content; remove one of the two, or set "
                "DATA to a folder that holds one"
            )
    stated = {part for path in [*annotations, *sounds] if (part := parts.of(path))}
    of_annotations = {part for path in annotations if (part := parts.of(path))}
    if len(of_annotations or stated) > 1:
        raise InputError(
            f"{annotations[0]}: recording {name} is in the parts {' and '.join(sorted(stated))}; remove all but one"
        )
    others[COPIES] += len(sounds) - 1
    match = RECORDING.fullmatch(name)
    assert match is not None
    (part,) = of_annotations or stated or {""}
    return Recording(name=match, sound=sounds[0], annotation=annotations[0], part=part)


def _same(path: Path, other: Path) -> bool:
    """Whether two files have the same content: annotations are compared as JSON, sounds byte by byte."""
    if path.suffix.lower() != other.suffix.lower() or not (path.is_file() and other.is_file()):
        return False
    if path.suffix.lower() == ".json":
        return _content(path) == _content(other)
    return same_bytes([path, other])


def _unnamed(
    folder: Path,
    files: list[Path],
    sounds: dict[str, list[Path]],
    annotations: dict[str, list[Path]],
    others: Counter[str],
) -> Iterator[tuple[Path, str]]:
    """Yield the misnamed recordings and annotations with the problem, and count the other files by their kind."""
    named = {*sounds, *annotations}
    homes = _homes(sounds, annotations, files)
    json_names = {path.stem for path in files if path.suffix.lower() == ".json" and path.stem not in named}
    misnamed = set()
    for path in files:
        kind = path.suffix.lower()
        if (path.stem in named and kind in (*SOUNDS, ".json")) or path == folder / LIST:
            continue
        derived = (match := RECORDING.match(path.stem)) is not None and match[0] in named
        if kind in SOUNDS and not derived and (path.parent in homes or path.stem in json_names):
            misnamed.add(path.stem)
            yield path, f"{path} is not named {_SHAPE}; rename it"
        elif kind in SOUNDS:
            others[f"{kind} in {path.parent.relative_to(folder)}"] += 1
        else:
            others[kind_of(path)] += 1
    for path in files:
        stray = path.suffix.lower() == ".json" and path.parent in homes and path.stem in json_names - misnamed
        if stray and not RECORDING.match(path.stem) and "event_annotation" in _fields(path):
            others[".json"] -= 1
            yield path, f"{path} is not named {_SHAPE}; rename it"


def _homes(sounds: dict[str, list[Path]], annotations: dict[str, list[Path]], files: list[Path]) -> set[Path]:
    """Return the folders of recordings and annotations.

    One that holds mostly other sounds, and of recordings only copies of those elsewhere, is a folder of cut events.
    """
    homes = {path.parent for paths in annotations.values() for path in paths}
    homes |= {paths[0].parent for paths in sounds.values() if len({path.parent for path in paths}) == 1}
    copies = Counter(path.parent for paths in sounds.values() for path in paths)
    total = Counter(path.parent for path in files if path.suffix.lower() in SOUNDS)
    return homes | {folder for folder, count in copies.items() if 2 * count > total[folder]}


def _content(path: Path) -> object:
    """Return what a JSON file holds; what is none equals itself alone."""
    try:
        content: object = json.loads(read_text(path))
    except (InputError, ValueError, RecursionError):
        return path
    return content


def _fields(path: Path) -> set[object]:
    """Return the names of the fields of a JSON file."""
    content = _content(path)
    return set(content) if isinstance(content, dict) else set()


class _Parts:
    """The part of the official split that a file is in, by the list or by the names of its folders."""

    def __init__(self, folder: Path, files: list[Path]) -> None:
        self.folder = folder
        path = folder / LIST
        self.listed = dict(_listed(path)) if path in files else {}

    def of(self, path: Path) -> str:
        """Return the part; empty = unknown."""
        if path.stem in self.listed:
            return self.listed[path.stem]
        inside = path.parent.relative_to(self.folder).parts
        words = [set(re.findall(r"[a-z]+|\d+", name.lower())) for name in reversed((self.folder.name, *inside))]
        if any(words_ & {"detection", "compression"} for words_ in words):
            return ""  # other parts of the same recordings, for the challenge of 2024
        for words_ in words:
            year = next((word for word in words_ if re.fullmatch("20[2-9][0-9]", word) and word > "2022"), "")
            if year:
                return f"test{year}"
            part = next((part for part in PARTS if part in words_), "")
            if part:
                return part
        return ""


def _listed(path: Path) -> Iterator[tuple[str, str]]:
    """Read the list of parts.

    Raises:
        InputError: it lacks a column, or names an unknown part.
    """
    columns, rows = read_cells(path)
    if not {"recording", "part"} <= set(columns):
        raise InputError(f"{path} lacks the columns recording and part; add them")
    for line, row in rows:
        name, part = row["recording"], row["part"].lower()
        if part not in PARTS:
            where = f"{path}, line {line}"
            raise InputError(f"{where}: unknown part {part!r}; the parts are {', '.join(PARTS)}: correct it")
        yield name.removesuffix(".wav"), part
