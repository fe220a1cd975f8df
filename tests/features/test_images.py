"""Both images of a clip hold its log-mel spectrogram: resized as stated, or of the clip played in a loop."""

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respbench.corpora.problems import InputError
from respbench.features.images import RepeatedMel, ResizedMel

RATE = 4000


def synthetic_clips(*lengths):
    rng = np.random.default_rng(0)
    return [0.1 * rng.standard_normal((1, samples)).astype(np.float32) for samples in lengths]


CLIPS = synthetic_clips(600, 4096, 9000, 9001, 600, 40000)


def log_mel(samples, **settings):
    power = librosa.feature.melspectrogram(y=samples.astype(np.float64), sr=RATE, **settings)
    return librosa.power_to_db(power, top_db=None)


def resized(image, width):
    """Linear interpolation at the centers of the new columns, by a triangle as wide as a new column, or an old one."""
    frames = image.shape[1]
    step = frames / width
    center = (np.arange(width) + 0.5) * step - 0.5
    distance = np.abs(np.arange(frames)[:, None] - center) / max(step, 1)
    weight = np.maximum(0, 1 - distance)
    return image @ (weight / weight.sum(axis=0))


def test_resized_is_librosas_log_mel_resized():
    images = ResizedMel()(CLIPS, RATE)
    assert images.shape == (6, 1, 128, 64)
    assert images.dtype == np.float32
    for image, signal in zip(images, CLIPS, strict=True):
        whole = log_mel(signal[0], n_fft=512, hop_length=64, n_mels=128)
        np.testing.assert_allclose(image[0], resized(whole, 64), rtol=0, atol=1e-4)


def test_resized_to_its_own_width_is_unchanged():
    image = ResizedMel(n_mels=40, width=65, n_fft=256)(CLIPS[1:2], RATE)[0, 0]
    whole = log_mel(CLIPS[1][0], n_fft=256, hop_length=64, n_mels=40)
    np.testing.assert_allclose(image, whole, rtol=0, atol=1e-4)


def test_resized_power():
    image = ResizedMel(decibels=False)(CLIPS[2:3], RATE)[0, 0]
    power = librosa.feature.melspectrogram(
        y=CLIPS[2][0].astype(np.float64), sr=RATE, n_fft=512, hop_length=64, n_mels=128
    )
    np.testing.assert_allclose(image, resized(power, 64), rtol=1e-4, atol=1e-7)


def test_repeated_is_librosas_log_mel_of_the_loop():
    images = RepeatedMel()(CLIPS, RATE)
    assert images.shape == (6, 1, 64, 251)
    assert images.dtype == np.float32
    for image, signal in zip(images, CLIPS, strict=True):
        looped = np.tile(signal[0], 60)[:32000]
        expected = log_mel(looped, n_fft=256, hop_length=128, n_mels=64, fmin=50)
        np.testing.assert_allclose(image[0], expected, rtol=0, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5000), st.integers(2, 5))
def test_repeated_of_a_loop_is_repeated(samples, times):
    once = synthetic_clips(samples)
    looped = [np.tile(once[0], times)]
    extractor = RepeatedMel(seconds=1.5)
    np.testing.assert_array_equal(extractor(once, RATE), extractor(looped, RATE))


def test_repeated_keeps_the_start_of_a_longer_clip():
    extractor = RepeatedMel(seconds=2)
    np.testing.assert_array_equal(extractor([CLIPS[2]], RATE), extractor([CLIPS[2][:, :8000]], RATE))


@pytest.mark.parametrize("extractor", [ResizedMel(), RepeatedMel()])
def test_a_clip_is_alone_in_its_batch(extractor):
    together = extractor(CLIPS, RATE)
    alone = np.concatenate([extractor([signal], RATE) for signal in CLIPS])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(together[0] == together[4], np.array_equal(CLIPS[0], CLIPS[4]))


@pytest.mark.parametrize("extractor", [ResizedMel(), RepeatedMel()])
def test_silence_and_nothing(extractor):
    np.testing.assert_array_equal(extractor([np.zeros((1, 400), dtype=np.float32)], RATE), -100)
    assert extractor([], RATE).shape[0] == 0


@pytest.mark.parametrize("extractor", [ResizedMel(n_fft=128), RepeatedMel(n_fft=64)])
def test_mel_bands_without_a_frequency_bin_are_refused(extractor):
    with pytest.raises(InputError, match="mel bands are too many for frames of"):
        extractor(CLIPS, RATE)


@pytest.mark.parametrize("extractor", [ResizedMel(), RepeatedMel()])
def test_an_empty_clip_is_refused(extractor):
    with pytest.raises(InputError, match="clip 6 of 7 has no samples"):
        extractor([*CLIPS, np.zeros((1, 0), dtype=np.float32)], RATE)


def test_impossible_settings_are_refused():
    with pytest.raises(InputError, match="width must be at least 1"):
        ResizedMel(width=0)
    with pytest.raises(InputError, match="seconds must be above 0"):
        RepeatedMel(seconds=0)
    with pytest.raises(InputError, match="n_fft must be even"):
        RepeatedMel(n_fft=255)
