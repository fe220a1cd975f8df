"""Train on one corpus, test on another: does what was learned in one hospital hold in the next?"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from corpora.clips import Clips
from corpora.problems import InputError
from corpora.splits import Fold, _validation, count_by_patient

CORPUS = "corpus"
"""The column of the metadata that says which corpus a clip is of; `corpora.joined.join` writes it."""


@dataclass(frozen=True)
class BetweenCorpora:
    """One fold of two joined corpora: fit and validate on one, test every clip of the other.

    The validation part is cut by patient, as `LeavePatientsOut` cuts it.

    Attributes:
        train: name of the corpus that is trained on.

    Raises:
        InputError: the clips are not of two corpora, a patient is in both, a class is missing in one, or there is no
            patient to spare for validation.
    """

    train: str

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """The one fold; the seed deals the validation patients."""
        corpus = clips.meta[CORPUS].to_numpy(np.str_) if CORPUS in clips.meta else np.full(len(clips), "")
        names = sorted(set(corpus.tolist()))
        if len(names) != 2 or self.train not in names:
            raise InputError(
                f"the protocol cross-corpus needs {self.train} and one other corpus; name the two with --corpus and "
                "--other (CORPUS and OTHER for make)"
            )
        training, test = np.flatnonzero(corpus == self.train), np.flatnonzero(corpus != self.train)
        both = set(clips.patient[training].tolist()) & set(clips.patient[test].tolist())
        if both:
            raise InputError(f"patient {min(both)} is in both corpora; rename the patient, or leave one of the two out")
        for part, name in zip((training, test), sorted(names, key=lambda name: name != self.train), strict=True):
            absent = set(range(len(clips.classes))) - set(clips.label[part].tolist())
            if absent:
                raise InputError(
                    f"the corpus {name} holds no clip of {clips.classes[min(absent)]!r}, which can then neither be "
                    "learned nor tested; choose another task or another corpus"
                )
        patients, clip_counts = count_by_patient(clips.take(training))
        if len(patients) < 2:
            raise InputError(
                f"the corpus {self.train} has one patient only, and none to spare for validation; add some"
            )
        chosen = _validation(clip_counts, np.random.default_rng([seed, 1]))
        held_out = np.isin(clips.patient[training], patients[chosen])
        yield Fold(training[~held_out], training[held_out], test)
