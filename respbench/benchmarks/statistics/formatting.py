"""Format numbers and names for tables, Markdown and the terminal."""

import re
from collections.abc import Sequence

import numpy as np

from respbench.benchmarks.statistics.intervals import Difference, Estimate
from respbench.corpora.problems import printable

UNDEFINED = "n/a"


def cell(value: Estimate | None, digits: int = 3) -> str:
    """Format an estimate as ``0.623 [0.571, 0.672]``, a difference with its sign; ``n/a`` where it is undefined.

    A number without an interval stands alone.
    """
    if value is None or not np.isfinite(value.value):
        return UNDEFINED
    sign = "+" if isinstance(value, Difference) else ""
    number, low, high = (f"{part:{sign}.{digits}f}" for part in (value.value, value.low, value.high))
    return f"{number} [{low}, {high}]" if np.isfinite([value.low, value.high]).all() else number


def number(value: float, form: str = ".3f") -> str:
    """Format a number; ``n/a`` where it is undefined."""
    return f"{value:{form}}" if np.isfinite(value) else UNDEFINED


def p_text(p: float) -> str:
    """Format a p-value; ``n/a`` where it is undefined."""
    return "< 0.001" if p < 0.001 else number(p)


def span(values: Sequence[float], form: str = "") -> str:
    """Format the lowest and the highest of some numbers as ``1 to 3``, or the one that all are."""
    if not values:
        return "unknown"
    low, high = (f"{value:{form}}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


class Markdown(str):
    """Markdown that this suite wrote, such as a table or a link, and that must not be escaped again."""

    __slots__ = ()


def inert(text: str) -> str:
    """Make text from outside fit for Markdown: no HTML, no link, no image, no control characters; leave `Markdown`."""
    if isinstance(text, Markdown):
        return text
    shown = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", printable(text))
    return re.sub(r"\](?=[(:])", r"]\\", shown)


def escape(text: str) -> str:
    """Make text from outside fit for a cell of a table: as `inert`, without line breaks and bars."""
    return inert(" ".join(text.split())).replace("|", "\\|").replace("<", "&lt;")


def listed(names: Sequence[str], code: bool = True) -> str:
    """Join names as ```a`, `b` and `c```; without the backticks if they are no code."""
    quoted = [f"`{name}`" for name in names] if code else list(names)
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]])) if quoted else "none"


def capitalized(text: str) -> str:
    """Make the first letter a capital one, and leave the others as they are."""
    return text[:1].upper() + text[1:]


def bracketed(flags: Sequence[str]) -> str:
    """Join flags in brackets, with a space before; empty if there are none."""
    return f" [{', '.join(flags)}]" if flags else ""
