"""`OfficialSplit`: the ICBHI 2017 challenge's split, for comparison with published numbers. Not patient-disjoint."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from corpora.clips import Clips
from corpora.problems import InputError
from corpora.splits.balance import count_by_patient, validation_patients
from corpora.splits.folds import Fold


@dataclass(frozen=True)
class OfficialSplit:
    """The challenge's one split, by recording. Two patients (156 and 218) are on both of its sides.

    Raises:
        InputError: the side of some recording is unknown.
    """

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Yield the one fold; the seed decides the validation patients."""
        side = clips.meta["official"].to_numpy(np.str_) if "official" in clips.meta else np.array([""])
        unknown = np.flatnonzero(~np.isin(side, ["train", "test"]))
        if len(unknown):
            raise InputError(
                f"the official split lacks clip {clips.clip_id[unknown[0]]}; put "
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
        patients, counts = count_by_patient(clips.take(train))
        if len(patients) < 2:
            raise InputError("the official split's train part holds one patient only; use the whole database")
        held_out = patients[validation_patients(counts, np.random.default_rng([seed, 1]))]
        is_valid = np.isin(clips.patient[train], held_out)
        yield Fold(train=train[~is_valid], valid=train[is_valid], test=test)
