"""Trust nothing that was fetched: unpack an archive safely, and count whether it is the whole ICBHI 2017 database."""

import errno
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath, PureWindowsPath

import soundfile

from corpora.cycles import FOUR_CLASSES, four_class
from corpora.problems import InputError, InputErrors

Report = Callable[[int, int | None], None]
"""Called with the bytes done so far, and with all bytes, or None where nobody knows."""

AGAIN = "run the same command again"

PIECE = 1 << 16
"""Bytes handled at a time: little enough that an interruption loses next to nothing."""

LARGEST = 10 << 30
"""Bytes that an archive may unpack to: the database is 5.5 h of sound, under 3 GB even at 44.1 kHz and 24 bit."""

DENSEST = 100
"""Times its own size that an archive may unpack to: sound shrinks to a tenth at best, a zip bomb to a thousandth."""

# What zipfile raises on damaged bytes.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError)


@dataclass(frozen=True)
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

COMPANIONS = {
    "ICBHI_challenge_train_test.txt": "the challenge's split: protocol `official` needs it",
    "patient_diagnosis.csv": "the diagnosis of each patient: metadata only",
    "demographic_info.txt": "age, sex and BMI of each patient: metadata only",
}
"""Files that the reader takes from the data folder or its parent, and what each is for."""

# <patient>_<index>_<chest location>_<mode>_<device>, with the values that filename_format.txt of the database lists.
_RECORDING = re.compile(
    r"\d{3}_\d[bp]\d+_(Tc|Al|Ar|Pl|Pr|Ll|Lr)_(sc|mc)_(AKGC417L|LittC2SE|Litt3200|Meditron)",
)
_PARTS = 5


@dataclass(frozen=True)
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


