"""`CrossCorpus`: train on one corpus, test on another."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from corpora.clips import Clips
from corpora.problems import InputError
from corpora.splits.balance import count_by_patient, validation_patients
from corpora.splits.folds import Fold

CORPUS = "corpus"
"""Column of the metadata that names the corpus of a clip; `corpora.joined.join` writes it."""


@dataclass(frozen=True)
class CrossCorpus:
    """One fold of two joined corpora: train and validate on one, test every clip of the other.

    The validation part is cut by patient, as `LeavePatientsOut` cuts it.

    Attributes:
        train: name of the corpus that is trained on.

    Raises:
        InputError: the clips are not of two corpora, a patient is in both, a class is missing in one, or there is no
            patient to spare for validation.
    """

    train: str

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Yield the one fold; the seed decides the validation patients."""
        corpus = clips.meta[CORPUS].to_numpy(np.str_) if CORPUS in clips.meta else np.full(len(clips), "")
        names = sorted(set(corpus.tolist()), key=lambda name: (name != self.train, name))
        if len(names) != 2 or self.train not in names:
            raise InputError(
                f"the protocol cross-corpus needs {self.train} and one other corpus; name the two with --corpus and "
                "--other (CORPUS and OTHER for make)"
            )
        training, test = np.flatnonzero(corpus == self.train), np.flatnonzero(corpus != self.train)
        both = set(clips.patient[training].tolist()) & set(clips.patient[test].tolist())
        if both:
            raise InputError(f"patient {min(both)} is in both corpora; rename the patient, or leave one of the two out")
        for part, name in zip((training, test), names, strict=True):
            absent = set(range(len(clips.classes))) - set(clips.label[part].tolist())
            if absent:
                raise InputError(
                    f"the corpus {name} holds no clip of {clips.classes[min(absent)]!r}, so that the class can't be "
                    "trained on and tested; choose another task or another corpus"
                )
        patients, counts = count_by_patient(clips.take(training))
        if len(patients) < 2:
            raise InputError(
                f"the corpus {self.train} has one patient only, and none to spare for validation; add some"
            )
        held_out = patients[validation_patients(counts, np.random.default_rng([seed, 1]))]
        is_valid = np.isin(clips.patient[training], held_out)
        yield Fold(train=training[~is_valid], valid=training[is_valid], test=test)
