"""What a model gets to see: `benchmarks.execution.evaluate`, the one place where models are fitted and predict."""

from dataclasses import replace
from typing import Any, Self

import numpy as np
import pytest
from made_up_results import synthetic_clips
from numpy.typing import NDArray

from respbench.benchmarks.execution.evaluate import evaluate
from respbench.benchmarks.storage.records import CLIP_METADATA
from respbench.corpora.clips import HIDDEN, Clips
from respbench.corpora.splits.folds import Fold


class Probe:
    """A model that keeps what it is given, and predicts ``answer``, or the first class for every clip."""

    n_parameters = 0

    def __init__(self, answer: NDArray[np.float64] | None = None) -> None:
        self.answer = answer
        self.given: dict[str, Clips | None] = {}

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        self.given |= {"train": train, "valid": valid, "unlabeled": unlabeled}
        return self

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        self.given["test"] = clips
        return np.tile([1.0, 0.0], (len(clips), 1)) if self.answer is None else self.answer


def clips_and_fold() -> tuple[Clips, Fold]:
    clips = synthetic_clips()
    clips = replace(clips, sound=clips.label + 1)
    train, valid, test, unlabeled = (np.flatnonzero(np.arange(len(clips)) % 4 == part) for part in range(4))
    return clips, Fold(train=train, valid=valid, test=test, unlabeled=unlabeled)


def test_labels_names_and_metadata_that_may_give_them_away_are_hidden() -> None:
    clips, fold = clips_and_fold()
    assert "diagnosis" in clips.meta
    probe = Probe()
    evaluate(probe, clips, fold, unlabeled=True)
    for part, rows in (("test", fold.test), ("unlabeled", fold.unlabeled)):
        hidden = probe.given[part]
        assert hidden is not None
        assert (hidden.label == HIDDEN).all()
        assert (hidden.sound == HIDDEN).all()
        assert hidden.clip_id.tolist() == [str(number) for number in range(len(rows))]
        assert set(hidden.meta) <= set(CLIP_METADATA)
        assert [len(signal[0]) for signal in hidden] == [len(clips.signals[row][0]) for row in rows.tolist()]
    for part, rows in (("train", fold.train), ("valid", fold.valid)):
        shown = probe.given[part]
        assert shown is not None
        assert shown.label.tolist() == clips.label[rows].tolist()
        assert shown.patient.tolist() == clips.patient[rows].tolist()


def test_unlabeled_clips_go_only_to_models_that_learn_from_them() -> None:
    clips, fold = clips_and_fold()
    probe = Probe()
    evaluate(probe, clips, fold, unlabeled=False)
    assert probe.given["unlabeled"] is None


@pytest.mark.parametrize("change", [lambda p: p[:-1], lambda p: p[:, :1], lambda p: p * 2, lambda p: p * np.nan])
def test_what_are_no_probabilities_is_refused(change: Any) -> None:
    clips, fold = clips_and_fold()
    with pytest.raises(ValueError, match="predict_proba"):
        evaluate(Probe(change(np.full((len(fold.test), 2), 0.5))), clips, fold, unlabeled=False)
