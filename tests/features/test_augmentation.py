"""Random changes to images change what they say, within their limits, and nothing else."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from respbench.features.augmentation import Augmentation

SHAPE = (5, 4, 32, 60)
EVERYTHING = Augmentation(crop=40, equaliser=4.0, noise=2.0, masked_bands=6, masked_frames=12, shift=0.5, gain=2.0)


def images(*shape):
    return torch.randn(*(shape or SHAPE), generator=torch.Generator().manual_seed(0))


def changed(augmentation, given, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return augmentation(given)


def test_the_defaults_change_nothing_and_draw_nothing():
    given = images()
    before = torch.get_rng_state()
    assert torch.equal(Augmentation()(given), given)
    assert torch.equal(torch.get_rng_state(), before)


@given(st.integers(1, 60), st.integers(0, 1000))
def test_a_crop_is_a_stretch_of_each_clip(frames, seed):
    given = images()
    cropped = changed(Augmentation(crop=frames), given, seed)
    assert cropped.shape == (*SHAPE[:3], frames)
    for clip, part in zip(given, cropped, strict=True):
        assert any(torch.equal(clip[..., start : start + frames], part) for start in range(60 - frames + 1))


def test_crops_start_anywhere_and_each_on_its_own():
    ramp = torch.arange(60.0).expand(400, 1, 1, 60)
    starts = changed(Augmentation(crop=56), ramp)[:, 0, 0, 0]
    assert set(starts.tolist()) == {0, 1, 2, 3, 4}


def test_a_crop_longer_than_the_images_changes_nothing():
    given = images()
    assert torch.equal(changed(Augmentation(crop=61), given), given)


def test_the_equaliser_is_one_smooth_gain_for_the_level_of_all_frames():
    given = images()
    gain = changed(Augmentation(equaliser=4.0), given) - given
    assert torch.equal(gain[:, 1:], torch.zeros_like(gain[:, 1:]))
    level = gain[:, 0]  # (clips, bands, frames)
    torch.testing.assert_close(level, level[:, :, :1].expand_as(level), rtol=0, atol=1e-5)
    bend = level[:, :, 0].diff(dim=1).diff(dim=1).abs() > 1e-4
    assert (bend.sum(dim=1) <= 2 * 4).all()  # straight lines between six points
    assert level[:, :, 0].std(dim=1).min() > 0.1
    assert not torch.allclose(level[0], level[1])


def test_the_equaliser_is_as_strong_as_stated():
    gain = changed(Augmentation(equaliser=3.0), torch.zeros(4000, 1, 6, 1))
    assert gain.std() == pytest.approx(3.0, rel=0.05)
    assert gain.mean() == pytest.approx(0.0, abs=0.1)


def test_noise_is_as_strong_as_stated_and_differs_from_clip_to_clip():
    noise = changed(Augmentation(noise=2.0), torch.zeros(2000, 2, 8, 16))
    strength = noise.std(dim=(1, 2, 3))
    assert strength.max() < 2.0 * 1.2
    assert strength.mean() == pytest.approx(1.0, abs=0.05)
    assert strength.min() < 0.05


@given(st.integers(0, 40), st.integers(0, 70), st.integers(0, 1000))
def test_masks_are_stretches_within_their_limits(bands, frames, seed):
    given = images()
    masked = changed(Augmentation(masked_bands=bands, masked_frames=frames), given, seed)
    hidden = (masked != given).all(dim=1)  # (clips, bands, frames): every channel alike
    assert torch.equal(hidden, (masked != given).any(dim=1))
    for clip in hidden:
        whole_bands, whole_frames = clip.all(dim=1), clip.all(dim=0)
        if not clip.all():
            assert whole_bands.sum() <= bands
            assert whole_frames.sum() <= frames
            assert contiguous(whole_bands)
            assert contiguous(whole_frames)
        assert torch.equal(clip, whole_bands[:, None] | whole_frames[None])
    filled = given.mean((0, 3), keepdim=True).expand_as(given)
    assert torch.equal(masked[masked != given], filled[masked != given])


def contiguous(mask):
    places = mask.nonzero()[:, 0]
    return len(places) == 0 or len(places) == places[-1] - places[0] + 1


def test_masks_reach_their_limits_and_either_end():
    given = images(600, 1, 8, 3)
    hidden = (changed(Augmentation(masked_bands=4), given) != given)[:, 0, :, 0]
    assert set(hidden.sum(dim=1).tolist()) == {0, 1, 2, 3, 4}
    assert hidden[:, 0].any()
    assert hidden[:, -1].any()


def test_the_same_seed_changes_alike_and_another_does_not():
    given = images()
    one, again, other = (changed(EVERYTHING, given, seed) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("augmentation", [EVERYTHING, Augmentation(gain=2.0), Augmentation(shift=0.5)])
def test_what_is_given_is_left_as_it_was(augmentation):
    given = images()
    changed(augmentation, given)
    assert torch.equal(given, images())


@pytest.mark.parametrize("shape", [(1, 1, 32, 60), (7, 4, 32, 60), (3, 2, 5, 41)])
def test_shape_type_and_device_stay(shape):
    found = changed(EVERYTHING, images(*shape))
    assert found.shape == (*shape[:3], 40)
    assert found.dtype == torch.float32
    assert found.device == images().device
    assert torch.isfinite(found).all()


def test_everything_is_drawn_where_the_images_are():
    """The meta device computes nothing, but refuses to mix devices, as a GPU does."""
    found = EVERYTHING(images().to("meta"))
    assert found.is_meta
    assert found.shape == (*SHAPE[:3], 40)


# Shift and gain


@pytest.mark.parametrize("share", [0.05, 0.5, 1.0])
def test_a_shift_moves_each_clip_round_by_no_more_than_stated(share):
    given = images()
    given[:, 0, 0] = torch.arange(60.0)
    moved = changed(Augmentation(shift=share), given)
    ways = [-int(clip[0, 0, 0]) for clip in moved]
    assert any(ways)
    for clip, found, way in zip(given, moved, ways, strict=True):
        assert torch.equal(clip.roll(way, dims=-1), found)
        assert min(-way, 60 + way) <= share * 60


def test_shifts_go_either_way_up_to_the_limit_and_each_on_its_own():
    place = torch.arange(10.0).expand(3000, 1, 1, 10)
    first = changed(Augmentation(shift=0.3), place)[:, 0, 0, 0].long()
    ways, counts = torch.unique((-first) % 10, return_counts=True)
    assert ways.tolist() == [0, 1, 2, 3, 7, 8, 9]
    inner = counts[[0, 1, 2, 5, 6]]
    assert inner.min() > 0.7 * inner.max()  # all as often, but for the two ends


def test_a_gain_is_one_level_a_clip_of_channel_0_alone():
    given = images()
    gain = changed(Augmentation(gain=2.0), given) - given
    assert torch.equal(gain[:, 1:], torch.zeros_like(gain[:, 1:]))
    level = gain[:, 0].flatten(1)
    torch.testing.assert_close(level, level[:, :1].expand_as(level), rtol=0, atol=1e-5)
    assert level[:, 0].unique().numel() == len(given)


def test_a_gain_is_as_strong_as_stated():
    gain = changed(Augmentation(gain=2.0), torch.zeros(4000, 1, 2, 1))[:, 0, 0, 0]
    assert gain.std() == pytest.approx(2.0, rel=0.05)
    assert gain.mean() == pytest.approx(0.0, abs=0.1)


def test_a_shift_after_a_crop_goes_round_the_crop():
    ramp = torch.arange(60.0).expand(50, 1, 1, 60)
    found = changed(Augmentation(crop=20, shift=0.5), ramp)[:, 0, 0]
    assert found.shape == (50, 20)
    for row in found:
        assert row.max() - row.min() == 19
        assert row.unique().numel() == 20
