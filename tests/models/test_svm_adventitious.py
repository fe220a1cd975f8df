"""The mean of kernels is the mean of kernels, and each family has the say that its weight gives it."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from corpora.simulated.simulation import Simulation, simulate
from corpora.splits.leave_patients_out import LeavePatientsOut
from corpora.tasks import for_task
from features.adventitious import FAMILIES, Adventitious
from models import svm, svm_adventitious, xgboost_adventitious
from models.svm_adventitious import FamilyKernel


@pytest.fixture(scope="module")
def parts():
    """Train, validation and test clips of a small easy corpus."""
    clips = for_task(simulate(Simulation(patients=14, clips_per_patient=4, difficulty=0.0)), "abnormal")
    fold = next(LeavePatientsOut(2).split(clips, 0))
    return clips.take(fold.train), clips.take(fold.valid), clips.take(fold.test).hide_labels()


def columns(extractor, clips):
    return extractor(clips.signals, clips.rate).astype(np.float64)


def kernels_by_hand(extractor, parts, limit):
    """Of (known, known) and (test, known), by scikit-learn alone."""
    train, valid, test = (columns(extractor, part) for part in parts)
    scaler = StandardScaler().fit(np.concatenate([train, valid]))
    known, new = (scaler.transform(x).clip(-limit, limit) for x in (np.concatenate([train, valid]), test))
    gamma = 1 / known.shape[1]
    return rbf_kernel(known, known, gamma=gamma), rbf_kernel(new, known, gamma=gamma)


def test_the_machine_is_the_one_put_together_by_hand(parts):
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


def test_without_weight_the_spectrum_has_no_say(parts):
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


def test_a_family_of_hardly_any_weight_has_hardly_any_say(parts):
    alone, faint = (
        svm_adventitious.build(seed=0, families=("colour",), mfcc_weight=weight).fit(*parts[:2]) for weight in (0, 1e-9)
    )
    np.testing.assert_allclose(alone.predict_proba(parts[2]), faint.predict_proba(parts[2]), atol=1e-3)


def test_the_default_weighs_every_family_once_and_the_spectrum_twice():
    model = svm_adventitious.build(seed=0)
    assert [kernel.features for kernel in model.kernels] == [
        *(Adventitious((family,)) for family in FAMILIES),
        svm.build(seed=0).features,
    ]
    np.testing.assert_allclose(model.weights, np.array([1, 1, 1, 1, 1, 2]) / 7)


def test_twins_are_alike_and_strangers_are_not(parts):
    kernel = FamilyKernel(Adventitious(("discontinuous",)), limit=2.0)
    own = kernel.fit(*parts[:2])
    np.testing.assert_allclose(np.diag(own), 1, atol=1e-12)
    np.testing.assert_allclose(own, own.T, atol=1e-12)
    assert own.min() >= 0
    assert np.median(own) < 0.5
    np.testing.assert_allclose(kernel.compare(parts[0]), own[: len(parts[0])], atol=1e-12)


def test_a_wild_number_is_cut_off(parts):
    """A column a thousand deviations from the mean counts no more than one at the limit."""

    class Wild:
        def __call__(self, signals, rate):
            rows = np.tile(np.linspace(-1, 1, len(signals), dtype=np.float32)[:, None], (1, 3))
            rows[0, 0] = self.wild
            return rows

    found = []
    for wild in (1e3, 1e6):
        kernel = FamilyKernel(Wild(), limit=2.0)
        kernel.features.wild = 0.0
        kernel.fit(*parts[:1])
        kernel.features.wild = wild
        found.append(kernel.compare(parts[2]))
    np.testing.assert_array_equal(found[0], found[1])
    assert found[0][0].max() > 0


def test_scaler_and_known_clips_are_those_of_the_training_patients(parts):
    """What is asked about changes nothing of what was learned."""
    model = svm_adventitious.build(seed=0, families=("colour",)).fit(*parts[:2])
    before = [kernel.scaler.mean_.copy() for kernel in model.kernels]
    model.predict_proba(parts[2])
    assert all(np.array_equal(a, kernel.scaler.mean_) for a, kernel in zip(before, model.kernels, strict=True))
    everyone = columns(Adventitious(("colour",)), parts[0]), columns(Adventitious(("colour",)), parts[1])
    np.testing.assert_allclose(before[0], np.concatenate(everyone).mean(axis=0), rtol=1e-6)
    n = len(parts[0]) + len(parts[1])
    assert all(len(kernel.reference) == n for kernel in model.kernels)
    assert model.n_parameters == len(model.machine.support_) * (12 + 40 + 1) + 1


def test_trees_see_the_same_columns():
    adventitious, mfcc = xgboost_adventitious.build(seed=0).features
    assert adventitious == Adventitious()
    assert mfcc == svm.build(seed=0).features
