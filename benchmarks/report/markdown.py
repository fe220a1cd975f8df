"""A Markdown page whose tables and figures are numbered, and carry the page's warnings wherever they stand."""

import re
from collections.abc import Sequence

from tabulate import tabulate


class Page:
    """Markdown under construction.

    Args:
        flags: words such as ``SIMULATED`` or ``LEAKY`` that every heading, table and figure of the page has to show.
    """

    def __init__(self, flags: Sequence[str] = ()) -> None:
        self._flagged = f" [{', '.join(flags)}]" if flags else ""
        self._parts: list[str] = []
        self._tables = 0
        self._figures = 0

    def heading(self, text: str, level: int = 2) -> None:
        """A heading."""
        self.text(f"{'#' * level} {text}{self._flagged}")

    def text(self, *paragraphs: str) -> None:
        """Paragraphs."""
        self._parts += paragraphs

    def bullets(self, items: Sequence[str]) -> None:
        """A list."""
        self.text("\n".join(f"- {item}" for item in items))

    def warning(self, paragraphs: Sequence[str]) -> None:
        """A block that stands out."""
        self.text("\n>\n".join(["> [!WARNING]", *(f"> **{paragraph}**" for paragraph in paragraphs)]))

    def table(self, caption: str, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A numbered table, its caption above it; columns of numbers are right-aligned."""
        self._tables += 1
        self.text(f"**Table {self._tables}{self._flagged}.** {caption}")
        cells = [[escape(str(cell)) for cell in row] for row in rows]
        align = [_alignment(column) for column in zip(*cells, strict=True)]
        self.text(tabulate(cells, headers, tablefmt="pipe", colalign=align or None, disable_numparse=True))

    def figure(self, path: str, caption: str) -> None:
        """A numbered figure; the caption is its text for those who can't see it."""
        self._figures += 1
        label = f"Figure {self._figures}{self._flagged}"
        self.text(f"![{label.replace('[', '(').replace(']', ')')}: {caption}]({path})", f"**{label}.** {caption}")

    def open_details(self, summary: str) -> None:
        """Start a part that is folded away."""
        self.text(f"<details>\n<summary>{summary}{self._flagged}</summary>")

    def close_details(self) -> None:
        """End it."""
        self.text("</details>")

    def __str__(self) -> str:
        return "\n\n".join(self._parts) + "\n"


def _alignment(column: Sequence[str]) -> str:
    numbers = all(re.match(r"[-+]?\d|n/a$|$", cell) for cell in column) and any(column)
    return "right" if numbers else "left"


def escape(text: str) -> str:
    """Text that can stand in a table: no line breaks, no bars, no HTML."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def listed(names: Sequence[str]) -> str:
    """```a`, `b` and `c```."""
    quoted = [f"`{name}`" for name in names]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]])) if quoted else "none"
