"""`SeenClasses`: what a model can learn of the classes when training has no clip of some of them."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.clips import HIDDEN, Clips
from respbench.corpora.splits.folds import Index


@dataclass(frozen=True, eq=False)
class SeenClasses:
    """The classes of the clips that a model is trained on; if these are all, each method returns what it is given.

    Attributes:
        seen: indices of these classes, sorted.
        classes: how many there are in all.
    """

    seen: Index
    classes: int

    @classmethod
    def of(cls, clips: Clips, train: Index) -> Self:
        """Find the classes of the clips at the rows ``train``."""
        return cls(np.unique(clips.label[train]), len(clips.classes))

    def restrict(self, clips: Clips) -> Clips:
        """Return the clips with these classes alone; labels of other classes are hidden."""
        if len(self.seen) == self.classes:
            return clips
        return replace(clips, classes=tuple(clips.classes[i] for i in self.seen), label=self.renumber(clips.label))

    def labeled(self, clips: Clips) -> Clips:
        """Return the clips of these classes; a model can be neither trained nor validated on others."""
        if len(self.seen) == self.classes:
            return clips
        return self.restrict(clips.take(np.flatnonzero(np.isin(clips.label, self.seen))))

    def renumber(self, label: Index) -> Index:
        """Turn indices of all classes into those of the seen ones; `HIDDEN` for the others."""
        number = np.full(self.classes + 1, HIDDEN, dtype=np.int64)  # the last one is what HIDDEN indexes
        number[self.seen] = np.arange(len(self.seen))
        return number[label]

    def expand(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn (clips, seen classes) into (clips, classes): what was never seen has the probability 0."""
        # A wrong shape is left for `benchmarks.execution.evaluate.evaluate` to report.
        if len(self.seen) == self.classes or probabilities.shape[1:] != self.seen.shape:
            return probabilities
        everything = np.zeros((len(probabilities), self.classes))
        everything[:, self.seen] = probabilities
        return everything
