"""Measures of crackles: the bands are Butterworth's, clicks are counted right, and a wheeze is no click."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.signal
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from synthetic_breaths import RATE, breath, with_crackles, with_wheeze

from respbench.corpora.simulated.acoustics import COARSE_CRACKLE, FINE_CRACKLE
from respbench.features import transients
from respbench.features.adventitious import Adventitious
from respbench.features.tonality import BAND_NAMES, EDGES
from respbench.features.transients import CLICK, EXPLOSIVE, ORDER, PREDICTION_ORDERS, Bands, colour, rhythm, whitened

DISCONTINUOUS = Adventitious(("discontinuous", "whitened"))
PREDICTED = tuple(f"predicted from {order} samples" for order in PREDICTION_ORDERS)
WITHIN = slice(800, -800)
"""Samples away from the ends, where how a clip is continued makes a difference."""


def measured(wave):
    return dict(zip(DISCONTINUOUS.columns, DISCONTINUOUS([wave[None]], RATE)[0].tolist(), strict=True))


@pytest.mark.parametrize(("low", "high"), [*pairwise(EDGES), (EDGES[0], EDGES[-1])])
def test_gain_is_that_of_butterworths_filter_forwards_and_backwards(low, high):
    frequency = np.linspace(1, 2000, 500)
    coefficients = scipy.signal.butter(ORDER, [low, high], "bandpass", analog=True)
    gain = np.abs(scipy.signal.freqs(*coefficients, worN=frequency)[1]) ** 2
    np.testing.assert_allclose(transients._band_pass(frequency, low, high), gain, rtol=0, atol=1e-10)
    assert transients._band_pass(np.zeros(1), low, high)[0] < 1e-30


@pytest.mark.parametrize("band", range(len(BAND_NAMES)))
def test_bands_are_scipys(band):
    """At 16 times the rate scipy's filter isn't warped by the nearness of half the rate; ours never is."""
    wave = breath(3)
    filters = scipy.signal.butter(ORDER, EDGES[band : band + 2], "bandpass", fs=16 * RATE, output="sos")
    fine = scipy.signal.resample(wave, 16 * len(wave))
    expected = scipy.signal.sosfiltfilt(filters, fine)[::16][WITHIN]
    bands = Bands(wave, RATE)
    scale = wave.std() / bands.loudness_normalized.std()
    np.testing.assert_allclose(bands.waves[band][WITHIN] * scale, expected, rtol=0, atol=0.02 * expected.std())


def test_envelopes_are_scipys():
    bands = Bands(breath(3), RATE)
    expected = np.abs(scipy.signal.hilbert(bands.waves))
    np.testing.assert_allclose(bands.envelopes[:, WITHIN], expected[:, WITHIN], rtol=0, atol=0.01)


def test_loudness_between_60_and_1900_hz_is_one():
    wave = 0.2 * breath(2)
    bands = Bands(wave - wave.mean(), RATE)
    assert np.sqrt(np.mean(bands.broad**2)) == pytest.approx(1, rel=1e-9)
    assert bands.loudness_normalized.mean() == pytest.approx(0, abs=1e-9)


def test_filters_do_not_delay():
    """A crackle lies where it was, in every band that it is in."""
    wave = with_crackles(1e-4 * breath(2), [1.0], FINE_CRACKLE)
    envelopes = Bands(wave, RATE).envelopes
    loud = envelopes.max(axis=1) > 0.2 * envelopes.max()
    assert loud.sum() >= 2
    np.testing.assert_allclose(envelopes[loud].argmax(axis=1) / RATE, 1.002, atol=0.002)


@given(st.integers(0, 2**16), st.integers(4, 300))
def test_kurtosis_is_scipys(seed, values):
    rows = np.random.default_rng(seed).standard_normal((3, values)) ** 3
    expected = scipy.stats.kurtosis(rows, axis=1, fisher=False)
    np.testing.assert_allclose(transients._kurtosis(rows), np.maximum(expected, 1), rtol=1e-6)


def test_kurtosis_of_frames_is_scipys():
    wave = breath(1.05, 3)
    frames = wave[:4000].reshape(-1, round(EXPLOSIVE * RATE))
    expected = np.percentile(np.log(scipy.stats.kurtosis(frames, axis=1, fisher=False)), (25, 50, 75, 95))
    found = transients._explosive_frames(wave / wave.std(), RATE, "x")
    np.testing.assert_allclose(list(found.values()), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "bands"), [(COARSE_CRACKLE, (0, 1)), (FINE_CRACKLE, (2, 3)), (FINE_CRACKLE, ("predicted",))]
)
@pytest.mark.parametrize("count", [5, 12])
def test_crackles_are_counted(kind, bands, count):
    """So many crackles in four seconds, far louder than the noise; each shows up once in its bands."""
    wave = with_crackles(breath(4), np.linspace(0.2, 3.7, count), kind)
    numbers = measured(wave)
    names = PREDICTED if "predicted" in bands else [BAND_NAMES[band] for band in bands]
    times = 4 if names is not PREDICTED else 3
    for name in names:
        found = 4 * numbers[f"clicks a second {times} times the usual, {name}"]
        assert found == pytest.approx(count, abs=1 + 0.1 * count), name


@pytest.mark.parametrize(("kind", "bands"), [(COARSE_CRACKLE, (0, 1)), (FINE_CRACKLE, (2, 3))])
def test_crackles_are_explosive_in_their_bands(kind, bands):
    before = breath(4)
    one, other = measured(before), measured(with_crackles(before, np.arange(0.2, 3.9, 0.35), kind))
    for name in (BAND_NAMES[band] for band in bands):
        for column in ("explosiveness, {}", "explosiveness of the energy, {}", "explosiveness of 100 ms, {}: p95"):
            assert other[column.format(name)] > one[column.format(name)] + 0.5, (column, name)
        for column in ("skew of the loudness, {}", "envelope above the usual, {}: p100"):
            assert other[column.format(name)] > one[column.format(name)] + 0.2, (column, name)


@pytest.mark.parametrize("kind", [COARSE_CRACKLE, FINE_CRACKLE])
def test_crackles_are_unpredictable(kind):
    before = breath(4)
    one, other = measured(before), measured(with_crackles(before, np.arange(0.2, 3.9, 0.35), kind))
    for name in PREDICTED:
        assert other[f"explosiveness, {name}"] > one[f"explosiveness, {name}"] + 0.3
        assert other[f"envelope above the usual, {name}: p100"] > one[f"envelope above the usual, {name}: p100"] + 0.5
        assert other[f"clicks a second 2 times the usual, {name}"] > 1


def test_a_wheeze_is_no_click():
    before = breath(4)
    one, other = measured(before), measured(with_wheeze(before, 400, 1.0, 2.0))
    for name in (*BAND_NAMES, *PREDICTED):
        for times in CLICK[1:]:
            column = f"clicks a second {times} times the usual, {name}"
            assert other[column] <= one[column] + 0.5, column
        for percent in (90, 95, 99, 100):
            column = f"envelope above the usual, {name}: p{percent}"
            assert other[column] < one[column] + 0.15, column
    for name in PREDICTED:
        assert other[f"explosiveness, {name}"] < one[f"explosiveness, {name}"] + 0.1


def test_clicks_in_noise_are_as_rare_as_claimed():
    """The claim at `CLICK`: peaks of 3 are rare, peaks of 4 all but absent."""
    rows = DISCONTINUOUS([breath(4, seed)[None] for seed in range(20)], RATE).mean(axis=0)
    a_second = dict(zip(DISCONTINUOUS.columns, rows.tolist(), strict=True))
    for name in BAND_NAMES:
        two, three, four, six = (a_second[f"clicks a second {times} times the usual, {name}"] for times in CLICK)
        assert three < 0.15 * two, name
        assert four < 0.3, name
        assert six == 0, name
    for name in PREDICTED:
        assert a_second[f"clicks a second 2 times the usual, {name}"] < 0.2


def test_envelope_of_noise_is_rayleighs():
    """The percentiles above the usual (the geometric mean) that Rayleigh's distribution has."""
    rows = DISCONTINUOUS([breath(4, seed)[None] for seed in range(20)], RATE).mean(axis=0)
    found = dict(zip(DISCONTINUOUS.columns, rows.tolist(), strict=True))
    usual = 0.5 * (np.log(2) - np.euler_gamma)  # the mean of the logarithm
    for percent in (90, 95, 99):
        expected = np.log(scipy.stats.rayleigh.ppf(percent / 100)) - usual
        for name in BAND_NAMES[1:]:
            column = f"envelope above the usual, {name}: p{percent}"
            assert found[column] == pytest.approx(expected, abs=0.06), column


