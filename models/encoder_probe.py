"""Probes of a frozen encoder: a simple classifier on embeddings that were learned elsewhere, for another purpose.

How well a linear model does on frozen features is the usual measure of them (Alain & Bengio 2016, arXiv:1610.01644).
"""

from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from corpora.clips import Clips
from features.cache import cached
from features.encoders.catalog import card_of
from features.encoders.embeddings import Embeddings, embeddings_of


class EncoderProbe:
    """Embeddings, standardized, outliers clipped, and a classifier with balanced classes.

    Of a support vector machine, probabilities are a fixed function of the margins, as in
    `models.svm.SupportVectorMachine`.

    Args:
        encoder: name of the encoder; it is loaded when clips are first encoded.
        pooling: of a clip's windows, see `features.encoders.embeddings.POOLINGS`.
        limit: standard deviations at which columns are clipped.
        classifier: not yet fitted.
        width: of a support vector machine, ``gamma`` in multiples of 1 / columns; else 0.
    """

    def __init__(self, encoder: str, pooling: str, limit: float, classifier: BaseEstimator, width: float = 0.0) -> None:
        self.encoder, self.pooling, self.limit = encoder, pooling, limit
        self.classifier, self.width = classifier, width

    @cached_property
    def features(self) -> Embeddings:
        """The embeddings.

        Raises:
            InputError: the encoder's package or weights are missing.
        """
        return embeddings_of(card_of(self.encoder), self.pooling)

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Fit on train and validation patients alike: nothing is selected."""
        x = np.concatenate([self._columns(train), self._columns(valid)])
        if self.width:
            self.classifier.set_params(gamma=self.width / x.shape[1])
        clip = FunctionTransformer(np.clip, kw_args={"a_min": -self.limit, "a_max": self.limit})
        self.pipeline: Pipeline = make_pipeline(StandardScaler(), clip, self.classifier)
        self.pipeline.fit(x, np.concatenate([train.label, valid.label]))
        return self

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes)."""
        columns = self._columns(clips)
        if isinstance(self.classifier, LogisticRegression):
            return np.asarray(self.pipeline.predict_proba(columns), dtype=np.float64)
        margin = np.asarray(self.pipeline.decision_function(columns), dtype=np.float64)
        if margin.ndim == 1:
            return np.stack([expit(-margin), expit(margin)], axis=1)
        return np.asarray(softmax(margin, axis=1), dtype=np.float64)

    def _columns(self, clips: Clips) -> NDArray[np.float64]:
        return cached(self.features, clips).astype(np.float64)

    @property
    def n_parameters(self) -> int:
        """Coefficients and intercepts; of a support vector machine, its support vectors, too. None of the encoder's."""
        fitted = self.classifier
        if isinstance(fitted, LogisticRegression):
            return int(fitted.coef_.size + fitted.intercept_.size)
        return int(fitted.support_vectors_.size + fitted.dual_coef_.size + fitted.intercept_.size)


def state_of(*, encoder: str, pooling: str, **others: object) -> str:
    """What a fit depends on beside code and parameters: the encoder's weights and the versions of its packages.

    Raises:
        InputError: a package or a file of weights is missing.
    """
    return repr(embeddings_of(card_of(encoder), pooling))
