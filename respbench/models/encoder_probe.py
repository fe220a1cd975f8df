"""Probes of a frozen encoder: a simple classifier on embeddings that were learned elsewhere, for another purpose.

How well a linear model does on frozen features is the usual measure of them (Alain & Bengio 2016, arXiv:1610.01644).
"""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from respbench.corpora.clips import Clips
from respbench.features.cache import cached
from respbench.features.encoders.catalog import card_of
from respbench.features.encoders.embeddings import Embeddings, embeddings_of

Floats = NDArray[np.float64]


class EncoderProbe(ABC):
    """A classifier on embeddings, each column standardized and its outliers clipped.

    Args:
        encoder: name of the encoder; it is loaded when clips are first encoded.
        pooling: of a clip's windows, see `features.encoders.embeddings.POOLINGS`.
        limit: standard deviations at which columns are clipped.
    """

    def __init__(self, encoder: str, pooling: str, limit: float) -> None:
        self.encoder, self.pooling, self.limit = encoder, pooling, limit

    @cached_property
    def features(self) -> Embeddings:
        """The embeddings.

        Raises:
            InputError: the encoder's package or weights are missing.
        """
        return embeddings_of(card_of(self.encoder), self.pooling)

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Fit on train and validation patients alike: nothing is selected."""
        columns = np.concatenate([cached(self.features, part) for part in (train, valid)]).astype(np.float64)
        self.scaler = StandardScaler().fit(columns)
        self.learn(self._standardized(columns), np.concatenate([train.label, valid.label]))
        return self

    def predict_proba(self, clips: Clips) -> Floats:
        """(clips, classes)."""
        return self.probabilities(self._standardized(cached(self.features, clips).astype(np.float64)))

    def _standardized(self, columns: Floats) -> Floats:
        clipped: Floats = np.clip(self.scaler.transform(columns), -self.limit, self.limit)
        return clipped

    @abstractmethod
    def learn(self, columns: Floats, label: NDArray[np.int64]) -> None:
        """Fit the classifier to (clips, columns) and (clips,)."""

    @abstractmethod
    def probabilities(self, columns: Floats) -> Floats:
        """(clips, columns) to (clips, classes)."""


def state_of(*, encoder: str, pooling: str, **others: object) -> str:
    """What a fit depends on beside code and parameters: the encoder's weights and the versions of its packages.

    Raises:
        InputError: a package or a file of weights is missing.
    """
    return repr(embeddings_of(card_of(encoder), pooling))
