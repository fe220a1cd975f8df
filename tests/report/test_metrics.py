"""The metrics against scikit-learn and against plain loops; the intervals against cases whose truth is known."""

import statistics
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, recall_score, roc_auc_score

from respbench.benchmarks.statistics.confusion import confusion_matrix
from respbench.benchmarks.statistics.groups import equal_parts
from respbench.benchmarks.statistics.intervals import interval, leave_one_out
from respbench.benchmarks.statistics.metrics import Predictions, auroc, evaluate

TWO = ("normal", "abnormal")
FOUR = ("normal", "crackle", "wheeze", "both")
PATIENTS = 12
FOLDS = 3
CROSSED = ("durations", "strata")
"""Groups that clips of several patients share."""


def made_up(seed: int, classes: tuple[str, ...] = TWO, clips: int = 150, digits: int = 1) -> Predictions:
    """Random predictions; few digits make many ties. Patients lie in one fold each."""
    rng = np.random.default_rng(seed)
    patient = rng.integers(PATIENTS, size=clips)
    label = rng.integers(len(classes), size=clips)
    score = rng.random((clips, len(classes))) + 0.3 * np.eye(len(classes))[label]
    raw = np.round(score / score.sum(axis=1, keepdims=True), digits)
    raw[:, 0] = 1 - raw[:, 1:].sum(axis=1)
    groups = {name: np.random.default_rng([seed, i]).integers(10, size=clips) for i, name in enumerate(CROSSED)}
    return Predictions(label, raw, patient, patient % FOLDS, classes, groups=groups)


def values_of(seeds: list[Predictions], metric: str, patients: int = PATIENTS) -> np.ndarray:
    """(repeats, 1 + patients)."""
    return np.array([evaluate(predictions, leave_one_out(patients))[metric] for predictions in seeds])


def value(predictions: Predictions, patients: int = PATIENTS) -> dict[str, float]:
    return {name: float(found[0]) for name, found in evaluate(predictions, np.ones((1, patients))).items()}


def duplicated(predictions: Predictions, times: np.ndarray) -> Predictions:
    """Every patient as often as ``times`` says; copies of a patient are other patients with the same clips."""
    copies = [np.flatnonzero(times[predictions.patient] > copy) for copy in range(4)]
    rows = np.concatenate(copies)
    fields = {name: getattr(predictions, name)[rows] for name in ("label", "probabilities", "fold")}
    fields["groups"] = {name: group[rows] for name, group in predictions.groups.items()}
    shift = np.repeat(PATIENTS * np.arange(4), [len(copy) for copy in copies])
    return replace(predictions, **fields, patient=predictions.patient[rows] + shift)


@pytest.mark.parametrize("classes", [TWO, FOUR])
@pytest.mark.parametrize("seed", range(5))
def test_decision_metrics_equal_scikit_learn(classes: tuple[str, ...], seed: int) -> None:
    predictions = made_up(seed, classes)
    label, decision, found = predictions.label, predictions.decision, value(predictions)
    assert found["accuracy"] == pytest.approx(accuracy_score(label, decision), abs=1e-12)
    assert found["macro_f1"] == pytest.approx(f1_score(label, decision, average="macro"), abs=1e-12)
    recalls = recall_score(label, decision, average=None)
    assert found["specificity"] == pytest.approx(recalls[0], abs=1e-12)
    abnormal = label > 0
    assert found["sensitivity"] == pytest.approx((decision == label)[abnormal].mean(), abs=1e-12)
    assert found["score"] == pytest.approx((found["sensitivity"] + found["specificity"]) / 2, abs=1e-12)
    if classes == TWO:
        assert found["score"] == pytest.approx(recalls.mean(), abs=1e-12)


@pytest.mark.parametrize("classes", [TWO, FOUR])
@pytest.mark.parametrize("digits", [1, 9])
def test_auroc_equals_scikit_learn_also_with_ties(classes: tuple[str, ...], digits: int) -> None:
    predictions = made_up(3, classes, digits=digits)
    by_fold = []
    for fold in range(FOLDS):
        rows = predictions.fold == fold
        label, p = predictions.label[rows], predictions.probabilities[rows]
        by_fold.append(roc_auc_score(label, p[:, 1]) if classes == TWO else roc_auc_score(label, p, multi_class="ovr"))
    assert value(predictions)["auroc"] == pytest.approx(np.mean(by_fold), abs=1e-12)


