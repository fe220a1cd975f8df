"""QUANT's features against numpy's quantiles, for breaths of any duration."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from respbench.corpora.clips import Signal
from respbench.corpora.problems import InputError
from respbench.features.quantiles import IntervalQuantiles, interval_columns, interval_quantiles, representations

RATE = 4000


def noise(seconds: float, seed: int = 0) -> Signal:
    rng = np.random.default_rng(seed)
    return (0.1 * rng.standard_normal((1, round(seconds * RATE)))).astype(np.float32)


def by_hand(series: NDArray[np.float64], size: int, count: int) -> NDArray[np.float64]:
    """QUANT's quantiles of intervals of ``size`` values, each starting half a size after the last."""
    rows = []
    for begin in range(0, len(series) - size + 1, max(1, size // 2)):
        part = series[begin : begin + size]
        row = np.quantile(part, np.linspace(0, 1, count)) if count > 1 else np.array([np.median(part)])
        row[1::2] -= part.mean()
        rows.append(row)
    return np.stack(rows)


def test_columns_are_the_papers_quantiles_of_all_intervals() -> None:
    """16 quantiles of 64 frames, 8 of each half of them, and so on; the first representation is the series itself."""
    series = np.random.default_rng(0).standard_normal((2, 64))
    found = interval_columns(torch.from_numpy(series), 6).numpy()
    expected = [
        by_hand(one, 64 >> level, count).ravel() for level, count in enumerate((16, 8, 4, 2, 1, 1)) for one in series
    ]
    start = np.concatenate(expected)
    np.testing.assert_allclose(found[: len(start)], start, atol=1e-12)
    assert len(interval_columns(torch.zeros(5, 64), 2)) == 5 * (3 * (16 + 3 * 8) + (9 + 3 * 4))


@pytest.mark.parametrize("values", [1, 2, 7, 13, 100])
def test_intervals_cover_a_series_of_any_length(values: int) -> None:
    series = torch.arange(values, dtype=torch.float64)[None]
    ends = interval_quantiles(series, 4, 3)[0]
    assert ends.shape == (7, 3)
    assert ends[0, 0] == 0
    assert ends[-1, -1] == values - 1
    assert (ends[:, 0].diff() >= 0).all()


def test_representations_of_a_ramp_and_of_a_beat() -> None:
    ramp = 3 * torch.arange(20, dtype=torch.float64)[None]
    same, smooth, second, _ = representations(ramp)
    assert torch.equal(same, ramp)
    assert torch.allclose(smooth, torch.full((1, 19), 3.0, dtype=torch.float64))
    assert torch.allclose(second, torch.zeros(1, 18, dtype=torch.float64))
    for frames in (40, 80):  # amplitude 1 shows as 1/2 in its own bin, however long the series is
        beat = torch.cos(2 * torch.pi * torch.arange(frames) / 8).double()[None]
        assert representations(beat)[3][0, frames // 8] == pytest.approx(0.5)


def test_rows_depend_on_their_own_clip_and_are_finite() -> None:
    extractor = IntervalQuantiles()
    silence, sample = np.zeros((1, 900), np.float32), np.ones((2, 1), np.float32)
    clips = [noise(0.2, 1), noise(5, 2), noise(2, 3) * 9, noise(0.2003, 4), silence, sample]
    rows = extractor(clips, RATE)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    for clip, row in zip(clips, rows, strict=True):
        np.testing.assert_array_equal(extractor([clip], RATE)[0], row)


def test_smoothing_does_not_encode_the_duration_in_the_differences() -> None:
    """The same noise, short and long: the spread of the second differences is alike."""
    extractor = IntervalQuantiles(n_mels=1, depth=1)
    second = slice(2 * 16, 3 * 16)
    spread = [np.mean(extractor([noise(s, seed) for seed in range(9)], RATE)[:, second][:, 4]) for s in (1, 6)]
    assert spread[0] < 0
    assert spread[0] == pytest.approx(spread[1], rel=0.2)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(InputError, match="depth"):
        IntervalQuantiles(depth=0)
    with pytest.raises(InputError, match="no samples"):
        IntervalQuantiles()([np.empty((1, 0), np.float32)], RATE)
