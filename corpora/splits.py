"""Who is trained on and who is tested: `LeavePatientsOut`, *the* splitter, and two others for comparison.

No model splits anything itself; every fold of every model, and every validation set, comes from here.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold, train_test_split

from corpora.clips import Clips
from corpora.problems import InputError

Index = NDArray[np.int64]

VALIDATION = 0.1
"""Share of the training patients that is set aside to choose the epoch: 9:1, as in the lecture."""


def _nothing() -> Index:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Fold:
    """Row numbers into one Clips: fit on ``train``, choose on ``valid``, report on ``test``."""

    train: Index
    valid: Index
    test: Index
    unlabeled: Index = field(default_factory=_nothing)


class Splitter(Protocol):
    """Yields the folds of a corpus, the same for the same clips and seed."""

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Folds of ``clips``. Raises InputError when the request can't be met."""
        ...


@dataclass(frozen=True)
class LeavePatientsOut:
    """k folds; a patient is in one part of a fold only, and in the test part of exactly one fold.

    Patients are dealt so that the classes are spread as evenly as the patients permit; the validation part is cut from
    the training patients in the same way. Another seed deals other folds.

    Raises:
        InputError: fewer patients than parts, a class that too few patients have for every fold to test it, or no
            patient to spare for validation.
    """

    folds: int = 5

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """The k folds of ``clips``."""
        patients, clip_counts = count_by_patient(clips)
        _refuse_impossible(clips, clip_counts, self.folds)
        rng = np.random.default_rng([seed, self.folds])
        part = deal(clip_counts, np.full(self.folds, 1 / self.folds), rng)
        absent = [
            clips.classes[c]
            for c in range(len(clips.classes))
            if (_totals(clip_counts, part, self.folds) == 0)[:, c].any()
        ]
        if absent:
            raise InputError(
                f"no way was found to have clips of {absent[0]!r} in each of {self.folds} folds; "
                "choose fewer folds, or add patients who have it"
            )
        number = {patient: i for i, patient in enumerate(patients)}
        owner = np.array([number[patient] for patient in clips.patient.tolist()])
        for fold in range(self.folds):
            training = np.flatnonzero(part != fold)
            held_out = _validation(clip_counts[training], rng)
            train, valid = training[~held_out], training[held_out]
            yield Fold(*(np.flatnonzero(np.isin(owner, who)) for who in (train, valid, np.flatnonzero(part == fold))))


@dataclass(frozen=True)
class OfficialSplit:
    """The ICBHI challenge's one split, by recording. Two patients (156 and 218) are on both of its sides.

    Raises:
        InputError: the corpus does not say which recording is on which side.
    """

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """The one fold; the seed deals the validation patients."""
        side = clips.meta["official"].to_numpy(np.str_) if "official" in clips.meta else np.array([""])
        unknown = np.flatnonzero(~np.isin(side, ["train", "test"]))
        if len(unknown):
            raise InputError(
                f"the official split does not say where clip {clips.clip_id[unknown[0]]} belongs; put "
                "ICBHI_challenge_train_test.txt beside the recordings, or choose the protocol patients-5fold"
            )
        train, test = np.flatnonzero(side == "train"), np.flatnonzero(side == "test")
        for part, name in ((train, "train"), (test, "test")):
            absent = set(range(len(clips.classes))) - set(clips.label[part].tolist())
            if absent:
                missing = clips.classes[min(absent)]
                raise InputError(
                    f"the official split's {name} part holds no clip of {missing!r}; use the whole database"
                )
        patients, clip_counts = count_by_patient(clips.take(train))
        if len(patients) < 2:
            raise InputError("the official split's train part holds one patient only; use the whole database")
        chosen = _validation(clip_counts, np.random.default_rng([seed, 1]))
        held_out = np.isin(clips.patient[train], patients[chosen])
        yield Fold(train[~held_out], train[held_out], test)


@dataclass(frozen=True)
class RandomClips:
    """k folds by clip, patients on both sides: LEAKY. It exists to measure how much that flatters, for nothing else."""

    folds: int = 5

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """The k folds of ``clips``."""
        _refuse_one_fold(self.folds)
        counts = np.bincount(clips.label, minlength=len(clips.classes))
        rarest = int(counts.argmin())
        if counts[rarest] < max(self.folds + 1, 4):
            raise InputError(
                f"class {clips.classes[rarest]!r} has {counts[rarest]} clip{'s' * int(counts[rarest] != 1)} only, too "
                f"few for {self.folds} folds; choose fewer folds, another task, or add clips"
            )
        shuffled = StratifiedKFold(self.folds, shuffle=True, random_state=seed)
        for training, test in shuffled.split(np.zeros(len(clips)), clips.label):
            size = max(len(clips.classes), math.ceil(VALIDATION * len(training)))
            train, valid = train_test_split(training, test_size=size, random_state=seed, stratify=clips.label[training])
            yield Fold(np.sort(train), np.sort(valid), test)


