"""Label budgets: nested, exact, on the folds of `LeavePatientsOut`, and never with a patient on two sides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_corpora import clips_with, synthetic_clips

from respbench.corpora.choices import LABEL_PERCENTS, PROTOCOLS
from respbench.corpora.problems import InputError
from respbench.corpora.protocols import find
from respbench.corpora.splits.label_budget import MIN_LABELED_PATIENTS, LabelBudget
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut
from respbench.corpora.tasks import for_task


@st.composite
def corpora(draw):
    """Clips of a few or many patients, a number of folds and a seed."""
    folds, patients, classes = draw(st.integers(2, 4)), draw(st.integers(6, 30)), draw(st.integers(2, 4))
    clips = synthetic_clips(patients, draw(st.integers(4, 10)), classes, seed=draw(st.integers(0, 1000)))
    return clips, folds, draw(st.integers(0, 100))


def parts(clips, folds):
    """The patients of each fold: train, valid, test, unlabeled."""
    return [
        tuple(set(clips.patient[rows].tolist()) for rows in (fold.train, fold.valid, fold.test, fold.unlabeled))
        for fold in folds
    ]


@settings(max_examples=10)
@given(corpora(), st.randoms(use_true_random=False))
def test_budgets_are_exact_nested_and_on_the_folds_of_leave_patients_out(corpus, random):
    clips, folds, seed = corpus
    order = list(range(len(clips)))
    random.shuffle(order)
    smaller = None
    for percent in sorted(LABEL_PERCENTS):
        try:
            found = list(LabelBudget(percent, folds).split(clips, seed))
        except InputError:
            continue
        sides = parts(clips, found)
        for fold, plain in zip(found, LeavePatientsOut(folds).split(clips, seed), strict=True):
            training = np.concatenate([fold.train, fold.valid, fold.unlabeled])
            assert np.array_equal(fold.test, plain.test)
            assert sorted(training.tolist()) == sorted([*plain.train.tolist(), *plain.valid.tolist()])
            assert set(clips.label[fold.train].tolist()) == set(range(len(clips.classes)))
        for train, valid, test, unlabeled in sides:
            assert len(train | valid | test | unlabeled) == len(train) + len(valid) + len(test) + len(unlabeled)
            training = len(train) + len(valid) + len(unlabeled)
            exact = max(MIN_LABELED_PATIENTS, int(training * percent / 100 + 0.5))
            assert len(train) + len(valid) == min(training, exact)
            assert valid
            assert (percent == 100) <= (not unlabeled)
        labeled = [train | valid for train, valid, _, _ in sides]
        assert smaller is None or all(few <= many for few, many in zip(smaller, labeled, strict=True))
        smaller = labeled
        if percent == 25:
            shuffled = clips.take(np.array(order))
            assert sides == parts(shuffled, LabelBudget(percent, folds).split(shuffled, seed))


def test_another_seed_labels_others():
    clips = synthetic_clips(patients=40)
    labeled = [
        frozenset(train | valid)
        for s in range(5)
        for train, valid, _, _ in parts(clips, LabelBudget(25, 4).split(clips, s))
    ]
    assert len(set(labeled)) == len(labeled) == 20


@pytest.mark.parametrize("task", ["abnormal", "four-class"])
@pytest.mark.parametrize(("percent", "patients"), [(5, 3), (25, 17)])
def test_real_budgets_are_typical_of_the_training_patients(real_cycles, task, percent, patients):
    clips = for_task(real_cycles, task)
    for fold in LabelBudget(percent).split(clips, 0):
        labeled = np.concatenate([fold.train, fold.valid])
        training = np.concatenate([labeled, fold.unlabeled])
        assert len(set(clips.patient[labeled].tolist())) == patients
        share = len(labeled) / len(training) * 100
        assert percent / 2 < share < 2 * percent
        normal = [(clips.label[rows] == 0).mean() for rows in (labeled, training)]
        assert abs(normal[0] - normal[1]) < 0.25


@pytest.mark.parametrize(
    ("counts", "percent", "message"),
    [
        # No patient has two classes: three patients, one of them for validation, can't have all three.
        ([[3, 0, 0], [0, 3, 0], [0, 0, 3]] * 5, 5, "3 labeled of 10 training patients, who can't have every class"),
        ([[3, 3]] * 3, 5, "too few for 5 folds"),
    ],
)
def test_what_can_not_be_had_is_explained_in_one_sentence(counts, percent, message):
    with pytest.raises(InputError, match=message) as refusal:
        list(LabelBudget(percent, 3 if len(counts) > 3 else 5).split(clips_with(counts), 0))
    assert "\n" not in str(refusal.value)
    assert "; " in str(refusal.value), "no remedy is named"


def test_a_larger_budget_corrects_it():
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
