"""List and read files, with errors for whatever can't be read."""

import os
from pathlib import Path

from corpora.problems import InputError


def files_below(folder: Path) -> list[Path]:
    """List every file below a folder, sorted; names that start with a dot (what macOS leaves behind) are no data.

    Raises:
        InputError: the folder or one below it is missing or can't be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; set DATA to the folder that holds the recordings")

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename} can't be read ({error.strerror}); check its permissions") from error

    found: list[Path] = []
    for root, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        found += [Path(root, name) for name in names if not name.startswith(".")]
    return sorted(found)


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
