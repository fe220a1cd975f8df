"""The folds of `multi-corpus`: those of the tested corpus alone, with the clips of others added to the training."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from synthetic_corpora import clips_with, two_corpora, write_kauh, write_segmented, write_sprsound

from respbench.benchmarks.storage.identity import splitter_targets
from respbench.corpora.catalog import open_corpus, open_joined
from respbench.corpora.clips import HIDDEN, Clips
from respbench.corpora.problems import InputError
from respbench.corpora.protocol import Kind
from respbench.corpora.protocols import find, find_stored, of_folder, trained_with
from respbench.corpora.splits.cross_corpus import CORPUS
from respbench.corpora.splits.folds import Fold, Index
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut
from respbench.corpora.splits.multi_corpus import MultiCorpus
from respbench.corpora.tasks import for_task

SPLITTER = MultiCorpus("b")

tested_tables = st.lists(st.lists(st.integers(1, 3), min_size=2, max_size=2), min_size=5, max_size=12)
added_tables = st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2).filter(any), min_size=1, max_size=8)


def rows_of(clips: Clips, corpus: str) -> Index:
    return np.flatnonzero(clips.meta[CORPUS].to_numpy() == corpus)


def rows(folds: Sequence[Fold]) -> list[list[list[int]]]:
    return [[part.tolist() for part in (f.train, f.valid, f.test, f.unlabeled)] for f in folds]


def named(clips: Clips, part: Index, corpus: str) -> list[str]:
    """Clips of one corpus in a part, by their names in this corpus."""
    prefix = f"{corpus}:"
    return [name.removeprefix(prefix) for name in clips.clip_id[part].tolist() if name.startswith(prefix)]


def require_folds_of_the_corpus_alone(joined: Clips, own: Clips, tested: str, splitter: MultiCorpus, seed: int) -> None:
    alone = list(LeavePatientsOut().split(own, seed))
    folds = list(splitter.split(joined, seed))
    assert len(folds) == len(alone) == 5
    others = {name for name in joined.clip_id.tolist() if not name.startswith(f"{tested}:")}
    for fold, expected in zip(folds, alone, strict=True):
        for part in ("train", "valid", "test"):
            theirs = own.clip_id[getattr(expected, part)].tolist()
            assert named(joined, getattr(fold, part), tested) == theirs
        assert set(joined.clip_id[fold.train].tolist()) >= others
        assert len(fold.train) == len(expected.train) + len(others)
        assert (len(fold.valid), len(fold.test)) == (len(expected.valid), len(expected.test))


# The folds of the tested corpus alone


@settings(max_examples=30)
@given(tested_tables, added_tables, st.integers(0, 5))
def test_folds_are_those_of_the_tested_corpus_alone(mine, theirs, seed):
    require_folds_of_the_corpus_alone(two_corpora(mine, theirs), clips_with(mine), "a", SPLITTER, seed)
    swapped = two_corpora(theirs, mine)
    require_folds_of_the_corpus_alone(swapped, clips_with(mine, seed=1), "b", MultiCorpus("a"), seed)


@pytest.fixture(scope="module")
def opened(tmp_path_factory, cache):
    """A corpus of each layout; the first two share names of patients, and the third has one class per patient."""
    folder = tmp_path_factory.mktemp("sounds")
    write_segmented(folder / "icbhi", patients=12)
    write_sprsound(folder / "sprsound", patients=12)
    write_kauh(folder / "kauh", patients=24)
    return {name: open_corpus(name, folder / name, cache=cache) for name in ("icbhi", "sprsound", "kauh")}


@pytest.mark.parametrize("others", [("sprsound",), ("kauh",), ("sprsound", "kauh")])
def test_folds_of_joined_corpora_are_those_of_patients_5fold_on_each_alone(opened, cache, others):
    for one in open_joined([opened["icbhi"], *(opened[name] for name in others)], cache):
        tested = one.tested.name
        own, joined = (for_task(prepared.clips(), "abnormal") for prepared in (opened[tested], one))
        for seed in range(3):
            require_folds_of_the_corpus_alone(joined, own, tested, MultiCorpus(one.trained_on.name), seed)


# Who is trained on and who is tested


@settings(max_examples=30)
@given(tested_tables, added_tables, st.integers(0, 5))
def test_every_patient_of_one_corpus_is_tested_once_and_in_one_part_of_a_fold(mine, theirs, seed):
    clips = two_corpora(mine, theirs)
    folds = list(SPLITTER.split(clips, seed))
    assert sorted(row for fold in folds for row in fold.test.tolist()) == rows_of(clips, "a").tolist()
    for fold in folds:
        parts = [set(clips.patient[part].tolist()) for part in (fold.train, fold.valid, fold.test)]
        assert all(parts)
        assert sum(map(len, parts)) == len(set.union(*parts)) == len(set(clips.patient.tolist()))
        assert {name.partition(":")[0] for name in parts[1] | parts[2]} == {"a"}
        assert len(fold.train) + len(fold.valid) + len(fold.test) == len(clips)
        assert len(fold.unlabeled) == 0
        assert set(clips.label[fold.train].tolist()) == {0, 1}
        assert fold.train.tolist() == sorted(fold.train.tolist())
    assert rows(list(SPLITTER.split(clips, seed))) == rows(folds)


@settings(max_examples=30)
@given(tested_tables, added_tables, added_tables)
def test_the_added_corpus_decides_nothing_about_the_tested_one(mine, theirs, others):
    assume(theirs != others)
    one, two = (two_corpora(mine, table) for table in (theirs, others))
    for fold, again in zip(SPLITTER.split(one, 0), SPLITTER.split(two, 0), strict=True):
        for part in ("train", "valid", "test"):
            assert named(one, getattr(fold, part), "a") == named(two, getattr(again, part), "a")


def test_clips_of_the_others_without_a_label_are_left_out():
    clips = two_corpora([[1, 1]] * 6, [[1, 1]] * 2)
    hidden = rows_of(clips, "b")[:1]
    label = clips.label.copy()
    label[hidden] = HIDDEN
    for fold in SPLITTER.split(replace(clips, label=label), 0):
        assert not set(hidden.tolist()) & set(fold.train.tolist())
        assert {*rows_of(clips, "b")[1:].tolist()} <= set(fold.train.tolist())


def test_several_corpora_are_added_together():
    clips = two_corpora([[1, 1]] * 6, [[1, 1]] * 2, [[2, 0]] * 3)
    for fold in MultiCorpus("b+c").split(clips, 0):
        assert {*rows_of(clips, "b").tolist(), *rows_of(clips, "c").tolist()} <= set(fold.train.tolist())
        assert set(clips.meta[CORPUS].to_numpy()[[*fold.valid, *fold.test]]) == {"a"}


def test_another_seed_tests_other_groups_of_patients():
    clips = two_corpora([[2, 2]] * 10, [[1, 1]] * 3)
    assert rows(list(SPLITTER.split(clips, 0))) != rows(list(SPLITTER.split(clips, 1)))


def test_the_added_corpus_may_lack_a_class():
    clips = two_corpora([[1, 1]] * 6, [[2, 0]])
    assert len(list(SPLITTER.split(clips, 0))) == 5


@pytest.mark.parametrize(
    ("splitter", "mine", "message"),
    [
        (SPLITTER, [[1, 1]] * 4, "a can't be tested by multi-corpus, which has its folds of patients-5fold: the"),
        (SPLITTER, [[1, 0]] * 6, "has its folds of patients-5fold: class 'abnormal' occurs in 0 patients only"),
        (MultiCorpus("c"), [[1, 1]] * 6, "the protocol multi-corpus needs c and one other corpus"),
        (MultiCorpus("a+b"), [[1, 1]] * 6, "the protocol multi-corpus needs a and b and one other corpus"),
        (MultiCorpus("b", 1), [[1, 1]] * 6, "a cross-validation needs at least 2 folds, not 1"),
    ],
)
def test_what_can_not_be_had_is_explained(splitter, mine, message):
    with pytest.raises(InputError, match=re.escape(message)):
        list(splitter.split(two_corpora(mine, [[1, 1]] * 3), 0))


def test_one_corpus_alone_is_refused():
    with pytest.raises(InputError, match="the protocol multi-corpus needs b and one other corpus"):
        list(SPLITTER.split(clips_with([[1, 1]] * 6), 0))


def test_a_patient_of_both_corpora_is_refused():
    clips = two_corpora([[1, 1]] * 6, [[1, 1]] * 3)
    clips = replace(clips, patient=np.array([name.partition(":")[2] for name in clips.patient.tolist()]))
    with pytest.raises(InputError, match="patient p000 is in two corpora; rename the patient"):
        list(SPLITTER.split(clips, 0))


# The protocol


def test_the_protocol_says_what_was_added():
    protocol = find_stored("multi-corpus-with-my clips")
    assert protocol == trained_with("my clips") == of_folder(protocol.name)
    assert (protocol.kind, protocol.splitter) == (Kind.MULTI_CORPUS, MultiCorpus("my clips"))
    assert (protocol.folds, protocol.labeled_percent) == (5, None)
    assert (protocol.trained_on, protocol.also_trained_on, protocol.other_corpus) == ("", "my clips", "my clips")
    assert (protocol.adapted, protocol.patient_disjoint, protocol.reshuffles_tests) == (False, True, True)
    assert (protocol.few_labels, protocol.in_pairs, protocol.counterpart) == (False, False, "")
    assert protocol.warning.startswith("ALSO TRAINED ON my clips: these models were trained on labels of the tested")
    assert "Compare them with patients-5fold of the tested corpus, which has the same folds" in protocol.warning
    assert splitter_targets(protocol.splitter) == ["corpora.splits.multi_corpus:MultiCorpus"]


def test_the_others_have_one_corpus_or_no_second():
    across = [find_stored(f"{name}-from-b") for name in ("cross-corpus", "cross-corpus-adapted")]
    assert [(one.other_corpus, one.also_trained_on) for one in across] == [("b", "")] * 2
    assert find("patients-5fold").other_corpus == ""


@pytest.mark.parametrize("name", ["multi-corpus", "multi-corpus-with-", "multi-corpus-with-b"])
def test_it_needs_two_corpora(name):
    with pytest.raises(InputError, match=re.escape(f"{name} ")):
        find(name)


def test_half_a_name_is_no_stored_protocol():
    with pytest.raises(InputError):
        find_stored("multi-corpus-with-")
