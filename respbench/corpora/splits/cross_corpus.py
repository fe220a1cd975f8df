"""`CrossCorpus`: train on one corpus, or on several, and test on another."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.splits.balance import count_by_patient, validation_patients
from respbench.corpora.splits.folds import Fold, Index

CORPUS = "corpus"
"""Column of the metadata that names the corpus of a clip; `corpora.joined.join` writes it."""


TOGETHER = "+"
"""Joins the names of corpora that are trained on together."""


@dataclass(frozen=True)
class CrossCorpus:
    """One fold of joined corpora: train and validate on all but one, test every clip of that one.

    The validation part is cut by patient, as `LeavePatientsOut` cuts it.

    Attributes:
        train: name of the corpus that is trained on, or of several, joined by `TOGETHER`.

    Raises:
        InputError: the clips are not of these and one other corpus, a patient is in training and test, a class is
            missing in one of the two, or there is no patient to spare for validation.
    """

    train: str

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Yield the one fold; the seed decides the validation patients."""
        training, test = sides(clips, self.train)
        train, valid = cut_validation(clips, training, self.train, seed)
        yield Fold(train=train, valid=valid, test=test)


def sides(clips: Clips, train: str) -> tuple[Index, Index]:
    """Return the rows of what is trained on, and those of the tested corpus; names and errors as in `CrossCorpus`."""
    sources = train.split(TOGETHER)
    corpus = clips.meta[CORPUS].to_numpy(np.str_) if CORPUS in clips.meta else np.full(len(clips), "")
    tested = sorted(set(corpus.tolist()) - set(sources))
    if len(tested) != 1 or not set(sources) < set(corpus.tolist()):
        raise InputError(
            f"the protocol cross-corpus needs {' and '.join(sources)} and one other corpus; name them with --corpus "
            "and --other (CORPUS and OTHER for make)"
        )
    is_source = np.isin(corpus, sources)
    training, test = np.flatnonzero(is_source), np.flatnonzero(~is_source)
    both = set(clips.patient[training].tolist()) & set(clips.patient[test].tolist())
    if both:
        raise InputError(f"patient {min(both)} is in both corpora; rename the patient, or leave one of the two out")
    for part, name in ((training, train), (test, tested[0])):
        absent = set(range(len(clips.classes))) - set(clips.label[part].tolist())
        if absent:
            raise InputError(
                f"the corpus {name} holds no clip of {clips.classes[min(absent)]!r}, so that the class can't be "
                "trained on and tested; choose another task or another corpus"
            )
    return training, test


def cut_validation(clips: Clips, training: Index, train: str, seed: int) -> tuple[Index, Index]:
    """Divide the rows of what is trained on into training and validation, by patient.

    Args:
        clips: of all corpora.
        training: rows of what is trained on.
        train: its name.
        seed: decides the validation patients.

    Raises:
        InputError: there is no patient to spare for validation.
    """
    patients, counts = count_by_patient(clips.take(training))
    if len(patients) < 2:
        raise InputError(f"the corpus {train} has one patient only, and none to spare for validation; add some")
    held_out = patients[validation_patients(counts, np.random.default_rng([seed, 1]))]
    is_valid = np.isin(clips.patient[training], held_out)
    return training[~is_valid], training[is_valid]
