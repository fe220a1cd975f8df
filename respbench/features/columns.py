"""Handcrafted columns as an image of one frame, the input of a network like any other image."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.clips import Signal
from respbench.features.adventitious import Adventitious
from respbench.features.handcrafted import Handcrafted


def _mfcc() -> Handcrafted:
    return Handcrafted(("mfcc",), ("mean", "std"), differences=0, n_mfcc=20, n_mels=20, n_fft=128, hop=32)


@dataclass(frozen=True)
class Columns:
    """Measures of wheezes and crackles beside MFCC statistics; an `Extractor` of `features.cache`.

    The columns are those of `models.svm_adventitious`.

    Attributes:
        adventitious: 256 columns by default.
        spectrum: mean and standard deviation of 20 MFCCs by default, 40 columns.
    """

    adventitious: Adventitious = field(default_factory=Adventitious)
    spectrum: Handcrafted = field(default_factory=_mfcc)

    @property
    def families(self) -> tuple[int, ...]:
        """Number of columns of each family: those of ``adventitious``, then the spectrum."""
        return (
            *(len(Adventitious((family,)).columns) for family in self.adventitious.families),
            len(self.spectrum.columns),
        )

    def __call__(self, signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
        """Clips at ``rate`` Hz to (clips, 1, columns, 1); row i depends on clip i alone."""
        columns = np.concatenate([self.adventitious(signals, rate), self.spectrum(signals, rate)], axis=1)
        return columns[:, None, :, None]
