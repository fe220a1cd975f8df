"""The one style of all figures: size, colors, line styles, grid, and how they are written."""

import io
import warnings
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from respbench.benchmarks.storage.files import refuse_link, write_atomically
from respbench.corpora.facts import CorpusFacts
from respbench.corpora.wording import in_words_of

mpl.rcParams["text.parse_math"] = False  # names of users hold dollar signs

DPI = 110

COLORS_PER_FILE = 256

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe & Ito 2008: distinct with every kind of color blindness (their yellow is too faint on white)."""

LINES = ("-", "--", ":", "-.")
"""A second cue beside color, and a third, fourth … set of seven models."""

REFERENCE: dict[str, Any] = {"color": "0.4", "linestyle": "--", "linewidth": 1}
"""A line at chance or at no difference."""

TITLE, LABEL, SMALL = 11, 10, 8
"""Font sizes in points."""

_WORDS: ContextVar[Callable[[str], str]] = ContextVar("words", default=str)

Drawings = dict[str, Callable[[], bytes]]
"""Functions that draw the figures of a page, by file name."""


def new_figure(width: float, height: float, title: str, computed_layout: bool = True) -> Figure:
    """Create an empty figure of ``width`` x ``height`` inches outside matplotlib's global state."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained" if computed_layout else None)
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=TITLE)
    return figure


def panels(
    figure: Figure,
    rows: int,
    columns: int,
    *,
    left: float = 0.6,
    right: float = 0.15,
    bottom: float = 0.45,
    top: float = 0.65,
    across: float = 0.5,
    down: float = 0.5,
    **options: Any,
) -> NDArray[Any]:
    """Add a grid of axes with fixed margins in inches; for many panels much faster than a computed layout.

    Args:
        figure: made without a computed layout.
        rows: number of rows.
        columns: number of columns.
        left: margin; likewise ``right``, ``bottom`` and ``top``, which holds the title.
        across: space between columns.
        down: space between rows.
        options: of `Figure.subplots`.

    Returns:
        (rows, columns) axes.
    """
    width, height = figure.get_size_inches()
    spaces = {
        "left": left / width,
        "right": 1 - right / width,
        "bottom": bottom / height,
        "top": 1 - top / height,
        "wspace": across * columns / (width - left - right - across * (columns - 1)),
        "hspace": down * rows / (height - bottom - top - down * (rows - 1)),
    }
    figure.texts[0].set_y(1 - 0.12 / height)  # the title
    grid: NDArray[Any] = figure.subplots(rows, columns, squeeze=False, gridspec_kw=spaces, **options)
    return grid


def png(figure: Figure, metadata: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """Encode a figure as PNG without date or version, so that drawing it again gives the same bytes.

    Args:
        figure: to encode.
        metadata: text that the file states beside the picture, by key.
    """
    if (words := _WORDS.get()) is not str:
        for written in figure.findobj(Text):
            written.set_text(words(written.get_text()))
    with warnings.catch_warnings():  # a character that the font lacks is drawn as a box; the tables have it
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure.canvas.draw()
    size = figure.canvas.get_width_height()
    picture = Image.frombytes("RGBA", size, bytes(figure.canvas.buffer_rgba()))  # type: ignore[attr-defined]
    stated = PngInfo()
    for key, value in metadata.items():
        stated.add_text(key, value)
    buffer = io.BytesIO()
    # A palette makes the file three times smaller; the few colors of a figure fit in.
    picture.convert("RGB").quantize(COLORS_PER_FILE).save(buffer, "PNG", pnginfo=stated, dpi=(DPI, DPI))
    return buffer.getvalue()


def with_words(draw: Callable[[], bytes], words: Callable[[str], str]) -> Callable[[], bytes]:
    """Make a function that draws the same figure, with all its text as ``words`` gives it."""

    def drawn() -> bytes:
        token = _WORDS.set(words)
        try:
            return draw()
        finally:
            _WORDS.reset(token)

    return drawn


def in_words_of_corpus(drawings: Drawings, corpus: CorpusFacts | None) -> Drawings:
    """Let figures call people and signals what a corpus calls them; those of patients and sounds stay as they are."""
    if corpus is None or in_words_of("patients", corpus) == "patients":
        return drawings
    return {name: with_words(draw, partial(in_words_of, facts=corpus)) for name, draw in drawings.items()}


def write_figures(folder: Path, drawings: Mapping[str, Callable[[], bytes]], pattern: str = "*.png") -> None:
    """Draw and write figures, and remove those of an earlier report that match ``pattern``.

    Raises:
        InputError: the folder is a link, or can't be written.
    """
    refuse_link(folder)
    for name, draw in drawings.items():
        write_atomically(folder / name, draw())
    for old in folder.glob(pattern):
        if old.name not in drawings:
            old.unlink()


def line_style(number: int) -> dict[str, Any]:
    """Color and line style of the number-th of many lines."""
    return {
        "color": COLORS[number % len(COLORS)],
        "linestyle": LINES[(number // len(COLORS) + number % len(COLORS)) % len(LINES)],
    }


def grid(axes: Axes, axis: str = "both") -> None:
    """Put a faint grid behind the data."""
    axes.grid(axis=axis, color="0.92")  # type: ignore[arg-type]
    axes.set_axisbelow(True)
