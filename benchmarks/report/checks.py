"""Numbered checks of the results themselves: what a careful reader would ask before believing a table."""

from collections import Counter
from collections.abc import Callable

import numpy as np

from benchmarks.report.comparisons import LEADING
from benchmarks.report.leaderboard import cell
from benchmarks.statistics.results import PRIOR, Board, chooses_epoch, difference
from benchmarks.storage.store import StoredFit
from benchmarks.tuning.analysis import at_the_edge
from models.registry import REGISTRY

OFTEN = 0.25
"""Share of a model's fits from which on an epoch or a tuned value at the edge is a finding: a few are there by luck."""

TOO_GOOD = 0.85
"""AUROC that honest work on real lung sounds of unknown patients has not reached; a leak reaches it easily."""

FEW_PATIENTS = 20
"""Below, percentile intervals over patients are clearly too narrow (Cameron, Gelbach & Miller 2008)."""

FEW_SEEDS = 3


def not_above_prior(board: Board) -> list[str]:
    """A model that isn't better than the class frequencies has learned nothing that carries over.

    On four classes the score of `prior` is 0.5, hard to beat for a model that tries to name the abnormal class.
    """
    prior = board.find(PRIOR)
    if prior is None:
        return ["`prior` is not among the complete models; run it"]
    return [
        f"`{entry.model}` is not shown to be above `prior` on {name} ({cell(gain, signed=True)})"
        for entry in board.complete
        for metric, name in LEADING.items()
        if entry is not prior and not (gain := difference(entry, prior, metric)).low > 0
    ]


def lacking_fits(board: Board) -> list[str]:
    """An incomplete model has no numbers in the table."""
    return [f"`{entry.model}` {entry.status}" for entry in board.entries if not entry.complete]


def epoch_at_the_edge(board: Board) -> list[str]:
    """The best epoch is the last one allowed (cut short?) or the first (learned nothing, or too fast?)."""
    found = []
    for entry in filter(chooses_epoch, board.entries):
        kept = [edge for stored in entry.stored if (edge := _edge(stored))]
        for edge, advice in (("last", "more epochs may help"), ("first", "try a lower learning rate")):
            count = kept.count(edge)
            if count >= max(1, OFTEN * len(entry.stored)):
                found.append(f"`{entry.model}` kept its {edge} epoch in {count} of {len(entry.stored)} fits; {advice}")
    return found


def class_without_clips(board: Board) -> list[str]:
    """A fold that lacks a class gives no AUROC, so that the mean is over fewer folds."""
    tests = {(stored.key.stem): set(stored.predictions["label"]) for stored in board.fits}
    return [
        f"{stem} tests no clip of {name}, and is left out of the AUROC"
        for stem, labels in sorted(tests.items())
        for name in board.classes
        if name not in labels
    ]


def too_good(board: Board) -> list[str]:
    """On real patients that the models never met, so high an AUROC is a leak until it is shown not to be one."""
    if board.corpus.simulated or not board.protocol.patient_disjoint:
        return []
    return [
        f"`{entry.model}` has AUROC {value.value:.3f}: treat as a leak until shown otherwise"
        for entry in board.complete
        if (value := entry.estimate("auroc")).value > TOO_GOOD
    ]


def one_class_only(board: Board) -> list[str]:
    """Fits that give every test clip the same class, whatever they hear. `prior` does so by design."""
    found = []
    for entry in board.entries:
        same = sum(_decides_alike(stored, board.classes) for stored in entry.stored)
        if same and entry.model != PRIOR:
            found.append(f"`{entry.model}` gives all clips one class in {same} of {len(entry.stored)} fits")
    return found


def shared_patients(board: Board) -> list[str]:
    """Patients who were tested although the same fit had met them."""
    counts: Counter[str] = Counter()
    for stored in board.fits:
        met = stored.record.seen_patients
        counts[stored.key.model] += bool(met & set(stored.predictions["patient"]))
    return [f"`{model}` was tested on patients it had met in {n} fits" for model, n in counts.items() if n]


def below_chance(board: Board) -> list[str]:
    """Reliably wrong is not noise: labels or columns may be swapped, or training and test patients differ."""
    return [
        f"`{entry.model}` has AUROC {cell(value)}, below chance"
        for entry in board.complete
        if (value := entry.estimate("auroc")).high < 0.5
    ]


