"""Folders of prepared corpora: whole on the disk before they get their name, and checked when they are opened."""

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from respbench.corpora.cycles import UNLABELED
from respbench.corpora.facts import CorpusFacts
from respbench.corpora.prepared.left_out import read_left_out


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``folder``, whose name it gets in the end; after an error, it is deleted.

    Everything is on the disk before the name is, so that no power loss leaves a folder that looks whole. What killed
    runs left, and a damaged folder of the name, are deleted. The caller holds the lock of the name.

    Raises:
        OSError: the disk is full or can't be written.
    """
    for stale in folder.parent.glob(f".{glob.escape(folder.name)}.*"):
        delete(stale)
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}")
    unfinished.mkdir()
    try:
        yield unfinished
        for path in (*unfinished.iterdir(), unfinished):
            _sync(path)
        delete(folder)
        unfinished.rename(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def delete(path: Path) -> None:
    """Delete a file or a folder, if there is one; of a link, never what it points to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def is_whole(folder: Path) -> bool:
    """Whether a prepared folder is there and no file of it is missing, cut short or of another size than the others."""
    try:
        facts = CorpusFacts.read(folder / "corpus.json")
        signals = np.load(folder / "signals.npy", mmap_mode="r")
        offsets = np.load(folder / "offsets.npy")
        table = pd.read_csv(folder / "table.csv", dtype=str, keep_default_na=False)
        fits = (len(signals), len(table)) == (offsets[-1], len(offsets) - 1)
        ordered = offsets[0] == 0 and np.all(np.diff(offsets) > 0) and signals.dtype == np.float32
        named = table["clip_id"].is_unique and table["patient"].all() and facts.rate > 0
        listed = len(read_left_out(folder)) == facts.left_out
        known = set(table["label"]) <= {*facts.classes, UNLABELED}
    except Exception:  # of a damaged header, numpy raises whatever Python's own parser does
        return False
    return bool(fits and ordered and named and listed and known)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
