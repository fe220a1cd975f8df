"""The kernel is the weighted mean of the families' kernels."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from respbench.corpora import catalog
from respbench.corpora.simulated.simulation import Simulation
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut
from respbench.corpora.tasks import for_task
from respbench.features.adventitious import FAMILIES, Adventitious
from respbench.features.cache import cached
from respbench.models import svm, svm_adventitious, xgboost_adventitious
from respbench.models.svm_adventitious import FamilyKernel


@pytest.fixture(scope="module")
def parts():
    """Train, validation and test clips of a small easy corpus."""
    simulation = Simulation(patients=14, clips_per_patient=4, difficulty=0.0)
    clips = for_task(catalog.open_corpus("simulated", simulation=simulation).clips(), "abnormal")
    fold = next(LeavePatientsOut(2).split(clips, 0))
    return clips.take(fold.train), clips.take(fold.valid), clips.take(fold.test).hide_labels()


def columns(extractor, clips):
    return cached(extractor, clips).astype(np.float64)


def kernels_by_hand(extractor, parts, limit):
    """Of (reference, reference) and (test, reference), by scikit-learn alone."""
    train, valid, test = (columns(extractor, part) for part in parts)
    scaler = StandardScaler().fit(np.concatenate([train, valid]))
    known, new = (scaler.transform(x).clip(-limit, limit) for x in (np.concatenate([train, valid]), test))
    gamma = 1 / known.shape[1]
    return rbf_kernel(known, known, gamma=gamma), rbf_kernel(new, known, gamma=gamma)


def test_the_machine_equals_one_built_from_scikit_learn(parts):
    families, limit, mfcc_weight = ("continuous", "colour"), 2.0, 3.0
    model = svm_adventitious.build(seed=0, families=families, limit=limit, mfcc_weight=mfcc_weight, C=2.0)
    model.fit(*parts[:2])
    extractors = [Adventitious((family,)) for family in families] + [svm.build(seed=0).features]
    pairs = [kernels_by_hand(extractor, parts, limit) for extractor in extractors]
    known, new = (
        sum(weight * pair[i] for weight, pair in zip((1, 1, mfcc_weight), pairs, strict=True)) / 5 for i in range(2)
    )
    label = np.concatenate([parts[0].label, parts[1].label])
    machine = SVC(C=2.0, kernel="precomputed", class_weight="balanced").fit(known, label)
    margin = machine.decision_function(new)
    p = model.predict_proba(parts[2])
    np.testing.assert_allclose(np.log(p[:, 1] / p[:, 0]), margin, rtol=1e-6, atol=1e-6)
    assert model.weights.tolist() == pytest.approx([0.2, 0.2, 0.6])


def test_without_weight_the_spectrum_is_left_out(parts):
    alone, with_mfcc = (
        svm_adventitious.build(seed=0, families=("whitened",), mfcc_weight=weight).fit(*parts[:2]) for weight in (0, 1)
    )
    assert len(alone.kernels) == 1
    assert len(with_mfcc.kernels) == 2
    known, new = kernels_by_hand(Adventitious(("whitened",)), parts, 2.0)
    label = np.concatenate([parts[0].label, parts[1].label])
    margin = SVC(C=3.0, kernel="precomputed", class_weight="balanced").fit(known, label).decision_function(new)
    p = alone.predict_proba(parts[2])
    np.testing.assert_allclose(np.log(p[:, 1] / p[:, 0]), margin, rtol=1e-6, atol=1e-6)
    assert not np.allclose(with_mfcc.predict_proba(parts[2]), p)


def test_a_family_of_tiny_weight_has_a_tiny_effect(parts):
    alone, faint = (
        svm_adventitious.build(seed=0, families=("colour",), mfcc_weight=weight).fit(*parts[:2]) for weight in (0, 1e-9)
    )
    np.testing.assert_allclose(alone.predict_proba(parts[2]), faint.predict_proba(parts[2]), atol=1e-3)


def test_the_default_weighs_every_family_once_and_the_spectrum_twice():
    model = svm_adventitious.build(seed=0)
    assert model.features == [Adventitious(), svm.build(seed=0).features]
    names = sum((extractor.columns for extractor in model.features), ())
    families = [Adventitious((family,)).columns for family in FAMILIES]
    assert [names[kernel.columns] for kernel in model.kernels] == [*families, svm.build(seed=0).features.columns]
    np.testing.assert_allclose(model.weights, np.array([1, 1, 1, 1, 1, 2]) / 7)


def test_the_kernel_is_one_for_equal_clips_and_small_for_others(parts):
    kernel = FamilyKernel(slice(None), limit=2.0)
    rows = np.concatenate([columns(Adventitious(("discontinuous",)), part) for part in parts[:2]])
    own = kernel.fit(rows)
    np.testing.assert_allclose(np.diag(own), 1, atol=1e-12)
    np.testing.assert_allclose(own, own.T, atol=1e-12)
    assert own.min() >= 0
    assert np.median(own) < 0.5
    np.testing.assert_allclose(kernel.compare(rows[:5]), own[:5], atol=1e-12)


def test_an_outlier_is_clipped():
    """A column a thousand deviations from the mean counts no more than one at the limit."""
    rows = np.tile(np.linspace(-1, 1, 20)[:, None], (1, 3))
    kernel = FamilyKernel(slice(None), limit=2.0)
    kernel.fit(rows)
    near, far = (kernel.compare(np.array([[outlier, 0.0, 0.0]])) for outlier in (1e3, 1e6))
    np.testing.assert_array_equal(near, far)
    assert near.max() > 0


def test_scaler_and_reference_clips_are_those_of_the_training_patients(parts):
    """Predicting changes neither."""
    model = svm_adventitious.build(seed=0, families=("colour",)).fit(*parts[:2])
    before = [kernel.scaler.mean_.copy() for kernel in model.kernels]
    model.predict_proba(parts[2])
    assert all(np.array_equal(a, kernel.scaler.mean_) for a, kernel in zip(before, model.kernels, strict=True))
    everyone = columns(Adventitious(("colour",)), parts[0]), columns(Adventitious(("colour",)), parts[1])
    np.testing.assert_allclose(before[0], np.concatenate(everyone).mean(axis=0), rtol=1e-6)
    n = len(parts[0]) + len(parts[1])
    assert all(len(kernel.reference) == n for kernel in model.kernels)
    assert model.n_parameters == len(model.machine.support_) * (12 + 40 + 1) + 1


def test_trees_have_the_same_columns():
    adventitious, mfcc = xgboost_adventitious.build(seed=0).features
    assert adventitious == Adventitious()
    assert mfcc == svm.build(seed=0).features
