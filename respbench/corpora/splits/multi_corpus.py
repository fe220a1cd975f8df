"""`MultiCorpus`: train on a corpus and on others together, and test other patients of the first."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from respbench.corpora.clips import HIDDEN, Clips
from respbench.corpora.problems import InputError
from respbench.corpora.splits.cross_corpus import CORPUS, TOGETHER
from respbench.corpora.splits.folds import Fold, Index
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut


@dataclass(frozen=True)
class MultiCorpus:
    """The folds of `LeavePatientsOut` on the tested corpus, with all labeled clips of the others in each training part.

    The tested corpus alone decides the folds: its patients are trained on, validated on and tested as they are without
    the others for the same seed, so that a model can be compared with itself fold by fold. Validation patients are of
    the tested corpus only. The others may lack a class.

    Attributes:
        other: name of the corpus that is added to the training, or of several, joined by `TOGETHER`.
        folds: how many.

    Raises:
        InputError: the clips are not of these and one further corpus, a patient is in both, or the tested corpus can't
            be divided, see `LeavePatientsOut`.
    """

    other: str
    folds: int = 5

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Yield the k folds of ``clips``."""
        tested, rows, added = self._parts(clips)
        try:
            folds = list(LeavePatientsOut(self.folds).split(clips.take(rows), seed))
        except InputError as problem:
            raise InputError(
                f"{tested} can't be tested by multi-corpus, which has its folds of patients-{self.folds}fold: {problem}"
            ) from problem
        for fold in folds:
            train = np.sort(np.concatenate([rows[fold.train], added]))  # in the order of the table, like every part
            yield Fold(train=train, valid=rows[fold.valid], test=rows[fold.test])

    def _parts(self, clips: Clips) -> tuple[str, Index, Index]:
        """Name of the tested corpus, its rows, and the labeled rows of the others."""
        others = self.other.split(TOGETHER)
        corpus = clips.meta[CORPUS].to_numpy(np.str_) if CORPUS in clips.meta else np.full(len(clips), "")
        tested = sorted(set(corpus.tolist()) - set(others))
        if len(tested) != 1 or not set(others) < set(corpus.tolist()):
            raise InputError(
                f"the protocol multi-corpus needs {' and '.join(others)} and one other corpus; name them with --corpus "
                "and --other (CORPUS and OTHER for make)"
            )
        is_added = np.isin(corpus, others)
        shared = set(clips.patient[is_added].tolist()) & set(clips.patient[~is_added].tolist())
        if shared:
            raise InputError(
                f"patient {min(shared)} is in two corpora; rename the patient, or leave one of the two out"
            )
        return tested[0], np.flatnonzero(~is_added), np.flatnonzero(is_added & (clips.label != HIDDEN))