def test_two_clicks_nearer_than_a_crackle_count_once():
    level = np.zeros(4000)
    level[[500, 515, 2000, 2060]] = 2.0, 2.1, 2.2, 2.3
    assert transients._clicks(level, RATE, "x")["clicks a second 4 times the usual, x"] == 3


def test_what_prediction_leaves_of_a_resonance_is_white(monkeypatch):
    """An autoregressive process of order 4 is taken apart again into the noise that it was made of."""
    poles = [0.95 * np.exp(2j * np.pi * f / RATE) for f in (300, 900)]
    polynomial = np.poly([*poles, *np.conj(poles)]).real
    noise = np.random.default_rng(0).standard_normal(16000)
    wave = scipy.signal.lfilter([1], polynomial, noise)
    left = []
    explosive_frames = transients._explosive_frames
    monkeypatch.setattr(
        transients, "_explosive_frames", lambda wave, *more: left.append(wave.copy()) or explosive_frames(wave, *more)
    )
    numbers = whitened(wave / wave.std(), RATE)
    for residual, order in zip(left, PREDICTION_ORDERS, strict=True):
        own = noise[order:]
        assert np.corrcoef(residual, own)[0, 1] > 0.97
        correlation = np.correlate(residual, residual, "full")[len(residual) :][:30] / len(residual)
        assert np.abs(correlation).max() < 0.15, order
        error = numbers[f"unpredictable part, predicted from {order} samples"]
        assert error == pytest.approx(np.log(1 / wave.var()), abs=0.5)


