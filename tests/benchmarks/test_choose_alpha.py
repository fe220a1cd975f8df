"""The choice of alpha on inner folds: toward zero by the two-standard-error rule."""

import numpy as np
import pytest

from respbench.benchmarks.tuning import choose_alpha as module
from respbench.benchmarks.tuning.choose_alpha import budget_folds, choose_alpha, judge_all, main, standard_error
from respbench.corpora.catalog import open_corpus
from respbench.corpora.simulated.simulation import Simulation
from respbench.corpora.tasks import for_task

BASELINE = np.array([0.6, 0.5, 0.7, 0.6])


def test_the_standard_error_by_hand():
    assert standard_error([1.0, 2.0, 3.0, 4.0]) == pytest.approx(np.sqrt(5 / 3) / 2)


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        ((0.10, 0.10, 0.10, 0.11), 1.0),  # clearly better
        ((0.10, -0.08, 0.10, 0.01), 0.03),  # better on average, by 0.03 with an error of 0.04
        ((-0.10, -0.10, -0.10, -0.11), 0.03),
        ((0.0, 0.0, 0.0, 0.0), 0.03),
    ],
)
def test_a_larger_weight_is_chosen_only_if_it_is_better_beyond_noise(gains, expected):
    assert choose_alpha({0.03: BASELINE, 1.0: BASELINE + np.array(gains)}) == expected


def test_of_several_better_weights_the_best_is_chosen():
    better = {0.1: BASELINE + 0.02, 0.3: BASELINE + 0.04, 1.0: BASELINE + 0.03}
    better = {alpha: values + np.array([0.0, 0.001, 0.0, 0.001]) for alpha, values in better.items()}
    assert choose_alpha({0.03: BASELINE, **better}) == 0.3


def test_every_candidate_is_compared_with_the_baseline():
    large, small = BASELINE + np.array([0.1, 0.1, 0.1, 0.11]), BASELINE + np.array([0.0, 0.0, 0.02, 0.0])
    found = judge_all({1.0: large, 0.03: small}, BASELINE)
    assert [(one.alpha, one.chosen) for one in found] == [(0.03, False), (1.0, True)]
    assert [one.gain for one in found] == pytest.approx([0.005, 0.1025])
    assert [one.error for one in found] == pytest.approx([0.005, 0.0025])


def test_inner_folds_of_few_labels_leave_the_outer_test_patients_out():
    simulation = Simulation(patients=30, clips_per_patient=3, seed=0)
    clips = for_task(open_corpus("simulated", simulation=simulation).clips(), "abnormal")
    folds = list(budget_folds(clips, 25, 2, 1))
    assert len(folds) == 10
    for number, fold in enumerate(folds):
        outer = list(module.OUTER.split(clips, number // 5))[number % 5]
        parts = [fold.train, fold.valid, fold.test, fold.unlabeled]
        assert len(np.concatenate(parts)) == len(np.unique(np.concatenate(parts)))
        assert not np.isin(np.concatenate(parts), outer.test).any()
        assert len(fold.unlabeled) > len(fold.train)


def test_a_supervised_model_is_refused(capsys, tmp_path):
    assert main(["svm", str(tmp_path)]) == 2
    assert "svm has no unsupervised loss" in capsys.readouterr().err
