"""`OfficialSplit`: the split that a corpus was published with, for comparison with published numbers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.splits.balance import count_by_patient, validation_patients
from respbench.corpora.splits.folds import Fold, Index

OFFICIAL = "official"
"""Column of the metadata that names the part of the official split that a clip is in, in upper or lower case."""

TRAIN = "train"

TESTS = ("test", "inter", "intra")
"""The test parts: ICBHI and manifests have one; SPRSound has one of new patients and one of its training patients."""

_ELSE = "choose the protocol patients-5fold"


@dataclass(frozen=True)
class OfficialSplit:
    """One fold: train on the official training part, test one official test part or all of them.

    The published parts decide whether patients are on both sides. Validation patients are cut from the training part as
    `LeavePatientsOut` cuts them. Clips of a test part that is not asked for are in no part of the fold. A test part may
    lack rare classes, but not all except one.

    Attributes:
        test: one of `TESTS`; empty = all that the corpus has.

    Raises:
        InputError: the part of some clip is unknown, the corpus lacks a part, or a part lacks classes or patients.
    """

    test: str = ""

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Yield the one fold; the seed decides the validation patients."""
        part = _parts(clips)
        there = [name for name in TESTS if (part == name).any()]
        tests = [self.test] if self.test else there
        lacking = [name for name in (TRAIN, *(tests or TESTS[:1])) if not (part == name).any()]
        if lacking:
            raise InputError(
                f"the corpus has no clip of the official part {lacking[0]!r}, only of {' and '.join(np.unique(part))}; "
                f"use the whole database, or {_ELSE}"
            )
        train, test = np.flatnonzero(part == TRAIN), np.flatnonzero(np.isin(part, tests))
        _check_classes(clips, train, TRAIN, len(clips.classes))
        _check_classes(clips, test, " and ".join(tests), 2)
        patients, counts = count_by_patient(clips.take(train))
        if len(patients) < 2:
            raise InputError("the official split's train part holds one patient only; use the whole database")
        held_out = patients[validation_patients(counts, np.random.default_rng([seed, 1]))]
        is_valid = np.isin(clips.patient[train], held_out)
        yield Fold(train=train[~is_valid], valid=train[is_valid], test=test)


def _parts(clips: Clips) -> NDArray[np.str_]:
    """The part that each clip is in."""
    stated = clips.meta[OFFICIAL].astype(object).fillna("").astype(str) if OFFICIAL in clips.meta else None
    part = np.full(len(clips), "") if stated is None else stated.str.strip().str.lower().to_numpy(np.str_)
    absent = np.flatnonzero(part == "")
    if len(absent):
        others = f", as it does {len(absent) - 1} others" if len(absent) > 1 else ""
        raise InputError(
            f"the official split lacks clip {clips.clip_id[absent[0]]}{others}; for "
            "ICBHI put ICBHI_challenge_train_test.txt beside the recordings, for SPRSound keep its folders as they are "
            f"distributed or list the parts in official.csv (recording, part), or {_ELSE}"
        )
    unknown = np.flatnonzero(~np.isin(part, [TRAIN, *TESTS]))
    if len(unknown):
        raise InputError(
            f"clip {clips.clip_id[unknown[0]]} is in the official part {str(part[unknown[0]])!r}, which is none of "
            f"{', '.join((TRAIN, *TESTS))}; correct the column {OFFICIAL!r}, for SPRSound set DATA to the folder of "
            f"the challenge of 2022, or {_ELSE}"
        )
    return part


def _check_classes(clips: Clips, rows: Index, name: str, needed: int) -> None:
    """Refuse a part that has clips of fewer classes than are needed."""
    present = set(clips.label[rows].tolist())
    if len(present) < needed:
        absent = min(set(range(len(clips.classes))) - present)
        raise InputError(
            f"the official split's {name} part holds no clip of {clips.classes[absent]!r}; use the whole database, or "
            "choose another task"
        )
