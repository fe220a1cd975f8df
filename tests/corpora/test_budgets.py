"""Label budgets: nested, exact, on the folds of `LeavePatientsOut`, and never with a patient on two sides."""

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from made_up_corpora import clips_with, made_up_clips

from corpora.choices import LABEL_PERCENTS, PROTOCOLS
from corpora.problems import InputError
from corpora.protocols import find
from corpora.splits.label_budget import MIN_LABELED_PATIENTS, LabelBudget
from corpora.splits.leave_patients_out import LeavePatientsOut
from corpora.tasks import for_task


@st.composite
def corpora(draw):
    """Clips of a few or many patients, a number of folds and a seed."""
    folds, patients, classes = draw(st.integers(2, 4)), draw(st.integers(6, 40)), draw(st.integers(2, 4))
    clips = made_up_clips(patients, draw(st.integers(4, 10)), classes, seed=draw(st.integers(0, 1000)))
    return clips, folds, draw(st.integers(0, 100))


def split(percent, clips, folds, seed):
    """The folds, unless there are none to be had."""
    try:
        return list(LabelBudget(percent, folds).split(clips, seed))
    except InputError:
        reject()


def parts(percent, clips, folds, seed):
    """The patients of each fold: train, valid, test, unlabeled."""
    return [
        tuple(set(clips.patient[rows].tolist()) for rows in (fold.train, fold.valid, fold.test, fold.unlabeled))
        for fold in split(percent, clips, folds, seed)
    ]


budgets = st.sampled_from(LABEL_PERCENTS)


@given(corpora(), budgets)
def test_nobody_is_on_two_sides_and_nobody_is_lost(corpus, percent):
    clips = corpus[0]
    for fold in split(percent, *corpus):
        rows = np.concatenate([fold.train, fold.valid, fold.test, fold.unlabeled])
        assert sorted(rows.tolist()) == list(range(len(clips)))
    everybody = len(set(clips.patient.tolist()))
    for sides in parts(percent, *corpus):
        assert sum(map(len, sides)) == len(set.union(*sides)) == everybody


@given(corpora(), budgets)
def test_tests_and_training_patients_are_those_of_leave_patients_out(corpus, percent):
    clips, folds, seed = corpus
    for own, plain in zip(split(percent, *corpus), LeavePatientsOut(folds).split(clips, seed), strict=True):
        assert np.array_equal(own.test, plain.test)
        training = np.concatenate([own.train, own.valid, own.unlabeled])
        assert sorted(training.tolist()) == sorted([*plain.train.tolist(), *plain.valid.tolist()])


@given(corpora(), budgets)
def test_the_count_is_exact_and_validation_is_counted_in(corpus, percent):
    for train, valid, _, unlabeled in parts(percent, *corpus):
        training = len(train) + len(valid) + len(unlabeled)
        wanted = min(training, max(MIN_LABELED_PATIENTS, int(training * percent / 100 + 0.5)))
        assert len(train) + len(valid) == wanted
        assert valid
        assert (percent == 100) <= (not unlabeled)


@given(corpora())
def test_budgets_are_nested(corpus):
    smaller = None
    for percent in sorted(LABEL_PERCENTS):
        labelled = [train | valid for train, valid, _, _ in parts(percent, *corpus)]
        assert smaller is None or all(few <= many for few, many in zip(smaller, labelled, strict=True))
        smaller = labelled


@given(corpora(), budgets)
def test_every_class_can_be_learned(corpus, percent):
    clips = corpus[0]
    for fold in split(percent, *corpus):
        assert set(clips.label[fold.train].tolist()) == set(range(len(clips.classes)))


@given(corpora(), budgets, st.randoms(use_true_random=False))
def test_it_depends_on_the_seed_alone(corpus, percent, random):
    clips, folds, seed = corpus
    order = list(range(len(clips)))
    random.shuffle(order)
    assert parts(percent, *corpus) == parts(percent, clips.take(np.array(order)), folds, seed)


def test_another_seed_labels_others():
    clips = made_up_clips(patients=40)
    labelled = [frozenset(train | valid) for s in range(5) for train, valid, _, _ in parts(25, clips, 4, s)]
    assert len(set(labelled)) == len(labelled) == 20


@pytest.mark.parametrize("task", ["abnormal", "four-class"])
@pytest.mark.parametrize(("percent", "patients"), [(5, 3), (10, 7), (25, 17), (50, 34)])
def test_real_budgets_are_typical_of_the_training_patients(real_cycles, task, percent, patients):
    clips = for_task(real_cycles, task)
    for fold in LabelBudget(percent).split(clips, 0):
        labelled = np.concatenate([fold.train, fold.valid])
        training = np.concatenate([labelled, fold.unlabeled])
        assert len(set(clips.patient[labelled].tolist())) == patients
        share = len(labelled) / len(training) * 100
        assert percent / 2 < share < 2 * percent
        normal = [(clips.label[rows] == 0).mean() for rows in (labelled, training)]
        assert abs(normal[0] - normal[1]) < 0.25


@pytest.mark.parametrize(
    ("counts", "percent", "message"),
    [
        # Nobody has two classes: three patients, one of them for validation, can't have all three.
        ([[3, 0, 0], [0, 3, 0], [0, 0, 3]] * 5, 5, "3 labeled of 10 training patients, who can't have every class"),
        ([[3, 3]] * 3, 5, "too few for 5 folds"),
    ],
)
def test_what_can_not_be_had_is_explained_in_one_sentence(counts, percent, message):
    with pytest.raises(InputError, match=message) as refusal:
        list(LabelBudget(percent, 3 if len(counts) > 3 else 5).split(clips_with(counts), 0))
    assert "\n" not in str(refusal.value)
    assert "; " in str(refusal.value), "no mend is named"


def test_a_larger_budget_mends_it():
    clips = clips_with([[3, 0, 0], [0, 3, 0], [0, 0, 3]] * 5)
    assert len(list(LabelBudget(100, 3).split(clips, 0))) == 3


def test_the_protocol_has_a_name_and_a_sentence():
    for percent in LABEL_PERCENTS:
        protocol = find(f"patients-5fold-labels{percent}")
        assert protocol.splitter == LabelBudget(percent, 5)
        assert protocol.name == f"patients-5fold-labels{percent}"
        assert protocol.folds == 5
        assert protocol.few_labels
        assert not protocol.warning
        assert f"{percent} % of the training patients" in protocol.explanation
        assert str(percent) in PROTOCOLS
    assert find("patients-3fold-labels10").folds == 3
    assert not find("patients-5fold").few_labels


@pytest.mark.parametrize("percent", [0, 20, 101])
def test_a_budget_that_is_not_on_offer(percent):
    with pytest.raises(InputError, match="not available; choose one of 5, 10, 25, 50, 100 %"):
        find(f"patients-5fold-labels{percent}")
