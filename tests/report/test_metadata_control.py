"""What a model adds to metadata: nothing if it re-expresses them, much if it has information of its own."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_results import STRENGTHS, made_up_results
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metadata_control import (
    balanced,
    combined,
    gain_over_metadata,
    log_odds,
    logistic,
    metadata_control,
)
from respbench.benchmarks.statistics.metrics import Floats, Predictions
from respbench.benchmarks.statistics.multiplicity import ALPHA
from respbench.benchmarks.statistics.results import Results

PATIENTS = 60


def study(own: float) -> tuple[Predictions, Predictions]:
    """A model and `metadata`; the model predicts from metadata and noise, and ``own`` times from the label itself."""
    rng = np.random.default_rng(5)
    patient = np.repeat(np.arange(PATIENTS), rng.integers(10, 40, PATIENTS))
    device = rng.normal(size=PATIENTS)[patient]
    label = (rng.random(len(patient)) < expit(device + rng.normal(size=PATIENTS)[patient])).astype(np.int64)
    noise = 0.7 * rng.normal(size=len(patient)) + 0.7 * rng.normal(size=PATIENTS)[patient]
    fold = (rng.permutation(PATIENTS) % 5)[patient]
    return (
        predictions(device + noise + own * label, label, patient, fold),
        predictions(device, label, patient, fold),
    )


def predictions(odds: Floats, label: np.ndarray, patient: np.ndarray, fold: np.ndarray) -> Predictions:
    """Predictions with these log-odds, plus a level of its own in each fold."""
    p = expit(odds + 0.3 * fold)
    classes = ("normal", "abnormal")
    return Predictions(label=label, probabilities=np.stack([1 - p, p], 1), patient=patient, fold=fold, classes=classes)


def test_a_model_that_re_expresses_metadata_gains_nothing_although_it_ranks_clips_well() -> None:
    gain = gain_over_metadata([study(own=0.0)], PATIENTS)
    assert -0.02 < gain.value < 0.005
    assert gain.low < 0


def test_a_model_with_information_of_its_own_gains() -> None:
    gain = gain_over_metadata([study(own=1.5)], PATIENTS)
    assert gain.low > 0.02


def test_the_gain_is_the_mean_over_common_repeats() -> None:
    one, two = study(own=1.0), study(own=2.0)
    both = gain_over_metadata([one, two], PATIENTS).value
    assert both == pytest.approx(np.mean([gain_over_metadata([pair], PATIENTS).value for pair in (one, two)]))
    assert np.isnan(gain_over_metadata([], PATIENTS).value)


def test_a_constant_model_adds_exactly_nothing() -> None:
    model, metadata = study(own=1.0)
    constant = predictions(np.zeros(len(model.label)), model.label, model.patient, model.fold)
    gain = gain_over_metadata([(constant, metadata)], PATIENTS)
    assert (gain.value, gain.low, gain.high) == (0, 0, 0)


def test_the_regression_of_a_fold_never_sees_its_labels() -> None:
    model, metadata = study(own=1.0)
    swapped = np.where(model.fold == 0, 1 - model.label, model.label)
    before, after = (
        combined([replace(part, label=label) for part in (model, metadata)]) for label in (model.label, swapped)
    )
    assert before is not None
    assert after is not None
    tested = model.fold == 0
    assert (before.probabilities[tested] == after.probabilities[tested]).all()
    assert (before.probabilities[~tested] != after.probabilities[~tested]).any()


def test_a_fold_with_one_class_neither_fits_nor_counts() -> None:
    model, metadata = study(own=1.0)
    label = np.where(model.fold == 0, 0, model.label)
    one_class = [replace(part, label=label) for part in (model, metadata)]
    kept = model.fold != 0
    without = [
        replace(p, label=p.label[kept], probabilities=p.probabilities[kept], patient=p.patient[kept], fold=p.fold[kept])
        for p in (model, metadata)
    ]
    assert (
        gain_over_metadata([tuple(one_class)], PATIENTS).value == gain_over_metadata([tuple(without)], PATIENTS).value
    )
    single = [replace(part, label=np.where(model.fold == 1, model.label, 0)) for part in (model, metadata)]
    assert combined(single) is None
    assert np.isnan(gain_over_metadata([tuple(single)], PATIENTS).value)


def test_four_classes_are_abnormal_against_normal() -> None:
    model, _ = study(own=1.0)
    half = np.stack([model.probabilities[:, 0], *[model.probabilities[:, 1] / 2] * 2], 1)
    kinds = np.where(np.arange(len(model.label)) % 2, 2 * model.label, model.label)
    three = replace(model, classes=("normal", "crackle", "wheeze"), probabilities=half, label=kinds)
    assert log_odds(three) == pytest.approx(log_odds(model))
    together, binary = combined([three]), combined([model])
    assert together is not None
    assert binary is not None
    assert (together.label == binary.label).all()
    assert together.probabilities == pytest.approx(binary.probabilities)


@pytest.mark.parametrize("separable", [False, True])
def test_the_logistic_regression_is_scikit_learns(separable: bool) -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(300, 2)) * [0.1, 5]
    positive = inputs @ [20, 0.2] + (0 if separable else 2 * rng.normal(size=300)) > 1
    weights = balanced(rng.integers(3, size=300), positive)
    spread = inputs.std(axis=0)
    reference = LogisticRegression(tol=1e-10, max_iter=1000).fit(inputs / spread, positive, weights)
    expected = [*reference.intercept_, *(reference.coef_[0] / spread)]
    assert logistic(inputs, positive, weights) == pytest.approx(expected, rel=1e-4)


def test_every_fold_and_class_has_the_same_weight() -> None:
    fold, abnormal = np.array([0, 0, 0, 1, 1, 1, 1]), np.array([0, 0, 1, 0, 1, 1, 1], dtype=bool)
    weights = balanced(fold, abnormal)
    assert weights.mean() == pytest.approx(1)
    sums = [weights[(fold == f) & (abnormal == a)].sum() for f in (0, 1) for a in (False, True)]
    assert sums == pytest.approx([7 / 4] * 4)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two models and two controls."""
    return load_results(made_up_results(tmp_path_factory.mktemp("results"), {**STRENGTHS, "cnn": 0.01}))


def test_models_of_a_folder_are_judged_together_and_controls_are_not(results: Results) -> None:
    svm, cnn = metadata_control(results)
    assert (svm.model, cnn.model) == ("svm", "cnn")
    assert svm.gain.low > 0
    assert svm.gain_p == pytest.approx(2 * svm.gain.p_value)
    assert cnn.gain_p == pytest.approx(max(2 * svm.gain.p_value, cnn.gain.p_value))
    assert svm.within["auroc_within_recordings"] == results.find("svm").estimate("auroc_within_recordings")
    assert svm.within_p["auroc_within_recordings"] < ALPHA < cnn.within_p["auroc_within_recordings"]
    without = replace(results, models=tuple(m for m in results.models if m.name != "metadata"))
    assert all(np.isnan(one.gain.value) and np.isnan(one.gain_p) for one in metadata_control(without))
