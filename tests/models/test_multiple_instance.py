"""Bags of windows: pooled between mean and maximum whatever the duration, centered on the unlabeled clips' medians."""

import numpy as np
import pytest
from scipy.optimize import check_grad
from sklearn.metrics import roc_auc_score

from respbench.corpora import catalog
from respbench.corpora.simulated.simulation import Simulation
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut
from respbench.corpora.tasks import for_task
from respbench.features.handcrafted import Handcrafted
from respbench.features.windows import MOST, Windows, windows
from respbench.models import multiple_instance
from respbench.models.multiple_instance import Bags, NystromMap, fit_bags, pooled

RATE = 4000


@pytest.fixture(scope="module")
def parts():
    """Train, validation and test clips of a small easy corpus."""
    simulation = Simulation(patients=12, clips_per_patient=3, difficulty=0.0)
    clips = for_task(catalog.open_corpus("simulated", simulation=simulation).clips(), "abnormal")
    fold = next(LeavePatientsOut(2).split(clips, 0))
    return clips.take(fold.train), clips.take(fold.valid), clips.take(fold.test)


class TestWindows:
    @pytest.mark.parametrize(("samples", "count"), [(100, 1), (2048, 1), (2049, 2), (4096, 3), (10**5, MOST)])
    def test_cover_the_clip_from_begin_to_end(self, samples, count):
        signal = np.arange(samples, dtype=np.float32)[None]
        ends = Windows(lambda cut, rate: np.array([[s[0, 0], s[0, -1], s.shape[1]] for s in cut]), "")([signal], RATE)[
            0
        ]
        assert np.isnan(ends[count:]).all()
        assert (ends[:count, 2] == 2048).all()
        assert ends[0, 0] == 0
        if samples >= 2048:
            assert ends[count - 1, 1] == samples - 1
            assert (np.diff(ends[:count, 0]) <= 1025).all() or count == MOST

    def test_are_those_of_the_extractor_whatever_clips_are_beside(self):
        extractor = Handcrafted(("rms",), ("mean",), differences=0, n_fft=128, hop=32)
        short, long = (np.random.default_rng(0).standard_normal((1, n)).astype(np.float32) for n in (2048, 9000))
        both = windows(extractor)([short, long], RATE)
        np.testing.assert_array_equal(both[1:], windows(extractor)([long], RATE))
        np.testing.assert_allclose(both[0, 0], extractor([short], RATE)[0])


def test_pooling_lies_between_mean_and_maximum_and_ignores_the_number_of_equal_windows():
    score, count = np.array([0.0, 4.0, 1.0, 1.0, 1.0, 1.0]), np.array([2, 1, 3])
    value, slope = pooled(score, count)
    np.testing.assert_allclose(value, [np.log((1 + np.e**4) / 2), 1, 1])
    np.testing.assert_allclose(np.add.reduceat(slope, [0, 2, 3]), 1)


def test_a_fit_ends_where_the_loss_is_least():
    rng = np.random.default_rng(0)
    count, features = np.full(40, 3), rng.standard_normal((120, 2))
    positive = pooled(features[:, 0], count)[0] > 0.4
    share, penalty = rng.uniform(1, 2, 40), 0.01
    weight = np.where(positive, share / share[positive].sum(), share / share[~positive].sum()) / 2

    def loss(v):
        margin = np.where(positive, 1, -1) * pooled(features @ v[:2] + v[2], count)[0]
        return weight @ np.log1p(np.exp(-margin)) + penalty / 2 * v[:2] @ v[:2]

    found = fit_bags(features, count, positive, share, penalty)
    assert check_grad(loss, lambda v: np.zeros(3), found) < 1e-3
    assert found[0] > 5 * abs(found[1])


def test_with_all_windows_as_landmarks_the_kernel_is_exact():
    columns = np.random.default_rng(0).standard_normal((30, 272))
    mapped = NystromMap(columns)
    features = mapped(columns)
    assert mapped.families[-1].stop - mapped.families[-1].start == 40
    np.testing.assert_allclose((features @ features.T).diagonal(), 1, atol=1e-5)


def test_ranks_abnormal_clips_of_new_patients_higher(parts):
    train, valid, test = parts
    p = multiple_instance.build(seed=0, simulated_patients=0).fit(train, valid).predict_proba(test.hide_labels())
    assert roc_auc_score(test.label, p[:, 1]) > 0.8


def test_tested_clips_are_centered_as_the_unlabeled_ones_or_else_as_the_labeled_ones(parts):
    train, valid, test = parts
    for unlabeled, domain in ((None, (train, valid)), (test.hide_labels(), (test,))):
        model = multiple_instance.build(seed=0, landmarks=20, simulated_patients=0).fit(train, valid, unlabeled)
        np.testing.assert_allclose(model.center, np.median(Bags(*domain).columns, axis=0))
