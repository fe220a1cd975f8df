"""Columns: what the support vector machine measures, laid out as images of one frame."""

import numpy as np
import pytest
from synthetic_breaths import breath, signal, with_crackles, with_wheeze

from respbench.features.adventitious import Adventitious
from respbench.features.cache import key
from respbench.features.columns import Columns
from respbench.features.handcrafted import Handcrafted
from respbench.models.svm_adventitious import build

RATE = 4000


@pytest.fixture(scope="module")
def sounds():
    plain = breath(0.8)
    return [
        signal(plain),
        signal(with_wheeze(breath(1.0, 1), 400, 0.2, 0.5)),
        signal(with_crackles(breath(0.7, 2), [0.2, 0.4], (0.0007, 0.005))),
    ]


@pytest.fixture(scope="module")
def found(sounds):
    return Columns()(sounds, RATE)


def test_a_clip_is_an_image_of_one_channel_and_one_frame(found):
    assert found.shape == (3, 1, 256 + 40, 1)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_the_columns_are_the_adventitious_ones_then_the_spectrum(found, sounds):
    spectrum = Handcrafted(("mfcc",), ("mean", "std"), differences=0, n_mfcc=20, n_mels=20, n_fft=128, hop=32)
    expected = np.concatenate([Adventitious()(sounds, RATE), spectrum(sounds, RATE)], axis=1)
    np.testing.assert_array_equal(found[:, 0, :, 0], expected)


def test_they_are_what_the_support_vector_machine_measures(found, sounds):
    measured = [extractor(sounds, RATE) for extractor in build(seed=0).features]
    known = {column.tobytes() for columns in measured for column in columns.T}
    assert all(column.tobytes() in known for column in found[:, 0, :, 0].T)


def test_its_families_are_stretches_of_its_columns(found, sounds):
    ends = np.cumsum(Columns().families)
    assert ends[-1] == found.shape[2]
    *inner, _ = np.split(found[:, 0, :, 0], ends[:-1], axis=1)
    for part, family in zip(inner, Adventitious().families, strict=True):
        np.testing.assert_array_equal(part, Adventitious((family,))(sounds, RATE))


def test_its_families_count_the_columns_of_another_spectrum(sounds):
    other = Columns(spectrum=Handcrafted(("mfcc",), ("mean",), differences=0, n_mfcc=10))
    assert sum(other.families) == other(sounds, RATE).shape[2]


def test_a_clip_is_measured_alone(found, sounds):
    np.testing.assert_allclose(Columns()(sounds[::-1], RATE), found[::-1], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(Columns()(sounds[1:2], RATE), found[1:2], rtol=1e-5, atol=1e-5)


def test_its_cache_name_contains_its_parameters():
    other = Columns(spectrum=Handcrafted(("mfcc",), ("mean",)))
    assert key(Columns(), RATE) == key(Columns(), RATE)
    assert key(other, RATE) != key(Columns(), RATE)
    assert key(Columns(), 8000) != key(Columns(), RATE)
