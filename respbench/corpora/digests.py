"""Short hashes of content: names of stored files, and identities of what results were computed from."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

BYTES = 8
"""Length of a digest; printed as 16 hexadecimal digits."""


def digest(parts: Iterable[bytes | str]) -> str:
    """Hash parts, so that the hash changes when any part, or the order of the parts, changes."""
    hashed = hashlib.blake2b(digest_size=BYTES)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        hashed.update(len(data).to_bytes(8, "little"))
        hashed.update(data)
    return hashed.hexdigest()


def file_digest(path: Path) -> str:
    """Hash the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=BYTES)).hexdigest()
