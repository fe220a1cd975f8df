"""The folded part of the report about one model: where it comes from, what it confuses, what it costs, what failed."""

import numpy as np

from benchmarks.report.leaderboard import costs
from benchmarks.report.markdown import Page, escape, listed
from benchmarks.report.studies import add_studies
from benchmarks.statistics.metrics import Floats, confusion_matrix
from benchmarks.statistics.results import Board, Entry


def add_model(page: Page, board: Board, entry: Entry) -> None:
    """Everything about one model that the tables of the page have no room for."""
    page.open_details(f"<b>{escape(entry.model)}</b>: {escape(entry.status)}")
    if entry.stored:
        record = entry.stored[0].record
        twin = f" Supervised twin: `{entry.twin}`." if entry.twin else ""
        page.text(f"Source: {escape(record.source)}. Kind: {entry.kind}.{twin}")
        parameters = ", ".join(f"{name} = {value}" for name, value in record.parameters.items())
        page.text(f"Parameters: {escape(parameters) or 'none'}.{_tuning(board, entry)}")
        add_studies(page, entry)
        page.text("Costs: " + ", ".join(f"{name} {value}" for name, value in costs(entry).items()) + ".")
    if entry.complete:
        page.table(
            f"`{entry.model}`, classification report: over all tested clips of a seed, averaged over "
            f"the seeds ({len(entry.seeds)}).",
            ["class", "precision", "recall", "F1", "clips"],
            _classification_report(entry, board.classes),
        )
        page.table(
            f"`{entry.model}`, confusion matrix: clips a seed (share of the true class).",
            ["true class", *(f"called {name}" for name in board.classes)],
            _confusion(entry, board.classes),
        )
    if entry.failures:
        page.bullets([f"{fit.stem} failed: {escape(reason)}" for fit, reason in sorted(entry.failures.items())])
    page.close_details()


def mean_confusion(entry: Entry) -> Floats:
    """(classes, classes) confusion matrix of a complete model, averaged over its seeds."""
    mean: Floats = np.mean([confusion_matrix(predictions) for predictions in entry.seeds.values()], axis=0)
    return mean


def classification_report(entry: Entry) -> Floats:
    """(classes, 4): precision, recall, F1 and number of clips, each averaged over the seeds.

    A class that was never predicted has precision 0, as its F1.
    """
    reports = []
    for predictions in entry.seeds.values():
        confusion = confusion_matrix(predictions).astype(np.float64)
        right, clips, decided = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
        parts = (
            right / np.maximum(decided, 1),
            right / np.maximum(clips, 1),
            2 * right / np.maximum(clips + decided, 1),
        )
        reports.append(np.stack([*parts, clips], axis=1))
    mean: Floats = np.mean(reports, axis=0)
    return mean


def _classification_report(entry: Entry, classes: tuple[str, ...]) -> list[list[object]]:
    report = classification_report(entry)
    rows: list[list[object]] = [
        [name, *(f"{value:.3f}" for value in row[:3]), f"{row[3]:.0f}"]
        for name, row in zip(classes, report, strict=True)
    ]
    means = report[:, :3].mean(axis=0)
    return [*rows, ["mean", *(f"{value:.3f}" for value in means), f"{report[:, 3].sum():.0f}"]]


def _confusion(entry: Entry, classes: tuple[str, ...]) -> list[list[object]]:
    confusion = mean_confusion(entry)
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    return [
        [name, *(f"{n:.1f} ({100 * share:.0f} %)" for n, share in zip(row, share_row, strict=True))]
        for name, row, share_row in zip(classes, confusion, shares, strict=True)
    ]


def _tuning(board: Board, entry: Entry) -> str:
    if not entry.untuned:
        beside = [other.model for other in board.entries if other.untuned == entry.model]
        return f" These are its defaults; tuned, it is {listed(beside)}." if beside else " Not tuned."
    return (
        f" Tuned: `{entry.untuned}`, with the best parameters of a study for each of {len(entry.stored)} fits; those "
        "above are of the first fit."
    )
