"""Every handcrafted column is what librosa and numpy make of the same clip."""

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from librosa import feature

from respbench.corpora.problems import InputError
from respbench.features.handcrafted import SERIES, Handcrafted
from respbench.features.summaries import SUMMARIES, summarize

RATE = 4000
EVERYTHING = Handcrafted(summaries=tuple(SUMMARIES))


def synthetic_clips():
    rng = np.random.default_rng(0)
    clips = []
    for samples in (512, 640, 3001, 9000):
        sweep = np.sin(2 * np.pi * np.cumsum(np.linspace(100, 1500, samples)) / RATE)
        clips.append((0.2 * sweep + 0.02 * rng.standard_normal(samples))[None].astype(np.float32))
    clips[1][:, 100:500] = 0
    clips[2][:, -1] = -0.3  # the step into the padding must not count as a crossing
    clips[3][:, 4000:4800] = 1  # stuck at full scale: a spectrum without a floor
    return clips


@pytest.fixture(scope="module", params=["synthetic", "real"])
def clips(request):
    return synthetic_clips() if request.param == "synthetic" else request.getfixturevalue("some_real_clips")


def librosas(signal, n_fft=512, hop=64):
    """The columns of `EVERYTHING`, by librosa and numpy alone."""
    y = signal[0].astype(np.float64)
    size = {"frame_length": n_fft, "hop_length": hop}
    magnitude = np.abs(librosa.stft(y, n_fft=n_fft, hop_length=hop))
    shape = {"S": magnitude, "sr": RATE, "n_fft": n_fft}
    mels = feature.melspectrogram(S=magnitude**2, sr=RATE, n_fft=n_fft, n_mels=64)
    coefficients = feature.mfcc(S=librosa.power_to_db(mels, top_db=None), n_mfcc=20)
    rows = [
        coefficients,
        feature.delta(coefficients, mode="nearest"),
        feature.delta(coefficients, order=2, mode="nearest"),
        feature.spectral_centroid(**shape),
        feature.spectral_bandwidth(**shape),
        feature.spectral_rolloff(**shape),
        feature.spectral_flatness(S=magnitude),
        feature.spectral_contrast(**shape, fmin=100, n_bands=5),
        feature.zero_crossing_rate(y, **size),
        feature.rms(y=y, dtype=np.float64, **size),
    ]
    series = np.concatenate(rows)
    tenth, quarter, half, three, ninth = np.percentile(series, [10, 25, 50, 75, 90], axis=1)
    return np.stack([series.mean(1), series.std(1), half, three - quarter, tenth, ninth], axis=1).ravel()


def assert_same_columns(ours, theirs):
    for name, mine, reference in zip(EVERYTHING.columns, ours.T, theirs.T, strict=True):
        # float32 keeps 7 digits of the largest value.
        scale = max(1e-3, np.abs(reference).max())
        np.testing.assert_allclose(mine / scale, reference / scale, rtol=0, atol=2e-6, err_msg=name)


def test_every_column_is_librosas(clips):
    assert_same_columns(EVERYTHING(clips, RATE), np.stack([librosas(signal) for signal in clips]))


@pytest.mark.filterwarnings("ignore:n_fft=512 is too large:UserWarning")
def test_a_tenth_of_a_second_is_enough():
    short = [0.1 * np.random.default_rng(3).standard_normal((1, n)).astype(np.float32) for n in (400, 65, 64, 2)]
    assert_same_columns(EVERYTHING(short, RATE), np.stack([librosas(signal) for signal in short]))


@pytest.mark.parametrize("samples", [1, 400, 20000])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_constant_is_finite(samples, level):
    assert np.isfinite(EVERYTHING([np.full((1, samples), level, dtype=np.float32)], RATE)).all()


def test_a_clip_is_alone_in_its_batch(clips):
    together = EVERYTHING(clips, RATE)
    alone = np.concatenate([EVERYTHING([signal], RATE) for signal in clips])
    np.testing.assert_allclose(together, alone, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(EVERYTHING(clips[::-1], RATE), together[::-1], rtol=1e-6, atol=1e-6)


def test_columns_say_what_they_hold():
    default = Handcrafted()
    assert len(default.columns) == len(set(default.columns)) == 288
    assert {"mfcc_03_mean", "mfcc_03_delta_median", "mfcc_19_delta2_std", "spectral_centroid_iqr", "rms_mean"} <= set(
        default.columns
    )
    assert {"spectral_contrast_below_100_hz_mean", "spectral_contrast_400_to_800_hz_std"} <= set(default.columns)
    assert default([], RATE).shape == (0, 288)


def test_a_subset_is_the_same_columns():
    plain = Handcrafted(series=("mfcc",), differences=0, summaries=("mean", "std"))
    assert len(plain.columns) == 40
    whole = EVERYTHING(synthetic_clips(), RATE)
    place = [EVERYTHING.columns.index(name) for name in plain.columns]
    np.testing.assert_allclose(plain(synthetic_clips(), RATE), whole[:, place], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("series", SERIES)
def test_each_series_works_alone(series):
    extractor = Handcrafted(series=(series,), summaries=("median",), n_fft=256, hop=32, n_mfcc=13, n_mels=40)
    assert extractor(synthetic_clips(), RATE).shape == (4, len(extractor.columns))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**16), st.integers(500, 3000), st.floats(0.2, 5))
def test_gain_changes_loudness_only(seed, samples, gain):
    signal = 0.1 * np.random.default_rng(seed).standard_normal((1, samples))
    quiet, loud = EVERYTHING([signal, gain * signal], RATE)
    for name, before, after in zip(EVERYTHING.columns, quiet, loud, strict=True):
        if name.startswith("rms"):
            assert after == pytest.approx(gain * before, rel=1e-5)
        elif not name.startswith("mfcc_00"):
            assert after == pytest.approx(before, rel=1e-4, abs=1e-4), name


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30), min_size=1, max_size=4))
def test_summaries_are_numpys(series):
    counts = torch.tensor([len(values) for values in series])
    padded = torch.full((len(series), 1, int(counts.max())), torch.nan, dtype=torch.float64)
    for row, values in zip(padded, series, strict=True):
        row[0, : len(values)] = torch.tensor(values, dtype=torch.float64)
    found = summarize(padded, counts, tuple(SUMMARIES))[:, 0].numpy()
    for ours, values in zip(found, series, strict=True):
        tenth, quarter, half, three, ninth = np.percentile(values, [10, 25, 50, 75, 90])
        expected = [np.mean(values), np.std(values), half, three - quarter, tenth, ninth]
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"series": ("mfcc", "loudness")}, "series must be different names out of mfcc"),
        ({"series": ()}, "got none"),
        ({"summaries": ("mean", "mean")}, "summaries must be different names"),
        ({"differences": 3}, "differences must be 0, 1 or 2"),
        ({"n_mfcc": 65}, "n_mfcc must lie between 1 and n_mels=64"),
        ({"n_fft": 511}, "n_fft must be even"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Handcrafted(**settings)


def test_bands_above_half_the_rate_are_refused():
    with pytest.raises(InputError, match="spectral_contrast needs a sampling rate above 3200 Hz; this is 3000 Hz"):
        Handcrafted()(synthetic_clips(), 3000)
    with pytest.raises(InputError, match="too short for spectral_contrast"):
        Handcrafted(n_fft=32, n_mels=8, n_mfcc=8)(synthetic_clips(), RATE)
