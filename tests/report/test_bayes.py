"""Probabilities of being worse, equivalent in practice, and better."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_results import made_up_results

from respbench.benchmarks.statistics.bayes import ROPE, Posterior, as_good_as, correlated_t
from respbench.benchmarks.statistics.loading import load_results

SPREAD = np.array([-1, -0.5, 0, 0.5, 1])
"""Five differences with variance 0.625."""

TEN_PERCENT = 2.1318
"""5 % of Student's t with 4 degrees of freedom lie above (table of any textbook)."""


def test_the_posterior_is_student_t_with_the_variance_that_overlapping_training_sets_ask_for() -> None:
    # With five folds, the variance of the mean is not 1/5 of that of the differences, but 1/5 + 0.2 / 0.8 = 0.45.
    scale = np.sqrt(0.625 * 0.45)
    found = correlated_t(SPREAD + TEN_PERCENT * scale, 1 / 5, rope=0.0)
    assert found.worse == pytest.approx(0.05, abs=1e-5)
    assert found.equivalent == pytest.approx(0)
    found = correlated_t(SPREAD, 1 / 5, rope=TEN_PERCENT * scale)
    assert (found.worse, found.equivalent, found.better) == pytest.approx((0.05, 0.9, 0.05), abs=1e-5)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=20), st.integers(2, 10))
def test_probabilities_add_up_and_swap_with_the_models(differences: list[float], folds: int) -> None:
    found, swapped = (correlated_t(side * np.array(differences), 1 / folds) for side in (1, -1))
    assert found.worse + found.equivalent + found.better == pytest.approx(1)
    assert (found.worse, found.equivalent) == pytest.approx((swapped.better, swapped.equivalent), abs=1e-9)


def test_folds_without_a_class_do_not_count_and_equal_models_are_equivalent() -> None:
    known = np.array([0.01, 0.05, 0.02, 0.04])
    assert correlated_t(np.append(known, np.nan), 0.2) == correlated_t(known, 0.2)
    assert correlated_t(np.zeros(5), 0.2) == Posterior(worse=0, equivalent=1, better=0)
    assert correlated_t(np.full(5, 2 * ROPE), 0.2) == Posterior(worse=0, equivalent=0, better=1)
    assert np.isnan(correlated_t(np.array([0.1, np.nan]), 0.2).equivalent)


def test_models_are_compared_fold_by_fold_on_common_repeats(tmp_path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0, "cnn": 3.0})
    svm, cnn = (load_results(store).find(name) for name in ("svm", "cnn"))
    assert as_good_as(cnn, svm).better > 0.95
    assert as_good_as(svm, cnn).worse == pytest.approx(as_good_as(cnn, svm).better)
    assert as_good_as(svm, svm) == Posterior(worse=0, equivalent=1, better=0)