def test_a_tone_is_predictable_and_noise_is_not():
    tone = np.sqrt(2) * np.sin(2 * np.pi * 400 * np.arange(8000) / RATE)
    name = "unpredictable part, predicted from 8 samples"
    assert whitened(tone, RATE)[name] < -3
    assert whitened(breath(2) / 0.1, RATE)[name] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(("frequency", "inside"), [(1.0, "0.3 to 2"), (4, "2 to 6"), (10, "6 to 15"), (25, "15 to 50")])
def test_rhythm_names_how_fast_loudness_changes(frequency, inside):
    time = np.arange(16000) / RATE
    beating = breath(4) * np.exp(1.5 * np.sin(2 * np.pi * frequency * time))
    numbers = rhythm(Bands(beating, RATE))
    for name in BAND_NAMES[2:]:
        shares = {column: value for column, value in numbers.items() if column.endswith(name)}
        assert max(shares, key=shares.get) == f"modulation of {inside} Hz, {name}"


@pytest.mark.parametrize("band", range(len(BAND_NAMES)))
def test_colour_names_the_loudest_band(band):
    tone = np.sin(2 * np.pi * (EDGES[band] + EDGES[band + 1]) / 2 * np.arange(8000) / RATE)
    numbers = colour(Bands(tone + 0.1 * breath(2), RATE))
    assert max(numbers, key=numbers.get) == f"energy, {BAND_NAMES[band]}"
    assert sum(numbers.values()) == pytest.approx(0, abs=1e-9)
