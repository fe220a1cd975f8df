"""The four images of a clip show wheezes and crackles where they are, and nothing where there is nothing."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, resample_poly, sosfiltfilt
from synthetic_breaths import RATE, breath, signal, with_crackles, with_wheeze

from respbench.corpora.problems import InputError
from respbench.corpora.simulated.acoustics import COARSE_CRACKLE, FINE_CRACKLE
from respbench.features.maps import BANDS, BANDWIDTH, CHANNELS, FRAME, SoundMaps, mirror
from respbench.features.spectral import pad

MAPS = SoundMaps()
LEVEL, TONALITY, TRANSIENTS, BROADBAND = range(4)
LENGTHS = (0.1, 0.7, 3.0, 5.12, 8.0, 0.1, 2.0003)


def draw(wave, rate=RATE):
    """(4, 32, 160)."""
    return MAPS([signal(wave)], rate)[0]


def test_four_images_of_one_size_each_clip_its_own():
    clips = [signal(breath(seconds, seed)) for seed, seconds in enumerate(LENGTHS)]
    maps = MAPS(clips, RATE)
    assert maps.shape == (len(clips), len(CHANNELS), BANDS, 160)
    assert maps.dtype == np.float32
    assert np.isfinite(maps).all()
    np.testing.assert_array_equal(MAPS(clips[::-1], RATE), maps[::-1])
    for clip, alone in zip(clips, maps, strict=True):
        np.testing.assert_array_equal(MAPS([clip], RATE)[0], alone)
    assert not np.array_equal(maps[0], maps[5])


@settings(max_examples=10)
@given(st.integers(400, 24000), st.floats(0.2, 10))
def test_level_is_centered_and_loudness_gone(samples, gain):
    """Up to the few pixels that are so quiet that they reach the floor of -100 dB."""
    wave = breath(samples / RATE, samples)
    quiet, loud = MAPS([wave[None], gain * wave[None]], RATE)
    assert np.isfinite(quiet).all()
    assert quiet[LEVEL].mean() == pytest.approx(0, abs=1e-4)
    difference = np.abs(loud - quiet)
    assert np.quantile(difference, 0.99) < 1e-3
    assert difference.max() < 1


@pytest.mark.parametrize("samples", [1, 2, 400, 30000])
@pytest.mark.parametrize("rate", [4000, 8000, 16000])
def test_silence_is_empty_images(samples, rate):
    np.testing.assert_array_equal(MAPS([np.zeros((1, samples), dtype=np.float32)], rate), 0)


def test_constants_clipping_and_clicks_are_finite():
    one_click = np.zeros(8000)
    one_click[4000] = 1
    clips = [
        signal(np.ones(3)),
        signal(np.clip(9 * breath(2), -0.5, 0.5)),
        signal(one_click),
        signal(1e-20 * breath(1)),
    ]
    assert np.isfinite(MAPS(clips, RATE)).all()


@pytest.mark.parametrize("pitch", [156, 410, 969, 1531])
def test_a_wheeze_lights_up_the_tonality_of_its_band(pitch):
    before = breath(5.12, 3)
    change = draw(with_wheeze(before, pitch, 2, 1)) - draw(before)
    band, columns = int(pitch / BANDWIDTH), slice(round(2.2 / FRAME), round(2.8 / FRAME))
    assert change[TONALITY, band, columns].mean() > 8
    assert change[TONALITY, band, columns].min() > 3
    elsewhere = np.delete(change[TONALITY], [band - 1, band, band + 1], axis=0)
    assert elsewhere.max() < 3
    outside = np.delete(change[TONALITY], np.arange(round(1.9 / FRAME), round(3.1 / FRAME) + 1), axis=1)
    assert np.abs(outside).max() < 0.5
    assert change[LEVEL, band, columns].mean() > 8
    # A line is no click. At its edges the wheeze is short, so that the neighboring bands see a little of it.
    assert change[TRANSIENTS].max() < 6
    assert change[BROADBAND].max() < 1.5


@pytest.mark.parametrize("kind", [COARSE_CRACKLE, FINE_CRACKLE])
def test_a_crackle_lights_up_both_transients_at_its_column(kind):
    before = breath(5.12, 3)
    change = draw(with_crackles(before, [2.5], kind)) - draw(before)
    column = round(2.5 / FRAME)
    for channel, rise in ((TRANSIENTS, 15), (BROADBAND, 2)):
        highest = change[channel].max(axis=0)
        assert abs(int(highest.argmax()) - column) <= 1
        assert highest.max() > rise
        assert np.delete(highest, range(column - 1, column + 2)).max() < 0.3  # what is loud lowers its neighbors only
    # For a wheeze a crackle is too short: in the long window it is in all bins of a band alike.
    assert change[TONALITY].max() < 8
    assert np.abs(np.delete(change[TONALITY], range(column - 2, column + 3), axis=1)).max() < 0.1


@pytest.mark.parametrize("seed", range(6))
def test_mirroring_leaves_no_seam(seed):
    """The turns of a steady noise of 0.7 s look like the rest; those of its repetition, with a jump, need not."""
    maps = draw(breath(0.7, seed))
    turns = np.arange(1, 8) * 0.7 / FRAME
    at_turns = np.unique(np.concatenate([np.floor(turns), np.ceil(turns)])).astype(int)
    at_turns = at_turns[at_turns < 160]
    for channel in (TRANSIENTS, BROADBAND):
        highest = maps[channel].max(axis=0)
        assert highest[at_turns].max() <= np.delete(highest, at_turns).max()


def test_a_turn_in_a_loud_low_sound_is_no_crackle_where_a_jump_would_be():
    """A hum that ends in the middle of a period: played again from its start it would jump."""
    time = np.arange(round(0.7 * RATE)) / RATE
    hum = np.sin(2 * np.pi * 71.07 * time) + 0.01 * breath(0.7)
    mirrored, repeated = draw(hum), draw(np.tile(hum, 8))
    inside = slice(2, 158)
    assert repeated[BROADBAND, 0, inside].max() > 10
    assert mirrored[BROADBAND, 0, inside].max() < repeated[BROADBAND, 0, inside].max() - 3


@given(st.integers(1, 50), st.integers(0, 60), st.integers(0, 200))
def test_mirror_goes_there_and_back(samples, before, after):
    ramp = np.arange(samples, dtype=np.float32)
    found = mirror(pad([ramp[None]]), -before, samples + after).samples[0].numpy()
    np.testing.assert_array_equal(found, np.pad(ramp, (before, after), mode="symmetric"))


def test_of_a_longer_clip_the_start_is_kept():
    long = breath(9, 4)
    whole, start = draw(long), draw(long[: round(5.12 * RATE)])
    np.testing.assert_allclose(whole[1:, :, :148], start[1:, :, :148], rtol=0, atol=1e-4)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_the_rate_is_hardly_in_it(rate):
    """A sound below 1.7 kHz, recorded at a higher rate and at 4 kHz, in the bands up to 1.6 kHz."""
    wave = sosfiltfilt(butter(10, 1700, fs=rate, output="sos"), breath(5.12, 2, rate))
    wave = with_crackles(with_wheeze(wave, 410, 1, 1, rate), [3.0], COARSE_CRACKLE, rate)
    at_4k = resample_poly(wave, 1, rate // RATE, window=("kaiser", 12.0))
    difference = np.abs(draw(wave, rate) - draw(at_4k))[:, :26]
    assert (difference.mean(axis=(1, 2)) < 0.6).all()
    assert (np.quantile(difference, 0.99, axis=(1, 2)) < 1.5).all()


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan")])
def test_impossible_times_are_refused(seconds):
    with pytest.raises(InputError, match="seconds must be above 0"):
        SoundMaps(seconds)


def test_an_empty_clip_is_refused_by_its_place():
    with pytest.raises(InputError, match="clip 1 of 2 has no samples"):
        MAPS([signal(breath(1)), np.zeros((1, 0), dtype=np.float32)], RATE)


def test_another_duration_has_other_columns():
    assert SoundMaps(1.28)([signal(breath(1))], RATE).shape == (1, 4, BANDS, 40)
    assert MAPS([], RATE).shape == (0, 4, BANDS, 160)


def test_torchs_random_numbers_are_left_alone():
    before = torch.get_rng_state()
    draw(breath(1))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_rate_too_low_is_refused():
    with pytest.raises(InputError, match="a rate of 2000 Hz is too low; use 4000 Hz"):
        SoundMaps()([np.zeros((1, 2000), dtype=np.float32)], 2000)
