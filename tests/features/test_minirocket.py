"""MiniRocket's transform, against convolutions and shares counted one by one."""

import numpy as np
import pytest
import torch

from respbench.corpora.clips import Signal
from respbench.features.minirocket import TAPS, Dilated, MiniRocket, convolve, kernels


def noise(samples: int, seed: int = 0, channels: int = 3) -> Signal:
    return np.random.default_rng(seed).standard_normal((channels, samples)).astype(np.float32)


CLIPS = [noise(samples, seed) for seed, samples in enumerate((40, 90, 100, 130, 400))]


def test_kernels_are_all_placements_of_three_twos() -> None:
    weights = kernels().numpy()
    assert len(np.unique(weights, axis=0)) == len(weights) == 84
    assert (np.sort(weights, axis=1) == [-1] * 6 + [2] * 3).all()


@pytest.mark.parametrize("dilation", [1, 3, 20])
def test_convolution_is_the_sum_over_channels_and_weights(dilation: int) -> None:
    signal, weights = noise(60), torch.tensor([[[2.0, -1, -1, 2, -1, -1, 2, -1, -1]] * 2 + [[0.0] * 9]])
    expected = [
        sum(
            float(weights[0, channel, tap]) * signal[channel, at]
            for channel in range(3)
            for tap in range(TAPS)
            if 0 <= (at := t + (tap - TAPS // 2) * dilation) < 60
        )
        for t in range(60)
    ]
    np.testing.assert_allclose(convolve(signal, weights, dilation)[0], expected, atol=1e-4)


def test_columns_are_shares_above_the_thresholds() -> None:
    thresholds = torch.linspace(-3, 3, 84 * 2).view(84, 2)
    part = Dilated(2, kernels()[:, None].repeat(1, 3, 1), thresholds)
    values = convolve(CLIPS[0], part.weights, 2)
    expected = [(values[kernel] > thresholds[kernel, one]).float().mean() for kernel in range(84) for one in range(2)]
    np.testing.assert_allclose(part.exceeded(CLIPS[0]), expected, atol=1e-6)


def test_dilations_reach_the_median_clip_and_thresholds_are_its_quantiles() -> None:
    fitted = MiniRocket(84 * 20, seed=0).fit(CLIPS[1:4])
    assert [part.dilation for part in fitted.parts] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]
    assert sum(part.thresholds.shape[1] for part in fitted.parts) == 20
    # Shares above the quantiles q, which are spread evenly, are 1 - q in the clips that they are taken from.
    shares = fitted(CLIPS[2:4])
    assert shares.mean() == pytest.approx(0.5, abs=0.02)
    assert np.histogram(shares, 4, (0, 1))[0].min() > 0.2 * shares.size


@pytest.mark.parametrize("samples", [1, 5, 9])
def test_the_shortest_clips_have_one_dilation(samples: int) -> None:
    fitted = MiniRocket(200, seed=0).fit([noise(samples)])
    assert [part.dilation for part in fitted.parts] == [1]
    assert fitted([noise(samples), noise(50)]).shape == (2, 168)


def test_a_row_depends_on_its_clip_and_the_seed() -> None:
    fitted = MiniRocket(504, seed=0).fit(CLIPS)
    np.testing.assert_array_equal(fitted(CLIPS)[[3, 1]], fitted([CLIPS[3], CLIPS[1]]))
    np.testing.assert_array_equal(fitted(CLIPS), MiniRocket(504, seed=0).fit(CLIPS)(CLIPS))
    assert not np.array_equal(fitted(CLIPS), MiniRocket(504, seed=1).fit(CLIPS)(CLIPS))
