"""What was trained on what, and what training in the tested corpus itself would give, beside each model."""

from pathlib import Path

import pandas as pd

from benchmarks.report.comparisons import COMPARED
from benchmarks.report.leaderboard import UNDEFINED, cell
from benchmarks.report.markdown import Page, listed
from benchmarks.statistics.bootstrap import Estimate
from benchmarks.statistics.results import COMPLETE, Board, Entry
from benchmarks.storage.store import Store

IN_CORPUS = "patients-5fold"
"""The protocol whose numbers stand beside those of a cross-corpus one."""

NOT_RUN = "not run"


def is_crossing(board: Board) -> bool:
    """Whether the models were trained on another corpus than they were tested on."""
    return board.corpus.trained_on is not None


def add_crossing(page: Page, board: Board, folder: Path) -> None:
    """The section that sets each model beside itself, trained in the tested corpus.

    Args:
        page: to write to.
        board: of a cross-corpus folder.
        folder: where its results lie; those of `IN_CORPUS` are looked for beside it.
    """
    tested, trained_on = board.corpus.tested, board.corpus.trained_on
    assert tested is not None
    assert trained_on is not None
    here, there = f"`{tested.name}`", f"`{trained_on.name}`"
    page.heading(f"Trained on {trained_on.name}, tested on {tested.name}")
    page.bullets(
        [
            f"Trained on {there}: {trained_on.description}.",
            f"Tested on {here}, every clip of it: {tested.description}.",
        ]
    )
    lacking = what_is_lacking(board, folder)
    if lacking:
        page.text(
            f"What the models reach when they are trained in {here} itself can't be shown: {lacking} Run the protocol "
            f"`{IN_CORPUS}`, task `{board.task}`, on {here}, then `respbench report` on this folder."
        )
        return
    inside = _read(folder.parent / IN_CORPUS)
    rows = [
        [entry.model, *(text for metric in COMPARED for text in (_here(entry, metric), _there(entry, metric, inside)))]
        for entry in board.entries
    ]
    page.table(
        f"The same clips of {here}, tested by models that were trained on {there} (this report) and by models that "
        f"were trained on other patients of {here} ([`{IN_CORPUS}`](../{IN_CORPUS}/README.md)); 95 % intervals over "
        f"{len(board.patients)} patients.",
        ["model", *(f"{name}, trained on {where}" for name in COMPARED.values() for where in (there, here))],
        rows,
    )
    absent = [entry.model for entry in board.entries if entry.model not in inside]
    if absent:
        page.text(f"Not complete under `{IN_CORPUS}` of {here}: {listed(absent)}; run it there, too.")
    page.text(
        "AUROC is not quite the same on both sides: in the corpus it is the mean over folds, each of which ranks its "
        "own share of the patients; here one model ranks all patients at once. Score and AUROC within patients pool "
        "the same clips on both sides. What lies between two such columns is more than the hospital: patients, ages, "
        "devices, rooms, who annotated what and how, and how much there was to train on all differ."
    )


def what_is_lacking(board: Board, folder: Path) -> str:
    """Why there is nothing to set beside the numbers of this folder, as a sentence; empty if there is."""
    beside = Store(folder.parent / IN_CORPUS)
    if not (beside.folder / "leaderboard.csv").exists():
        return f"`{IN_CORPUS}` was not run."
    fingerprint = beside.corpus_fingerprint()
    if board.corpus.tested is None or fingerprint != board.corpus.tested.fingerprint:
        return f"`{IN_CORPUS}` was run on other contents of the corpus."
    return "" if _read(beside.folder) else f"`{IN_CORPUS}` has no complete model."


def _read(folder: Path) -> dict[str, dict[str, Estimate]]:
    """The metrics of the complete models of a leaderboard, by the model's name."""
    table = pd.read_csv(folder / "leaderboard.csv", dtype={"model": str, "status": str})
    found: dict[str, dict[str, Estimate]] = {}
    for row in table[table["status"] == COMPLETE].to_dict("records"):
        numbers = {metric: [float(row[f"{metric}{end}"]) for end in ("", "_low", "_high")] for metric in COMPARED}
        found[str(row["model"])] = {metric: Estimate(*values) for metric, values in numbers.items()}
    return found


def _here(entry: Entry, metric: str) -> str:
    return cell(entry.estimate(metric)) if entry.complete else UNDEFINED


def _there(entry: Entry, metric: str, inside: dict[str, dict[str, Estimate]]) -> str:
    return cell(inside[entry.model][metric]) if entry.model in inside else NOT_RUN
