"""The list of what was left out of a corpus as unusable, beside the prepared corpus and its results."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from respbench.corpora.problems import Problem

LEFT_OUT = "left_out.csv"
"""Name of the file; columns ``name``, ``patient`` (empty = unknown) and ``problem``, see `corpora.problems.Problem`."""


def write_left_out(folder: Path, left_out: Sequence[Problem]) -> None:
    """Write the list into a folder, in one step; nothing left out = no file."""
    path, unfinished = folder / LEFT_OUT, folder / f"{LEFT_OUT}.tmp"
    if not left_out:
        path.unlink(missing_ok=True)
        return
    unfinished.write_text(left_out_csv(left_out), encoding="utf-8")
    unfinished.replace(path)


def left_out_csv(left_out: Sequence[Problem]) -> str:
    """Return the content of the list."""
    rows = [(problem.name, problem.patient, problem.text) for problem in left_out]
    return pd.DataFrame(rows, columns=["name", "patient", "problem"]).to_csv(index=False, lineterminator="\n")


def read_left_out(folder: Path) -> list[Problem]:
    """Read the list of a folder; empty if it has none."""
    path = folder / LEFT_OUT
    if not path.exists():
        return []
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    rows = zip(table["name"], table["patient"], table["problem"], strict=True)
    return [Problem(name=name, text=text, patient=patient) for name, patient, text in rows]
