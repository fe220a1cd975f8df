"""Measures of continuous sounds rise with wheezes, at their band alone, and hold what their comments claim."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_breaths import RATE, breath, with_crackles, with_wheeze

from respbench.corpora.simulated.acoustics import COARSE_CRACKLE, FINE_CRACKLE
from respbench.features.adventitious import Adventitious
from respbench.features.tonality import (
    BAND_NAMES,
    EDGES,
    FLOOR,
    PITCHED,
    STANDS_OUT,
    continuous,
    percentiles,
    periodicity,
)
from respbench.features.transients import Bands

CONTINUOUS = Adventitious(("continuous",))
STRONGEST = "lasting line above its neighborhood, {}: p95"
SHARES = tuple(f"share of time with a line {above} above, {{}}" for above in STANDS_OUT)


def measured(wave, extractor=CONTINUOUS):
    return dict(zip(extractor.columns, extractor([wave[None]], RATE)[0].tolist(), strict=True))


@pytest.fixture(scope="module")
def noises():
    """(clips, columns) of 20 noises of 4 s."""
    return CONTINUOUS([breath(4, seed)[None] for seed in range(20)], RATE)


@pytest.mark.parametrize("band", range(len(BAND_NAMES)))
def test_a_wheeze_stands_out_of_its_band_and_of_no_other(band):
    low, high = EDGES[band], EDGES[band + 1]
    before = breath(4)
    one, other = measured(before), measured(with_wheeze(before, (low + high) / 2, 1.5, 1.0, level=0.15))
    name = BAND_NAMES[band]
    assert other[STRONGEST.format(name)] > one[STRONGEST.format(name)] + 0.8
    for share in SHARES:  # a second of four, swelling and fading
        assert 0.14 < other[share.format(name)] < 0.33
    assert other[f"flatness, {name}: p5"] < one[f"flatness, {name}: p5"] - 0.7
    assert other[f"lines against clicks, {name}"] > one[f"lines against clicks, {name}"] + 0.3
    for elsewhere in set(BAND_NAMES) - {name}:
        for column in (STRONGEST, *SHARES, "flatness, {}: p25"):
            assert other[column.format(elsewhere)] == pytest.approx(one[column.format(elsewhere)], abs=0.1), elsewhere


@pytest.mark.parametrize("kind", [FINE_CRACKLE, COARSE_CRACKLE])
def test_crackles_are_no_lines(kind):
    before = breath(4)
    one, other = measured(before), measured(with_crackles(before, np.arange(0.2, 3.9, 0.35), kind))
    for name in BAND_NAMES:
        for column in (STRONGEST, *SHARES, "line above its neighborhood, {}: p95"):
            assert other[column.format(name)] < one[column.format(name)] + 0.1, (column, name)
        assert other[f"flatness, {name}: p5"] > one[f"flatness, {name}: p5"] - 0.1
        assert other[f"lines against clicks, {name}"] < one[f"lines against clicks, {name}"] + 0.05


def test_lines_that_stand_out_are_rare_in_noise(noises):
    """The claim at `STANDS_OUT`: 9 dB now and then, 12 dB hardly ever."""
    assert 20 * np.log10(np.exp(STANDS_OUT)) == pytest.approx((9, 12), abs=0.35)
    for share, most in zip(SHARES, (0.05, 0.003), strict=True):
        for name in BAND_NAMES:
            assert noises[:, CONTINUOUS.columns.index(share.format(name))].mean() < most, (share, name)


def test_flatness_of_noise_is_that_of_chi_squared_values(noises):
    """The logarithm of the geometric over the arithmetic mean of exponentially distributed powers is minus Euler's."""
    for name in BAND_NAMES[2:]:
        found = noises[:, CONTINUOUS.columns.index(f"flatness, {name}: p50")].mean()
        assert found == pytest.approx(-np.euler_gamma, abs=0.08), name


def test_a_short_wheeze_is_detected_and_a_shorter_tone_hardly():
    """80 ms make a wheeze (CORSA 2000); a tone of 20 ms is spread over a band's width."""
    before = breath(2)
    name = "line above its neighborhood, 300-500 Hz: p95"
    time = np.arange(80) / RATE
    blip = before.copy()
    blip[4000:4080] += 0.1 * np.sqrt(2) * np.sin(2 * np.pi * 400 * time)
    assert measured(with_wheeze(before, 400, 1.0, 0.2))[name] > measured(before)[name] + 0.3
    assert measured(blip)[name] < measured(before)[name] + 0.1


@pytest.mark.parametrize(("decibels", "share"), [(-2, (0.0, 0.05)), (6, (0.95, 1.0))])
def test_a_tone_is_pitched_when_it_is_louder_than_the_noise(decibels, share):
    """The claim at `PITCHED`: about 2 dB above the noise."""
    assert periodicity(mixed(decibels), RATE)[f"share of time with a periodicity above {PITCHED}"] == pytest.approx(
        sum(share) / 2, abs=(share[1] - share[0]) / 2
    )


def test_half_of_the_frames_are_pitched_near_two_decibels():
    shares = [periodicity(mixed(level), RATE)[f"share of time with a periodicity above {PITCHED}"] for level in (0, 3)]
    assert shares[0] < 0.5 < shares[1]


def mixed(decibels):
    noise = Bands(breath(4), RATE).broad
    noise = noise / np.sqrt(np.mean(noise**2))
    return noise + np.sqrt(2) * 10 ** (decibels / 20) * np.sin(2 * np.pi * 437 * np.arange(len(noise)) / RATE)


@pytest.mark.parametrize("pitch", [90, 200, 437, 1000, 1400])
def test_a_tone_is_wholly_periodic_and_noise_is_not(pitch):
    tone = np.sin(2 * np.pi * pitch * np.arange(8000) / RATE)
    assert periodicity(tone, RATE)["periodicity: p50"] == pytest.approx(1, abs=0.1)
    assert periodicity(breath(2) / 0.1, RATE)["periodicity: p100"] < 0.4


def test_crackles_have_no_pitch():
    crackling = Bands(with_crackles(breath(4), np.arange(0.2, 3.9, 0.35), FINE_CRACKLE), RATE).broad
    assert periodicity(crackling, RATE)[f"share of time with a periodicity above {PITCHED}"] == 0


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40))
def test_percentiles_are_numpys(values):
    percents = (0, 5, 25, 50, 75, 95, 99, 100)
    found = percentiles("x", np.array(values), percents)
    assert list(found) == [f"x: p{percent}" for percent in percents]
    np.testing.assert_allclose(list(found.values()), np.percentile(values, percents), rtol=1e-12, atol=1e-9)


def test_silence_stands_out_of_nothing():
    numbers = continuous(np.zeros(4000), RATE)
    assert {value for name, value in numbers.items() if not name.startswith("flatness")} == {0.0}
    assert all(abs(value) < 1e-6 for name, value in numbers.items() if name.startswith("flatness")), FLOOR
