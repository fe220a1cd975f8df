"""Control: device, chest location, mode and duration of a clip, without any use of the signal.

On ICBHI 2017 these predict labels well above chance: patients with disease and healthy people were recorded with
different devices, at different locations, and breathe at a different pace. The sound adds what exceeds this row.
"""

from typing import Any, Self

import numpy as np
import optuna
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from respbench.corpora.clips import Clips

CATEGORIES = ("device", "location", "mode")


class Metadata:
    """Balanced logistic regression on the metadata of a clip.

    Args:
        C: inverse strength of the L2 penalty.
    """

    def __init__(self, C: float) -> None:
        encode = make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), list(CATEGORIES)), (StandardScaler(), ["duration"])
        )
        self.pipeline = make_pipeline(encode, LogisticRegression(C=C, class_weight="balanced", max_iter=1000))

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Fit on train and validation patients alike: nothing is selected."""
        table = pd.concat([_table(train), _table(valid)])
        self.pipeline.fit(table, np.concatenate([train.label, valid.label]))
        return self

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes)."""
        return np.asarray(self.pipeline.predict_proba(_table(clips)), dtype=np.float64)

    @property
    def n_parameters(self) -> int:
        """Coefficients and intercepts."""
        regression = self.pipeline[-1]
        return int(regression.coef_.size + regression.intercept_.size)


def _table(clips: Clips) -> pd.DataFrame:
    """One row per clip; a column that the corpus lacks is constant."""
    known = {column: clips.meta[column].astype(str) if column in clips.meta else "" for column in CATEGORIES}
    return pd.DataFrame({**known, "duration": clips.seconds}, index=range(len(clips)))


def build(*, seed: int, C: float = 1.0) -> Metadata:
    """See `Metadata`; ``seed`` has no effect."""
    return Metadata(C)


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Strength of the penalty."""
    return {"C": trial.suggest_float("C", 1e-3, 1e2, log=True)}
