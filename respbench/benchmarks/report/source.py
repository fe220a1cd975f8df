"""What the pages of a report are made from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from respbench.benchmarks.statistics.results import Results


@dataclass(frozen=True, kw_only=True)
class Source:
    """One results folder, loaded.

    Attributes:
        results: its models.
        folder: where it is, for pages that also read a folder beside it.
        figures: file names of the figures that the report has.
        sounds: WAV files by the file name of a figure, then by caption, to be played below it; never committed.
    """

    results: Results
    folder: Path
    figures: tuple[str, ...] = ()
    sounds: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DetailPage:
    """One page beside README.md.

    Attributes:
        file: its name, ``<name>.md``; its template is ``<name>.md.j2``.
        title: the end of its heading.
        summary: what a reader finds there, as README.md lists it.
        summary_with_normal: how that goes on where a class is ``normal``.
        values: computes what the template shows, by name, beside ``results`` and ``figures``; None: there is no page.
        needs_normal: whether it makes sense only where a class is ``normal``.
    """

    file: str
    title: str
    summary: str
    summary_with_normal: str = ""
    values: Callable[[Source], Mapping[str, Any] | None]
    needs_normal: bool = False

    @property
    def template(self) -> str:
        """Name of its template."""
        return f"{self.file}.j2"
