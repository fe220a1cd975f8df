"""Hypothesis strategies that damage whole files as programs, disks and people do: in their structure, not at random."""

import re
import struct
from collections.abc import Callable, Sequence

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

HEADER = 160
"""Bytes from the start of a file in which most numbers of its container lie."""

NUMBERS = (0, 1, 2, 3, 4, 8, 16, 127, 255, 256, 4000, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**36, 2**63 - 1, 2**64 - 1)

WORDS = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1",
        "2.5",
        "007",
        "7.0",
        "1e3",
        "1e999",
        "-1e999",
        "1e-999",
        "nan",
        "inf",
        "NA",
        "None",
        "?",
    ),
    *(
        "1_0",
        "0x10",
        "\u0663",
        "1,5",
        "9" * 5000,
        "a" * 300,
        "a" * 200_000,
        "\0",
        "\x1b[2J",
        "\x85",
        "\u2028",
        "\ufeff",
    ),
    *(
        '"',
        "'",
        '""',
        ",",
        ";",
        "\t",
        "\n",
        "\r",
        "\r\n",
        "\\",
        "/",
        "..",
        "~",
        "/dev/zero",
        "<script>",
        "=1+1",
        "${x}",
    ),
    *("\xe9", "e\u0301", "\xa0", "\u200b", "\U0001f600", "\ud83d", "train", "normal", "Abnormal", "crackle", "both"),
)
"""Cells that have spoiled tables before, or may."""

VALUES = (
    "null",
    "true",
    "[]",
    "{}",
    "[[]]",
    "NaN",
    "1e999",
    "-0",
    '"\\ud800"',
    "[" * 5000,
    '{"a":' * 5000,
    "[1",
    "1 2",
)
"""JSON where another kind of value is expected, some of it none."""

CODE = (
    *("return", "seed", "*", "**more", "lambda: 0", "print", "dict", "int", "None", "5", "(" * 300, "-" * 5000 + "1"),
    *("1/0", "raise BaseException", "raise GeneratorExit", "raise ValueError('a\\nb')", "exit()", "import nothing"),
    *(
        "class",
        "def",
        "@property",
        "async",
        "yield",
        "build = print",
        "build = 5",
        "build.__signature__ = 5",
        "del build",
    ),
    *("__doc__ = 5", "__doc__ = ' '", "'''", "# coding: nothing", "\0", "\f", "\\", "    ", "\n", "assert False"),
)


@st.composite
def damaged_bytes(draw: DrawFn, whole: Sequence[bytes], most: int = 4) -> bytes:
    """One of these contents after up to ``most`` changes: numbers, bytes and stretches; most of them in the header."""
    content = bytearray(draw(st.sampled_from(whole)))
    for _ in range(draw(st.integers(0, most))):
        reach = draw(st.sampled_from((HEADER, HEADER, len(content))))
        place = draw(st.integers(0, max(0, min(reach, len(content)) - 1)))
        draw(st.sampled_from(_CHANGES))(draw, content, place)
    return bytes(content)


def _number(draw: DrawFn, content: bytearray, place: int) -> None:
    form = draw(st.sampled_from(("<B", "<H", ">H", "<I", ">I", "<Q", ">Q")))
    size = struct.calcsize(form)
    number = draw(st.sampled_from(NUMBERS) | st.integers(0, 2**64 - 1)) % 2 ** (8 * size)
    content[place : place + size] = struct.pack(form, number)


def _overwrite(draw: DrawFn, content: bytearray, place: int) -> None:
    more = draw(st.binary(min_size=1, max_size=4))
    content[place : place + len(more)] = more


def _cut(draw: DrawFn, content: bytearray, place: int) -> None:
    del content[draw(st.integers(place, len(content))) :]


def _insert(draw: DrawFn, content: bytearray, place: int) -> None:
    content[place:place] = draw(st.binary(max_size=8) | st.sampled_from((bytes(2000), b"LIST\4\0\0\0abcd", b"data")))


def _delete(draw: DrawFn, content: bytearray, place: int) -> None:
    del content[place : place + draw(st.integers(1, 64))]


def _repeat(draw: DrawFn, content: bytearray, place: int) -> None:
    content[place:place] = content[place : place + draw(st.integers(1, 4096))]


_CHANGES: Sequence[Callable[[DrawFn, bytearray, int], None]] = (
    _number,
    _number,
    _overwrite,
    _cut,
    _insert,
    _delete,
    _repeat,
)


@st.composite
def damaged_text(
    draw: DrawFn, whole: Sequence[str], between: str, words: Sequence[str] = (), most: int = 3, spoiled: bool = True
) -> bytes:
    """One of these texts after up to ``most`` changes of a cell or a line, in one of several encodings.

    Args:
        draw: of Hypothesis.
        whole: texts.
        between: pattern of what separates their cells.
        words: what a cell may be replaced by besides `WORDS`.
        most: changes.
        spoiled: whether bytes may be damaged, too.
    """
    parts = re.split(f"({between}|\n)", draw(st.sampled_from(whole)))
    word = st.sampled_from((*WORDS, *words, *words)) | st.text(max_size=5)
    for _ in range(draw(st.integers(0, most))):
        place = draw(st.integers(0, max(0, len(parts) - 1)))
        match draw(st.sampled_from(("replace", "replace", "append", "insert", "delete", "repeat", "cut"))):
            case "replace":
                parts[place : place + 1] = [draw(word)]
            case "append":
                parts[place : place + 1] = [*parts[place : place + 1], draw(word)]
            case "insert":
                parts[place:place] = [draw(word), draw(st.sampled_from(parts or [""]))]
            case "delete":
                del parts[place : place + draw(st.integers(1, 4))]
            case "repeat":
                parts[place:place] = parts[place : place + draw(st.integers(1, 12))]
            case "cut":
                del parts[place:]
    encoding = draw(st.sampled_from((*("utf-8",) * 12, "utf-8-sig", "utf-16", "latin-1", "cp1252")))
    content = "".join(parts).encode(encoding, errors="surrogatepass" if encoding.startswith("utf") else "replace")
    return draw(damaged_bytes([content], 2)) if spoiled and draw(st.integers(0, 9)) == 0 else content


def names(whole: Sequence[str], between: str) -> SearchStrategy[bytes]:
    """Names of files, as Linux has them: no slash, no zero, up to 255 bytes."""
    words = tuple(word for word in WORDS if len(word) < 100)
    return damaged_text(whole, between, words).map(
        lambda name: name.replace(b"/", b"").replace(b"\0", b"").lstrip(b".")[:255] or b"x"
    )
