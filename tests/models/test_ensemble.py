"""The ensemble is the weighted mean of its members, fitted or as stored."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respbench.corpora.problems import InputError
from respbench.corpora.simulated.simulation import Simulation, simulate
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut
from respbench.corpora.tasks import for_task
from respbench.models import ensemble
from respbench.models.ensemble import Ensemble, combine, parts
from respbench.models.registry import REGISTRY

CHEAP = ("prior", "svm", "metadata")
ENSEMBLE = REGISTRY["ensemble"]


def with_parameter(spec, **parameters):
    return replace(spec, overrides={**spec.overrides, **parameters})


class Sure:
    """Always the same probabilities; remembers what it was fitted on."""

    def __init__(self, *p):
        self.p, self.n_parameters = p, len(p)

    def fit(self, *given):
        self.given = given
        return self

    def predict_proba(self, clips):
        return np.tile(self.p, (len(clips), 1))


@pytest.fixture(scope="module")
def fold():
    clips = for_task(simulate(Simulation(patients=12, clips_per_patient=3, difficulty=0.0)), "four-class")
    return clips, next(LeavePatientsOut(2).split(clips, 0))


def test_it_is_the_mean_of_probabilities(fold):
    clips = fold[0].hide_labels()
    p = Ensemble([Sure(0.5, 0.3, 0.2), Sure(0.1, 0.1, 0.8), Sure(0.3, 0.5, 0.2)], None).predict_proba(clips)
    np.testing.assert_allclose(p, np.tile([0.3, 0.3, 0.4], (len(clips), 1)), rtol=1e-12)
    assert p.dtype == np.float64


def test_weights_say_whose_word_counts(fold):
    p = Ensemble([Sure(0.2, 0.8), Sure(0.6, 0.4)], (3, 1)).predict_proba(fold[0].hide_labels())
    np.testing.assert_allclose(p, np.tile([0.3, 0.7], (len(p), 1)), rtol=1e-12)


@given(st.integers(2, 5), st.integers(2, 4), st.integers(0, 1000))
def test_combined_probabilities_are_probabilities(members, classes, seed):
    rng = np.random.default_rng(seed)
    tables, weights = rng.dirichlet(np.ones(classes), (members, 6)), rng.uniform(0.1, 5, members)
    p = combine(list(tables), tuple(weights))
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(p, np.einsum("m,mnc->nc", weights / weights.sum(), tables), rtol=1e-12)
    np.testing.assert_allclose(p, combine(list(tables), tuple(7 * weights)), rtol=1e-12)
    assert ((p >= tables.min(axis=0) - 1e-12) & (p <= tables.max(axis=0) + 1e-12)).all()


def test_every_member_is_fitted_on_what_the_ensemble_is_given(fold):
    clips, indices = fold
    train, valid, unlabeled = clips.take(indices.train), clips.take(indices.valid), clips.take(indices.test)
    members = [Sure(0.5, 0.5), Sure(0.1, 0.9)]
    model = Ensemble(members, None)
    assert model.fit(train, valid, unlabeled) is model
    assert all(member.given == (train, valid, unlabeled) for member in members)
    assert model.n_parameters == 4


def test_members_are_the_registrys_own(fold):
    clips, indices = fold
    train, valid = clips.take(indices.train), clips.take(indices.valid)
    test = clips.take(indices.test).hide_labels()
    p = ENSEMBLE.build(3, {"members": CHEAP, "weights": (1, 5, 2)}).fit(train, valid).predict_proba(test)
    alone = [REGISTRY[name].build(3).fit(train, valid).predict_proba(test) for name in CHEAP]
    np.testing.assert_allclose(p, (alone[0] + 5 * alone[1] + 2 * alone[2]) / 8, rtol=1e-9)


def test_the_seed_is_the_members_seed():
    trees, machine = ensemble.build(seed=7, members=("xgboost", "svm")).models
    assert trees.trees.random_state == 7
    assert machine.seed == 7


@pytest.mark.parametrize(
    "members", [(), ("svm",), ("svm", "svm"), ("svm", "nonsense"), ("svm", "ensemble"), ("svm", "prior", "svm")]
)
def test_members_that_make_no_ensemble_are_refused(members):
    said = ", ".join(members)
    with pytest.raises(
        InputError, match=f"an ensemble needs two or more different models of the registry; got {said}$"
    ):
        ENSEMBLE.build(0, {"members": members})


def test_an_ensemble_by_another_name_is_an_ensemble(monkeypatch):
    monkeypatch.setitem(REGISTRY, "second", replace(ENSEMBLE, name="second", overrides={"members": CHEAP}))
    with pytest.raises(InputError, match="two or more different models"):
        parts({"members": ("svm", "second")})


@pytest.mark.parametrize("weights", [(1.0,), (1, 2), (1, 2, 0), (1, 1, -1), (1, 1, 1, 1)])
def test_weights_that_fit_no_ensemble_are_refused(weights):
    with pytest.raises(InputError, match="an ensemble of 3 members needs as many weights above 0; got"):
        ENSEMBLE.build(0, {"members": CHEAP, "weights": weights})
