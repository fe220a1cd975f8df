"""The tables of an ablation: each group's variants beside the full model, and what each difference shows."""

import numpy as np

from benchmarks.report.comparisons import COMPARED
from benchmarks.report.leaderboard import UNDEFINED, cell
from benchmarks.report.markdown import Page, listed
from benchmarks.statistics.results import Board, Entry, difference
from models.ablations import ABLATIONS, Ablation

FULL = "the full model"


def add_ablations(page: Page, board: Board) -> None:
    """The section about the groups that were run here."""
    page.heading("What the parts are worth")
    page.text(
        "This is no benchmark of models: each group takes one model and changes one part at a time. Folds, seeds and "
        "controls are those of the benchmark. A variant was judged here, not chosen: picking the best row of these "
        "tables would be tuning on the test patients."
    )
    entries = {entry.model: entry for entry in board.entries}
    shown: set[str] = set()
    for name, group in ABLATIONS.items():
        if any(spec.name in entries for spec in group.variants):
            _group(page, board, name, group, entries)
            shown |= {spec.name for spec in group.specs}
    others = [entry.model for entry in board.entries if entry.model not in shown and entry.kind != "control"]
    if others:
        page.text(f"In no group any more, and only in the tables below: {listed(others)}.")


def _group(page: Page, board: Board, name: str, group: Ablation, entries: dict[str, Entry]) -> None:
    reference = board.find(group.reference.name)
    stored = [entries[spec.name] for spec in group.specs if spec.name in entries]
    words = {spec.name: spec.source for spec in group.variants}
    page.heading(f"`{name}`", 3)
    page.text(group.question)
    page.table(
        f"`{name}`, 95 % intervals over {len(board.patients)} patients.",
        ["model", "what differs", *COMPARED.values(), "status"],
        [
            [
                entry.model,
                FULL if entry.model == group.reference.name else words[entry.model],
                *(cell(entry.estimate(metric)) if entry.complete else UNDEFINED for metric in COMPARED),
                entry.status,
            ]
            for entry in stored
        ],
    )
    if reference is None:
        page.text(f"`{group.reference.name}`, the full model, is not complete here, so its variants can't be compared.")
        return
    variants = [entry for entry in stored if entry.complete and entry is not reference]
    if variants:
        page.table(
            f"`{name}`, each variant minus `{reference.model}`, on the same resampled patients, 95 % intervals.",
            ["model", *(f"{label} minus {reference.model}" for label in COMPARED.values())],
            [[e.model, *(cell(difference(e, reference, m), signed=True) for m in COMPARED)] for e in variants],
        )
        page.bullets([difference_in_words(e, reference, words[e.model]) + board.flagged for e in variants])


def difference_in_words(variant: Entry, reference: Entry, what: str) -> str:
    """What the change ``what`` is shown to do on each measure; where an interval includes 0, that nothing is shown."""
    said: dict[str, list[str]] = {"better": [], "worse": [], "": []}
    for metric, label in COMPARED.items():
        gain = difference(variant, reference, metric)
        if np.isfinite(gain.value):
            said["" if not gain.excludes_zero else "better" if gain.value > 0 else "worse"].append(label)
    parts = [f"{word} than `{reference.model}` on {_and(said[word])}" for word in ("better", "worse") if said[word]]
    if said[""]:
        parts.append(f"not shown to differ from `{reference.model}` on {_and(said[''])} (the interval includes 0)")
    return f"`{variant.model}` ({what}): {'; '.join(parts) or 'can not be compared'}."


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
