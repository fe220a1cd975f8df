"""List and read files, with errors for whatever can't be read."""

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from respbench.corpora.problems import InputError


def files_below(folder: Path) -> list[Path]:
    """List every file below a folder, sorted; names that start with a dot (what macOS leaves behind) are no data.

    Raises:
        InputError: the folder or one below it is missing or can't be read, or a name is not UTF-8.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; set DATA to the folder that holds the recordings")

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename} can't be read ({error.strerror}); check its permissions") from error

    found: list[Path] = []
    for root, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        found += [Path(root, name) for name in names if not name.startswith(".")]
    for path in found:
        if any("\ud800" <= letter <= "\udfff" for letter in str(path)):
            raise InputError(f"the name of {path} is not UTF-8; rename it")
    return sorted(found)


def kind_of(path: Path) -> str:
    """Name the kind of a file by its ending, for counts of what was not read."""
    return path.suffix.lower() or "without an extension"


def counted(kinds: Iterable[str]) -> str:
    """Count files by kind, as in ``2 .mp3, 1 .txt``."""
    return ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(kinds).items()))


def read_text(path: Path) -> str:
    """Read a small text file, with or without a byte-order mark.

    Raises:
        InputError: it can't be read or is not text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a UTF-8 text file; save it as UTF-8 text") from error
    except OSError as error:
        raise InputError(
            f"{path} can't be read ({error.strerror}); check that it exists and its permissions"
        ) from error


def version_of(path: Path) -> tuple[int, int]:
    """Return when a file was changed, in ns, and its size, to read it once for all of its clips.

    Raises:
        InputError: it can't be found.
    """
    try:
        state = path.stat()
    except OSError as error:
        reason = "does not exist" if isinstance(error, FileNotFoundError) else f"can't be read ({error.strerror})"
        raise InputError(f"{path} {reason}; correct the path or its permissions, or leave it out") from error
    return state.st_mtime_ns, state.st_size


def read_cells(path: Path) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    """Read a CSV file, without the spaces around cells and without blank rows.

    Returns:
        The names of its columns, and the cells of each row by column, with the number of its last line; going through
        them raises InputError where a row is no CSV or has more cells than there are columns.

    Raises:
        InputError: it can't be read, is no CSV, or names a column twice.
    """
    rows = csv_rows(path)
    line, columns = next(rows, (0, []))
    twice = next((name for name in columns if name and columns.count(name) > 1), "")
    if twice:
        raise InputError(f"{path}, line {line}, names two columns {twice}; rename or remove one")

    def by_column() -> Iterator[tuple[int, dict[str, str]]]:
        for line, cells in rows:
            if any(cells[len(columns) :]):
                raise InputError(
                    f"{path}, line {line}, has {len(cells)} cells under {len(columns)} columns; put names that have a "
                    "comma in double quotes"
                )
            yield line, dict.fromkeys(columns, "") | dict(zip(columns, cells, strict=False))

    return columns, by_column()


def csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each row of a CSV file that isn't blank, with the number of its last line.

    Raises:
        InputError: the file can't be read, or a row is no CSV.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), skipinitialspace=True, strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}, is not CSV ({error}); correct it") from error
