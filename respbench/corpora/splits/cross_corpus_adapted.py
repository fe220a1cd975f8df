"""`CrossCorpusAdapted`: train on one corpus and on unlabeled patients of another one, and test its other patients."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.splits.balance import assign_parts
from respbench.corpora.splits.cross_corpus import cut_validation, sides
from respbench.corpora.splits.folds import Fold
from respbench.corpora.splits.leave_patients_out import check_folds


@dataclass(frozen=True)
class CrossCorpusAdapted:
    """k folds of the tested corpus by patient: one part is tested, the others are ``unlabeled``.

    Training and validation are those of `CrossCorpus` in every fold of a seed, so that a model that uses no unlabeled
    clip gives the same predictions as there. No label of the tested corpus decides anything: its patients are divided
    by their numbers of clips alone, so that folds may lack a class. No clip of a tested patient is in any other part of
    the fold. Another seed gives other folds.

    Attributes:
        train: name of the corpus that is trained on.
        folds: how many.

    Raises:
        InputError: as `CrossCorpus`; or the tested corpus has fewer patients than parts.
    """

    train: str
    folds: int = 5

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Yield the k folds of ``clips``."""
        check_folds(self.folds)
        training, target = sides(clips, self.train)
        train, valid = cut_validation(clips, training, self.train, seed)
        patients, owner, clip_counts = np.unique(clips.patient[target], return_inverse=True, return_counts=True)
        if len(patients) < self.folds:
            raise InputError(
                f"the tested corpus has {len(patients)} patient{'s' * (len(patients) != 1)}, too few for {self.folds} "
                "folds by patient; add patients, or choose the protocol cross-corpus"
            )
        rng = np.random.default_rng([seed, self.folds, 2])
        part = assign_parts(clip_counts[:, None], np.full(self.folds, 1 / self.folds), rng)[owner]
        for fold in range(self.folds):
            yield Fold(train=train, valid=valid, test=target[part == fold], unlabeled=target[part != fold])
