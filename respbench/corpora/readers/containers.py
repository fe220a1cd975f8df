"""Compare the length in the header of an audio file with the file: libsndfile reads a cut one without an error."""

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from respbench.corpora.problems import InputError

UNFINISHED = 0x7FFFF000
"""Bytes from which on a length of 32 bits is no length: programs that stream a wav and can't fill it in afterwards
leave this and up to 0x1000 more (sox), 0x80000000, or 0xFFFFFFFF; others leave 0."""


CHECKED = frozenset({"WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU", "OGG", "FLAC", "MP3"})
"""The containers, by libsndfile's names, of which a file that was cut short is told from a whole one: by `openable` or,
of the last two, by libsndfile."""

UNEXPLAINED = 512
"""Bytes behind the sound that may be neither zeros nor a part of the container, such as an ID3 tag (128 bytes)."""


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

_AU = {b".snd": ">", b"dns.": "<"}
"""Byte order of the header of an AU file."""


def openable(path: Path) -> Path | BinaryIO:
    """Return what `soundfile.SoundFile` can open: the file, or a copy in memory that is set right.

    Raises:
        InputError: it is no file, is empty, ends before the sound does, or holds more than its header says.
        OSError: it can't be read.
    """
    size = path.stat().st_size
    if not path.is_file():
        raise InputError(f"{path} is no file; give the path of a recording")
    if size == 0:
        raise InputError(f"{path} is empty (0 bytes); copy or export it again, or leave it out")
    with path.open("rb") as file:
        start = file.read(12)
        if start.startswith(b"OggS") and not _ogg_ends(file, size):
            raise InputError(f"{path} is truncated: the end of its sound is missing; copy it again")
        layout = None if start[:4] == b"FORM" and start[8:11] != b"AIF" else _LAYOUTS.get(start[:4])
        if start[:4] in _AU:
            found = _au_sound(start)
        elif layout is None:
            return path
        else:
            found = _sound(file, layout, size)
        if found is None:
            raise InputError(f"{path} is truncated: it ends before its sound begins; copy it again, or leave it out")
        begin, length = found
        file.seek(begin)
        if layout is not None and length == 0 and _is_sound(file.read(8), layout, size - begin):
            content = bytearray(path.read_bytes())
            struct.pack_into(layout.header[0] + "I", content, begin - 4, 0xFFFFFFFF)
            return io.BytesIO(content)
        behind = 0 if layout is None or not length else _unexplained(file, layout, begin + length, size)
    if length is not None and begin + length > size:
        missing = begin + length - size
        raise InputError(f"{path} is truncated: {missing} of {length} bytes of sound are missing; copy it again")
    if behind > UNEXPLAINED:
        raise InputError(
            f"{path} holds {behind} bytes behind the {length} bytes of sound that its header states, so that sound "
            "would be lost; export it again, or leave it out"
        )
    if start.startswith(b"riff") and length is not None and begin + length < size:
        return io.BytesIO(path.read_bytes()[: begin + length])  # libsndfile takes what follows for sound
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
    """Whether the last bytes of a wav, behind a sound of length 0, are sound: they begin like no chunk that fits."""
    wav = layout.name == b"data" and layout.header.endswith("I")
    return wav and rest >= 8 and not _is_chunk(start, layout, rest)


def _is_chunk(start: bytes, layout: _Layout, rest: int) -> bool:
    """Whether the last bytes of a file begin like a chunk that fits in: with a readable name, unless that is a UUID."""
    name, length = struct.unpack(layout.header, start)
    named = len(name) > 4 or (name.isascii() and name.decode().isprintable())
    return bool(named and length >= layout.counted and len(start) - layout.counted + length <= rest)


def _unexplained(file: BinaryIO, layout: _Layout, position: int, size: int) -> int:
    """Count the last bytes of a file, from ``position`` on, that are no chunks, unless they are but zeros."""
    header = struct.calcsize(layout.header)
    while True:
        for place in (position + -position % layout.multiple, position):  # some programs forget to pad
            file.seek(place)
            start = file.read(header)
            if len(start) == header and _is_chunk(start, layout, size - place):
                position = place + header - layout.counted + struct.unpack(layout.header, start)[1]
                break
        else:
            break
    file.seek(position)
    return size - position if any(file.read()) else 0


def _au_sound(start: bytes) -> tuple[int, int | None] | None:
    """As `_sound`, of the header of an AU file: its name, where the sound begins, and its bytes."""
    if len(start) < 12:
        return None
    begin, length = struct.unpack(_AU[start[:4]] + "2I", start[4:])
    return begin, None if length >= UNFINISHED else length


def _ogg_ends(file: BinaryIO, size: int) -> bool:
    """Whether an Ogg file is whole: its pages follow each other up to one that is marked as the last (RFC 3533)."""
    position, flags = 0, 0
    while position < size:
        file.seek(position)
        page = file.read(27)
        if len(page) < 27 or not page.startswith(b"OggS"):
            break  # what follows the last page is no sound
        flags, segments = page[5], page[26]
        lengths = file.read(segments)
        position += 27 + segments + sum(lengths)
        if len(lengths) < segments or position > size:
            return False
    return bool(flags & 4)