def count_by_patient(clips: Clips) -> tuple[NDArray[np.str_], Index]:
    """The patients, sorted, and an array (patients, classes) of their clips."""
    patients, owner = np.unique(clips.patient, return_inverse=True)
    counts = np.zeros((len(patients), len(clips.classes)), dtype=np.int64)
    np.add.at(counts, (owner, clips.label), 1)
    return patients, counts


def deal(counts: Index, shares: NDArray[np.float64], rng: np.random.Generator, deals: int = 4) -> Index:
    """Deal patients to parts so that every part gets its share of every class and of the patients.

    A random deal is improved by moving one patient, or exchanging two, while that lowers the imbalance; the best of a
    few such deals is kept. No single move or exchange can then improve it.

    Args:
        counts: (patients, classes) clips.
        shares: (parts,) that sum to 1.
        rng: decides the random deals.
        deals: how many to choose from.

    Returns:
        (patients,) the part of each.
    """
    # A patient counts as one more class: parts then differ little in their number of patients too.
    weights = np.column_stack([counts, np.ones(len(counts), dtype=np.int64)])
    best = min((_improve(weights, shares, rng) for _ in range(deals)), key=lambda found: found[0])
    return best[1]


def _validation(counts: Index, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which of the training patients are set aside for validation. Every class stays in training."""
    held_out: NDArray[np.bool_] = deal(counts, np.array([1 - VALIDATION, VALIDATION]), rng) == 1
    if not held_out.any():
        raise InputError(
            f"a fold has {len(counts)} training patient{'s' * (len(counts) != 1)} and none to spare for validation, "
            "each being the only one who has some class; add patients"
        )
    return held_out


def imbalance(totals: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far parts are from their share: squared relative deviations, summed over parts and classes.

    A part that lacks a class altogether costs far more, and a large part more than a small one: training must not go
    without a class so that validation may have it.

    Args:
        totals: (…, parts, classes) clips.
        target: (parts, classes) clips wanted.
    """
    off = ((totals - target) / np.maximum(target, 1e-9)) ** 2
    lacking = 1000.0 * target / np.maximum(target.sum(axis=0), 1e-9)
    cost: NDArray[np.float64] = np.where((totals == 0) & (target > 0), lacking, off).sum(axis=(-2, -1))
    return cost


def _improve(weights: Index, shares: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, Index]:
    patients, parts = len(weights), len(shares)
    target = shares[:, None] * weights.sum(axis=0)
    part = rng.permutation(np.searchsorted(np.cumsum(shares), (np.arange(patients) + 0.5) / patients))
    cost = float(imbalance(_totals(weights, part, parts).astype(np.float64), target))
    improved = True
    while improved:
        improved = False
        for a in rng.permutation(patients):
            here = part[a]
            elsewhere = np.flatnonzero(part != here)
            # Either a moves to another part alone, or it changes places with somebody there.
            to = np.concatenate([np.delete(np.arange(parts), here), part[elsewhere]])
            back = np.concatenate([np.zeros((parts - 1, weights.shape[1]), dtype=np.int64), weights[elsewhere]])
            changed = np.repeat(_totals(weights, part, parts)[None], len(to), axis=0)
            changed[:, here] -= weights[a] - back
            changed[np.arange(len(to)), to] += weights[a] - back
            costs = imbalance(changed.astype(np.float64), target)
            choice = int(costs.argmin())
            if costs[choice] < cost - 1e-9:
                if choice >= parts - 1:
                    part[elsewhere[choice - (parts - 1)]] = here
                part[a], cost, improved = to[choice], float(costs[choice]), True
    return cost, part


def _totals(weights: Index, part: Index, parts: int) -> Index:
    totals = np.zeros((parts, weights.shape[1]), dtype=np.int64)
    np.add.at(totals, part, weights)
    return totals


def _refuse_one_fold(folds: int) -> None:
    if folds < 2:
        raise InputError(f"a cross-validation needs at least 2 folds, not {folds}; choose more")


def _refuse_impossible(clips: Clips, counts: Index, folds: int) -> None:
    """Say why k folds can't be had, before any is dealt."""
    _refuse_one_fold(folds)
    patients = len(counts)
    if patients < max(folds, 3):
        raise InputError(
            f"the corpus has {patients} patient{'s' * (patients != 1)}, too few for {folds} folds by patient with a "
            "validation patient each; add patients, or choose fewer folds"
        )
    for name, having in zip(clips.classes, (counts > 0).sum(axis=0).tolist(), strict=True):
        if having < folds:
            raise InputError(
                f"class {name!r} occurs in {having} patient{'s' * (having != 1)} only, so that not each of {folds} "
                "folds can test it; choose fewer folds, another task, or add patients who have it"
            )
