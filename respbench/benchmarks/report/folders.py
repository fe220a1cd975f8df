"""Find the reports below a results folder, sort them and link to them."""

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from respbench.benchmarks.report.tables import LEADERBOARD
from respbench.benchmarks.statistics.formatting import Markdown, escape

GENERALIZATION = "generalization.md"
"""The page over all corpora, beside the index."""


def report_folders(results: Path) -> list[Path]:
    """List the folders of all reports that are committed, also of those of repetitions, sorted."""
    paths = [path for depth in ("*/*/*", "*/*/*/*") for path in results.glob(f"{depth}/{LEADERBOARD.filename}")]
    # Simulations can be repeated in minutes, are not committed, and don't belong on a page about patients.
    return sorted(path.parent for path in paths if path.parts[-4] != "simulated")


def by_name(parts: Sequence[str]) -> list[str | int]:
    """Sorts names so that 5 comes before 10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", " · ".join(parts))]


def link(place: Path, page: str = "README.md") -> Markdown:
    """Format a Markdown link to a page of a folder below the results."""
    return Markdown(f"[{escape(' · '.join(place.parts))}]({quote(place.as_posix())}/{page})")
