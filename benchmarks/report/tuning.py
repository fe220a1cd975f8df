"""Each tuned model beside itself with its default parameters: what tuning is shown to do, and what was tried for it."""

from collections import Counter

import numpy as np
import pandas as pd

from benchmarks.report.comparisons import LEADING
from benchmarks.report.figures.leaderboard import Figures
from benchmarks.report.figures.tuning import FIGURE
from benchmarks.report.leaderboard import DIGITS, UNDEFINED, cell, costs
from benchmarks.report.markdown import Page, escape, listed
from benchmarks.statistics.pairs import Pair, words_on
from benchmarks.statistics.results import COMPLETE, Board, Entry
from benchmarks.tuning.analysis import defaults_chosen, inner_auroc, trials_of, tuned_models
from benchmarks.tuning.study import BATCH, INNER, WARM_UP

TUNING = "tuning.csv"

OUTCOMES = ("better after tuning", "worse after it", "not shown to differ")

STUDIES = (
    "model",
    "studies",
    "trials a study",
    "complete / pruned / failed",
    "defaults stay best",
    "median seconds a study",
    "inner AUROC, defaults",
    "inner AUROC, chosen",
    "inner gain in AUROC",
    "gain in test patients",
)

STATES = ("complete", "pruned", "failed")


def add_tuning(page: Page, board: Board, figures: Figures) -> None:
    """The section about tuned models; nothing where there are none."""
    models = tuned_models(board)
    if not models:
        return
    page.heading("Tuning")
    page.text(*_explain(models))
    compared = [tuned for tuned in models if tuned.status == COMPLETE]
    if compared:
        page.table(
            "Each tuned model beside the same with its default parameters, and the difference on the same resampled "
            f"test patients; 95 % intervals over {len(board.patients)} patients.",
            [
                "model",
                *(f"{name} {when}" for name in LEADING.values() for when in ("before", "after", "after - before")),
            ],
            [_before_and_after(tuned) for tuned in compared],
        )
        said = [words_on(name, {t.model.model: t.gain(m) for t in compared}, OUTCOMES) for m, name in LEADING.items()]
        page.bullets([words + board.flagged for words in said])
        page.text("An interval that includes 0 shows neither that tuning helps nor that it is harmless.")
    finished = [tuned for tuned in models if tuned.model.stored]
    if finished:
        page.table(
            "The studies. Inner AUROC: on the patients by whom trials are judged, the mean over studies. The last two "
            "columns set what the best of many trials promises against what is left of it in the outer test patients.",
            STUDIES,
            [_study(tuned) for tuned in finished],
        )
    if FIGURE in figures:
        page.figure(f"figures/{FIGURE}", figures[FIGURE].caption)
    notes = [*_incomparable(models), *(note for tuned in models for note in _failures(tuned.model)), *_left(board)]
    if notes:
        page.bullets(notes)


def tuning_csv(board: Board) -> str:
    """tuning.csv: one row a tuned model; empty if there is none.

    Values before and after, and their difference with ``_low`` and ``_high``, are empty where ``status`` is not
    ``complete``. No seconds: the same results give the same file.
    """
    rows: list[dict[str, object]] = []
    for tuned in tuned_models(board):
        entry, states = tuned.model, _states(tuned.model)
        row: dict[str, object] = {"model": entry.model, "untuned": entry.untuned, "studies": len(entry.stored)}
        row |= {"trials": _budget(entry) if entry.stored else "", **{state: states[state] for state in STATES}}
        row["defaults_chosen"] = defaults_chosen(entry)
        row["inner_auroc_before"], row["inner_auroc_after"] = inner_auroc(entry)
        for metric in LEADING:
            gain, (before, after) = tuned.gain(metric), _values(tuned, metric)
            row |= {f"{metric}_before": before, f"{metric}_after": after, f"{metric}_gain": gain.value}
            row |= {f"{metric}_gain_low": gain.low, f"{metric}_gain_high": gain.high}
        rows.append({**row, "status": tuned.status, "warning": "; ".join(board.flags)})
    return pd.DataFrame(rows).to_csv(index=False, float_format=DIGITS, lineterminator="\n") if rows else ""


