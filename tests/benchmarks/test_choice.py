"""The choice after tuning: the defaults stay unless a challenger beats them on fresh inner folds beyond noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respbench.benchmarks.storage.records import TrialRecord, TrialState
from respbench.benchmarks.tuning.choice import (
    CHALLENGERS,
    ERRORS,
    TEST_TO_TRAINING,
    candidates,
    choose,
    confirmed_gains,
    corrected_error,
)

FOLDS = 8

Values = list[float]


def complete(number: int, values: Values) -> TrialRecord:
    return TrialRecord(number=number, value=float(np.mean(values)), inner_values=tuple(values))


def failed(number: int) -> TrialRecord:
    return TrialRecord(number=number, state=TrialState.FAILED, error="ValueError: no")


def chosen(confirmed: list[Values]) -> int:
    """The trial that is chosen when these are the values on fresh folds, the first of them those of the defaults."""
    trials = [TrialRecord(number=number, value=0.6) for number in range(len(confirmed))]
    return choose(trials, [complete(number, values) for number, values in enumerate(confirmed)]).number


def noisy(mean: float, spread: float = 0.02, folds: int = FOLDS) -> Values:
    """Values around a mean, alternately above and below it."""
    return [mean + spread * (-1) ** fold for fold in range(folds)]


def test_a_clear_gain_replaces_the_defaults_and_noise_does_not() -> None:
    defaults = [0.7] * FOLDS
    two_errors = 2 * np.sqrt((1 / 8 + 1 / 3) * 8 / 7) * 0.02
    assert chosen([defaults, noisy(0.7 + 1.01 * two_errors)]) == 1
    assert chosen([defaults, noisy(0.7 + 0.99 * two_errors)]) == 0
    assert chosen([defaults, noisy(0.6, 0.0)]) == 0
    assert chosen([defaults, defaults]) == 0, "no gain, without any error, is no gain"


def test_of_convincing_challengers_the_one_with_the_largest_gain_is_chosen() -> None:
    defaults = [0.7] * FOLDS
    assert chosen([defaults, noisy(0.74), noisy(0.76), noisy(0.90, 0.3)]) == 2, "the third gains most, but by luck"
    assert chosen([defaults, noisy(0.76), noisy(0.76)]) == 1


def test_folds_are_paired() -> None:
    """A gain is convincing that is small beside what folds differ by, if it is there in every fold."""
    hard = [0.5, 0.9, 0.6, 0.8, 0.55, 0.85, 0.65, 0.75]
    assert chosen([hard, [value + 0.01 for value in hard]]) == 1
    assert chosen([hard, [value + 0.01 for value in reversed(hard)]]) == 0


def test_one_lucky_fold_is_not_enough() -> None:
    assert chosen([[0.7] * FOLDS, [0.95, *[0.7] * (FOLDS - 1)]]) == 0


values = st.lists(st.floats(0.0, 1.0), min_size=FOLDS, max_size=FOLDS)


@given(st.lists(values, min_size=1, max_size=1 + CHALLENGERS))
def test_nothing_within_two_standard_errors_is_ever_chosen(confirmed: list[Values]) -> None:
    number = chosen(confirmed)
    if number:
        difference = np.array(confirmed[number]) - np.array(confirmed[0])
        error = np.sqrt((1 / FOLDS + 1 / 3) * difference.var(ddof=1))
        assert difference.mean() > 2 * error
    gains = confirmed_gains([complete(n, each) for n, each in enumerate(confirmed)])
    assert bool(number) == any(gain.convincing for gain in gains)


def test_the_error_holds_for_folds_that_share_training_patients() -> None:
    """Nadeau & Bengio 2003: with k = 8 and a third as many test as training patients, 1.9 times the naive one."""
    differences = np.random.default_rng(0).normal(size=FOLDS)
    naive = differences.std(ddof=1) / FOLDS**0.5
    assert corrected_error(differences) == pytest.approx(naive * np.sqrt(1 + FOLDS / 3))
    assert corrected_error(differences, 0.0) == pytest.approx(naive)
    assert pytest.approx(1 / 3) == TEST_TO_TRAINING
    assert ERRORS == 2


def test_noise_alone_seldom_replaces_the_defaults() -> None:
    """Three challengers as good as the defaults: the best mean is nearly always above 0, and seldom convincing."""
    rng = np.random.default_rng(0)
    moved, above = 0, 0
    for _ in range(400):
        luck = rng.normal(0, 0.01, (CHALLENGERS, 1))  # of a challenger with these patients, in every fold
        differences = luck + rng.normal(0, 0.02, (CHALLENGERS, FOLDS))
        moved += chosen([[0.0] * FOLDS, *differences.tolist()]) > 0
        above += differences.mean(axis=1).max() > 0
    assert above / 400 > 0.8
    assert moved / 400 < 0.12


def test_the_defaults_and_the_best_others_are_confirmed() -> None:
    others = (0.5, None, 0.8, 0.6, 0.8, 0.7)
    trials = [TrialRecord(number=n, value=value) for n, value in enumerate((0.9, *others))]
    assert [trial.number for trial in candidates(trials)] == [0, 3, 5, 6]
    assert candidates(trials[:1]) == ()
    assert candidates([trials[0], trials[2]]) == ()


def test_without_confirmed_challengers_the_defaults_stay() -> None:
    trials = [TrialRecord(number=n, value=value) for n, value in enumerate((0.6, 0.9))]
    assert choose(trials, []).number == 0
    assert choose(trials, [failed(0), complete(1, [0.9] * FOLDS)]).number == 0
    assert choose(trials, [complete(0, [0.6] * FOLDS), failed(1)]).number == 0


def test_where_the_defaults_failed_the_best_challenger_is_chosen() -> None:
    trials = [failed(0), TrialRecord(number=1, value=0.9), TrialRecord(number=2, value=0.8)]
    assert choose(trials, [complete(1, [0.6] * FOLDS), complete(2, [0.7] * FOLDS)]).number == 2
    assert choose(trials, [failed(1), failed(2)]).number == 1
    with pytest.raises(ValueError, match="no trial of 1 was completed; the first failed: ValueError: no"):
        choose(trials[:1], [])