def test_auroc_leaves_out_a_fold_that_lacks_a_class() -> None:
    predictions = made_up(4)
    label = np.where(predictions.fold == 0, 0, predictions.label)
    lacking = replace(predictions, label=label)
    expected = [
        roc_auc_score(label[rows], predictions.probabilities[rows, 1])
        for rows in (predictions.fold == 1, predictions.fold == 2)
    ]
    assert value(lacking)["auroc"] == pytest.approx(np.mean(expected), abs=1e-12)
    nowhere = replace(predictions, label=np.zeros_like(label))
    assert np.isnan(value(nowhere)["auroc"])


@pytest.mark.parametrize("classes", [TWO, FOUR])
def test_auroc_within_patients_equals_a_loop_over_pairs(classes: tuple[str, ...]) -> None:
    predictions = made_up(5, classes)
    predictions = replace(predictions, fold=np.arange(len(predictions.label)) % 2)
    score = 1 - predictions.probabilities[:, 0]
    times = np.random.default_rng(0).integers(0, 2, size=PATIENTS)
    right = pairs = 0.0
    for a in np.flatnonzero(predictions.label > 0):
        for n in np.flatnonzero(predictions.label == 0):
            if predictions.patient[a] == predictions.patient[n] and predictions.fold[a] == predictions.fold[n]:
                weight = times[predictions.patient[a]]
                pairs += weight
                right += weight * (float(score[a] > score[n]) + 0.5 * float(score[a] == score[n]))
    found = evaluate(predictions, times[None, :].astype(float))["auroc_within_patients"][0]
    assert found == pytest.approx(right / pairs, abs=1e-12)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    four=st.booleans(),
    milliseconds=st.lists(st.integers(1, 12), min_size=40, max_size=40),
    times=st.lists(st.integers(0, 3), min_size=PATIENTS, max_size=PATIENTS),
    split_by_clip=st.booleans(),
)
def test_auroc_within_durations_equals_a_loop_over_pairs(
    seed: int, four: bool, milliseconds: list[int], times: list[int], split_by_clip: bool
) -> None:
    """From its definition: sort, cut into tenths, look at every pair. Few distinct durations make many ties."""
    predictions = made_up(seed, FOUR if four else TWO, clips=40)
    fold = np.arange(40) % 2 if split_by_clip else predictions.fold
    seconds = np.array(milliseconds) / 1000
    predictions = replace(predictions, fold=fold, groups={"durations": equal_parts(seconds, 10)})
    ranked = sorted(milliseconds)
    tenth = [int(10 * (ranked.index(one) + ranked.count(one) / 2) / 40) for one in milliseconds]
    right = pairs = 0.0
    for a in range(40):
        for n in range(40):
            if predictions.label[a] and not predictions.label[n] and (fold[a], tenth[a]) == (fold[n], tenth[n]):
                weight = times[predictions.patient[a]] * times[predictions.patient[n]]
                abnormal, normal = (1 - predictions.probabilities[clip, 0] for clip in (a, n))
                pairs += weight
                right += weight * (1.0 if abnormal > normal else 0.5 if abnormal == normal else 0.0)
    found = evaluate(predictions, np.array([times], dtype=float))["auroc_within_durations"][0]
    if pairs and len(set(tenth)) > 1:
        assert found == pytest.approx(right / pairs, abs=1e-12)
    else:
        assert np.isnan(found)


def test_equal_parts_are_equal_and_keep_equal_values_together() -> None:
    distinct = np.random.default_rng(0).permutation(np.arange(1.0, 41.0))
    assert np.bincount(equal_parts(distinct, 10)).tolist() == [4] * 10
    assert (np.diff(equal_parts(distinct, 10)[np.argsort(distinct)]) >= 0).all()
    tied = np.array([1.0] * 15 + [2.0] * 5)
    assert equal_parts(tied, 10).tolist() == [3] * 15 + [8] * 5
    assert len(set(equal_parts(np.full(7, 2.5), 10))) == 1


def test_duration_alone_ranks_little_within_durations() -> None:
    """A model that predicts from duration alone: abnormal clips are longer, so that it looks good by AUROC."""
    rng = np.random.default_rng(3)
    n = 2000
    label = rng.integers(2, size=n)
    seconds = rng.lognormal(0.5 * label, 0.5)
    p = 1 - 1 / (1 + seconds)
    patient = rng.integers(PATIENTS, size=n)
    probabilities = np.stack([1 - p, p], axis=1)
    found = value(
        Predictions(label, probabilities, patient, patient % FOLDS, TWO, groups={"durations": equal_parts(seconds, 10)})
    )
    assert found["auroc"] > 0.7
    assert 0.5 < found["auroc_within_durations"] < 0.57


def test_where_groups_are_unknown_there_is_no_auroc_within_them() -> None:
    predictions = replace(made_up(1), groups={})
    found = interval(values_of([predictions], "auroc_within_durations"), "logit")
    assert np.isnan([found.value, found.low, found.high]).all()


