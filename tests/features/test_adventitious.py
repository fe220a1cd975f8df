"""Measures of adventitious sounds: named, independent per clip, invariant to loudness and rate, finite for any input.

That they measure what their names say is shown in test_tonality.py and test_transients.py.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, resample_poly, sosfiltfilt
from synthetic_breaths import RATE, breath, signal, with_crackles, with_wheeze

from respbench.corpora.problems import InputError
from respbench.corpora.simulated.acoustics import COARSE_CRACKLE
from respbench.features.adventitious import FAMILIES, SHORTEST, Adventitious

EXTRACTOR = Adventitious()
WIDTHS = {"continuous": 96, "discontinuous": 96, "rhythm": 24, "colour": 12, "whitened": 28}
ABNORMAL = with_crackles(with_wheeze(breath(3, 1), 400, 1, 1), (0.3, 0.6, 2.5), COARSE_CRACKLE)


def clips():
    lengths = (0.1, 0.7, 3.0, 0.1, 2.001, 0.000_25)
    return [signal(breath(seconds, seed)) for seed, seconds in enumerate(lengths)] + [signal(ABNORMAL)]


@pytest.fixture(scope="module")
def together():
    return EXTRACTOR(clips(), RATE)


def test_every_column_has_a_name_of_its_own_in_words(together):
    names = EXTRACTOR.columns
    assert len(names) == len(set(names)) == together.shape[1] == sum(WIDTHS.values())
    assert together.dtype == np.float32
    assert all(" " in name or "periodicity" in name for name in names)
    assert not any("_" in name for name in names)
    assert {"line above its neighborhood, 300-500 Hz: p95", "energy, 60-150 Hz"} <= set(names)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_alone_is_the_same_columns(family, together):
    alone = Adventitious((family,))
    assert len(alone.columns) == WIDTHS[family]
    place = [EXTRACTOR.columns.index(name) for name in alone.columns]
    np.testing.assert_array_equal(alone(clips()[:2], RATE), together[:2, place])


def test_families_come_in_the_order_that_was_asked_for():
    names = ("whitened", "colour")
    assert Adventitious(names).columns == sum((Adventitious((name,)).columns for name in names), ())


def test_a_clip_is_alone_in_its_batch(together):
    assert np.isfinite(together).all()
    for clip, row in zip(clips(), together, strict=True):
        np.testing.assert_array_equal(EXTRACTOR([clip], RATE)[0], row)
    np.testing.assert_array_equal(EXTRACTOR(clips()[::-1], RATE), together[::-1])


def test_no_clips_give_no_rows():
    assert EXTRACTOR([], RATE).shape == (0, 256)


def test_the_signals_are_not_changed():
    given = clips()
    EXTRACTOR(given, RATE)
    assert all(np.array_equal(one, other) for one, other in zip(given, clips(), strict=True))


@pytest.mark.parametrize("gain", [1e-3, 0.1, 0.5, 3.0, 10.0])
def test_loudness_is_not_in_it(gain):
    quiet, loud = (EXTRACTOR([(factor * ABNORMAL)[None]], RATE)[0] for factor in (1.0, gain))
    np.testing.assert_allclose(loud, quiet, rtol=1e-5, atol=1e-5)


def test_neither_sign_nor_a_constant_nor_a_second_equal_channel_is_in_it():
    for wave in (ABNORMAL, ABNORMAL[:11111]):  # a length that is fast to transform, and one that isn't
        for changed in (-wave[None], wave[None] + 0.3, np.stack([wave, wave])):
            np.testing.assert_allclose(EXTRACTOR([changed], RATE), EXTRACTOR([wave[None]], RATE), rtol=0, atol=2e-3)


@settings(max_examples=10)
@given(st.integers(0, 2**16), st.integers(2, 9000), st.floats(0.1, 10))
def test_loudness_is_in_no_noise_of_any_length(seed, samples, gain):
    wave = 0.1 * np.random.default_rng(seed).standard_normal((1, samples))
    quiet, loud = EXTRACTOR([wave, gain * wave], RATE)
    assert np.isfinite(quiet).all()
    np.testing.assert_allclose(loud, quiet, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("samples", [1, 2, 3, 40, SHORTEST - 1, SHORTEST, 9000])
@pytest.mark.parametrize("level", [0.0, 1.0, 1e-30])
def test_silence_and_constants_are_numbers(samples, level):
    assert np.isfinite(EXTRACTOR([np.full((1, samples), level, dtype=np.float32)], RATE)).all()


@pytest.mark.parametrize("samples", [1, 2000, 9001])
def test_a_constant_is_silence(samples):
    """Nothing sounds in it, however high it is: no filter may ring because of it."""
    constant, silence = (np.full((1, samples), level, dtype=np.float32) for level in (0.1, 0.0))
    np.testing.assert_allclose(EXTRACTOR([constant], RATE), EXTRACTOR([silence], RATE), rtol=0, atol=1e-2)


@pytest.mark.parametrize("rate", [4000, 8000, 16000])
@pytest.mark.parametrize("samples", [1, 2, 5])
def test_a_clip_of_a_few_samples_is_numbers_at_every_rate(samples, rate):
    assert np.isfinite(EXTRACTOR([np.full((1, samples), 0.1, dtype=np.float32)], rate)).all()


def test_odd_recordings_are_numbers():
    clipped = np.clip(20 * ABNORMAL, -1, 1)
    one_click = np.zeros(8000)
    one_click[4000] = 1
    half_silent = np.where(np.arange(len(ABNORMAL)) < 6000, ABNORMAL, 0)
    square = np.sign(np.sin(2 * np.pi * 50 * np.arange(8000) / RATE))
    odd = [clipped, one_click, half_silent, square, 1e-12 * ABNORMAL, np.sin(np.arange(8000))]
    assert np.isfinite(EXTRACTOR([signal(wave) for wave in odd], RATE)).all()


def test_a_short_clip_is_mirrored_not_repeated():
    short = breath(0.3, 7)
    by_hand = np.pad(short, (0, SHORTEST - len(short)), mode="symmetric")
    found, mirrored, repeated = EXTRACTOR([short[None], by_hand[None], np.tile(short, 2)[None, :SHORTEST]], RATE)
    np.testing.assert_allclose(found, mirrored, rtol=0, atol=2e-3)  # the mean is that of the clip, not of its mirror
    assert np.abs(found - repeated).max() > 0.1


def test_sounds_played_backwards_measure_the_same_where_time_has_no_direction():
    """Colour and explosiveness have no direction; a click is a click either way, give or take one at the edges."""
    wave = with_crackles(breath(1.6), (0.25, 1.0), COARSE_CRACKLE)  # whole frames of 100 ms, whole steps of 16 ms
    there, back = EXTRACTOR([wave[None], wave[None, ::-1]], RATE).tolist()
    for name, one, other in zip(EXTRACTOR.columns, there, back, strict=True):
        if name.startswith(("energy, ", "modulation", "spread", "skew")) or (
            name.startswith("explosiveness") and "predicted" not in name
        ):
            assert one == pytest.approx(other, abs=1e-4), name
        elif name.startswith("clicks") and name.endswith("Hz"):
            assert one == pytest.approx(other, abs=0.1 * one + 0.7), name
        elif name.startswith(("periodicity", "flatness", "line above")):
            assert one == pytest.approx(other, abs=0.15), name


@pytest.mark.parametrize("rate", [8000, 16000])
def test_the_rate_is_not_in_it(rate):
    """A sound below 1.7 kHz, recorded at a higher rate and at 4 kHz."""
    wave = sosfiltfilt(butter(10, 1700, fs=rate, output="sos"), breath(3, 2, rate))
    wave = with_crackles(with_wheeze(wave, 400, 1, 1, rate), (0.3, 2.5), COARSE_CRACKLE, rate)
    at_4k = resample_poly(wave, 1, rate // RATE, window=("kaiser", 12.0))
    high, low = EXTRACTOR([wave[None]], rate)[0].tolist(), EXTRACTOR([at_4k[None]], RATE)[0].tolist()
    for name, one, other in zip(EXTRACTOR.columns, high, low, strict=True):
        if name.startswith("clicks"):
            assert one == pytest.approx(other, abs=0.05 * other + 1), name
        elif "1200-1900" not in name:  # where the fall of the two low-passes reaches into the band
            assert one == pytest.approx(other, abs=0.1), name


@pytest.mark.parametrize("rate", [1000, 3999])
def test_a_rate_that_cuts_the_sounds_off_is_refused(rate):
    with pytest.raises(InputError, match=f"a rate of {rate} Hz is too low; use 4000 Hz"):
        EXTRACTOR([signal(ABNORMAL)], rate)


@pytest.mark.parametrize(
    ("families", "got"), [(("music",), "music"), ((), "none"), (("colour", "colour"), "colour, colour")]
)
def test_impossible_families_are_refused(families, got):
    with pytest.raises(InputError, match=f"different names out of continuous, .*whitened; got {got}"):
        Adventitious(families)


def test_an_empty_clip_is_refused_by_its_place():
    with pytest.raises(InputError, match="clip 1 of 2 has no samples"):
        EXTRACTOR([signal(ABNORMAL), np.zeros((1, 0), dtype=np.float32)], RATE)
