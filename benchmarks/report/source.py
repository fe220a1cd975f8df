"""What the pages of a report are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.statistics.results import Results


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
