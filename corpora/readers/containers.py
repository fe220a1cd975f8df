"""Compare the length in the header of an audio file with the file: libsndfile reads a cut one without an error."""

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from corpora.problems import InputError

UNFINISHED = 0x7FFFF000
"""Bytes from which on a length of 32 bits is no length: programs that stream a wav and can't fill it in afterwards
leave this and up to 0x1000 more (sox), 0x80000000, or 0xFFFFFFFF; others leave 0."""


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """How a container is divided into chunks, each of which begins with its name and its length.

    Attributes:
        begin: bytes before the first chunk.
        header: name and length, in the notation of `struct`.
        name: of the chunk that holds the sound.
        counted: bytes of the header that the length includes.
        multiple: bytes of which every chunk takes up a multiple.
    """

    begin: int
    header: str
    name: bytes
    counted: int = 0
    multiple: int = 2


_WAV = _Layout(begin=12, header="<4sI", name=b"data")
_WAVE64 = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")
_LAYOUTS = {
    b"RIFF": _WAV,
    b"RF64": _WAV,
    b"BW64": _WAV,
    b"RIFX": _Layout(begin=12, header=">4sI", name=b"data"),
    b"FORM": _Layout(begin=12, header=">4sI", name=b"SSND"),
    b"riff": _Layout(begin=40, header="<16sQ", name=_WAVE64, counted=24, multiple=8),
    b"caff": _Layout(begin=8, header=">4sQ", name=b"data", multiple=1),
}
"""By the first four bytes: wav, with lengths of 64 bits or in the other byte order, too; AIFF; Sony Wave64; CAF."""


def openable(path: Path) -> Path | BinaryIO:
    """Return what `soundfile.SoundFile` can open: the file, or a copy of a wav in memory whose length is filled in.

    Raises:
        InputError: the file is empty, or ends before the sound does.
        OSError: it can't be read.
    """
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path} is empty (0 bytes); copy or export it again, or leave it out")
    with path.open("rb") as file:
        layout = _LAYOUTS.get(file.read(4))
        if layout is None:
            return path
        found = _sound(file, layout, size)
        if found is None:
            raise InputError(f"{path} is truncated: it ends before its sound begins; copy it again, or leave it out")
        begin, length = found
        file.seek(begin)
        unfinished = length == 0 and layout.name == b"data" and _is_sound(file.read(8), layout, size - begin)
    if unfinished:
        content = bytearray(path.read_bytes())
        struct.pack_into(layout.header[0] + "I", content, begin - 4, 0xFFFFFFFF)
        return io.BytesIO(content)
    if length is not None and begin + length > size:
        missing = begin + length - size
        raise InputError(f"{path} is truncated: {missing} of {length} bytes of sound are missing; copy it again")
    return path


def _sound(file: BinaryIO, layout: _Layout, size: int) -> tuple[int, int | None] | None:
    """Find where the chunk of the sound begins, behind its header, and its bytes; None = unknown, or no such chunk."""
    header = struct.calcsize(layout.header)
    position, wide = layout.begin, None
    while position + header <= size:
        file.seek(position)
        name, length = struct.unpack(layout.header, file.read(header))
        length -= layout.counted
        if name == b"ds64":  # of RF64: lengths of the file and of the sound (EBU Tech 3306)
            wide = int.from_bytes(file.read(16)[8:], "little")
        if name == layout.name:
            if length == 0xFFFFFFFF and wide is not None:
                return position + header, wide
            unknown = length >= (UNFINISHED if layout.header.endswith("I") else 2**63)
            return position + header, None if unknown else length
        position += header + max(0, length)
        position += -position % layout.multiple
    return None


def _is_sound(start: bytes, layout: _Layout, rest: int) -> bool:
    """Whether the last bytes of a file, behind a sound of length 0, are sound: they begin like no chunk that fits."""
    if rest < 8:
        return False
    name, length = struct.unpack(layout.header, start)
    return not (name.isascii() and name.decode().isprintable() and 8 + length <= rest)
