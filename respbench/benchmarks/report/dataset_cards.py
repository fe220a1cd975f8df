"""The cards of corpora: what is known of each, with numbers computed from what is stored beside committed results."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from respbench.benchmarks.report import markdown
from respbench.benchmarks.report.card_texts import CORPORA_TEXTS
from respbench.benchmarks.report.tables import PROBES, Row, read_leaderboard
from respbench.benchmarks.statistics.effective import EffectiveSize, effective_size
from respbench.benchmarks.statistics.formatting import Markdown, cell, number
from respbench.benchmarks.statistics.subgroups import subgroups
from respbench.benchmarks.storage.store import CLIPS, CORPUS, Store
from respbench.corpora.cycles import NORMAL
from respbench.corpora.facts import CorpusFacts
from respbench.corpora.problems import InputError
from respbench.corpora.simulated.simulation import Simulation

REPORTS = {
    "icbhi": ("icbhi", "abnormal", "patients-5fold"),
    "sprsound": ("sprsound", "abnormal", "patients-5fold"),
    "hmp": ("hmp", "activity", "patients-5fold"),
}
"""The report beside which the clips of a corpus are described."""

LEAKY = "random-5fold"
CROSSED = {"icbhi": "cross-corpus-from-sprsound", "sprsound": "cross-corpus-from-icbhi"}
CONTROLS = {"duration": "the length of the clip", "metadata": "all metadata"}
SHOWN = "svm"
"""The model whose numbers show what a mistake or another hospital does."""


def dataset_card(corpus: str, results: Path) -> str:
    """Write the card of a corpus.

    Args:
        corpus: a key of `CORPORA_TEXTS`.
        results: the folder of all results.
    """
    text = CORPORA_TEXTS[corpus]
    values: dict[str, Any] = {"text": text, "corpus": corpus, "simulation": None, "measured": None}
    if corpus == "simulated":
        values["simulation"] = Simulation()
    if corpus in REPORTS:
        values["measured"] = _measured(corpus, results.joinpath(*REPORTS[corpus]))
    return markdown.render("dataset_card.md.j2", **values)


def _measured(corpus: str, folder: Path) -> Mapping[str, object]:
    clips = Store(folder).clips()
    if clips is None:
        raise InputError(f"{folder / CLIPS} does not exist; run the benchmark that writes it, then `make tables`")
    facts = CorpusFacts.read(folder / CORPUS)
    rows = _effects(corpus, folder, "score" if NORMAL not in set(clips["label"]) else "auroc")
    return {
        "facts": facts,
        "report": Markdown("../../../results/" + "/".join(REPORTS[corpus]) + "/README.md"),
        "size": _size(clips),
        "classes": _classes(clips),
        "groups": _groups(clips),
        "group_headers": ["by", "value", "people", "clips", "abnormal", *["median age, years"] * ("age" in clips)],
        "effects": rows,
        "metric": "score" if NORMAL not in set(clips["label"]) else "AUROC",
        "spread": _spread(clips),
    }


def _spread(clips: pd.DataFrame) -> EffectiveSize:
    return effective_size(np.asarray(clips["patient"].value_counts(), dtype=np.float64))


def _size(clips: pd.DataFrame) -> list[list[object]]:
    seconds = clips["seconds"]
    low, middle, high = np.quantile(seconds, [0.05, 0.5, 0.95])
    return [
        ["clips", f"{len(clips):,}"],
        ["people", clips["patient"].nunique()],
        ["recordings", f"{clips['recording'].nunique():,}"],
        ["total duration", f"{seconds.sum() / 60:.0f} min"],
        ["length of a clip, median (5 to 95 %)", f"{middle:.1f} s ({low:.1f} to {high:.1f} s)"],
        ["clips per person, median (lowest to highest)", _range(clips["patient"].value_counts())],
    ]


def _range(counts: "pd.Series[int]") -> str:
    return f"{counts.median():.0f} ({counts.min()} to {counts.max()})"


def _classes(clips: pd.DataFrame) -> list[list[object]]:
    return [
        [str(label), f"{len(own):,}", f"{100 * len(own) / len(clips):.1f} %", own["patient"].nunique()]
        for label, own in sorted(clips.groupby("label"), key=lambda item: -len(item[1]))
    ]


def _groups(clips: pd.DataFrame) -> list[list[object]]:
    """Share of abnormal clips by every column that divides them; empty where no class is normal."""
    abnormal = (clips["label"] != NORMAL).to_numpy()
    if abnormal.all():
        return []
    return [
        [
            part.by,
            part.value,
            clips["patient"][part.member].nunique(),
            f"{part.member.sum():,}",
            f"{100 * abnormal[part.member].mean():.0f} %",
            *_ages(clips[part.member]),
        ]
        for part in subgroups(clips, np.ones(len(clips), dtype=np.bool_))
    ]


def _ages(clips: pd.DataFrame) -> list[object]:
    """Median age of the people, where ages are known."""
    return [f"{clips.groupby('patient')['age'].first().median():.0f}"] if "age" in clips else []


def _effects(corpus: str, folder: Path, metric: str) -> list[list[object]]:
    """What confounds are worth, as measured: a sentence, and its value."""
    board = read_leaderboard(folder)
    rows: list[list[object]] = [
        [Markdown(f"predicted from {what} alone (`{name}`)"), cell(board[name][metric])]
        for name, what in CONTROLS.items()
        if name in board
    ]
    rows.append([Markdown(f"`{SHOWN}`, new people"), cell(board[SHOWN][metric])])
    for place, what in (
        (LEAKY, f"`{SHOWN}`, *LEAKY: people mixed over training and test*"),
        (CROSSED.get(corpus, ""), f"`{SHOWN}`, trained in the other hospital"),
    ):
        other: Row | None = read_leaderboard(folder.parent / place).get(SHOWN) if place else None
        if other:
            value = cell(other[metric])
            rows.append([Markdown(what), Markdown(f"*{value}*") if place == LEAKY else value])
    if metric == "auroc":
        rows.append([Markdown(f"`{SHOWN}`, within people alone"), cell(board[SHOWN]["auroc_within_patients"])])
    return rows + _guesses(folder)


def _guesses(folder: Path) -> list[list[object]]:
    probe = PROBES.read(folder).get(SHOWN)
    if not probe:
        return []
    of = {"device": (probe["devices"], "devices"), "patient": (probe["patients"], "people with several recordings")}
    return [
        [
            Markdown(
                f"share of {count} {whom} that is guessed from the features of `{SHOWN}`, chance {number(1 / count)}"
            ),
            cell(probe[what]),
        ]
        for what, (count, whom) in of.items()
        if count
    ]
