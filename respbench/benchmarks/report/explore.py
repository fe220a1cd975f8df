"""Load and look: a page about a corpus before anything is trained on it, and what already separates its classes."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from respbench.benchmarks.report.figures.explore import (
    DYNAMIC_RANGE,
    draw_columns,
    draw_durations,
    draw_durations_of_many,
    draw_patients,
    draw_sounds,
)
from respbench.benchmarks.report.figures.series import DYNAMIC_RANGE as DYNAMIC_RANGE_OF_SERIES
from respbench.benchmarks.report.figures.series import draw_series, draw_spectrograms
from respbench.benchmarks.report.figures.style import COLORS, Drawings, in_words_of_corpus, write_figures
from respbench.benchmarks.report.markdown import render
from respbench.benchmarks.statistics.formatting import bracketed
from respbench.benchmarks.statistics.results import SIMULATED
from respbench.benchmarks.storage.files import write_atomically
from respbench.corpora.clips import Clips
from respbench.corpora.cycles import NORMAL
from respbench.corpora.prepared.left_out import write_left_out
from respbench.corpora.prepared.prepare import Prepared
from respbench.corpora.splits.balance import count_by_patient

VALUES = range(2, 13)
"""A column with so many different values divides the corpus into groups of interest; `recording` doesn't."""

EXAMPLES = 3
"""Sounds shown of each class."""


def explore(prepared: Prepared, folder: Path) -> Path:
    """Write README.md and its figures about a corpus; which clips are shown depends on the corpus alone.

    Args:
        prepared: the corpus.
        folder: where to write.

    Returns:
        The page.

    Raises:
        InputError: the folder can't be written.
    """
    facts, clips = prepared.facts(), prepared.clips()
    flags = (SIMULATED,) if facts.simulated else ()
    title = facts.name + bracketed(flags)
    columns = grouping_columns(clips)
    examples = {name: typical(clips, label) for label, name in enumerate(clips.classes)}
    many = len(clips.classes) > len(COLORS)
    drawings: Drawings = {
        "patients.png": partial(draw_patients, clips, title),
        "durations.png": partial(draw_durations_of_many if many else draw_durations, clips, title),
    }
    if facts.channels:
        drawings["series.png"] = partial(draw_series, clips, examples, facts, title)
        drawings["spectrograms.png"] = partial(draw_spectrograms, clips, examples, title)
    else:
        drawings["sounds.png"] = partial(draw_sounds, clips, examples, title)
    if columns:
        drawings["columns.png"] = partial(draw_columns, clips, columns, title)
    write_figures(folder, in_words_of_corpus(drawings, facts))
    write_left_out(folder, prepared.left_out())
    text = render(
        "explore.md.j2",
        flags,
        facts,
        facts=facts,
        clips=clips,
        patients=len(set(clips.patient.tolist())),
        class_rows=[class_row(clips, label) for label in range(len(clips.classes))],
        one_sided=pd.crosstab(clips.patient, clips.label != 0).gt(0).sum(axis=1).eq(1).mean(),
        groups={column: group_rows(clips, column) for column in columns},
        dynamic_range=DYNAMIC_RANGE_OF_SERIES if facts.channels else DYNAMIC_RANGE,
        has_normal=NORMAL in clips.classes,
        by_patient=[] if NORMAL in clips.classes else patient_rows(clips),
    )
    write_atomically(folder / "README.md", text.encode())
    return folder / "README.md"


def patient_rows(clips: Clips) -> list[list[object]]:
    """Count the clips of each patient, in all and by class, the patient with most first."""
    patients, counts = count_by_patient(clips)
    order = np.argsort(-counts.sum(axis=1), kind="stable")
    return [[patients[i], counts[i].sum(), *counts[i]] for i in order]


def grouping_columns(clips: Clips) -> list[str]:
    """List the columns of the metadata, such as device, location and mode, that divide the clips into a few groups."""
    return [str(name) for name, column in clips.meta.items() if column.nunique() in VALUES]


def typical(clips: Clips, label: int) -> list[int]:
    """Choose clips of a class whose duration is nearest to the class's median, each of another patient."""
    rows = np.flatnonzero(clips.label == label)
    seconds = clips.seconds[rows]
    distance = np.abs(seconds - np.median(seconds)) if len(rows) else seconds
    chosen: dict[str, int] = {}
    for row in rows[np.lexsort((clips.clip_id[rows], distance))].tolist():
        chosen.setdefault(str(clips.patient[row]), row)
    return list(chosen.values())[:EXAMPLES]


def class_row(clips: Clips, label: int) -> list[object]:
    """Count the clips and patients of a class, with percentiles of the duration in s."""
    own = clips.label == label
    seconds = [f"{value:.2f}" for value in np.percentile(clips.seconds[own], [5, 50, 95])] if own.any() else ["n/a"] * 3
    patients = len(set(clips.patient[own].tolist()))
    return [clips.classes[label], own.sum(), patients, *seconds]


def group_rows(clips: Clips, column: str) -> list[list[object]]:
    """Count the clips, patients and classes of each group that a column of the metadata makes."""
    values = clips.meta[column].fillna("unknown").astype(str)
    table = pd.crosstab(values.to_numpy(), clips.label).reindex(columns=range(len(clips.classes)), fill_value=0)
    rows: list[list[object]] = []
    for value, counts in table.iterrows():
        n = int(counts.sum())
        patients = len(set(clips.patient[(values == str(value)).to_numpy()].tolist()))
        rows.append([value, n, patients, *(f"{count} ({100 * count / n:.0f} %)" for count in counts)])
    return rows
