"""Raw series: repeated to a fixed duration, and changed at random in ways that fit movements."""

import numpy as np
import pytest
import torch

from respbench.corpora.problems import InputError
from respbench.features.series import RepeatedSeries
from respbench.features.series_augmentation import SeriesAugmentation


def series(channels=3, samples=40, clips=5):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(clips, channels, 1, samples, generator=generator)


def changed(augmentation, given):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return augmentation(given)


def test_short_clips_are_repeated_and_long_ones_cut():
    short = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float32)
    long = np.arange(20, dtype=np.float32).reshape(2, 10)
    found = RepeatedSeries(2.0)([short, long], rate=4)
    assert (found.shape, found.dtype) == ((2, 2, 1, 8), np.float32)
    assert found[0, :, 0].tolist() == [[1, 2, 3, 1, 2, 3, 1, 2], [4, 5, 6, 4, 5, 6, 4, 5]]
    assert found[1, :, 0].tolist() == [list(range(8)), list(range(10, 18))]


def test_clips_must_have_the_same_channels_and_some_samples():
    with pytest.raises(InputError, match="2 to 3 channels"):
        RepeatedSeries(1.0)([np.ones((2, 5), np.float32), np.ones((3, 5), np.float32)], 4)
    with pytest.raises(InputError, match="no samples"):
        RepeatedSeries(1.0)([np.ones((2, 0), np.float32)], 4)
    with pytest.raises(InputError, match="above 0"):
        RepeatedSeries(0.0)


def test_the_defaults_change_nothing():
    given = series()
    assert SeriesAugmentation()(given) is given


@pytest.mark.parametrize("axes", [3, 6])
def test_rotation_keeps_the_magnitude_and_turns_triples_together(axes):
    given = series(3).repeat(1, axes // 3, 1, 1)
    turned = changed(SeriesAugmentation(rotation=30.0), given)
    torch.testing.assert_close(turned[:, :3].norm(dim=1), given[:, :3].norm(dim=1))
    torch.testing.assert_close(turned[:, -3:], turned[:, :3])
    cosine = torch.nn.functional.cosine_similarity(turned[:, :3], given[:, :3], dim=1)
    assert (cosine.amin(2) < 0.999).all(), "some clip was not turned"
    flipped = changed(SeriesAugmentation(rotation=30.0), -given)
    torch.testing.assert_close(flipped, -turned)  # linear: no reflection, no shift


def test_channels_that_are_no_triples_are_not_turned():
    given = series(2)
    torch.testing.assert_close(changed(SeriesAugmentation(rotation=90.0), given), given)


def test_scaling_multiplies_all_channels_of_a_clip_by_one_factor():
    given = series()
    factor = changed(SeriesAugmentation(scaling=0.5), given) / given
    torch.testing.assert_close(factor, factor[:, :1, :, :1].expand_as(factor))
    assert len(factor[:, 0, 0, 0].unique()) == len(given)
    assert (factor > 0).all()


def test_warping_moves_events_in_time_and_keeps_their_order():
    ramp = torch.arange(100.0).expand(4, 3, 1, 100)
    warped = changed(SeriesAugmentation(warp=0.5), ramp)
    assert (warped.diff(dim=3) > 0).all()
    torch.testing.assert_close(warped[..., [0, -1]], ramp[..., [0, -1]], atol=1e-3, rtol=0)
    assert ((warped - ramp).abs().amax(3) > 1).all()
    torch.testing.assert_close(warped[:, 0], warped[:, 1])


def test_shifts_are_circular():
    given = series(1)
    shifted = changed(SeriesAugmentation(shift=0.5), given)
    torch.testing.assert_close(shifted.sort(dim=3)[0], given.sort(dim=3)[0])
    assert (shifted != given).any(dim=3).sum() >= 4
