"""Waveforms of one length and loudness, without seams, each clip its own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_breaths import RATE, breath, signal

from respbench.corpora.problems import InputError
from respbench.features.waveform import MirroredWaveform


@settings(max_examples=20)
@given(st.lists(st.integers(1, 9000), min_size=1, max_size=4), st.floats(1e-3, 1e3))
def test_every_clip_is_as_long_and_loud_as_the_others(lengths, gain):
    clips = [signal(gain * breath(samples / RATE, samples)) for samples in lengths]
    waves = MirroredWaveform(1.5)(clips, RATE)
    assert waves.shape == (len(clips), 1, 1, 6000)
    assert waves.dtype == np.float32
    for clip, wave in zip(clips, waves, strict=True):
        if np.abs(clip).max() > 1e-6:
            assert np.square(wave.astype(np.float64)).mean() == pytest.approx(1, rel=1e-3)
        np.testing.assert_array_equal(MirroredWaveform(1.5)([clip], RATE)[0], wave)


def test_a_clip_continues_backwards_and_a_longer_one_is_cut():
    [[[wave]]] = MirroredWaveform(5 / RATE)([np.array([[1.0, 2.0, 3.0]], dtype=np.float32)], RATE)
    np.testing.assert_allclose(wave / wave[0], [1, 2, 3, 3, 2], rtol=1e-6)
    [[[cut]]] = MirroredWaveform(2 / RATE)([np.array([[1.0, 2.0, 3.0]], dtype=np.float32)], RATE)
    np.testing.assert_allclose(cut / cut[0], [1, 2], rtol=1e-6)


def test_silence_stays_silence_and_channels_are_averaged():
    np.testing.assert_array_equal(MirroredWaveform(1)([np.zeros((1, 9), dtype=np.float32)], RATE), 0)
    stereo = np.stack([breath(1), -breath(1)]).astype(np.float32)
    np.testing.assert_allclose(MirroredWaveform(1)([stereo], RATE), 0, atol=1e-6)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_duration_is_above_0(seconds):
    with pytest.raises(InputError, match="above 0"):
        MirroredWaveform(seconds)


def test_a_clip_without_samples_is_refused():
    with pytest.raises(InputError, match="no samples"):
        MirroredWaveform(1)([np.zeros((1, 0), dtype=np.float32)], RATE)
