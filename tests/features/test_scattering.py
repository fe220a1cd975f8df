"""The scattering transform against plain convolutions and against known tones and modulations."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from respbench.corpora.clips import Signal
from respbench.corpora.problems import InputError
from respbench.features.scattering import FLOOR, Scattering, filter_bank, morlets, scatter

RATE = 4000
SETTINGS = Scattering(per_octave=8)
BANK = filter_bank(SETTINGS, RATE)
BANDS, PATHS = BANK.bands, BANK.paths


def time(seconds: float) -> NDArray[np.float64]:
    return np.arange(round(seconds * RATE)) / RATE


def clip(sound: NDArray[np.float64]) -> Signal:
    return sound[None].astype(np.float32)


def orders(*clips: Signal) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rows = SETTINGS(clips, RATE)
    assert rows.dtype == np.float32
    assert rows.shape == (len(clips), len(BANDS) + len(PATHS))
    return rows[:, : len(BANDS)], rows[:, len(BANDS) :]


def noise(seconds: float, seed: int = 0) -> NDArray[np.float64]:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def envelope(sound: NDArray[np.float64], center: float, deviation: float) -> NDArray[np.float64]:
    """Modulus of the periodic convolution with a Morlet wavelet that is written down in time, not in frequency."""
    samples = len(sound)
    t = (np.arange(samples) - samples // 2) / RATE
    bump = np.exp(-0.5 * (2 * np.pi * deviation * t) ** 2) * np.sqrt(2 * np.pi) * deviation / RATE
    wavelet = 2 * bump * (np.exp(2j * np.pi * center * t) - np.exp(-0.5 * (center / deviation) ** 2))
    turned = np.roll(wavelet, -(samples // 2))
    return np.array([abs(np.dot(sound, np.roll(turned[::-1], n + 1))) for n in range(samples)])


def test_both_orders_are_those_of_plain_convolutions() -> None:
    sound = noise(2048 / RATE)
    first, second = scatter(torch.from_numpy(sound), 2048, BANK)
    for path in (0, 80, 160):
        band, modulation = PATHS[path].tolist()
        rise = envelope(sound, *BANDS[band].tolist())
        assert float(first[band]) == pytest.approx(rise.mean(), rel=1e-3)
        swing = envelope(rise, *BANK.modulations[modulation].tolist()).mean()
        assert math.exp(float(second[path])) == pytest.approx(swing / rise.mean(), rel=0.02)


def test_a_tone_is_in_its_own_band_at_its_own_amplitude() -> None:
    for band in (5, 20, 35):
        first, _ = orders(clip(0.3 * np.sin(2 * np.pi * float(BANDS[band, 0]) * time(2))))
        assert first[0].argmax() == band
        assert math.exp(first[0, band]) == pytest.approx(0.3, rel=0.02)


def test_a_modulation_is_in_its_own_path() -> None:
    band, modulation = 8, 4
    carrier, beat = float(BANDS[band, 0]), float(BANK.modulations[modulation, 0])
    sound = 0.2 * (1 + 0.8 * np.cos(2 * np.pi * beat * time(3))) * np.sin(2 * np.pi * carrier * time(3))
    _, second = orders(clip(sound))
    mine = (PATHS[:, 0] == band).numpy()
    assert PATHS[mine][second[0, mine].argmax(), 1] == modulation
    # The envelope 1 + 0.8 cos is modulated by 0.8 of its mean; the band passes so much of its sidebands.
    through = math.exp(-0.5 * (beat / float(BANDS[band, 1])) ** 2)
    assert math.exp(second[0, mine].max()) == pytest.approx(0.8 * through, rel=0.02)


def test_loudness_moves_the_first_order_only() -> None:
    first, second = orders(clip(noise(2)), clip(4 * noise(2)))
    np.testing.assert_allclose(first[1] - first[0], math.log(4), atol=1e-3)
    np.testing.assert_allclose(second[0], second[1], atol=0.02)


def test_a_delay_changes_nothing() -> None:
    sound = torch.from_numpy(noise(8192 / RATE))
    (first, second), (late, later) = (scatter(s, 8192, BANK) for s in (sound, sound.roll(137)))
    torch.testing.assert_close(first, late, rtol=1e-3, atol=0)
    torch.testing.assert_close(second, later, rtol=0, atol=0.02)


def test_wavelets_cover_the_bands_evenly_and_ignore_the_mean() -> None:
    drawn = morlets(BANDS, 2000, 1.0)
    assert drawn[:, 0].abs().max() == 0
    inside = (drawn.square().sum(dim=0) / 4)[70:1600]
    assert inside.max() / inside.min() < 1.15
    half = drawn[:2] / 2
    cut = 1467 + int((half[0] - half[1]).abs()[1467:1600].argmin())
    assert float(half[0, cut]) == pytest.approx(math.sqrt(0.5), abs=0.02)


def test_paths_are_those_that_a_band_can_carry() -> None:
    assert len(PATHS) == len(set(map(tuple, PATHS.tolist()))) == 161
    narrow, wide = (PATHS[PATHS[:, 0] == band, 1] for band in (len(BANDS) - 1, 0))
    assert len(narrow) < len(wide)


def test_rows_depend_on_their_own_clip_and_are_finite() -> None:
    silence, sample = np.zeros((1, 900), np.float32), np.ones((2, 1), np.float32)
    clips = [*(clip(noise(s, seed)) for seed, s in enumerate((0.2, 5, 2, 2.1))), silence, sample]
    rows = SETTINGS(clips, RATE)
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(rows[4, : len(BANDS)], math.log(FLOOR), rtol=1e-6)
    for one, row in zip(clips, rows, strict=True):
        np.testing.assert_array_equal(SETTINGS([one], RATE)[0], row)


def test_the_edges_of_a_clip_are_no_crackles() -> None:
    """A steady tone, cut anywhere, has hardly any modulation."""
    _, second = orders(clip(np.sin(2 * np.pi * 400 * time(1))))
    band = int((BANDS[:, 0] - 400).abs().argmin())
    assert np.exp(second[0, (PATHS[:, 0] == band).numpy()]).max() < 0.05


def test_the_highest_band_follows_the_rate() -> None:
    for rate in (2000, 16000):
        rows = SETTINGS([np.random.default_rng(0).standard_normal((1, rate)).astype(np.float32)], rate)
        assert np.isfinite(rows).all()
        assert filter_bank(SETTINGS, rate).bands[0, 0] == 0.4 * rate


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(InputError, match="above 0"):
        Scattering(per_octave=0)
    with pytest.raises(InputError, match="at 4000 Hz"):
        Scattering(lowest=1800)([clip(noise(1))], RATE)
    with pytest.raises(InputError, match="no samples"):
        SETTINGS([np.empty((1, 0), np.float32)], RATE)
