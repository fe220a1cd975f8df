"""The folds of `cross-corpus-adapted`: labels of one corpus, unlabeled patients of another, whose others are tested."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from synthetic_corpora import two_corpora

from respbench.benchmarks.execution.evaluate import evaluate
from respbench.benchmarks.storage.identity import splitter_targets
from respbench.corpora.clips import HIDDEN, Clips
from respbench.corpora.digests import digest
from respbench.corpora.problems import InputError
from respbench.corpora.protocols import adapted_from, find, find_stored
from respbench.corpora.splits.cross_corpus import CORPUS, CrossCorpus
from respbench.corpora.splits.cross_corpus_adapted import CrossCorpusAdapted
from respbench.corpora.splits.folds import Fold

SPLITTER = CrossCorpusAdapted("a")

source = st.lists(st.lists(st.integers(1, 3), min_size=2, max_size=2), min_size=2, max_size=6)
target = st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=2).filter(any), min_size=5, max_size=12).filter(
    lambda table: all(sum(column) for column in zip(*table, strict=True))
)


class Witness:
    """A model that keeps what it is given, and whose predictions depend on every bit of it."""

    n_parameters = 0

    def __init__(self) -> None:
        self.given: dict[str, Clips] = {}

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        assert unlabeled is not None
        self.given = {"train": train, "valid": valid, "unlabeled": unlabeled}
        return self

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        seen = "".join(fingerprint(part) for part in (*self.given.values(), clips))
        abnormal = int(digest([seen]), 16) / 16 ** len(digest([seen]))
        return np.tile([1 - abnormal, abnormal], (len(clips), 1))


def fingerprint(clips: Clips) -> str:
    """Of everything that clips hold."""
    parts: Sequence[Any] = (clips.label, clips.sound, clips.patient, clips.clip_id, clips.meta.to_numpy().tolist())
    return digest([repr(part) for part in parts] + [signal.tobytes() for signal in clips])


def rows(folds: Sequence[Fold]) -> list[list[list[int]]]:
    return [[part.tolist() for part in (f.train, f.valid, f.test, f.unlabeled)] for f in folds]


def with_other_labels_of_b(clips: Clips, shuffle: np.random.Generator) -> Clips:
    """The labels of the tested corpus dealt anew among its clips, across patients."""
    tested = np.flatnonzero(clips.meta[CORPUS].to_numpy() == "b")
    label = clips.label.copy()
    label[tested] = shuffle.permutation(label[tested])
    return replace(clips, label=label)


@settings(max_examples=20)
@given(source, target, st.integers(0, 5))
def test_every_target_patient_is_tested_once_and_unlabeled_otherwise(mine, theirs, seed):
    clips = two_corpora(mine, theirs)
    tested = set(np.flatnonzero(clips.meta[CORPUS].to_numpy() == "b").tolist())
    folds = list(SPLITTER.split(clips, seed))
    (plain,) = CrossCorpus("a").split(clips, seed)
    assert len(folds) == 5
    assert sorted(row for fold in folds for row in fold.test.tolist()) == sorted(tested)
    for fold in folds:
        assert (fold.train.tolist(), fold.valid.tolist()) == (plain.train.tolist(), plain.valid.tolist())
        assert {*fold.test.tolist()} | {*fold.unlabeled.tolist()} == tested
        assert set(clips.patient[fold.test].tolist()).isdisjoint(clips.patient[fold.unlabeled].tolist())
        assert len(fold.test)
        assert len(fold.unlabeled)
    assert rows(list(SPLITTER.split(clips, seed))) == rows(folds)


@settings(max_examples=20)
@given(source, target, st.integers(0, 99))
def test_labels_of_the_target_decide_neither_folds_nor_predictions(mine, theirs, draw):
    clips = two_corpora(mine, theirs)
    other = with_other_labels_of_b(clips, np.random.default_rng(draw))
    folds = list(SPLITTER.split(clips, 0))
    assert rows(list(SPLITTER.split(other, 0))) == rows(folds)
    for fold in folds[:1]:
        one, two = (evaluate(Witness(), table, fold, unlabeled=True).probabilities for table in (clips, other))
        assert one.tolist() == two.tolist()


def test_labels_of_the_source_do_decide():
    """Else the test above could not fail."""
    clips = two_corpora([[2, 1]] * 4, [[1, 1]] * 5)
    fold = next(SPLITTER.split(clips, 0))
    label = clips.label.copy()
    label[fold.train] = 1 - label[fold.train]
    one, two = (
        evaluate(Witness(), table, fold, unlabeled=True).probabilities for table in (clips, replace(clips, label=label))
    )
    assert one.tolist() != two.tolist()


def test_no_sound_of_a_tested_patient_reaches_the_fit():
    clips = two_corpora([[2, 1]] * 4, [[2, 2]] * 7)
    for fold in SPLITTER.split(clips, 3):
        witness = Witness()
        evaluate(witness, clips, fold, unlabeled=True)
        sounds = {signal.tobytes() for part in witness.given.values() for signal in part}
        patients = {name for part in witness.given.values() for name in part.patient.tolist()}
        tested = clips.take(np.flatnonzero(np.isin(clips.patient, clips.patient[fold.test])))
        assert not sounds & {signal.tobytes() for signal in tested}
        assert not patients & set(tested.patient.tolist())
        assert set(witness.given["unlabeled"].label.tolist()) == {HIDDEN}
        assert set(witness.given["unlabeled"].meta[CORPUS]) == {"b"}
        assert set(witness.given["train"].meta[CORPUS]) == {"a"}


def test_folds_are_balanced_by_clips_and_patients_and_dealt_by_the_seed():
    each = np.random.default_rng(0).integers(1, 30, 60)
    clips = two_corpora([[2, 2]] * 6, [[count, 1] for count in each.tolist()])
    folds = list(SPLITTER.split(clips, 0))
    sizes = [len(fold.test) for fold in folds]
    patients = [len(set(clips.patient[fold.test].tolist())) for fold in folds]
    assert max(sizes) - min(sizes) <= 0.02 * sum(sizes)
    assert max(patients) - min(patients) <= 2
    assert rows(folds) != rows(list(SPLITTER.split(clips, 1)))


def test_a_fold_may_lack_a_class():
    clips = two_corpora([[2, 2]] * 4, [[1, 0]] * 9 + [[0, 1]])
    tested = [set(clips.label[fold.test].tolist()) for fold in SPLITTER.split(clips, 0)]
    assert sorted(map(len, tested)) == [1, 1, 1, 1, 2]


@pytest.mark.parametrize(
    ("splitter", "theirs", "message"),
    [
        (
            SPLITTER,
            [[1, 1]] * 4,
            "has 4 patients, too few for 5 folds by patient; add patients, or choose the protocol",
        ),
        (SPLITTER, [[1, 0]] * 6, "the corpus b holds no clip of 'abnormal'"),
        (CrossCorpusAdapted("c"), [[1, 1]] * 6, "needs c and one other corpus"),
        (CrossCorpusAdapted("a", 1), [[1, 1]] * 6, "a cross-validation needs at least 2 folds, not 1"),
    ],
)
def test_what_can_not_be_had_is_explained(splitter, theirs, message):
    with pytest.raises(InputError, match=message):
        list(splitter.split(two_corpora([[1, 1]] * 3, theirs), 0))


def test_the_protocol_says_whose_labels_and_whose_sounds():
    protocol = find_stored("cross-corpus-adapted-from-my clips")
    assert protocol == adapted_from("my clips")
    assert protocol.splitter == CrossCorpusAdapted("my clips")
    assert (protocol.folds, protocol.trained_on, protocol.labeled_percent) == (5, "my clips", None)
    assert (protocol.adapted, protocol.patient_disjoint, protocol.reshuffles_tests) == (True, True, True)
    assert (protocol.few_labels, protocol.in_pairs, protocol.counterpart) == (False, True, "")
    assert protocol.warning.startswith("TRAINED ON my clips, ADAPTED: every label that was learned from is of my clips")
    assert not find_stored("cross-corpus-from-my clips").adapted
    assert splitter_targets(protocol.splitter) == ["corpora.splits.cross_corpus_adapted:CrossCorpusAdapted"]


@pytest.mark.parametrize("name", ["cross-corpus-adapted", "cross-corpus-adapted-from-", "cross-corpus-adapted-from-b"])
def test_it_needs_two_corpora(name):
    with pytest.raises(InputError, match=re.escape(f"{name} ")):
        find(name)
