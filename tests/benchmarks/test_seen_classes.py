"""Classes that training has no clip of: models get the others, and what was never seen has the probability 0."""

import numpy as np
import pandas as pd
import pytest

from respbench.benchmarks.execution.evaluate import evaluate
from respbench.corpora.clips import HIDDEN, Clips
from respbench.corpora.splits.folds import Fold
from respbench.corpora.splits.seen_classes import SeenClasses
from respbench.models.registry import REGISTRY
from respbench.models.spec import TrainedByEpoch


@pytest.fixture
def clips():
    rng = np.random.default_rng(0)
    return Clips(
        signals=[rng.standard_normal((1, 100 + 10 * i)).astype(np.float32) for i in range(24)],
        rate=100,
        label=np.arange(24) % 3,
        patient=np.repeat(np.array(list("pqrstu")), 4),
        clip_id=np.arange(24).astype(np.str_),
        classes=("a", "b", "c"),
        meta=pd.DataFrame({"recording": np.arange(24).astype(str)}),
    )


class Watched:
    """Predicts the share of each class; knows classes, labels and epochs."""

    on_epoch = None
    n_parameters = 0

    def fit(self, train, valid, unlabeled=None):
        self.given = (train, valid)
        self.on_epoch(0, self.predict_proba)
        return self

    def predict_proba(self, clips):
        share = np.bincount(self.given[0].label, minlength=len(clips.classes))
        return np.tile(share / share.sum(), (len(clips), 1))


def fold_without(clips, absent):
    rows = np.arange(24)
    return Fold(train=rows[:12][clips.label[:12] != absent], valid=rows[12:18], test=rows[18:])


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_a_model_gets_the_classes_of_training_and_columns_are_put_back(clips, absent):
    model, epochs = Watched(), []
    assert isinstance(model, TrainedByEpoch)
    test = clips.take(np.arange(18, 24))
    model.on_epoch = lambda epoch, predict: epochs.append(predict(test))
    found = evaluate(model, clips, fold_without(clips, absent), unlabeled=False).probabilities
    assert (found[:, absent] == 0).all()
    np.testing.assert_array_equal(np.delete(found, absent, axis=1), np.full((6, 2), 0.5))
    np.testing.assert_array_equal(epochs[0], found)
    train, valid = model.given
    assert train.classes == valid.classes == tuple(np.delete(clips.classes, absent))
    assert len(valid) == 4
    assert set(valid.label.tolist()) == {0, 1}


@pytest.mark.parametrize("name", ["duration", "metadata", "prior"])
def test_controls_predict_without_a_class_in_training(clips, name):
    found = evaluate(REGISTRY[name].build(0), clips, fold_without(clips, 1), unlabeled=False).probabilities
    assert found.shape == (6, 3)
    assert (found[:, 1] == 0).all()


def test_with_every_class_in_training_nothing_changes(clips):
    seen = SeenClasses.of(clips, np.arange(12))
    assert seen.restrict(clips) is clips
    assert seen.labeled(clips) is clips
    np.testing.assert_array_equal(seen.renumber(np.array([HIDDEN, 0, 1, 2])), [HIDDEN, 0, 1, 2])
    probabilities = np.full((24, 3), 1 / 3)
    assert seen.expand(probabilities) is probabilities


def test_labels_that_were_never_seen_are_hidden(clips):
    seen = SeenClasses.of(clips, np.flatnonzero(clips.label != 1))
    np.testing.assert_array_equal(seen.renumber(np.array([HIDDEN, 0, 1, 2])), [HIDDEN, 0, HIDDEN, 1])
