"""The batched spectra are librosa's, and a clip's spectrum is its own whatever shares its batch."""

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from respbench.corpora.problems import InputError
from respbench.features.spectral import batches, clip_lengths, decibels, log_mel, mel_filters, mfcc, pad, power_spectrum

RATE = 4000


def synthetic_clips():
    rng = np.random.default_rng(0)
    clips = []
    for samples in (512, 700, 4096, 9001):
        seconds = np.arange(samples) / RATE
        tone = 0.3 * np.sin(2 * np.pi * rng.uniform(100, 900) * seconds)
        clips.append((tone + 0.01 * rng.standard_normal(samples))[None].astype(np.float32))
    return clips


@pytest.fixture(scope="module", params=["synthetic", "real"])
def clips(request):
    return synthetic_clips() if request.param == "synthetic" else request.getfixturevalue("some_real_clips")


def log_mels(signals, n_fft=512, hop=64, n_mels=64):
    """Each clip's own frames: a list of (mels, frames)."""
    batch = pad(signals)
    levels = log_mel(power_spectrum(batch, n_fft, hop), mel_filters(RATE, n_fft, n_mels)).numpy()
    return [level[:count].T for level, count in zip(levels, batch.frames(hop).tolist(), strict=True)]


@pytest.mark.parametrize(("n_fft", "hop", "n_mels"), [(512, 64, 64), (512, 64, 128), (256, 128, 40), (400, 77, 32)])
def test_log_mel_and_mfcc_are_librosas(clips, n_fft, hop, n_mels):
    for signal, ours in zip(clips, log_mels(clips, n_fft, hop, n_mels), strict=True):
        power = librosa.feature.melspectrogram(
            y=signal[0].astype(np.float64), sr=RATE, n_fft=n_fft, hop_length=hop, n_mels=n_mels
        )
        theirs = librosa.power_to_db(power, top_db=None)
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
        coefficients = mfcc(decibels(tensor(power.T)), 20).numpy().T
        np.testing.assert_allclose(coefficients, librosa.feature.mfcc(S=theirs, n_mfcc=20), rtol=0, atol=1e-5)


def test_librosa_in_its_own_float32_is_as_near(clips):
    for signal, ours in zip(clips, log_mels(clips), strict=True):
        power = librosa.feature.melspectrogram(y=signal[0], sr=RATE, n_fft=512, hop_length=64, n_mels=64)
        np.testing.assert_allclose(ours, librosa.power_to_db(power, top_db=None), rtol=0, atol=1e-3)


def tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array))


@pytest.mark.parametrize(
    ("rate", "n_fft", "n_mels", "fmin"), [(4000, 512, 128, 0), (4000, 256, 64, 50), (16000, 1024, 64, 0)]
)
def test_filters_are_librosas(rate, n_fft, n_mels, fmin):
    theirs = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, dtype=np.float64)
    np.testing.assert_allclose(mel_filters(rate, n_fft, n_mels, fmin).numpy().T, theirs, atol=1e-12)


def test_a_clip_is_alone_in_its_batch(clips):
    for together, signal in zip(log_mels(clips), clips, strict=True):
        np.testing.assert_allclose(together, log_mels([signal])[0], rtol=0, atol=1e-10)


def test_batches_hold_every_clip_once_and_little_padding():
    rng = np.random.default_rng(1)
    signals = [np.full((1, n), i, dtype=np.float32) for i, n in enumerate(rng.integers(1, 40000, 50).tolist())]
    seen = []
    for index, batch in batches(signals):
        assert batch.samples.numel() <= 2**16 or len(index) == 1
        for i, row, length in zip(index.tolist(), batch.samples, batch.lengths.tolist(), strict=True):
            assert length == signals[i].shape[1]
            assert (row[:length] == i).all()
            assert not row[length:].any()
        seen += index.tolist()
    assert sorted(seen) == list(range(50))


def test_channels_are_averaged():
    left, right = np.random.default_rng(2).standard_normal((2, 1, 900)).astype(np.float32)
    stereo = pad([np.concatenate([left, right])]).samples[0].numpy()
    np.testing.assert_allclose(stereo, (left[0] + right[0]) / 2, atol=1e-7)


def test_silence_is_minus_100_decibels():
    np.testing.assert_array_equal(log_mels([np.zeros((1, 100), dtype=np.float32)])[0], -100)


noise = st.builds(
    lambda seed, samples: np.random.default_rng(seed).standard_normal((1, samples)),
    st.integers(0, 2**16),
    st.integers(1, 3000),
)


@settings(max_examples=30, deadline=None)
@given(noise, st.floats(0.05, 20))
def test_gain_shifts_the_level(signal, gain):
    quiet, loud = log_mels([signal, gain * signal])
    np.testing.assert_allclose(loud, quiet + 20 * np.log10(gain), rtol=0, atol=1e-8)


@settings(max_examples=30, deadline=None)
@given(noise, st.integers(0, 20))
def test_a_shift_by_whole_hops_shifts_the_frames(signal, hops):
    later = np.concatenate([np.zeros((1, 64 * hops)), signal], axis=1)
    original, shifted = log_mels([signal, later])
    assert shifted.shape[1] == original.shape[1] + hops
    np.testing.assert_allclose(shifted[:, hops:], original, rtol=0, atol=1e-8)


def test_filters_without_a_frequency_bin_are_refused():
    with pytest.raises(InputError, match="128 mel bands are too many for frames of 128 samples at 4000 Hz"):
        mel_filters(RATE, 128, 128)


@pytest.mark.parametrize(("n_mels", "fmin"), [(0, 0), (20, 2000), (20, -1)])
def test_impossible_bands_are_refused(n_mels, fmin):
    with pytest.raises(InputError, match="at least 1 mel band"):
        mel_filters(RATE, 512, n_mels, fmin)


@pytest.mark.parametrize(("n_fft", "hop"), [(511, 64), (0, 64), (512, 0)])
def test_impossible_frames_are_refused(n_fft, hop):
    with pytest.raises(InputError, match="n_fft must be even"):
        power_spectrum(pad(synthetic_clips()), n_fft, hop)


def test_more_coefficients_than_bands_are_refused():
    with pytest.raises(InputError, match="n_mfcc must lie between 1 and n_mels"):
        mfcc(tensor(np.zeros((3, 10))), 11)


def test_an_empty_clip_is_refused_by_its_number():
    with pytest.raises(InputError, match="clip 1 of 2 has no samples"):
        clip_lengths([np.zeros((1, 5), dtype=np.float32), np.zeros((1, 0), dtype=np.float32)])
