"""The contract, run over every entry of the registry: no model has tests of its own until it has passed these."""

import pickle
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import optuna
import pytest
import torch

from benchmarks.storage.identity import model_identity
from corpora import catalog
from corpora.choices import TASKS
from corpora.clips import Clips
from corpora.simulated.simulation import Simulation, simulate
from corpora.splits.folds import Fold
from corpora.splits.leave_patients_out import LeavePatientsOut
from corpora.tasks import for_task
from models.registry import REGISTRY
from models.spec import Model, ModelSpec

QUICK = {"epochs": 2, "n_estimators": 30}
"""Enough for networks and trees to show that they learn at all; every other parameter is the entry's own."""

QUICK_STEPS = {"epochs": 1, "steps": 2, "ratio": 1, "takes": 1}
"""The same for entries whose epochs have a number of steps."""

LOOPS = [name for name, spec in REGISTRY.items() if spec.overrides.get("backbone", "mlp") == "mlp"]
"""Every entry, semi-supervised methods over one backbone: over the others, all of them stand in
test_semi_supervised.py, on small images.
"""

KINDS = {"control", "baseline", "network", "semi-supervised", "ensemble"}


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Every entry of the registry, and so every member of an ensemble, is quick."""
    with pytest.MonkeyPatch.context() as patch:
        for name, spec in REGISTRY.items():
            own = spec.parameters()
            fewer = {key: value for key, value in (QUICK_STEPS if "steps" in own else QUICK).items() if key in own}
            patch.setitem(REGISTRY, name, replace(spec, overrides={**spec.overrides, **fewer}))
        yield


@pytest.fixture(scope="module")
def clips() -> Clips:
    """StoredFit, so that features are computed once for all fits, as they are in a run."""
    return catalog.open_corpus("simulated", simulation=Simulation(patients=24, clips_per_patient=6, seed=3)).clips()


@pytest.fixture(scope="module", params=list(TASKS))
def fold(request: pytest.FixtureRequest, clips: Clips) -> tuple[Clips, Fold]:
    task = for_task(clips, request.param)
    return task, next(LeavePatientsOut(3).split(task, 0))


def in_memory(clips: Clips) -> Clips:
    """The same clips, apart from the prepared corpus: their features are computed whenever they are asked for."""
    return replace(clips, signals=[np.array(signal) for signal in clips])


def fitted(spec: ModelSpec, clips: Clips, fold: Fold, seed: int = 0) -> Model:
    """Every third training patient has no labels for a model that learns from such patients."""
    train, unlabeled = clips.take(fold.train), None
    if spec.unlabeled:
        away = np.isin(train.patient, np.unique(train.patient)[::3])
        unlabeled = train.take(np.flatnonzero(away)).hide_labels()
        train = train.take(np.flatnonzero(~away))
        assert len(unlabeled)
        assert set(train.label) == set(clips.label[fold.train])
    return spec.build(seed).fit(train, clips.take(fold.valid), unlabeled)


def asked(clips: Clips, fold: Fold) -> Clips:
    """Some of the test clips as a model gets them."""
    return in_memory(clips.take(fold.test[::4])).hide_labels()


@cache
def given_back(name: str) -> dict[str, bool]:
    """Fit and predict once, everything in memory, where a model could change it; says what is as it was."""
    task = for_task(simulate(Simulation(patients=12, clips_per_patient=3, seed=3)), "abnormal")
    parts = next(LeavePatientsOut(2).split(task, 0))
    sound = [signal.copy() for signal in task]
    label, finer, meta = task.label.copy(), task.sound.copy(), task.meta.copy()
    np.random.seed(1)
    torch.manual_seed(1)
    numpys, torchs = np.random.get_state()[1].copy(), torch.get_rng_state()
    fitted(REGISTRY[name], task, parts).predict_proba(task.take(parts.test).hide_labels())
    return {
        "numpy's random numbers": np.array_equal(np.random.get_state()[1], numpys),
        "torch's random numbers": torch.equal(torch.get_rng_state(), torchs),
        "signals": all(np.array_equal(a, b) for a, b in zip(task, sound, strict=True)),
        "labels": np.array_equal(task.label, label) and np.array_equal(task.sound, finer),
        "metadata": task.meta.equals(meta),
    }


@pytest.mark.parametrize("name", REGISTRY)
class TestEveryModel:
    def test_gives_probabilities_for_both_tasks(self, name: str, fold: tuple[Clips, Fold]) -> None:
        clips, parts = fold
        model = fitted(REGISTRY[name], clips, parts)
        test = asked(clips, parts)
        p = model.predict_proba(test)
        assert p.shape == (len(test), len(clips.classes))
        assert p.dtype == np.float64
        assert np.isfinite(p).all()
        assert (p >= 0).all()
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
        assert model.n_parameters > 0
        # Each clip is judged alone: neither the other clips nor their order matter.
        np.testing.assert_allclose(model.predict_proba(test.take(np.array([3, 0]))), p[[3, 0]], atol=1e-5)
        # Judging is no learning.
        np.testing.assert_array_equal(model.predict_proba(test), p)

    def test_entry_is_whole(self, name: str) -> None:
        spec = REGISTRY[name]
        assert spec.source
        assert spec.kind in KINDS
        assert (spec.kind == "semi-supervised") == bool(spec.supervised_baseline)
        assert spec.kind == "semi-supervised" or not spec.unlabeled
        assert spec.module().__doc__
        assert pickle.loads(pickle.dumps(spec)) == spec
        assert model_identity(spec) == model_identity(spec)

    def test_space_offers_parameters_that_build_takes(self, name: str) -> None:
        spec = REGISTRY[name]
        for seed in range(5):
            study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
            offered = spec.space(study.ask())
            assert offered.keys() <= spec.parameters().keys()
            spec.build(0, offered)


@pytest.mark.parametrize("name", LOOPS)
class TestEveryLoop:
    def test_is_the_same_for_the_same_seed(self, name: str, clips: Clips) -> None:
        task = for_task(clips, "abnormal")
        parts = next(LeavePatientsOut(3).split(task, 0))
        test = asked(task, parts)
        first, again = (fitted(REGISTRY[name], task, parts, seed=5).predict_proba(test) for _ in range(2))
        np.testing.assert_array_equal(first, again)

    def test_leaves_the_callers_random_numbers_alone(self, name: str) -> None:
        found = given_back(name)
        assert found["numpy's random numbers"]
        assert found["torch's random numbers"]

    def test_never_changes_what_it_is_given(self, name: str) -> None:
        found = given_back(name)
        assert found["signals"]
        assert found["labels"]
        assert found["metadata"]

    def test_survives_a_class_that_validation_lacks(self, name: str, clips: Clips) -> None:
        task = for_task(clips, "four-class")
        parts = next(LeavePatientsOut(3).split(task, 0))
        rare = task.label[parts.valid] == 3
        without = Fold(train=parts.train, valid=parts.valid[~rare], test=parts.test)
        p = fitted(REGISTRY[name], task, without).predict_proba(task.take(parts.test).hide_labels())
        assert p.shape[1] == 4


def test_seed_changes_what_is_random(clips: Clips) -> None:
    task = for_task(clips, "abnormal")
    parts = next(LeavePatientsOut(3).split(task, 0))
    test = task.take(parts.test).hide_labels()
    for name in ("cnn", "cnn-gru", "xgboost"):
        one, other = (fitted(REGISTRY[name], task, parts, seed).predict_proba(test) for seed in (0, 1))
        assert not np.array_equal(one, other), name
