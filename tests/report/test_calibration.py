"""Calibration, recalibration and operating points, in forecasts whose truth is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_results import made_up_results
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from respbench.benchmarks.report.calibration import calibration_page
from respbench.benchmarks.report.figures.calibration import plan_calibration
from respbench.benchmarks.statistics.calibration import (
    brier,
    calibration_line,
    calibration_of,
    ece,
    intercept,
    recalibrate,
    recalibrated,
    reliability,
    slope,
)
from respbench.benchmarks.statistics.forecasts import Forecasts, Repeats, forecasts_of
from respbench.benchmarks.statistics.intervals import leave_one_out
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import Predictions
from respbench.benchmarks.statistics.operating import (
    SPECIFICITY,
    chosen_threshold,
    gain_in_net_benefit,
    net_benefit,
    net_benefit_of_all,
    operating_point,
    shares_above,
)

PATIENTS, FOLDS = 60, 5
EVERYONE = np.ones((1, PATIENTS))
FOUR = ("normal", "crackle", "wheeze", "both")


def forecaster(seed: int = 0, clips: int = 6000, distort: tuple[float, float] = (0.0, 1.0)) -> Forecasts:
    """Outcomes drawn with the stated probabilities, which are then distorted: ``logit = (true - a) / b``."""
    rng = np.random.default_rng(seed)
    true = rng.normal(-0.7, 1.2, clips)
    abnormal = rng.random(clips) < expit(true)
    patient = rng.integers(PATIENTS, size=clips)
    probability = expit((true - distort[0]) / distort[1])
    return Forecasts(
        probability=probability,
        abnormal=abnormal,
        called=probability > 0.5,
        right=(probability > 0.5) == abnormal,
        patient=patient,
        fold=patient % FOLDS,
        clip=np.arange(clips),
        patients=PATIENTS,
    )


def repeats(*forecasts: Forecasts) -> Repeats:
    return Repeats(seeds=tuple(range(len(forecasts))), forecasts=forecasts)


def test_a_calibrated_forecaster_is_found_calibrated() -> None:
    found = calibration_of(repeats(forecaster()))
    assert found.ece < 0.03
    assert found.slope is not None
    assert found.slope.low < 1 < found.slope.high
    assert found.intercept.low < 0 < found.intercept.high
    assert found.slope.low > 0.8
    assert found.slope.high < 1.2


@pytest.mark.parametrize("distort", [(0.8, 1.0), (-0.5, 0.4), (0.0, 3.0)])
def test_slope_and_intercept_are_those_of_the_distortion_and_recalibration_removes_it(
    distort: tuple[float, float],
) -> None:
    distorted = forecaster(distort=distort)
    a, b = calibration_line(distorted, EVERYONE)[0]
    assert (a, b) == pytest.approx(distort, abs=0.12)
    corrected = recalibrate(distorted)
    assert ece(corrected) < 0.03 < ece(distorted)
    assert brier(corrected, EVERYONE)[0] < brier(distorted, EVERYONE)[0]
    assert slope(corrected, EVERYONE)[0] == pytest.approx(1, abs=0.1)
    assert intercept(corrected, EVERYONE)[0] == pytest.approx(0, abs=0.1)
    for fold in range(FOLDS):
        rows = distorted.fold == fold
        order, corrected_order = (one.probability[rows].argsort() for one in (distorted, corrected))
        np.testing.assert_array_equal(order, corrected_order)


def test_the_line_equals_that_of_scikit_learn_also_without_a_patient() -> None:
    forecasts = forecaster(clips=900, distort=(0.5, 2.0))
    found = calibration_line(forecasts, leave_one_out(PATIENTS))
    for row, left_out in ((0, -1), (1, 0), (18, 17)):
        kept = forecasts.patient != left_out
        x = logit(forecasts.probability[kept])[:, None]
        fit = LogisticRegression(C=np.inf, tol=1e-10).fit(x, forecasts.abnormal[kept])
        assert found[row] == pytest.approx([fit.intercept_[0], fit.coef_[0, 0]], abs=2e-3 if row else 1e-4)
    assert brier(forecasts, EVERYONE)[0] == pytest.approx(brier_score_loss(forecasts.abnormal, forecasts.probability))


def test_bins_have_equal_numbers_of_clips_and_ties_stay_together() -> None:
    bins = reliability(forecaster(clips=1000))
    assert bins[:, 2].tolist() == [100] * 10
    assert (np.diff(bins[:, 0]) > 0).all()
    forecasts = forecaster(clips=1000)
    rounded = replace(forecasts, probability=np.round(forecasts.probability, 1))
    tied = reliability(rounded)
    assert tied[:, 2].sum() == 1000
    constant = reliability(replace(forecasts, probability=np.full(1000, 0.3)))
    np.testing.assert_allclose(constant, [[0.3, forecasts.abnormal.mean(), 1000]])


def test_a_fold_is_recalibrated_and_its_threshold_chosen_without_its_own_outcomes() -> None:
    forecasts = forecaster(clips=800, distort=(0.5, 2.0))
    fold = forecasts.fold == 2
    scrambled = replace(forecasts, abnormal=np.where(fold, ~forecasts.abnormal, forecasts.abnormal))
    one, other = recalibrate(forecasts).probability, recalibrate(scrambled).probability
    np.testing.assert_array_equal(one[fold], other[fold])
    assert not np.array_equal(one[~fold], other[~fold])
    assert chosen_threshold(forecasts, ~fold, EVERYONE) == chosen_threshold(scrambled, ~fold, EVERYONE)
    assert chosen_threshold(forecasts, fold, EVERYONE) != chosen_threshold(scrambled, fold, EVERYONE)


def test_shares_above_equal_a_loop_over_folds_also_without_a_patient() -> None:
    forecasts = forecaster(clips=500)
    weights = leave_one_out(PATIENTS)
    found = np.array(shares_above(forecasts, weights))
    for row, left_out in ((0, -1), (4, 3)):
        there, above = forecasts.patient != left_out, np.zeros(500, dtype=bool)
        for fold in range(FOLDS):
            ranked = np.sort(forecasts.probability[there & ~forecasts.abnormal & (forecasts.fold != fold)])
            threshold = ranked[int(np.ceil(SPECIFICITY * len(ranked))) - 1]
            above |= (forecasts.fold == fold) & (forecasts.probability > threshold)
        expected = [above[there & side].mean() for side in (forecasts.abnormal, ~forecasts.abnormal)]
        assert found[:, row] == pytest.approx(expected, abs=1e-12)


def test_net_benefit_follows_its_definition() -> None:
    forecasts = forecaster(clips=500)
    acted, n = forecasts.probability >= 0.25, 500
    expected = (acted & forecasts.abnormal).sum() / n - (acted & ~forecasts.abnormal).sum() / n / 3
    assert net_benefit(forecasts, 0.25, EVERYONE)[0] == pytest.approx(expected)
    share = forecasts.abnormal.mean()
    assert net_benefit_of_all(forecasts, 0.25, EVERYONE)[0] == pytest.approx(share - (1 - share) / 3)
    gain = gain_in_net_benefit(repeats(forecaster()), 0.3)
    assert gain.excludes_zero
    assert gain.value > 0


def test_constant_forecasts_and_a_single_fold_have_no_threshold_and_no_slope() -> None:
    forecasts = forecaster(clips=500)
    frequencies = replace(forecasts, probability=(30.0 + forecasts.fold) / 100)
    found = calibration_of(repeats(frequencies))
    assert found.slope is None
    assert np.isfinite([found.ece, found.brier.value, found.intercept.value]).all()
    assert operating_point(repeats(frequencies)) is None
    corrected = recalibrate(frequencies)
    assert corrected.constant
    assert np.ptp(corrected.probability) < 0.15
    single = repeats(replace(forecasts, fold=np.zeros(500, dtype=np.int64)))
    assert recalibrated(single) is None
    assert operating_point(single) is None


def test_abnormal_is_whatever_is_not_normal() -> None:
    p = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.6, 0.1], [0.3, 0.1, 0.4, 0.2]])
    label, patient = np.array([0, 1, 2]), np.arange(3)
    four = forecasts_of(Predictions(label, p, patient, patient, FOUR), 3)
    np.testing.assert_allclose(four.probability, [0.6, 0.9, 0.7])
    assert four.abnormal.tolist() == [False, True, True]
    assert four.called.tolist() == [False, True, True]
    assert four.right.tolist() == [True, False, True]


@pytest.mark.parametrize("classes", [("normal", "abnormal"), FOUR])
def test_the_page_has_a_row_per_complete_model(tmp_path: Path, classes: tuple[str, ...]) -> None:
    results = load_results(made_up_results(tmp_path, classes=classes))
    page = calibration_page(results)
    assert page is not None
    names = {model.name for model in results.complete}
    assert {row[0] for row in page.before} == {row[0] for row in page.after} == names
    assert {row[0] for row in page.operating} == names - {"prior"}
    assert page.constant == ("prior",)
    assert [row[0] for row in page.benefits] == ["svm", "metadata"]
    assert list(plan_calibration(results)) == ["reliability.png", "decision_curve.png"]
