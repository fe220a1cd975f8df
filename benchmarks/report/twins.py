"""Each semi-supervised model beside its supervised twin: what the unlabeled clips are shown to do, for good or ill."""

import pandas as pd

from benchmarks.report.comparisons import COMPARED
from benchmarks.report.leaderboard import DIGITS, cell
from benchmarks.report.markdown import Page, listed
from benchmarks.statistics.pairs import Pair, words_on
from benchmarks.statistics.results import COMPLETE, Board, difference

TWINS = "twins.csv"

LABELED = "-labeled-"
"""In the name of a semi-supervised model that is kept from unlabeled clips, as `planted-labeled-cnn` is; without it,
the name is that of the whole model."""

OUTCOMES = ("better than the supervised twin", "worse than it", "not shown to differ from it")


def pairs_of(board: Board) -> list[Pair]:
    """Every semi-supervised model with its twin, by the twin's name, then in the order of the table."""
    entries = {entry.model: entry for entry in board.entries}
    semi = [entry for entry in board.entries if entry.twin]
    pairs = [Pair(entry, entries.get(entry.twin), f"its twin `{entry.twin}` was not run") for entry in semi]
    return sorted(pairs, key=lambda pair: pair.model.twin)


def add_twins(page: Page, board: Board) -> None:
    """The section about semi-supervised models; nothing where there are none."""
    pairs = pairs_of(board)
    if not pairs:
        return
    page.heading("Against the supervised twin")
    page.text(
        "The twin of a semi-supervised model has the same network, labelled patients, number of steps and "
        "augmentation, and gets no unlabeled clips. The difference between the two is what the unlabeled clips do."
    )
    compared = [pair for pair in pairs if pair.status == COMPLETE]
    if compared:
        page.table(
            "Each semi-supervised model, and the same minus its twin, on the same resampled patients; 95 % intervals "
            f"over {len(board.patients)} patients.",
            ["model", "twin", "paired fits", *(h for name in COMPARED.values() for h in (name, f"{name} minus twin"))],
            [_row(pair) for pair in compared],
        )
        said = [
            words_on(name, {pair.model.model: pair.gain(metric) for pair in compared}, OUTCOMES)
            for metric, name in COMPARED.items()
        ]
        page.bullets([words + board.flagged for words in said])
        page.text(
            "An interval that includes 0 shows no difference, neither that the unlabeled clips help nor that they are "
            "harmless. The intervals speak of other test patients. Which patients were labelled is chance as well: "
            "only more seeds, each of which deals other ones, tell how much hangs on that."
        )
    _add_labeled(page, board)
    if tuned := [pair.model.model for pair in compared if pair.model.untuned]:
        page.text(
            f"Tuned, unlike the twin, which has its default parameters: {listed(tuned)}. There, the difference is what "
            "tuning and the unlabeled clips do together."
        )
    lacking = [f"`{p.model.model}` can't be compared: {p.status}." for p in pairs if p.status != COMPLETE]
    if lacking:
        page.bullets(lacking)


def _add_labeled(page: Page, board: Board) -> None:
    """What unlabeled clips add to a method that has something to teach in labelled ones, too."""
    alone = [entry for entry in board.complete if LABELED in entry.model]
    pairs = [(whole, entry) for entry in alone if (whole := board.find(entry.model.replace(LABELED, "-", 1)))]
    if not pairs:
        return
    page.table(
        f"What unlabeled clips add to a method that can do without them; 95 % intervals over {len(board.patients)} "
        "patients.",
        ["model", "minus the same in labelled clips alone", *COMPARED.values()],
        [
            [whole.model, entry.model, *(cell(difference(whole, entry, metric), signed=True) for metric in COMPARED)]
            for whole, entry in pairs
        ],
    )


def twins_csv(board: Board) -> str:
    """twins.csv: one row a semi-supervised model, with its differences to its twin; empty if there is no such model.

    The differences have the names of the metrics, and ``_low`` and ``_high``; they are empty where ``status`` is not
    ``complete``.
    """
    rows: list[dict[str, object]] = []
    for pair in pairs_of(board):
        row: dict[str, object] = {"model": pair.model.model, "twin": pair.model.twin, "paired_fits": _fits(pair)}
        for metric in COMPARED:
            gain = pair.gain(metric)
            row |= {metric: gain.value, f"{metric}_low": gain.low, f"{metric}_high": gain.high}
        rows.append({**row, "status": pair.status, "warning": "; ".join(board.flags)})
    return pd.DataFrame(rows).to_csv(index=False, float_format=DIGITS, lineterminator="\n") if rows else ""


def _fits(pair: Pair) -> int:
    """The seeds and folds that both were fitted on."""
    both = [{(stored.key.seed, stored.key.fold) for stored in e.stored} for e in (pair.model, pair.reference) if e]
    return len(set.intersection(*both)) if len(both) == 2 else 0


def _row(pair: Pair) -> list[object]:
    numbers = [
        text
        for metric in COMPARED
        for text in (cell(pair.model.estimate(metric)), cell(pair.gain(metric), signed=True))
    ]
    return [pair.model.model, pair.model.twin, _fits(pair), *numbers]
