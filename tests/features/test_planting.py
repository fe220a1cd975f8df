"""Planted sounds: where they belong, as loud as they should be, and the same wherever the clip stands."""

from dataclasses import dataclass

import numpy as np
import pytest

from respbench.corpora.problems import InputError
from respbench.features.cache import key
from respbench.features.images import ResizedMel
from respbench.features.planting import SOUNDS, Planted, plant, planted
from respbench.models.semi_supervised.planted import PlantedSounds, abnormality

RATE = 4000


def noise(seed=0, seconds=2.0, level=0.1):
    return (level * np.random.default_rng(seed).standard_normal((1, round(seconds * RATE)))).astype(np.float32)


@pytest.mark.parametrize("sound", SOUNDS)
class TestBothSounds:
    def test_a_clip_keeps_its_length_and_gains_a_sound(self, sound):
        clip = noise()
        before = clip.copy()
        changed = plant(clip, RATE, sound, 0)
        assert changed.shape == clip.shape
        assert changed.dtype == np.float32
        assert np.isfinite(changed).all()
        assert np.square(changed - clip).sum() > 0
        np.testing.assert_array_equal(clip, before)

    def test_the_same_clip_gets_the_same_sound_and_another_take_another(self, sound):
        np.testing.assert_array_equal(plant(noise(), RATE, sound, 0), plant(noise(), RATE, sound, 0))
        assert not np.array_equal(plant(noise(), RATE, sound, 0), plant(noise(), RATE, sound, 1))

    def test_other_clips_get_other_sounds(self, sound):
        added = [plant(noise(seed), RATE, sound, 0) - noise(seed) for seed in range(2)]
        assert not np.allclose(*added)

    @pytest.mark.parametrize("samples", [1, 7, 300, 900])
    def test_the_shortest_clips_are_no_trouble(self, sound, samples):
        for take in range(5):
            assert np.isfinite(plant(noise(seconds=samples / RATE), RATE, sound, take)).all()

    def test_in_silence_nothing_can_be_relative_to_anything(self, sound):
        silence = np.zeros((1, RATE), dtype=np.float32)
        np.testing.assert_array_equal(plant(silence, RATE, sound, 0), silence)

    def test_what_is_added_is_as_loud_as_the_clip_asks(self, sound):
        """Ten times the clip, about ten times the planted sound, over many takes."""
        loudness = [
            np.median([np.square(plant(c, RATE, sound, t) - c).mean() ** 0.5 for t in range(40)])
            for c in (noise(level=0.01), noise(level=0.1))
        ]
        assert loudness[1] / loudness[0] == pytest.approx(10, rel=0.5)

    def test_a_row_depends_on_its_clip_alone(self, sound):
        extractor = planted(ResizedMel(n_mels=16, width=8), sound, 0)
        clips = [noise(0), noise(1, 1.3), noise(2, 0.4)]
        together = extractor(clips, RATE)
        for row, clip in zip(together, clips, strict=True):
            np.testing.assert_array_equal(row, extractor([clip], RATE)[0])


def test_a_wheeze_is_a_line_and_crackles_are_clicks():
    """The loudest frequency of what is added stands out of its spectrum; the loudest moment out of its time."""

    def peak(x):
        return float(np.abs(x).max() / np.sqrt(np.mean(np.abs(x) ** 2)))

    clip = noise()
    wheezes, crackles = ([plant(clip, RATE, s, t)[0] - clip[0] for t in range(20)] for s in ("wheezes", "crackles"))
    assert np.mean([peak(np.fft.rfft(x)) for x in wheezes]) > 2 * np.mean([peak(np.fft.rfft(x)) for x in crackles])
    assert np.mean([peak(x) for x in crackles]) > 2 * np.mean([peak(x) for x in wheezes])


def test_an_unknown_sound_is_refused():
    with pytest.raises(InputError, match="unknown sound 'rhonchi' to plant"):
        Planted(ResizedMel(), "rhonchi", 0, "")


@dataclass(frozen=True)
class Loudness:
    """An extractor of a user's."""

    power: int = 2

    def __call__(self, signals, rate):
        return np.array([[np.abs(signal**self.power).mean()] for signal in signals], dtype=np.float32)


def test_the_cache_key_contains_what_looks_at_the_planted_clip():
    keys = {key(planted(e, s, t), RATE) for e in (Loudness(), Loudness(3)) for s in SOUNDS for t in (0, 1)}
    assert len(keys) == 8
    assert planted(Loudness(), "wheezes", 0).code != planted(ResizedMel(), "wheezes", 0).code


def test_a_method_looks_at_every_sound_and_take():
    views = PlantedSounds(takes=3).views(Loudness())
    assert len(set(views)) == 6


def test_abnormality_is_the_log_odds_of_anything_but_normal():
    import torch

    for classes in (2, 4):
        logits = torch.randn(5, classes, dtype=torch.float64)
        p = logits.softmax(1)
        torch.testing.assert_close(abnormality(logits), torch.log((1 - p[:, 0]) / p[:, 0]))
