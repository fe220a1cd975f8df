"""Folders of prepared corpora: whole on the disk before they get their name, and checked when they are opened."""

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from corpora.facts import CorpusFacts


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``folder``, whose name it gets in the end; after an error, it is deleted.

    Everything is on the disk before the name is, so that no power loss leaves a folder that looks whole. What killed
    runs left, and a damaged folder of the name, are deleted.

    Raises:
        OSError: the disk is full or can't be written.
    """
    for stale in folder.parent.glob(f".{glob.escape(folder.name)}.*"):
        shutil.rmtree(stale)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    unfinished.chmod(0o755)
    try:
        yield unfinished
        for path in (*unfinished.iterdir(), unfinished):
            _sync(path)
        if folder.exists():
            shutil.rmtree(folder)
        unfinished.rename(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def is_whole(folder: Path) -> bool:
    """Whether a prepared folder is there and no file of it is missing, cut short or of another size than the others."""
    try:
        facts = CorpusFacts.read(folder / "corpus.json")
        signals = np.load(folder / "signals.npy", mmap_mode="r")
        offsets = np.load(folder / "offsets.npy")
        table = pd.read_csv(folder / "table.csv", usecols=["clip_id"], dtype=str)
    except (OSError, ValueError, EOFError, msgspec.MsgspecError):
        return False
    fits = (len(signals), len(table)) == (offsets[-1], len(offsets) - 1)
    return bool(fits) and (not facts.left_out or (folder / "left_out.csv").exists())


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
