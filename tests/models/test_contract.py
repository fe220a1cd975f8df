"""The contract of a model, checked for the registry: structure for every entry, fits for every method and backbone."""

import pickle
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import cycle

import numpy as np
import optuna
import pytest
import torch
from numpy.typing import NDArray
from synthetic_motion import movements

from respbench.benchmarks.storage.identity import model_identity
from respbench.corpora import catalog
from respbench.corpora.choices import ACTIVITY, MOTION, SOUND
from respbench.corpora.clips import Clips
from respbench.corpora.cycles import FOUR_CLASSES, SEVEN_CLASSES
from respbench.corpora.simulated.simulation import Simulation
from respbench.corpora.splits.folds import Fold
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut
from respbench.corpora.tasks import COARSER, for_task
from respbench.models.pretraining import simulated
from respbench.models.registry import REGISTRY
from respbench.models.semi_supervised.entries import BACKBONES, SEMI_SUPERVISED
from respbench.models.spec import Model, ModelKind, ModelSpec

QUICK = {"epochs": 2, "features": 504, "n_estimators": 20, "simulated_patients": 3}
"""Enough for networks and trees to learn at all; every other parameter is the entry's own."""

QUICK_STEPS = {"epochs": 1, "steps": 2, "ratio": 1, "takes": 1, "networks": 1, "simulated_patients": 3}
"""The same for entries whose epochs have a number of steps."""

TASKS = {SOUND: ("abnormal", "seven-class"), MOTION: (ACTIVITY,)}
"""Those that every entry is fitted on, by modality."""


def semi_supervised_on(modality: str, backbones: Iterable[str]) -> list[str]:
    """Every method that takes a modality, over one of these backbones each, in turn."""
    methods = [method for method in SEMI_SUPERVISED if modality in REGISTRY[f"{method}-cnn"].modalities]
    return [f"{method}-{backbone}" for method, backbone in zip(methods, cycle(backbones), strict=False)]