def _explain(models: list[Pair]) -> list[str]:
    budgets = {tuned.model.model: _budget(tuned.model) for tuned in models if tuned.model.stored}
    if len(set(budgets.values())) > 1:
        told = ", ".join(f"`{model}` {trials}" for model, trials in budgets.items())
        budget = f"**The budgets differ, so that the gains can't be compared: trials a study: {told}.**"
    else:
        trials = "".join(f"of {trials} trials" for trials in set(budgets.values()))
        budget = " ".join(filter(None, ["A study", trials, "for each seed and fold; every model has the same budget."]))
    return [
        f"{budget} Trial 0 has the default parameters; the others come {BATCH} at a time, the first few drawn at "
        "random, later ones proposed by an estimator that knows those before. A trial sees nothing of the outer test "
        f"part: the outer fold's training and validation patients are divided again into {INNER.folds} inner folds, "
        "and its AUROC is the mean over them. A network is judged on the first inner fold only, and given up where, "
        f"after its first {WARM_UP} epochs, it is below the median of the trials before it. The tuned model is then "
        "fitted like any other, with the best trial's parameters.",
        "So what is chosen is never worse than the defaults *where it was chosen*. That is no promise for the outer "
        "test patients: the best of many trials was partly lucky.",
    ]


def _budget(entry: Entry) -> int:
    """Trials a study; the same in all fits of a model, whose fingerprint it is part of."""
    return len(entry.stored[0].record.trials)


def _states(entry: Entry) -> Counter[str]:
    return Counter(record.state for record in trials_of(entry))


def _values(tuned: Pair, metric: str) -> tuple[float, float]:
    """Before and after; NaN where they can't be compared."""
    if tuned.reference is None or tuned.status != COMPLETE:
        return np.nan, np.nan
    return tuned.reference.estimate(metric).value, tuned.model.estimate(metric).value


def _before_and_after(tuned: Pair) -> list[object]:
    row: list[object] = [tuned.model.model]
    for metric in LEADING:
        entries = [entry for entry in (tuned.reference, tuned.model) if entry]
        row += [*(cell(entry.estimate(metric)) for entry in entries), cell(tuned.gain(metric), signed=True)]
    return row


def _study(tuned: Pair) -> list[object]:
    entry, states = tuned.model, _states(tuned.model)
    before, after = inner_auroc(entry)
    return [
        entry.model,
        len(entry.stored),
        _budget(entry),
        " / ".join(str(states[state]) for state in STATES),
        f"{defaults_chosen(entry)} of {len(entry.stored)}",
        costs(entry)["tune_seconds"],
        *(_number(value, "") for value in (before, after)),
        _number(after - before, "+"),
        _number(tuned.gain("auroc").value, "+"),
    ]


def _number(value: float, sign: str) -> str:
    return f"{value:{sign}.3f}" if np.isfinite(value) else UNDEFINED


def _incomparable(models: list[Pair]) -> list[str]:
    lacking = [tuned for tuned in models if tuned.status != COMPLETE]
    return [f"`{tuned.model.model}` can't be compared: {escape(tuned.status)}." for tuned in lacking]


def _failures(entry: Entry) -> list[str]:
    """Sentences on the trials that failed, and on those that were kept from being done; none without any."""
    records = trials_of(entry)
    failed = [record for record in records if record.state == "failed" and not record.retryable]
    again = [record for record in records if record.retryable]
    name, said = f"`{entry.model}`", []
    if failed:
        reason = escape(failed[0].error)
        said.append(f"{name}: {len(failed)} of {len(records)} trials failed; the first of them: {reason}")
    if again:
        said.append(
            f"{name}: {len(again)} of {len(records)} trials were kept from being done, and are counted as failed; the "
            f"same command run again does them. The first of them: {escape(again[0].error)}"
        )
    return said


def _left(board: Board) -> list[str]:
    """The models that were not tuned: some have nothing to tune, or stand for what they are."""
    tuned = {name for entry in board.entries if entry.untuned for name in (entry.model, entry.untuned)}
    others = [entry.model for entry in board.entries if entry.model not in tuned]
    return [f"Not tuned: {listed(others)}."] if others else []
