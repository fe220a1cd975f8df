"""Assign patients to the parts of a split so that every part has its share of each class."""

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.splits.folds import Index

VALIDATION = 0.1
"""Share of the training patients held out for validation: 9:1, as in the lecture."""

ABSENCE_COST = 1000.0
"""Cost of a part without any clip of a class, relative to one that is off by its whole share (ours)."""


def count_by_patient(clips: Clips) -> tuple[NDArray[np.str_], Index]:
    """Return the patients, sorted, and an array (patients, classes) of their numbers of clips."""
    patients, owner = np.unique(clips.patient, return_inverse=True)
    counts = np.zeros((len(patients), len(clips.classes)), dtype=np.int64)
    np.add.at(counts, (owner, clips.label), 1)
    return patients, counts


def assign_parts(counts: Index, shares: NDArray[np.float64], rng: np.random.Generator, starts: int = 4) -> Index:
    """Assign each patient to a part so that every part gets its share of each class and of the patients.

    Local search from several random assignments: a patient is moved, or two are exchanged, while that lowers the
    imbalance; the best result is kept. No single move or exchange can improve it.

    Args:
        counts: (patients, classes) clips.
        shares: (parts,) that sum to 1.
        rng: draws the random assignments.
        starts: number of random assignments.

    Returns:
        (patients,) the part of each.
    """
    # A patient counts as one more class: parts then differ little in their number of patients too.
    weights = np.column_stack([counts, np.ones(len(counts), dtype=np.int64)])
    best = min((_search(weights, shares, rng) for _ in range(starts)), key=lambda found: found[0])
    return best[1]


def validation_patients(counts: Index, rng: np.random.Generator, may_lack_classes: bool = False) -> NDArray[np.bool_]:
    """Choose the training patients that are held out for validation; every class stays in training.

    Args:
        counts: (patients, classes) clips of the training patients.
        rng: draws the random assignments.
        may_lack_classes: whether, where no patient can be spared, the one is held out whom training loses fewest
            classes with, and of several the one with fewest clips.

    Returns:
        (patients,) True = validation.

    Raises:
        InputError: each patient is the only one with clips of some class.
    """
    held_out: NDArray[np.bool_] = assign_parts(counts, np.array([1 - VALIDATION, VALIDATION]), rng) == 1
    if not held_out.any() and may_lack_classes and len(counts) > 1:
        lost = ((counts.sum(axis=0) == counts) & (counts > 0)).sum(axis=1)
        held_out[np.lexsort((counts.sum(axis=1), lost))[0]] = True
    if not held_out.any():
        raise InputError(
            f"a fold has {len(counts)} training patient{'s' * (len(counts) != 1)} and none to spare for validation, "
            "since each is the only one with clips of some class; add patients"
        )
    return held_out


def imbalance(totals: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute how far parts are from their share: squared relative deviations, summed over parts and classes.

    A part without any clip of a class costs far more, and a large part more than a small one: training must not lose a
    class to validation.

    Args:
        totals: (…, parts, classes) clips.
        target: (parts, classes) clips wanted.

    Returns:
        (…,) cost, 0 = every part has exactly its share.
    """
    off = ((totals - target) / np.maximum(target, 1e-9)) ** 2
    lacking = ABSENCE_COST * target / np.maximum(target.sum(axis=0), 1e-9)
    cost: NDArray[np.float64] = np.where((totals == 0) & (target > 0), lacking, off).sum(axis=(-2, -1))
    return cost


def totals_of_parts(weights: Index, part: Index, parts: int) -> Index:
    """Sum ``weights`` (patients, classes) within each part: (parts, classes)."""
    totals = np.zeros((parts, weights.shape[1]), dtype=np.int64)
    np.add.at(totals, part, weights)
    return totals


def _search(weights: Index, shares: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, Index]:
    """Improve one random assignment until no move or exchange lowers its cost; returns the cost and the parts."""
    patients, parts = len(weights), len(shares)
    target = shares[:, None] * weights.sum(axis=0)
    part = rng.permutation(np.searchsorted(np.cumsum(shares), (np.arange(patients) + 0.5) / patients))
    totals = totals_of_parts(weights, part, parts)
    cost = float(imbalance(totals.astype(np.float64), target))
    improved = True
    while improved:
        improved = False
        for a in rng.permutation(patients):
            here = part[a]
            elsewhere = np.flatnonzero(part != here)
            # Either a moves to another part, or it is exchanged with a patient of another part.
            to = np.concatenate([np.delete(np.arange(parts), here), part[elsewhere]])
            back = np.concatenate([np.zeros((parts - 1, weights.shape[1]), dtype=np.int64), weights[elsewhere]])
            changed = np.repeat(totals[None], len(to), axis=0)
            changed[:, here] -= weights[a] - back
            changed[np.arange(len(to)), to] += weights[a] - back
            costs = imbalance(changed.astype(np.float64), target)
            choice = int(costs.argmin())
            if costs[choice] < cost - 1e-9:
                if choice >= parts - 1:
                    part[elsewhere[choice - (parts - 1)]] = here
                part[a], cost, totals, improved = to[choice], float(costs[choice]), changed[choice], True
    return cost, part
