"""Statistics of movements, against movements whose posture, pace, strength and course are known."""

import numpy as np
import pytest

from respbench.corpora.clips import Signal
from respbench.corpora.problems import InputError
from respbench.features.motion import LAGS, MotionStatistics, reflections

GRAVITY = 9.81
"""m/s²."""


def swinging(seconds: float = 16.0, rate: int = 32, pace: float = 2.0, strength: float = 3.0) -> Signal:
    """A sensor that lies flat, z upward, and swings along x, and half as far and opposite along y."""
    swing = strength * np.sin(2 * np.pi * pace * np.arange(round(seconds * rate)) / rate)
    return np.stack([swing, -swing / 2, np.full_like(swing, GRAVITY)]).astype(np.float32)


def turned_over(seconds: float = 12.0, rate: int = 32) -> Signal:
    """A sensor that is turned from z upward to x upward, at rest before and after."""
    angle = np.clip(np.linspace(-1, 2, round(seconds * rate)), 0, 1) * np.pi / 2
    return (GRAVITY * np.stack([np.sin(angle), 0 * angle, np.cos(angle)])).astype(np.float32)


@pytest.mark.parametrize("rate", [32, 50, 100])
def test_posture_pace_and_strength_are_found_at_any_rate(rate: int) -> None:
    found = MotionStatistics().describe(swinging(rate=rate), rate)
    assert [found[f"tilt_0_{axis}"] for axis in range(3)] == pytest.approx([0, 0, 1], abs=0.01)
    assert found["gravity_0_2_mean"] == pytest.approx(GRAVITY, rel=1e-3)
    assert found["body_0_rms"] == pytest.approx(3 / np.sqrt(2), rel=0.02)
    assert found["jerk_0_rms"] == pytest.approx(3 / np.sqrt(2) * 2 * np.pi * 2, rel=0.05)
    assert found["body_magnitude_0_rms"] == pytest.approx(3 * np.hypot(1, 0.5) / np.sqrt(2), rel=0.02)
    assert found["body_0_dominant"] == pytest.approx(2, abs=0.2)
    assert found["body_0_center"] == pytest.approx(2, abs=0.1)
    assert found["body_0_share_from_1_hz"] + found["body_0_share_from_2_hz"] > 0.95
    assert found["body_0_correlation_0_1"] == pytest.approx(-1, abs=1e-3)


def test_columns_do_not_grow_with_the_duration() -> None:
    short, long = MotionStatistics()([swinging(16.0), swinging(64.0)], 32)
    np.testing.assert_allclose(short, long, rtol=0.05, atol=0.25)


def test_a_movement_and_its_reverse_differ_in_their_course_alone() -> None:
    there = MotionStatistics().describe(turned_over(), 32)
    back = MotionStatistics().describe(turned_over()[:, ::-1], 32)
    for axis in range(3):
        assert there[f"body_{axis}_std"] == pytest.approx(back[f"body_{axis}_std"], rel=1e-3, abs=1e-6)
        assert there[f"tilt_0_{axis}"] == pytest.approx(back[f"tilt_0_{axis}"], abs=1e-6)
    assert there["gravity_0_0_part_0"] < -3 < 3 < back["gravity_0_0_part_0"]
    assert there["gravity_0_0_part_5"] > 3 > -3 > back["gravity_0_0_part_5"]


@pytest.mark.parametrize("samples", [1, 2, 5, 9, 40, 300])
def test_columns_are_finite_and_as_many_for_clips_of_any_duration(samples: int) -> None:
    clips = [np.full((3, samples), 2.0, np.float32), swinging()[:, :samples]]
    found = MotionStatistics()(clips, 32)
    assert found.shape == (2, len(MotionStatistics().describe(swinging(), 32)))
    assert np.isfinite(found).all()


def test_channels_form_sensors_of_three_axes_or_one_sensor() -> None:
    names = {n: MotionStatistics().describe(np.resize(swinging(), (n, 512)), 32).keys() for n in (1, 4, 6)}
    assert "body_magnitude_1_std" in names[6]
    assert "body_1_correlation_0_2" in names[6]
    assert "body_magnitude_1_std" not in names[4]
    assert "body_0_correlation_0_3" in names[4]
    assert not any("correlation" in name for name in names[1])


def test_reflections_are_those_of_an_autoregressive_process() -> None:
    """Of the process x[t] = 0.8 x[t-1] + noise the first is 0.8 and the others are 0."""
    noise = np.random.default_rng(0).standard_normal(20000)
    series = np.zeros_like(noise)
    for t in range(1, len(noise)):
        series[t] = 0.8 * series[t - 1] + noise[t]
    found = reflections(np.stack([series, np.zeros_like(series)]))
    np.testing.assert_allclose(found[0], [0.8, 0, 0, 0], atol=0.03)
    np.testing.assert_array_equal(found[1], np.zeros(LAGS))


def test_refuses_what_can_not_be_measured() -> None:
    with pytest.raises(InputError, match="at least 1"):
        MotionStatistics(parts=0)
    with pytest.raises(InputError, match="has no samples"):
        MotionStatistics()([np.zeros((3, 0), np.float32)], 32)
