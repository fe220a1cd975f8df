"""Differences between models, judged on the same resampled patients, and what they do and don't show, in words."""

import numpy as np

from benchmarks.report.leaderboard import cell
from benchmarks.report.markdown import Page, listed
from benchmarks.statistics.results import BASELINE, METADATA, PRIOR, Board, Entry, difference

COMPARED = {"score": "score", "auroc": "AUROC", "auroc_within_patients": "AUROC within patients"}
LEADING = {metric: COMPARED[metric] for metric in ("score", "auroc")}
"""What a model may lead in; AUROC within patients only says where a lead comes from."""

METADATA_SENTENCE = "has not been shown to hear anything that device, location, mode and duration don't tell already."


def add_comparisons(page: Page, board: Board) -> None:
    """The section about differences."""
    page.heading("Which differences are real?")
    page.text(
        "Both models of a difference are judged on the same resampled patients, so that what is hard about a patient "
        "cancels. An interval that includes 0 shows no difference. Each interval speaks for one "
        "comparison; where many models are compared, about one in twenty equal pairs looks different by luck."
    )
    for reference, why in references(board):
        others = [entry for entry in board.complete if entry is not reference]
        if others:
            page.table(
                f"Each model minus `{reference.model}` ({why}), 95 % intervals over patients.",
                ["model", *(f"{name} minus {reference.model}" for name in COMPARED.values()), "beyond noise"],
                [_row(entry, reference) for entry in others],
            )
    page.bullets([sentence + board.flagged for sentence in (*top_in_words(board), *metadata_in_words(board))])


def references(board: Board) -> list[tuple[Entry, str]]:
    """The models that the others are measured against, each with the reason, none twice."""
    candidates = [
        (board.best_baseline(), "the baseline or control with the highest AUROC"),
        (board.find(BASELINE), "the classical way: MFCC statistics and a support vector machine"),
        (board.find(METADATA), "knows device, location, mode and duration, hears nothing"),
        (board.find(PRIOR), "knows the class frequencies, hears nothing"),
    ]
    found: dict[str, tuple[Entry, str]] = {}
    for entry, why in candidates:
        if entry is not None:
            found.setdefault(entry.model, (entry, why))
    return list(found.values())


def top_in_words(board: Board) -> list[str]:
    """Whether the leader of the table has a lead."""
    if len(board.complete) < 2:
        return ["Fewer than two models are complete, so there is nothing to compare."]
    leader, *others = board.complete
    sentences = []
    for metric, name in LEADING.items():
        noise = [e.model for e in others if not difference(leader, e, metric).low > 0]
        runner_up = cell(difference(leader, others[0], metric), signed=True)
        if noise:
            sentences.append(
                f"On {name}, `{leader.model}` (first in the table) is not shown to be better than {listed(noise)}: "
                "there, the interval of the difference includes 0 or lies below it."
            )
        else:
            sentences.append(f"On {name}, `{leader.model}` is better than every other model beyond the noise.")
        sentences[-1] += f" Its difference to `{others[0].model}`, the second, is {runner_up}."
    return sentences


def metadata_in_words(board: Board) -> list[str]:
    """Which models have shown that the sound tells them something."""
    metadata = board.find(METADATA)
    if metadata is None:
        return ["`metadata` is not among the complete models, so this page can't say what the sound adds to it."]
    hearing = [entry for entry in board.complete if entry.kind != "control"]
    sentences = [sentence for entry in hearing if (sentence := _deafness(entry, metadata))]
    if not hearing:
        return ["No model that hears is complete, so this page can't say what the sound adds to `metadata`."]
    return sentences or ["Every model that hears is above `metadata` on score and AUROC, beyond the noise."]


def _deafness(entry: Entry, metadata: Entry) -> str:
    """One sentence about a model that is not above `metadata` on both score and AUROC; empty if it is.

    AUROC decides, since it doesn't depend on where a model happens to put its threshold.
    """
    gains = {metric: difference(entry, metadata, metric) for metric in LEADING}
    told = ", ".join(f"{LEADING[metric]} {cell(gain, signed=True)}" for metric, gain in gains.items())
    if not np.isfinite(gains["auroc"].value):
        return f"`{entry.model}` has no AUROC here, so this page can't say what it hears beyond `metadata`."
    if not gains["auroc"].low > 0:
        return f"**`{entry.model}` {METADATA_SENTENCE}** (Minus `metadata`: {told}.)"
    if not gains["score"].low > 0:
        return (
            f"`{entry.model}` is above `metadata` on AUROC, but not shown to be on score. (Minus `metadata`: {told}.)"
        )
    return ""


def _row(entry: Entry, reference: Entry) -> list[str]:
    differences = {metric: difference(entry, reference, metric) for metric in COMPARED}
    real = [COMPARED[metric] for metric, value in differences.items() if value.excludes_zero]
    return [entry.model, *(cell(value, signed=True) for value in differences.values()), ", ".join(real) or "no"]
