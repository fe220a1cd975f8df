"""Three tests that must be able to fail: nothing from noise, an easy task solved, a fingerprint caught.

The fourth, that scrambled test labels change no prediction, goes through the whole harness: `test_harness`."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from respbench.corpora import catalog
from respbench.corpora.clips import Clips
from respbench.corpora.simulated.simulation import Simulation, simulate
from respbench.corpora.splits.folds import Fold, Splitter
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut
from respbench.corpora.splits.random_clips import RandomClips
from respbench.corpora.tasks import for_task
from respbench.models.registry import REGISTRY

LEARNERS = ("svm", "xgboost", "mlp", "fixmatch-mlp")
"""One entry of each training loop and kind. What entries have of their own is tested for each: contract, features,
losses; and `test_clusters` has every semi-supervised method learn.
"""

SOLVERS = (*LEARNERS, "quant", "scattering", "ensemble")
"""Those with other features, or with another way from probabilities to predictions, too."""

MEMBERS = ("svm", "xgboost")
"""Of the ensemble here: a mean is the same of any members."""


@pytest.fixture(scope="module", autouse=True)
def small_ensemble() -> Iterator[None]:
    spec = REGISTRY["ensemble"]
    with pytest.MonkeyPatch.context() as patch:
        weights = spec.parameters()["weights"]
        shorter = {"members": MEMBERS, "weights": weights and weights[: len(MEMBERS)]}
        patch.setitem(REGISTRY, "ensemble", replace(spec, overrides={**spec.overrides, **shorter}))
        yield


def predictions(name: str, clips: Clips, fold: Fold, epochs: int, steps: int = 20) -> NDArray[np.float64]:
    """Of the test clips; every third training patient has no labels for a model that learns from such patients."""
    spec = REGISTRY[name]
    shorter = {"epochs": epochs, "steps": steps, "takes": 1} | ({"ratio": 1} if steps < 20 else {})
    quick = {key: value for key, value in shorter.items() if key in spec.parameters()}
    train, unlabeled = clips.take(fold.train), None
    if spec.unlabeled:
        away = np.isin(train.patient, np.unique(train.patient)[::3])
        unlabeled = train.take(np.flatnonzero(away)).hide_labels()
        train = train.take(np.flatnonzero(~away))
    model = spec.build(0, quick).fit(train, clips.take(fold.valid), unlabeled)
    return model.predict_proba(clips.take(fold.test).hide_labels())


def auroc(name: str, clips: Clips, splitter: Splitter, epochs: int = 8, folds_used: int | None = None) -> float:
    """The mean over folds: all, where the result should be near 0.5, and one, where it should be far above."""
    folds = list(splitter.split(clips, 0))[:folds_used]
    abnormal = [predictions(name, clips, fold, epochs)[:, 1] for fold in folds]
    return float(np.mean([roc_auc_score(clips.label[f.test], p) for f, p in zip(folds, abnormal, strict=True)]))


def relabelled(clips: Clips, source: NDArray[np.int64]) -> Clips:
    """Clip i with the label of clip ``source[i]``, and with what is said there about crackles and wheezes."""
    return replace(clips, label=clips.label[source], sound=clips.sound[source])


@pytest.fixture(scope="module")
def easy() -> Clips:
    """Clips of a stored corpus, so that their features are computed once, as they are in a run."""
    simulation = Simulation(patients=40, clips_per_patient=6, difficulty=0.0)
    return for_task(catalog.open_corpus("simulated", simulation=simulation).clips(), "abnormal")


@pytest.mark.parametrize("name", LEARNERS)
def test_shuffled_labels_teach_nothing(name: str, easy: Clips) -> None:
    shuffled = relabelled(easy, np.random.default_rng(1).permutation(len(easy)))
    assert 0.35 < auroc(name, shuffled, LeavePatientsOut(2), epochs=4) < 0.65


@pytest.mark.parametrize("name", SOLVERS)
def test_an_easy_task_is_solved(name: str, easy: Clips) -> None:
    assert auroc(name, easy, LeavePatientsOut(4), folds_used=1) > 0.85


@pytest.mark.parametrize(("name", "patients"), [("svm", 40), ("xgboost", 40), ("cnn", 24)])
def test_a_planted_fingerprint_lifts_the_random_split_only(name: str, patients: int) -> None:
    """Every patient hums a tone of their own; a coin decides who is ill, so that no sound predicts it."""
    rng = np.random.default_rng(2)
    each, rate = 8, 4000
    time = np.arange(rate) / rate
    tones = rng.permutation(np.linspace(150, 1800, patients))
    signals = [
        (0.1 * np.sin(2 * np.pi * tones[p] * time + rng.uniform(0, 6)) + 0.02 * rng.standard_normal(rate))[None].astype(
            np.float32
        )
        for p in range(patients)
        for _ in range(each)
    ]
    owner = np.repeat(np.arange(patients), each)
    label = np.repeat(rng.permutation(np.arange(patients) % 2), each)
    made_up = simulate(Simulation(patients=patients, clips_per_patient=each))
    clips = replace(
        made_up, signals=signals, label=label, patient=owner.astype(np.str_), classes=("normal", "abnormal")
    )
    assert auroc(name, clips, RandomClips(2), folds_used=1) > 0.9
    assert auroc(name, clips, LeavePatientsOut(2)) < 0.7
