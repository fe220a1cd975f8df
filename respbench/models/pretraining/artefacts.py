"""Pretrained weights as files of the cache: made once, whole or absent, and checked when they are read.

A file's name holds a key of all that the weights depend on. A lock makes parallel fits wait for the one that makes
them; the system frees the lock of a killed process. A damaged file is made again.
"""

import io
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import torch
from filelock import FileLock

from respbench.corpora import catalog
from respbench.corpora.digests import digest
from respbench.corpora.prepared.durable import delete
from respbench.models.networks.starting_point import State

LIMIT = 4 * 2**30
"""Bytes of all files together, above which those not used for longest are deleted; one of the largest networks of the
suite has 9 MB."""


def folder() -> Path:
    """The folder of pretrained weights: derived data, safe to delete."""
    return catalog.CACHE / "pretrained"


def get_or_make(name: str, key: str, make: Callable[[], State]) -> State:
    """Read stored weights; if there are none, or they are damaged, make and store them.

    Args:
        name: what the file's name begins with; letters, digits and hyphens.
        key: of all that the weights depend on.
        make: called in one process at a time per key.

    Raises:
        OSError: the disk is full or can't be written; no partial file is left.
    """
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise ValueError(f"a name of pretrained weights has lower-case letters, digits and hyphens only; got {name!r}")
    path = folder() / f"{name}-{key}.pt"
    state = read(path, key)
    if state is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            state = read(path, key)  # another process may have made it
            if state is None:
                write(path, key, make())
                state = read(path, key)
                if state is None:
                    raise OSError(f"{path} differs from what was written; check the disk")
        _prune(path)
    return state


def read(path: Path, key: str) -> State | None:
    """The weights in a file, marked as used; None if it is missing, damaged or of another key."""
    stored = read_with_notes(path, key)
    return None if stored is None else stored[0]


def read_with_notes(path: Path, key: str) -> tuple[State, dict[str, str]] | None:
    """The weights in a file and what is noted about them; see `read`."""
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        state, notes = stored["state"], stored["notes"]
        if stored["key"] != key or stored["digest"] != state_digest(state, notes):
            return None
    except Exception:  # of a damaged file, torch raises whatever the reader of zip files, pickles or storages does
        return None
    with suppress(OSError):
        os.utime(path)
    return state, notes


def write(path: Path, key: str, state: State, notes: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write weights under a temporary name, sync them to the disk and rename; the caller holds the lock of the name.

    Args:
        path: of the file.
        key: see `get_or_make`.
        state: the weights.
        notes: what else is known of them.

    Raises:
        OSError: the disk is full or can't be written; no partial file is left.
    """
    for abandoned in path.parent.glob(f".{path.name}.*"):
        delete(abandoned)
    own = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    content = io.BytesIO()
    torch.save({"key": key, "digest": state_digest(own, notes), "state": own, "notes": dict(notes)}, content)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            file.write(content.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_names(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def state_digest(state: State, notes: Mapping[str, str] = MappingProxyType({})) -> str:
    """Hash names, types, shapes and values, and notes."""
    parts: list[bytes | str] = [text for note in sorted(notes.items()) for text in note]
    for name, value in sorted(state.items()):
        parts += [name, str(value.dtype), str(tuple(value.shape)), value.contiguous().numpy().tobytes()]
    return digest(parts)


def _sync_names(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prune(keep: Path) -> None:
    """Delete the weights that were not used for longest until at most ``LIMIT`` bytes are left."""
    stored = []
    for path in keep.parent.glob("*.pt"):
        with suppress(FileNotFoundError):
            status = path.stat()
            stored.append((status.st_mtime_ns, status.st_size, path))
    excess = sum(size for _, size, _ in stored) - LIMIT
    for _, size, path in sorted(stored):
        if excess > 0 and path != keep:
            path.unlink(missing_ok=True)
            excess -= size
