"""Unpack a downloaded archive safely."""

import errno
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from respbench.corpora.prepared.durable import delete
from respbench.corpora.problems import InputError

Report = Callable[[int, int | None], None]
"""Called with the bytes done so far, and with all bytes, or None if unknown."""

AGAIN = "run the same command again"

PIECE = 1 << 16
"""Bytes handled at a time: little enough that an interruption loses next to nothing."""

LARGEST = 10 << 30
"""Bytes that an archive may unpack to: the database is 5.5 h of sound, under 3 GB even at 44.1 kHz and 24 bit."""

MOST = 100_000
"""Files in an archive: the database has 1,840."""

DENSEST = 100
"""Times its own size that an archive may unpack to: sound shrinks to a tenth at best, a zip bomb to a thousandth."""

# What zipfile raises on damaged bytes.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError)


def unpack(archive: Path, folder: Path, report: Report) -> None:
    """Unpack a zip archive to ``folder``, without the folders around its files; every member's checksum is tested.

    Hidden files and ``__MACOSX`` (notes of a Mac's Finder about the files) are no part of the data and are left out.

    Args:
        archive: stored or deflated zip.
        folder: appears when everything is unpacked, and not before; must not exist, or be empty.
        report: called for every chunk written.

    Raises:
        InputError: the archive is damaged or no zip, a member points outside the folder, it would unpack to too much,
            or the disk is full.
    """
    fresh = folder.with_name(folder.name + ".unpacking")
    try:
        with disk(folder), _undamaged(archive), zipfile.ZipFile(archive) as opened:
            delete(fresh)  # what a killed run has left
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
        raise InputError(f"{path} can't be used ({error.strerror or error}); correct that and {AGAIN}") from error


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
    """List the files to unpack, each with its path below their common folder."""
    everything = [(info, _safe_path(archive, info)) for info in opened.infolist()]
    files = [
        (info, path)
        for info, path in everything
        if not info.is_dir() and not any(part == "__MACOSX" or part.startswith(".") for part in path.parts)
    ]
    if not files:
        raise InputError(f"{archive} holds no files; delete it and fetch another")
    if len(files) > MOST:
        raise InputError(f"{archive} holds {len(files)} files, which no archive of recordings does; delete it")
    size = sum(info.file_size for info, _ in files)
    # Against the archive's own size too: the members of a bomb may share the same few compressed bytes.
    if size > LARGEST or size > DENSEST * archive.stat().st_size:
        raise InputError(f"{archive} would unpack to {size / 1e9:.1f} GB, which no archive of sound does; delete it")
    root = files[0][1].parent
    while not all(path.is_relative_to(root) for _, path in files):
        root = root.parent
    placed = [(info, path.relative_to(root)) for info, path in files]
    names = Counter(_on_any_disk(path) for _, path in placed)
    name, times = names.most_common(1)[0]
    if times > 1:
        raise InputError(f"{archive} holds {name!r} {times} times; delete it and fetch another")
    for _, path in placed:
        if both := next((parent for parent in path.parents if _on_any_disk(parent) in names), None):
            raise InputError(f"{archive} holds {str(both)!r} as a file and as a folder; delete it and fetch another")
    return placed


def _on_any_disk(path: PurePosixPath) -> str:
    """A path as disks compare it: on a Mac, names that differ in case or in Unicode's composition are one file."""
    return unicodedata.normalize("NFC", str(path).casefold())


def _safe_path(archive: Path, info: zipfile.ZipInfo) -> PurePosixPath:
    name = info.filename.replace("\\", "/")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or PureWindowsPath(name).drive:
        raise InputError(
            f"{archive} holds {info.filename!r}, which points outside the folder; delete it: it may be malicious"
        )
    # The upper half of external_attr is the Unix mode; 0 where another system made the archive.
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InputError(
            f"{archive} holds {info.filename!r}, a link or device and no file; delete it: it may be malicious"
        )
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(f"{info.filename!r} is compressed in an unknown way")
    return path