def unpack(archive: Path, folder: Path, report: Report) -> None:
    """Unpack a zip archive to ``folder``, without the folders around its files; every member's checksum is tested.

    Hidden files and ``__MACOSX`` (notes of a Mac's Finder about the files) are no part of the data and are left out.

    Args:
        archive: stored or deflated zip.
        folder: appears when everything is unpacked, and not before; must not exist, or be empty.
        report: told of every piece written.

    Raises:
        InputError: the archive is damaged or no zip, a member points outside the folder, it would unpack to too much,
            or the disk is full.
    """
    fresh = folder.with_name(folder.name + ".unpacking")
    try:
        with disk(folder), _undamaged(archive), zipfile.ZipFile(archive) as opened:
            shutil.rmtree(fresh, ignore_errors=True)  # what a killed run has left
            members = _members(archive, opened)
            total = sum(info.file_size for info, _ in members)
            need(folder, total)
            done = 0
            for info, path in members:
                (fresh / path).parent.mkdir(parents=True, exist_ok=True)
                with opened.open(info) as source, (fresh / path).open("xb") as file:
                    while piece := source.read(PIECE):
                        file.write(piece)
                        done += len(piece)
                        report(done, total)
            if folder.exists():
                folder.rmdir()
            fresh.replace(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turn what the file system refuses at ``path`` into an InputError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(
                f"the disk that holds {path.parent} is full; free some space and {AGAIN}: what was fetched is kept"
            ) from error
        raise InputError(f"{path} can't be used ({error.strerror or error}); mend that and {AGAIN}") from error


def need(path: Path, size: int) -> None:
    """Raise InputError at once, not after an hour, if ``size`` more bytes don't fit on the disk of ``path``."""
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise InputError(
            f"the disk that holds {path.parent} has {free / 1e9:.1f} GB free and {size / 1e9:.1f} GB are needed; "
            f"free some space and {AGAIN}: what was fetched is kept"
        )


@contextmanager
def _undamaged(archive: Path) -> Iterator[None]:
    anew = f"delete it and {AGAIN} to fetch it anew"
    with archive.open("rb") as file:
        begin = file.read(40)
    if not begin.startswith(b"PK"):
        raise InputError(f"{archive} is no zip archive: it begins with {begin!r}; {anew}")
    try:
        yield
    except _DAMAGE as error:
        raise InputError(f"{archive} is damaged or incomplete ({error}); {anew}") from error


def _members(archive: Path, opened: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """The files to unpack, each with its path below the folder that all of them share."""
    everything = [(info, _safe_path(archive, info)) for info in opened.infolist()]
    files = [
        (info, path)
        for info, path in everything
        if not info.is_dir() and not any(part == "__MACOSX" or part.startswith(".") for part in path.parts)
    ]
    if not files:
        raise InputError(f"{archive} holds no files; delete it and fetch another")
    size = sum(info.file_size for info, _ in files)
    # Against the archive's own size too: the members of a bomb may share the same few compressed bytes.
    if size > LARGEST or size > DENSEST * archive.stat().st_size:
        raise InputError(f"{archive} would unpack to {size / 1e9:.1f} GB, which no archive of sound does; delete it")
    root = files[0][1].parent
    while not all(path.is_relative_to(root) for _, path in files):
        root = root.parent
    placed = [(info, path.relative_to(root)) for info, path in files]
    # Names that differ in case only are one file on a Mac or on Windows.
    name, times = Counter(str(path).casefold() for _, path in placed).most_common(1)[0]
    if times > 1:
        raise InputError(f"{archive} holds {name} {times} times; delete it and fetch another")
    return placed


def _safe_path(archive: Path, info: zipfile.ZipInfo) -> PurePosixPath:
    name = info.filename.replace("\\", "/")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or PureWindowsPath(name).drive:
        raise InputError(
            f"{archive} holds {info.filename!r}, which points outside the folder; delete it, don't trust it"
        )
    # The upper half of external_attr is the Unix mode; 0 where another system made the archive.
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InputError(f"{archive} holds {info.filename!r}, a link or device and no file; delete it, don't trust it")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(f"{info.filename!r} is compressed in an unknown way")
    return path


def verify(folder: Path, expected: Structure = ICBHI_2017) -> Summary:
    """Check that ``folder`` holds the whole database: names, pairs, wav headers, annotations and counts.

    A txt file is an annotation if a wav file has its name, or if its name has the five parts of a recording's;
    any other (the archive may carry descriptions) is left alone, and so are hidden files.

    Args:
        folder: holds ``*.wav`` and ``*.txt``, side by side.
        expected: the counts to find.

    Raises:
        InputErrors: everything that differs, in one list.
    """
    waves = {path.stem: path for path in _files(folder, "*.wav")}
    texts = {path.stem: path for path in _files(folder, "*.txt")}
    annotated = {stem for stem in texts if stem in waves or len(stem.split("_")) == _PARTS}
    recordings = sorted(waves.keys() | annotated)

    problems = [f"{name} is not a recording's name" for name in recordings if not _RECORDING.fullmatch(name)]
    problems += [f"{waves[name]} has no annotation {name}.txt" for name in sorted(waves.keys() - annotated)]
    problems += [f"{texts[name]} has no recording {name}.wav" for name in sorted(annotated - waves.keys())]
    cycles: Counter[str] = Counter()
    for name in sorted(annotated):
        cycles.update(_classes(texts[name], problems))
    seconds = sum(_duration(waves[name], problems) for name in sorted(waves))

    found = Structure(
        recordings=len(waves),
        patients=len({name.split("_")[0] for name in recordings}),
        **{label: cycles[label] for label in FOUR_CLASSES},
    )
    problems = _differences(found, expected) + problems
    if problems:
        raise InputErrors(problems, f"Restore what differs in {folder} from the archive, or fetch it again.")
    return Summary(found, seconds)


def absent_companions(folder: Path) -> list[str]:
    """The names in `COMPANIONS` that lie neither in ``folder`` nor in its parent."""
    return [name for name in COMPANIONS if not any((place / name).is_file() for place in (folder, folder.parent))]


def _files(folder: Path, pattern: str) -> list[Path]:
    # Unzipping by hand on a Mac leaves ._<name>.wav files beside the recordings: they are not sound.
    return [path for path in folder.glob(pattern) if not path.name.startswith(".")]


def _classes(path: Path, problems: list[str]) -> list[str]:
    """The class of each cycle of an annotation file: begin, end (s), crackle, wheeze (0 or 1) on a line."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        problems.append(f"{path} can't be read ({error.strerror})")
        return []
    classes = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            begin, end, crackle, wheeze = line.split()
            if not float(begin) < float(end):
                raise ValueError
            classes.append(four_class(_flag(crackle), _flag(wheeze)))
        except ValueError:
            problems.append(f"{path}, line {number}: {line.strip()[:60]!r} is not `begin end crackle wheeze`")
    return classes


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError
    return text == "1"


def _duration(path: Path, problems: list[str]) -> float:
    """Seconds of sound that a wav file's header announces; 0 if it can't be read."""
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
