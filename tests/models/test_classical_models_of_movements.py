"""The classical models on movements: an easy task is solved for new subjects, by the movement and not by duration."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic_motion import movements, parts

from respbench.corpora.choices import SOUND
from respbench.features.clip_series import clip_series
from respbench.models.registry import REGISTRY

FEW = {"xgboost": {"n_estimators": 20}, "minirocket": {"features": 504}}


def accuracy(name: str) -> float:
    train, valid, test = parts(movements())
    model = REGISTRY[name].build(0, FEW.get(name)).fit(train, valid)
    return float((model.predict_proba(test.hide_labels()).argmax(axis=1) == test.label).mean())


@pytest.mark.parametrize("name", ["svm", "xgboost", "minirocket"])
def test_an_easy_task_is_solved_for_new_subjects(name: str) -> None:
    assert accuracy(name) > 0.9


def test_duration_does_not_solve_it() -> None:
    assert accuracy("duration") < 0.7


def test_series_are_channels_of_movements_and_bands_of_sounds() -> None:
    clips = movements(subjects=1, trials=1)
    assert clip_series(clips) is clips.signals
    rng = np.random.default_rng(0)
    signals = [rng.normal(size=(1, samples)).astype(np.float32) for samples in (4000, 999, 2000)]
    sounds = replace(clips, rate=4000, modality=SOUND, signals=signals)
    found = clip_series(sounds)
    assert [one.shape for one in found] == [(16, 63), (16, 16), (16, 32)]
    np.testing.assert_array_equal(clip_series(sounds.take(np.array([1])))[0], found[1])