def test_auroc_within_recordings_and_patient_macro_score_equal_plain_loops() -> None:
    predictions = made_up(8, clips=200)
    recording = predictions.patient * 10 + np.arange(200) % 2
    found = value(replace(predictions, groups={"recordings": recording}))
    right = pairs = 0.0
    for one in np.unique(recording):
        rows = recording == one
        abnormal, normal = (predictions.probabilities[rows & (predictions.label == label), 1] for label in (1, 0))
        right += sum((a > n) + (a == n) / 2 for a in abnormal for n in normal)
        pairs += len(abnormal) * len(normal)
    assert found["auroc_within_recordings"] == pytest.approx(right / pairs, abs=1e-12)
    shares = []
    for label in (0, 1):
        own = [(predictions.patient == p) & (predictions.label == label) for p in range(PATIENTS)]
        shares.append(np.mean([(predictions.decision[rows] == label).mean() for rows in own if rows.any()]))
    assert found["patient_macro_score"] == pytest.approx(np.mean(shares), abs=1e-12)


def test_the_challenge_score_is_the_mean_of_two_means_of_sensitivity_and_specificity() -> None:
    label = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    decision = np.array([0, 0, 0, 1, 1, 2, 2, 2])  # specificity 3/4, as is sensitivity: 1 of 2 and 2 of 2
    for decided, score in ((decision, 0.75), (np.zeros(8, int), 0.25), (np.full(8, 3), 0.0)):
        predictions = Predictions(label, np.eye(4)[decided], np.arange(8), np.zeros(8, int), FOUR)
        found = value(replace(predictions, patient=np.arange(8) % PATIENTS))
        assert found["challenge_score"] == pytest.approx(score, abs=1e-12)
    for seed in range(5):
        found = value(made_up(seed, FOUR))
        sides = [found["sensitivity"], found["specificity"]]
        expected = (np.mean(sides) + statistics.harmonic_mean(sides)) / 2
        assert found["challenge_score"] == pytest.approx(expected, abs=1e-12)


def test_confusion_matrix_counts_rows_of_the_true_class() -> None:
    predictions = Predictions(
        np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]), np.array([0, 1, 1]), np.zeros(3, int), TWO
    )
    assert confusion_matrix(predictions).tolist() == [[1, 1], [0, 1]]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), four=st.booleans(), drawn=st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_weighting_a_patient_equals_duplicating_their_clips(seed: int, four: bool, drawn: list[int]) -> None:
    predictions = made_up(seed, FOUR if four else TWO)
    times = np.array(drawn)
    weighted = evaluate(predictions, times[None, :].astype(float))
    copied = duplicated(predictions, times)
    if len(copied.label) == 0:
        assert all(np.isnan(found[0]) for found in weighted.values())
        return
    for metric, expected in value(copied, 4 * PATIENTS).items():
        if metric == "auroc_within_patients" and times.max() > 1:
            continue  # copies are other patients
        both_missing = np.isnan(expected) and np.isnan(weighted[metric][0])
        assert both_missing or weighted[metric][0] == pytest.approx(expected, abs=1e-12), metric


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.integers(0, 3)), min_size=2, max_size=40))
def test_auroc_is_unchanged_by_monotone_transforms_and_turned_round_by_negation(
    clips: list[tuple[int, bool, int]],
) -> None:
    score, positive, weight = (np.array(part) for part in zip(*clips, strict=True))
    score, weights = score.astype(float), weight.astype(float)[None, :]
    own = np.arange(len(clips))
    plain = auroc(score, positive, own, weights)
    np.testing.assert_array_equal(plain, auroc(np.exp(score) - 5, positive, own, weights))
    np.testing.assert_allclose(plain, 1 - auroc(-score, positive, own, weights), atol=1e-12)
    if weights[0, positive].sum() and weights[0, ~positive].sum():
        assert plain[0] == pytest.approx(roc_auc_score(positive, score, sample_weight=weights[0]), abs=1e-12)
    else:
        assert np.isnan(plain[0])


@pytest.mark.parametrize("classes", [TWO, FOUR])
def test_constant_prediction_is_at_chance(classes: tuple[str, ...]) -> None:
    predictions = made_up(6, classes)
    row = np.linspace(2, 1, len(classes)) / np.linspace(2, 1, len(classes)).sum()
    found = value(replace(predictions, probabilities=np.tile(row, (len(predictions.label), 1))))
    assert (found["score"], found["specificity"], found["sensitivity"]) == (0.5, 1.0, 0.0)
    assert (found["auroc"], found["auroc_within_patients"]) == (0.5, 0.5)
