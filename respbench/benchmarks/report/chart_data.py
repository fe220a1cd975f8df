"""The data of an interactive figure, as assets/charts.js draws it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """One metric of a chart of intervals: rows of name, value, lower and upper end; ``reference`` is a dashed line."""

    name: str
    reference: float | None
    rows: list[list[str | float | None]]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line at ``first``, ``first + step``, …; ``low`` and ``high`` are the edges of a band, or empty."""

    first: float
    step: float
    y: list[float | None]
    low: list[float | None]
    high: list[float | None]


@dataclass(frozen=True, kw_only=True)
class Lines:
    """One choice of a chart of lines: which of them, as label and key; ``diagonal`` is that of chance."""

    group: str
    name: str
    x: str
    y: str
    diagonal: bool
    lines: list[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """An interactive figure: choices, of which one is shown, and the lines that they refer to.

    Attributes:
        caption: replaces that of the PNG file, which shows more at once.
        label: what is chosen.
        views: the choices, all of one kind.
        lines: by key.
    """

    caption: str
    label: str
    views: Sequence[Intervals | Lines]
    lines: dict[str, Line]
