"""`WithUnlabeled`: the folds of another splitter, with the user's unlabeled clips added to each."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from respbench.corpora.clips import HIDDEN, Clips
from respbench.corpora.splits.folds import Fold, Index, Splitter


@dataclass(frozen=True)
class WithUnlabeled:
    """Folds of the labeled clips by another splitter, plus unlabeled clips.

    Attributes:
        splitter: the other one.

    Raises:
        InputError: as the other one.
    """

    splitter: Splitter

    @property
    def folds(self) -> int | None:
        """Number of folds of each repeat; None if the corpus decides it."""
        return getattr(self.splitter, "folds", 1)

    @property
    def divided_by(self) -> str:
        """As of the other splitter, see `corpora.protocol.Protocol.divided_by`."""
        return getattr(self.splitter, "divided_by", "")

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Yield the folds of ``clips``. Unlabeled clips of a fold's test and validation patients stay out of it."""
        labeled, own = labeled_rows(clips), np.flatnonzero(clips.label == HIDDEN)
        for fold in self.splitter.split(clips.take(labeled), seed):
            valid, test = labeled[fold.valid], labeled[fold.test]
            unseen = clips.patient[np.concatenate([valid, test])]
            added = own[~np.isin(clips.patient[own], unseen)]
            unlabeled = np.concatenate([labeled[fold.unlabeled], added])
            yield Fold(train=labeled[fold.train], valid=valid, test=test, unlabeled=unlabeled)


def labeled_rows(clips: Clips) -> Index:
    """Return the rows of the clips that have a label."""
    return np.flatnonzero(clips.label != HIDDEN)
