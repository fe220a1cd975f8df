"""The tables of docs/encoders.md: what the encoders are, and how well probes of them predict on both corpora."""

from pathlib import Path
from typing import Any

from respbench.benchmarks.report.markdown import plain_table
from respbench.benchmarks.report.tables import PROBES, read_leaderboard
from respbench.benchmarks.statistics.formatting import cell
from respbench.benchmarks.storage.feature_costs import read_feature_costs
from respbench.features.encoders.catalog import ENCODERS
from respbench.features.encoders.encoder import EncoderCard
from respbench.models.encoder_entries import PROBES as CLASSIFIERS

CORPORA = {
    "ICBHI": ("icbhi", "abnormal", "patients-5fold"),
    "SPRSound": ("sprsound", "abnormal", "patients-5fold"),
}
"""The folders of the results, by corpus; probes of the patient and costs are shown of the first."""

BESIDE = {"svm": "MFCC statistics", "svm-adventitious": "measures of wheezes and crackles"}
"""Models on handcrafted features to compare with, and what these are."""

NOT_RUN = "not run"


def catalog(results: Path) -> str:
    """Format the cards of all encoders; no results are read."""
    headers = ["encoder", "what", "trained on", "takes", "numbers", "license", "commercial use", "weights"]
    return plain_table(headers, [_facts(card) for card in ENCODERS.values()])


def probes(results: Path) -> str:
    """Format the probes of encoders, best first, and models on handcrafted features beside them."""
    folders = [results.joinpath(*folder) for folder in CORPORA.values()]
    boards = [_complete(folder) for folder in folders]
    guesses, costs = PROBES.read(folders[0]), read_feature_costs(folders[0])
    rows = []
    for name, what, classifier, license in _models():
        if not any(name in board for board in boards):
            continue
        aurocs = [cell(board[name]["auroc"], 2) if name in board else NOT_RUN for board in boards]
        within = cell(boards[0][name]["auroc_within_patients"], 2) if name in boards[0] else NOT_RUN
        patient = cell(guesses[name]["patient"], 2) if name in guesses else NOT_RUN
        cost = f"{costs[name].ms_per_clip:.1f}" if name in costs else NOT_RUN
        first = boards[0][name]["auroc"].value if name in boards[0] else 0.0
        rows.append((first, [what, classifier, *aurocs, within, patient, cost, license]))
    headers = ["features", "probe", *(f"AUROC, {corpus}" for corpus in CORPORA)]
    headers += [
        f"{what}, {next(iter(CORPORA))}" for what in ("AUROC within patients", "patient guessed", "ms per clip")
    ]
    return plain_table([*headers, "license"], [row for _, row in sorted(rows, key=lambda row: -row[0])])


def _models() -> list[tuple[str, str, str, str]]:
    """Name, features, classifier and license of every model of the table."""
    found = [
        (f"{card.name}-{probe}", card.name, probe, card.license) for card in ENCODERS.values() for probe in CLASSIFIERS
    ]
    return found + [(name, f"*{what}*", f"*{name}*", "MIT") for name, what in BESIDE.items()]


def _facts(card: EncoderCard) -> list[str]:
    window = "whole clips" if card.seconds is None else f"{card.seconds:g} s"
    return [
        f"`{card.name}`",
        card.source,
        card.trained_on or "nothing: fixed measures",
        f"{card.rate / 1000:g} kHz, {window}",
        str(card.size),
        card.license,
        "yes" if card.commercial else "no",
        f"package `{card.package}`" if card.package else "your own files",
    ]


def _complete(folder: Path) -> dict[str, dict[str, Any]]:
    """The complete models of a leaderboard."""
    return {name: row for name, row in read_leaderboard(folder).items() if row["status"].complete}
