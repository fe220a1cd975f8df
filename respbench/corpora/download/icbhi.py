"""`make data`: fetch the ICBHI 2017 archive, unpack and verify it; interrupt it at any time, and run it again."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from respbench.corpora.download.fetch import fetch
from respbench.corpora.download.progress import shown
from respbench.corpora.download.unpack import AGAIN, disk, unpack
from respbench.corpora.download.verify import COMPANIONS, ICBHI_2017, Structure, absent_companions, verify
from respbench.corpora.problems import InputError, InputErrors

ICBHI_URL = "https://bhichallenge.med.auth.gr/sites/default/files/ICBHI_final_database/ICBHI_final_database.zip"
"""The whole database as its authors publish it, about 1.9 GB."""


def download_icbhi(
    folder: Path, url: str = ICBHI_URL, expected: Structure = ICBHI_2017, sleep: Callable[[float], None] = time.sleep
) -> Path:
    """Download the database into ``folder``, skipping the steps that are already done.

    The archive is kept beside the folder, as ``<folder>.zip``, until the recordings are verified. An archive that the
    user puts there is taken instead of fetching.

    Args:
        folder: will hold ``*.wav`` and ``*.txt``; new, empty, or the work of an earlier run.
        url: http or https.
        expected: the counts that the database must have.
        sleep: called with the s to wait before another try.

    Returns:
        The folder, absolute.

    Raises:
        InputError: no connection, full disk, damaged archive, a folder of other files, and so on.
    """
    folder = folder.expanduser().resolve()
    archive = folder.with_name(folder.name + ".zip")
    with disk(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        filled = folder.exists() and any(folder.iterdir())
    if not filled:
        with locked(archive):
            with shown("fetching") as report:
                fetch(url, archive, report, sleep)
            with shown("unpacking") as report:
                unpack(archive, folder, report)
    elif not any(folder.glob("*.wav")):
        raise InputError(f"{folder} holds other files, and no recordings; name a new or empty folder")
    try:
        print(f"{folder}: complete, {verify(folder, expected)}")
    except InputErrors as error:
        aside = f"{folder} and {archive}" if archive.exists() else str(folder)
        raise InputErrors(error.problems, f"Move {aside} away and {AGAIN} to fetch the database anew.") from error
    if archive.exists():
        with disk(archive):
            archive.unlink()
        print(f"{archive}: deleted, since its recordings are verified")
    if absent := absent_companions(folder):
        uses = "; ".join(f"{name} ({COMPANIONS[name]})" for name in absent)
        print(f"not in {folder} nor in {folder.parent}, put there what you have: {uses}")
    return folder


@contextmanager
def locked(archive: Path) -> Iterator[None]:
    """Keep other runs from appending to the same partial file."""
    with disk(archive):
        lock = FileLock(archive.with_name(archive.name + ".lock"), timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise InputError(f"another run is fetching {archive}; wait until it has ended") from error
    try:
        yield
    finally:
        lock.release()