OTHERS = {
    SOUND: semi_supervised_on(SOUND, [*BACKBONES][1:]),
    MOTION: semi_supervised_on(MOTION, [b for b in BACKBONES if MOTION in REGISTRY[f"supervised-{b}"].modalities]),
}
FITTED = [
    (name, task)
    for name, spec in REGISTRY.items()
    if not spec.depends
    for modality in spec.modalities
    if spec.overrides.get("backbone", "mlp") == "mlp" or name in OTHERS[modality]
    for task in TASKS[modality]
    if task != "seven-class" or spec.kind != ModelKind.SEMI_SUPERVISED
]
"""All entries but semi-supervised ones, which are fitted over the cheapest backbone and over one more each: methods and
backbones are independent. test_semi_supervised.py has more of their pairs, and four classes, on small images.
test_encoder_probes.py has the probes of encoders, whose packages and weights need not be there."""


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Every entry of the registry, and so every member of an ensemble, is quick."""
    with pytest.MonkeyPatch.context() as patch:
        for name, spec in REGISTRY.items():
            own = spec.parameters()
            fewer = {key: value for key, value in (QUICK_STEPS if "steps" in own else QUICK).items() if key in own}
            patch.setitem(REGISTRY, name, replace(spec, overrides={**spec.overrides, **fewer}))
        few = replace(simulated.SIMULATED_FEW_LABELS, patients=6, epochs=1)
        patch.setattr(simulated, "SIMULATED_FEW_LABELS", few)
        yield


def in_finer_classes(clips: Clips) -> Clips:
    """Label simulated clips as SPRSound does: crackles in turn coarse and fine, wheezes in turn rhonchi and so on."""
    finer = np.array(COARSER[SEVEN_CLASSES, FOUR_CLASSES])
    label = np.empty(len(clips), dtype=np.int64)
    for coarse in range(len(FOUR_CLASSES)):
        own = np.flatnonzero(clips.label == coarse)
        label[own] = np.resize(np.flatnonzero(finer == coarse), len(own))
    return replace(clips, classes=SEVEN_CLASSES, label=label)


@cache
def parts(task: str) -> tuple[Clips, Clips, Clips]:
    """Training, validation and some test clips, stored, so that features are computed once for all fits.

    Of more than two classes, validation lacks some.
    """
    if task == ACTIVITY:
        clips = movements(subjects=9, trials=2)
    else:
        corpus = catalog.open_corpus("simulated", simulation=Simulation(patients=18, clips_per_patient=5, seed=3))
        clips = for_task(in_finer_classes(corpus.clips()), task)
    fold: Fold = next(LeavePatientsOut(3).split(clips, 0))
    valid = clips.take(fold.valid[clips.label[fold.valid] < 3])
    return clips.take(fold.train), valid, clips.take(fold.test[::4]).hide_labels()


def fitted(spec: ModelSpec, train: Clips, valid: Clips, seed: int = 0) -> Model:
    """Every third training patient is unlabeled for a model that learns from such patients."""
    unlabeled = None
    if spec.unlabeled:
        away = np.isin(train.patient, np.unique(train.patient)[2::3])
        unlabeled = train.take(np.flatnonzero(away)).hide_labels()
        train = train.take(np.flatnonzero(~away))
        assert len(unlabeled)
    assert len(set(train.label)) == len(train.classes)
    return spec.build(seed).fit(train, valid, unlabeled)


def in_memory(clips: Clips) -> Clips:
    """The same clips with writable signals, whose features are computed whenever they are needed."""
    return replace(clips, signals=[np.array(signal) for signal in clips])


def content(*tables: Clips) -> list[bytes]:
    """Everything in these tables that a model could change."""
    return [
        *(array.tobytes() for clips in tables for array in (clips.label, clips.sound, *clips)),
        *(clips.meta.to_csv().encode() for clips in tables),
    ]


@cache
def predicted(name: str, seed: int, task: str = "abnormal") -> NDArray[np.float64]:
    train, valid, test = parts(task)
    return fitted(REGISTRY[name], train, valid, seed).predict_proba(test)


class TestEveryMethodAndBackbone:
    @pytest.mark.parametrize(("name", "task"), FITTED)
    def test_predicts_probabilities_and_changes_nothing_else(self, name: str, task: str) -> None:
        train, valid, test = parts(task)
        test = in_memory(test)
        given = content(train, valid, test)
        np.random.seed(1)
        torch.manual_seed(1)
        numpys, torchs = np.random.get_state()[1].copy(), torch.get_rng_state()
        model = fitted(REGISTRY[name], train, valid)
        p = model.predict_proba(test)
        assert np.array_equal(np.random.get_state()[1], numpys), "numpy's global generator was used"
        assert torch.equal(torch.get_rng_state(), torchs), "torch's global generator was used"
        assert content(train, valid, test) == given, "the clips were changed"
        assert p.shape == (len(test), len(train.classes))
        assert p.dtype == np.float64
        assert np.isfinite(p).all()
        assert (p >= 0).all()
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
        assert model.n_parameters > 0
        # A prediction depends on its clip alone, and predicting changes nothing.
        np.testing.assert_allclose(model.predict_proba(test.take(np.array([3, 0]))), p[[3, 0]], atol=1e-5)
        # The same seed gives the same model, whatever was drawn meanwhile, and features are the same from the cache.
        if task != "seven-class":
            np.random.seed(2)
            torch.manual_seed(2)
            np.testing.assert_array_equal(predicted(name, 0, task), p)


@pytest.mark.parametrize("name", ["cnn", "cnn-gru", "xgboost"])
def test_seed_changes_what_is_random(name: str) -> None:
    assert not np.array_equal(predicted(name, 0), predicted(name, 1))


@pytest.mark.parametrize("name", ["mlp", "cnn", "resnet-maps"])
def test_seed_changes_the_initial_weights(name: str) -> None:
    """Not only the order of the clips: a network that learns nothing keeps the weights that it began with."""
    train, valid, test = parts("abnormal")
    models = [REGISTRY[name].build(seed, {"learning_rate": 0.0, "epochs": 1}) for seed in (0, 1)]
    one, other = (model.fit(train, valid).predict_proba(test) for model in models)
    assert not np.allclose(one, other)


@pytest.mark.parametrize("name", REGISTRY)
class TestEveryEntry:
    def test_is_complete(self, name: str) -> None:
        spec = REGISTRY[name]
        assert spec.source
        assert isinstance(spec.kind, ModelKind)
        assert (spec.kind == ModelKind.SEMI_SUPERVISED) == bool(spec.supervised_baseline)
        assert spec.kind == ModelKind.SEMI_SUPERVISED or not spec.unlabeled
        assert spec.module().__doc__
        assert pickle.loads(pickle.dumps(spec)) == spec
        assert model_identity(spec) == model_identity(spec)

    def test_space_offers_parameters_that_build_has(self, name: str) -> None:
        spec = REGISTRY[name]
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        for _ in range(5):
            offered = spec.space(study.ask())
            assert offered.keys() <= spec.parameters().keys()
            spec.build(0, offered)
