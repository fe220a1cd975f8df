"""Read files that may come from others without letting them fill the memory."""

import gzip
import io
from pathlib import Path
from typing import BinaryIO

LARGEST = 256 << 20
"""Bytes of a file, decompressed: a million predictions. What is larger was made to fill the memory."""


def read_bounded(path: Path, largest: int = LARGEST) -> bytes:
    """Read a file that may come from others.

    Raises:
        ValueError: it has more than ``largest`` bytes.
        OSError: it can't be read.
    """
    with path.open("rb") as file:  # not by its size: a device has none, and no end
        return _bounded(file, largest)


def decompress_bounded(content: bytes, largest: int = LARGEST) -> bytes:
    """Decompress gzip that may come from others.

    Raises:
        ValueError: it unpacks to more than ``largest`` bytes.
        OSError, EOFError, zlib.error: it is damaged.
    """
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        return _bounded(file, largest)


def _bounded(file: BinaryIO | gzip.GzipFile, largest: int) -> bytes:
    content = file.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"more than {largest >> 20} MiB")
    return content
