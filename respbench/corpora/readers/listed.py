"""Files that a table lists: found although the disk composes their names otherwise, or described as missing."""

import errno
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from respbench.corpora.cycles import Cycle
from respbench.corpora.patients import spelling
from respbench.corpora.problems import Problem

ABOUT_PATHS = "paths are relative to the manifest, or absolute"

Listed = TypeVar("Listed", bound=Cycle)

Lost = Mapping[Path, Sequence[Cycle]]  # each file that is missing, with its clips


class ListedFiles:
    """Finds the files that a table lists; each folder is listed once.

    Args:
        table: the file that lists them; relative paths start at its folder.
    """

    def __init__(self, table: Path) -> None:
        self.table = table
        self._listings: dict[Path, dict[str, list[str]]] = {}

    def find(self, text: str) -> Path:
        """Return the file that a path in the table means.

        Where there is none, one is taken whose path looks the same: macOS writes é as two characters, most others as
        one. Then, one with the backslashes of Windows between its folders. If there is none either, the path as it is.
        """
        for written in dict.fromkeys((text, text.replace("\\", "/"))):
            path = self.table.parent / written
            if _is(Path.is_file, path):
                return path
            if (alike := self._looking_like(path)) is not None:
                return alike
        return self.table.parent / spelling(text)

    def split_missing(self, cycles: Sequence[Listed]) -> tuple[list[Listed], list[Problem]]:
        """Divide clips into those whose file is there, and the problems of the others.

        What is wrong is one sentence per missing file, per missing folder, or about all files if none of several is
        there.
        """
        there = {path: _is(Path.is_file, path) for path in dict.fromkeys(cycle.path for cycle in cycles)}
        lost: dict[Path, list[Cycle]] = defaultdict(list)
        for cycle in cycles:
            if not there[cycle.path]:
                lost[cycle.path].append(cycle)
        sentences = dict(self._all_missing(lost) if len(lost) == len(there) > 1 else self._some_missing(lost))
        problems = [
            Problem(name=cycle.clip_id, text=sentences[path], patient=cycle.patient)
            for path, clips in lost.items()
            for cycle in clips
        ]
        return [cycle for cycle in cycles if there[cycle.path]], problems

    def _all_missing(self, lost: Lost) -> Iterator[tuple[Path, str]]:
        first = next(iter(lost))
        sentence = (
            f"{self.table} lists {len(lost)} files, and all {len(lost)} are missing: is the folder right? "
            f"{first} does not exist{self._elsewhere(first)} ({ABOUT_PATHS}); correct the paths, or move the manifest"
        )
        yield from ((path, sentence) for path in lost)

    def _elsewhere(self, path: Path) -> str:
        """Say where a file is that is not beside the table, if below the current folder or one above the table."""
        if path.is_relative_to(self.table.parent):
            listed = path.relative_to(self.table.parent)
            for folder in (Path.cwd(), *self.table.parent.parents):
                if _is(Path.is_file, folder / listed):
                    return f", but {folder / listed} does"
        return ""

    def _some_missing(self, lost: Lost) -> Iterator[tuple[Path, str]]:
        in_folder: dict[Path, list[Path]] = defaultdict(list)
        for path in lost:
            in_folder[path.parent].append(path)
        for folder, paths in in_folder.items():
            if len(paths) > 1 and not _is(Path.is_dir, folder):
                sentence = (
                    f"{lost[paths[0]][0].place}: {folder} does not exist, in which {len(paths)} of the files should be "
                    f"({ABOUT_PATHS}); correct the paths, or restore the folder"
                )
                yield from ((path, sentence) for path in paths)
            else:
                yield from ((path, f"{lost[path][0].place}: {path} {self._reason(path)}") for path in paths)

    def _reason(self, path: Path) -> str:
        """Say why there is no file, and what to do."""
        if _is(Path.is_dir, path):
            return "is a folder; list each recording in it"
        near = [name for name in self._listing(path.parent).get(_loosely(path.name), []) if name != path.name]
        hint = f", but {near[0]} does" if near else self._elsewhere(path)
        return f"does not exist{hint} ({ABOUT_PATHS}); correct the path, or restore the file"

    def _looking_like(self, path: Path) -> Path | None:
        """Find the one file whose path has the same spelling, folder by folder."""
        found = Path(path.anchor)
        for part in path.parts[len(found.parts) :]:
            if not _is(Path.exists, found / part):
                near = self._listing(found).get(_loosely(part), [])
                alike = [name for name in near if spelling(name) == spelling(part)]
                if len(alike) != 1:
                    return None
                part = alike[0]
            found /= part
        return found if _is(Path.is_file, found) else None

    def _listing(self, folder: Path) -> dict[str, list[str]]:
        """List a folder by loose names; empty if there is none."""
        if folder not in self._listings:
            names: dict[str, list[str]] = defaultdict(list)
            try:
                for name in sorted(os.listdir(folder)):
                    names[_loosely(name)].append(name)
            except (OSError, ValueError):  # ValueError: a character NUL
                pass
            self._listings[folder] = dict(names)
        return self._listings[folder]


def _loosely(name: str) -> str:
    """Return a name without case and ending."""
    return spelling(name).casefold().rpartition(".")[0] or spelling(name).casefold()


def _is(kind: Callable[[Path], bool], path: Path) -> bool:
    """Whether a path is a file, or of another kind; what may not be looked at is, and is refused when it is read."""
    try:
        return kind(path)
    except OSError as error:
        return error.errno != errno.ENAMETOOLONG
