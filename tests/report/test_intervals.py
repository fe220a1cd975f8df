"""The intervals, against closed forms and against cases whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit
from scipy.stats import t as student

from respbench.benchmarks.statistics.intervals import (
    TRAINING,
    Difference,
    Estimate,
    Scale,
    estimate_of,
    interval,
    leave_one_out,
)
from respbench.benchmarks.statistics.metrics import METRICS, Predictions, auroc_over_folds, evaluate

CLASSES = ("normal", "abnormal")
PATIENTS = 12


def mean_and_left_out(numbers: np.ndarray) -> np.ndarray:
    """(1, 1 + n): the mean of n numbers, then the means without each."""
    return np.concatenate([[numbers.mean()], (numbers.sum() - numbers) / (len(numbers) - 1)])[None, :]


def made_up(seed: int, strength: float = 1.0) -> Predictions:
    """Random predictions of 240 clips; a patient has one fold."""
    rng = np.random.default_rng(seed)
    patient, label = rng.integers(PATIENTS, size=240), rng.integers(2, size=240)
    p = 1 / (1 + np.exp(-rng.normal(size=240) - strength * (label - 0.5)))
    return Predictions(label, np.stack([1 - p, p], axis=1), patient, patient % 3, CLASSES)


def values_of(seeds: list[Predictions], metric: str) -> np.ndarray:
    """(repeats, 1 + patients)."""
    return np.array([evaluate(predictions, leave_one_out(PATIENTS))[metric] for predictions in seeds])


def test_of_a_mean_it_is_students_interval() -> None:
    """The jackknife of a mean is its standard error; a third of normal numbers contribute effectively to its square."""
    numbers = np.random.default_rng(0).normal(size=2000)
    found = interval(mean_and_left_out(numbers), "plain")
    assert found.value == pytest.approx(numbers.mean())
    assert found.se == pytest.approx(np.sqrt(TRAINING) * numbers.std(ddof=1) / np.sqrt(2000))
    assert found.df == pytest.approx(2000 / 3, rel=0.1)
    assert found.high - found.value == pytest.approx(student.ppf(0.975, found.df) * found.se)


def test_one_dominating_deviation_leaves_few_degrees_of_freedom() -> None:
    numbers = np.append(np.random.default_rng(0).normal(size=50), 60.0)
    assert interval(mean_and_left_out(numbers), "plain").df < 3


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30), st.sampled_from(["logit", "plain"]))
def test_an_interval_always_holds_its_value_and_on_the_logit_stays_between_0_and_1(
    numbers: list[float], scale: Scale
) -> None:
    values = np.array([numbers])
    found = interval(values, scale)
    assert found.value == pytest.approx(numbers[0])
    if len(numbers) < 3:
        assert np.isnan([found.low, found.high]).all()
        return
    assert found.low <= found.value + 1e-12
    assert found.high >= found.value - 1e-12
    if scale == "logit" and all(0 < number < 1 for number in numbers):
        assert 0 <= found.low <= found.high <= 1


def test_a_patient_without_whom_the_metric_is_undefined_is_left_out_of_the_variance() -> None:
    values = mean_and_left_out(np.arange(9.0))
    with_gap = np.append(values, np.nan)[None, :]
    assert interval(with_gap, "plain") == interval(values, "plain")


def test_draws_add_their_variance() -> None:
    """Two repeats that differ much: as draws they widen the interval, as repeats of the same they don't."""
    values = mean_and_left_out(np.random.default_rng(1).normal(size=30)) + np.array([[-1.0], [1.0]])
    fixed, drawn = interval(values, "plain"), interval(values, "plain", draws=True)
    assert drawn.se**2 - fixed.se**2 == pytest.approx(TRAINING * np.var([-1, 1], ddof=1) / 2)
    assert drawn.df < 2 < fixed.df


def test_what_patients_differ_in_from_draw_to_draw_counts_once() -> None:
    """A draw's mean differs from another's only by what single patients got: that is variance over patients already."""
    rng = np.random.default_rng(0)
    own, by_draw = rng.normal(size=200), rng.normal(size=(10, 200))
    values = np.concatenate([mean_and_left_out(own + numbers) for numbers in by_draw])
    exact = TRAINING * (1 + 1 / 10) / 200
    found = [interval(values, "plain", draws=drawn).se ** 2 for drawn in (False, True)]
    assert found == pytest.approx([exact, exact], rel=0.2)


def test_a_planted_difference_is_found_and_a_model_does_not_differ_from_itself() -> None:
    good = made_up(7)
    worse = replace(good, probabilities=good.probabilities[np.random.default_rng(0).permutation(240)])
    for metric in ("score", "auroc", "auroc_within_patients"):
        difference = values_of([good], metric) - values_of([worse], metric)
        assert interval(difference, "plain").low > 0
        same = Difference(**vars(interval(0 * difference, "plain")))
        assert (same.value, same.low, same.high, same.p_value) == (0.0, 0.0, 0.0, 1.0)
        assert not same.excludes_zero
    assert Estimate(0.1, 0.05, 0.2).excludes_zero


def test_p_value_is_below_5_percent_where_the_interval_excludes_0() -> None:
    for shift in np.linspace(0, 1, 21):
        values = mean_and_left_out(np.random.default_rng(3).normal(size=20)) + shift
        found = Difference(**vars(interval(values, "plain")))
        assert (found.p_value < 0.05) == found.excludes_zero


def test_value_of_several_repeats_is_their_mean_for_every_metric() -> None:
    seeds = [made_up(0), made_up(1)]
    for metric in METRICS:
        values = values_of(seeds, metric)
        expected = values[:, 0].mean()
        assert interval(values, "logit").value == pytest.approx(expected, nan_ok=True)
    found = estimate_of(seeds, auroc_over_folds, PATIENTS)
    assert found == interval(values_of(seeds, "auroc"), "logit")
    assert logit(found.value) - logit(found.low) == pytest.approx(logit(found.high) - logit(found.value))


def test_intervals_over_patients_cover_the_truth_where_intervals_over_clips_do_not() -> None:
    """Some patients are always classified rightly, some always wrongly: the true accuracy is 0.5."""
    patients, clips = 40, 10
    held = 0
    for trial in range(100):
        rng = np.random.default_rng(trial)
        right = np.repeat(rng.random(patients) < 0.5, clips)
        label = rng.integers(2, size=patients * clips)
        decision = np.where(right, label, 1 - label)
        patient = np.repeat(np.arange(patients), clips)
        predictions = Predictions(label, np.eye(2)[decision], patient, patient % 2, CLASSES)
        found = estimate_of([predictions], lambda p, w: evaluate(p, w)["accuracy"], patients)
        held += found.low <= 0.5 <= found.high
    assert held >= 86, "fewer than 86 of 100 would be hit once in thousands of times by true 95 % intervals"
