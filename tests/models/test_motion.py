"""Networks on movements: spectrograms, normalization and augmentation, and the same networks on sounds as before."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from synthetic_motion import movements, parts

from respbench.corpora.choices import MOTION, SOUND
from respbench.corpora.problems import InputError
from respbench.models.networks.motion import LONGEST, SHORTEST, Spectrogram, series_of, spectrograms
from respbench.models.networks.series import Shorten
from respbench.models.registry import REGISTRY


@pytest.mark.parametrize("rate", [32, 50, 100])
def test_a_spectrogram_shows_the_pace_of_each_channel_at_any_rate(rate):
    time = torch.arange(8 * rate) / rate
    paces = torch.tensor([1.0, 2.5, 6.0])
    images = Spectrogram(rate)(torch.sin(2 * torch.pi * paces[:, None] * time)[None, :, None])
    assert images.shape[:3] == (1, 3, 33)
    assert 33 <= images.shape[3] <= 36  # four per second
    strongest = images[0, :, :, 4:-4].mean(2).argmax(1)
    torch.testing.assert_close(strongest / 2, paces)


def test_bands_and_channels_are_standardized_on_the_clips_given():
    clips = movements()
    series = series_of(clips)(clips.signals, clips.rate)
    images = spectrograms(series, clips.rate)(torch.from_numpy(series))
    torch.testing.assert_close(images.mean((0, 3)), torch.zeros(3, 33), atol=1e-4, rtol=0)
    torch.testing.assert_close(images.std((0, 3)), torch.ones(3, 33), atol=1e-2, rtol=0)


@pytest.mark.parametrize("seconds", [(0.5, 1.0), (3.0, 4.0), (15.0, 20.0)])
def test_clips_are_given_as_long_as_the_longest_training_clip_within_limits(seconds):
    clips = movements(subjects=2, seconds=seconds)
    expected = min(LONGEST, max(SHORTEST, clips.seconds.max()))
    assert series_of(clips).seconds == pytest.approx(expected)


@pytest.mark.parametrize("name", ["cnn", "cnn-1d"])
def test_normalization_depends_on_training_and_validation_subjects_alone(name):
    """All networks on movements keep the last epoch and are trained on both."""
    train, valid, test = parts(movements())
    model = REGISTRY[name].build(0, {"epochs": 1}).fit(train, valid)
    model.predict_proba(replace(test, signals=[100 * signal for signal in test]))
    front = model.network.standardize
    mean = (front[0] if name == "cnn" else front).mean[0, :, 0, 0].numpy()
    series = np.concatenate([model.images(clips.signals, clips.rate) for clips in (train, valid)])
    np.testing.assert_allclose(mean, series.mean((0, 2, 3), dtype=np.float64), rtol=1e-5)


@pytest.mark.parametrize("name", ["cnn-gru", "cnn-1d", "cnn-gru-1d"])
def test_an_easy_task_is_solved_for_new_subjects(name):
    train, valid, test = parts(movements(trials=3))
    model = REGISTRY[name].build(0, {"epochs": 8, "batch_size": 8}).fit(train, valid)
    decision = model.predict_proba(test.hide_labels()).argmax(axis=1)
    assert (decision == test.label).mean() >= 0.8  # chance is 1/3


ALTERED = {
    "n_mfcc": 8,
    "n_mels": 40,
    "n_fft": 1024,
    "hop": 16,
    "images": "repeated",
    "standardise": False,
    "noise": 2.0,
    "masked_bands": 4,
    "masked_frames": 4,
    "patience": 1,
    "keep": "accuracy",
    "seconds": 1.0,
}


@pytest.mark.parametrize("name", [name for name, spec in REGISTRY.items() if MOTION in spec.without_effect])
def test_parameters_said_to_have_no_effect_have_none(name):
    spec, (train, valid, test) = REGISTRY[name], parts(movements(trials=1))
    few = {"epochs": 1, "n_estimators": 5}
    quick = {key: value for key, value in few.items() if key in spec.parameters()}
    without = {key: ALTERED[key] for key in spec.without_effect[MOTION]}
    assert not without.items() & spec.parameters().items()
    models = [spec.build(0, {**quick, **given}).fit(train, valid) for given in ({}, without)]
    one, other = (model.predict_proba(test) for model in models)
    np.testing.assert_array_equal(one, other)


def test_a_network_for_sounds_refuses_movements():
    clips = movements(subjects=3)
    model = REGISTRY["resnet-maps"].build(0)
    with pytest.raises(InputError, match="takes sounds only"):
        model.fit(clips, clips)


def test_long_series_are_shortened_until_few_enough_steps_are_left():
    assert len(Shorten(3, 512, most=512)) == 0
    waveform = Shorten(1, 16000, most=512)
    assert (waveform.channels, waveform.steps) == (32, 250)
    assert waveform(torch.zeros(2, 1, 1, 16000)).shape == (2, 32, 1, 250)


def test_a_waveform_is_seconds_of_the_clip_itself():
    clips = replace(movements(subjects=4), modality=SOUND)
    model = REGISTRY["cnn-1d"].build(0, {"epochs": 1, "seconds": 3.0}).fit(clips, clips)
    assert model.images(clips.signals, clips.rate).shape[1:] == (3, 1, 96)
