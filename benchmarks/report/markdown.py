"""Render Markdown pages from templates; headings, tables and figures are numbered and carry the page's warnings.

Templates get headings, tables and figures only from the functions of `Page`, so that none lacks number or flags.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from tabulate import tabulate

from benchmarks.statistics.bootstrap import LEVEL, Estimate
from benchmarks.statistics.formatting import bracketed, cell, escape, listed, number, span
from benchmarks.statistics.metrics import METRICS


class Page:
    """The running numbers and the flags of one page.

    Args:
        flags: words like ``SIMULATED`` or ``LEAKY`` that every heading, table and figure of the page has to show.
    """

    def __init__(self, flags: Sequence[str] = ()) -> None:
        self.flagged = bracketed(flags)
        self._tables = 0
        self._figures = 0

    def heading(self, text: str, level: int = 2) -> str:
        """Format a heading."""
        return f"{'#' * level} {text}{self.flagged}"

    def details(self, summary: str) -> str:
        """Start a folded part; ``</details>`` ends it."""
        return f"<details>\n<summary>{summary}{self.flagged}</summary>"

    def table(self, caption: str, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
        """Format a numbered table, its caption above it; columns of numbers are right-aligned.

        Args:
            caption: one or more sentences.
            headers: of the columns.
            rows: estimates are formatted with their intervals, None as ``n/a``, all else as text.
        """
        self._tables += 1
        cells = [[_cell(value) for value in row] for row in rows]
        align = [_alignment(column) for column in zip(*cells, strict=True)]
        table = tabulate(cells, headers, tablefmt="pipe", colalign=align or None, disable_numparse=True)
        return f"**Table {self._tables}{self.flagged}.** {caption}\n\n{table}"

    def figure(self, path: str, caption: str) -> str:
        """Format a numbered figure; the caption is its text for those who can't see it."""
        self._figures += 1
        label = f"Figure {self._figures}{self.flagged}"
        image = f"![{label.replace('[', '(').replace(']', ')')}: {caption}]({path})"
        return f"{image}\n\n**{label}.** {caption}"


def render(template: str, flags: Sequence[str] = (), **values: Any) -> str:
    """Render a page.

    Args:
        template: name of its file in ``templates``.
        flags: see `Page`.
        values: what the template shows, by name.
    """
    page = Page(flags)
    functions = {name: getattr(page, name) for name in ("heading", "details", "table", "figure", "flagged")}
    text = _ENVIRONMENT.get_template(template).render({**functions, **values})
    return re.sub(r"\n\s*\n", "\n\n", text).strip() + "\n"


def plain_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Format a table without number or flags, for README.md."""
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)


def metric_labels(metrics: Sequence[str], suffix: str = "") -> list[str]:
    """Names of metrics for readers, as headers of a table."""
    return [METRICS[metric] + suffix for metric in metrics]


def _cell(value: object) -> str:
    return cell(value) if value is None or isinstance(value, Estimate) else escape(str(value))


def _alignment(column: Sequence[str]) -> str:
    numbers = all(re.match(r"[-+]?\d|n/a$|$", text) for text in column) and any(column)
    return "right" if numbers else "left"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("benchmarks.report"),
        undefined=StrictUndefined,
        autoescape=False,  # Markdown, no HTML: `Page` escapes the cells of tables
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: Mapping[str, Any] = {
        "cell": cell,
        "escape": escape,
        "label": METRICS.__getitem__,
        "labels": metric_labels,
        "listed": listed,
        "number": number,
        "span": span,
    }
    environment.filters.update(filters)
    environment.globals["level"] = LEVEL
    return environment


_ENVIRONMENT = _environment()