def only_between_patients(board: Board) -> list[str]:
    """Above chance over all patients, but not shown to be within them: it may recognise people, not breaths."""
    found = []
    for entry in board.complete:
        within = entry.estimate("auroc_within_patients")
        if entry.estimate("auroc").low > 0.5 and np.isfinite(within.value) and not within.low > 0.5:
            found.append(
                f"`{entry.model}` is above chance, but within patients not shown to be ({cell(within)}): it may tell "
                "people apart rather than hear disease"
            )
    return found


def too_little_evidence(board: Board) -> list[str]:
    """Too few patients or seeds for the intervals to mean what they say."""
    found = []
    if len(board.patients) < FEW_PATIENTS:
        found.append(f"only {len(board.patients)} patients were tested: the intervals are too narrow")
    if len(board.seeds) < FEW_SEEDS:
        seeds = "seed was" if len(board.seeds) == 1 else "seeds were"
        found.append(
            f"only {len(board.seeds)} {seeds} run: the intervals leave out most of what chance does in training"
        )
    return found


def unequal_machines(board: Board) -> list[str]:
    """Seconds can't be compared between machines, nor numbers, quite, between versions."""
    found = []
    for what, name in (("hardware", "machines"), ("threads", "numbers of threads"), ("versions", "package versions")):
        values = {repr(getattr(stored.record, what)) for stored in board.fits}
        if len(values) > 1:
            found.append(f"the fits were made with {len(values)} different {name}")
    budgets = {len(entry.stored[0].record.trials) for entry in board.entries if entry.untuned and entry.stored}
    if len(budgets) > 1:
        found.append(f"the models were tuned with {len(budgets)} different numbers of trials")
    return found


def best_at_the_edge(board: Board) -> list[str]:
    """Where the best values lie at an end of what tuning may try, better ones may lie beyond it."""
    found = []
    for entry in board.entries:
        known = REGISTRY.get(entry.untuned)
        where = f"models/{known.target.partition(':')[0].rpartition('.')[2]}.py" if known else "its file"
        found += [
            f"`{entry.model}`: {name} lies at the {end} edge in {count} of {len(entry.stored)} studies; widen its "
            f"space in {where}, if it can be wider"
            for (name, end), count in (at_the_edge(entry) if entry.untuned else Counter()).items()
            if count >= OFTEN * len(entry.stored)
        ]
    return found


def trials_met_tested(board: Board) -> list[str]:
    """Tuning that has seen the patients of the outer test part is no nested tuning."""
    found = []
    for entry in board.entries:
        count = sum(
            any(set(record.patients) & set(stored.predictions["patient"]) for record in stored.record.trials)
            for stored in entry.stored
        )
        if count:
            found.append(
                f"`{entry.model}`: trials met patients whom their fit tests in {count} of {len(entry.stored)} studies"
            )
    return found


CHECKS: dict[str, Callable[[Board], list[str]]] = {
    "Every model is above the class frequencies": not_above_prior,
    "No fit is missing or failed": lacking_fits,
    "The best epoch is neither the first nor the last one": epoch_at_the_edge,
    "Every fold tests every class": class_without_clips,
    f"No AUROC of real patients whom the models never met is above {TOO_GOOD}": too_good,
    "No model gives every clip the same class": one_class_only,
    "No fit was tested on patients it had met": shared_patients,
    "No model is below chance": below_chance,
    "What is above chance is so within patients, too": only_between_patients,
    "There are enough patients and seeds": too_little_evidence,
    "All fits were made on equal terms": unequal_machines,
    "No best value lies at the edge of its space": best_at_the_edge,
    "No trial met a patient that its fit tests": trials_met_tested,
}


def results_of_checks(board: Board) -> list[list[object]]:
    """One row a check: its number, what it asks, and what was found, or ``fine``."""
    return [
        [number, title, "; ".join(check(board)) or "fine"] for number, (title, check) in enumerate(CHECKS.items(), 1)
    ]


def _edge(stored: StoredFit) -> str | None:
    """Whether a fit kept its last epoch (of all it was allowed) or its first, and not one between."""
    curve = stored.record.curve
    if len(curve) < 2:
        return None
    kept = next((i for i, row in enumerate(curve) if row["kept"]), None)
    return {len(curve) - 1: "last", 0: "first"}.get(kept) if kept is not None else None


def _decides_alike(stored: StoredFit, classes: tuple[str, ...]) -> bool:
    decision = stored.predictions[list(classes)].to_numpy(np.float64).argmax(axis=1)
    return len(set(decision.tolist())) == 1
