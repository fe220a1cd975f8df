"""Atomic, durable writes: a file is whole or absent, also after a crash or on a full disk."""

import contextlib
import errno
import os
from pathlib import Path

from respbench.corpora.problems import InputError

STALE = "stale"
"""Folder of the fits and trials whose identity is no longer that of the code, data or parameters."""

STALE_README = """# Set aside

Fits and trials whose code, parameters or data have changed since. No report uses them. A run whose code and parameters
are theirs again restores them; delete this folder to free the space.
"""

TEMPORARY = ".tmp"
"""Suffix of a file that is being written."""


class CannotWrite(InputError):
    """The disk is full or the folder can't be written; no model is to blame."""


def disk_refuses(error: Exception) -> bool:
    """Whether an error comes from the disk, not from a model, and would make all further work fail too."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    return isinstance(error, CannotWrite)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, sync it to disk and rename it.

    Raises:
        CannotWrite: the disk is full, the folder can't be written, or the path is that of a device, a pipe or a folder.
    """
    if path.exists() and not path.is_file():
        raise CannotWrite(f"{path} is no file, and would be replaced by one; choose another place")
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        remedy = "free some space" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "choose another place"
        raise CannotWrite(
            f"{path} can't be written ({error.strerror}); {remedy}, then run the same command again: what is finished "
            "is kept"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def refuse_link(folder: Path) -> None:
    """Refuse a folder that is a link: files would be replaced and deleted elsewhere.

    Raises:
        InputError: it is one.
    """
    if folder.is_symlink():
        raise InputError(
            f"{folder} is a link, and files in the folder that it points to would be replaced or deleted; put the "
            "folder itself there, or choose other RESULTS"
        )


def prepare_stale(results: Path, folder: Path) -> None:
    """Make a folder below the folder `STALE` of a results folder, which explains itself."""
    folder.mkdir(parents=True, exist_ok=True)
    readme = results / STALE / "README.md"
    if not readme.exists():
        write_atomically(readme, STALE_README.encode())
