"""The network on waveforms: what its filters pass, its maps beside those of Fourier transforms, and what is trained."""

import math

import numpy as np
import pytest
import torch
from synthetic_breaths import RATE, breath, signal, with_crackles, with_wheeze

from respbench.corpora.problems import InputError
from respbench.corpora.simulated.acoustics import COARSE_CRACKLE
from respbench.features.augmentation import Augmentation
from respbench.features.maps import CHANNELS, SoundMaps
from respbench.features.waveform import MirroredWaveform
from respbench.models.networks.resnet_waveform import FilterbankNet, build, gabor
from respbench.models.pretraining.task import architecture_of

LEVEL, TONALITY, TRANSIENTS, BROADBAND = range(4)


def network(scale=0.01, augmentation=None):
    torch.manual_seed(0)
    return FilterbankNet(2, 0.0, augmentation or Augmentation(), scale).eval()


def maps_of(*waves, seconds=4.0):
    """(clips, 4, 32, columns)."""
    with torch.no_grad():
        images = torch.from_numpy(MirroredWaveform(seconds)([signal(wave) for wave in waves], RATE))
        return network().maps(images[:, 0]).numpy()


def test_white_noise_leaves_the_same_energy_behind_every_pair():
    filters = gabor(32, 64)
    assert filters.shape == (64, 64)
    pairs = filters[:32].square().sum(1) + filters[32:].square().sum(1)
    torch.testing.assert_close(pairs, torch.ones(32))


@pytest.mark.parametrize("number", [2, 7, 29])
def test_a_filter_passes_its_own_band_alone(number):
    tone = torch.cos(torch.arange(64.0) * (number + 0.5) / 32 * math.pi)
    real, imaginary = (gabor(32, 64) @ tone).chunk(2)
    energy = real.square() + imaginary.square()
    assert energy.argmax() == number
    far = torch.tensor([abs(other - number) > 3 for other in range(32)])
    assert energy[far].max() < 1e-3 * energy.max()


def test_the_maps_resemble_those_of_fourier_transforms():
    """Before training; columns of 32 ms in both, the filters' shifted by half a column."""
    wave = with_crackles(with_wheeze(breath(4, 1), 410, 1.0, 0.8, level=0.2), [2.5, 2.6, 3.1], COARSE_CRACKLE)
    own = maps_of(wave)[0]
    other = SoundMaps(seconds=4.0)([signal(wave)], RATE)[0]
    for channel, least in {LEVEL: 0.75, TONALITY: 0.6, BROADBAND: 0.5}.items():
        correlation = np.corrcoef(own[channel].ravel(), other[channel, :, : own.shape[2]].ravel())[0, 1]
        assert correlation > least, CHANNELS[channel]


def test_a_wheeze_is_tonal_in_its_band_and_a_crackle_is_transient_in_its_column():
    plain, wheezing, crackling = (
        breath(4, 2),
        with_wheeze(breath(4, 2), 410, 1.0, 1.0, level=0.2),
        with_crackles(breath(4, 2), [2.5], COARSE_CRACKLE, level=2.0),
    )
    before, wheeze, crackle = maps_of(plain, wheezing, crackling)
    tonal = (wheeze - before)[TONALITY, :, 36:58].mean(1)
    assert tonal.argmax() == int(410 / 62.5)
    assert tonal.max() > 5
    transient = (crackle - before)[BROADBAND, 0]
    assert abs(int(transient.argmax()) - int(2.5 / 0.032)) <= 1
    assert transient.max() > 5


def test_the_ends_of_a_waveform_are_no_crackles():
    """Of a breath whose low frequencies are loud, as on the chest; a clip that ends is no silence that begins."""
    waves = [np.cumsum(breath(5, seed))[4000:] for seed in range(8)]
    broadband = maps_of(*waves)[:, BROADBAND, 0]
    ends = np.concatenate([broadband[:, :2], broadband[:, -2:]], axis=1)
    assert np.median(ends) < np.median(broadband[:, 4:-4].max(1)) + 1


def test_loudness_does_not_matter():
    quiet, loud = MirroredWaveform(4.0)([signal(breath(3)), 30 * signal(breath(3))], RATE)
    np.testing.assert_allclose(quiet, loud, rtol=1e-4, atol=1e-5)


def test_filters_are_trained_unless_their_scale_is_0():
    waves = torch.from_numpy(MirroredWaveform(1.0)([signal(breath(1, seed)) for seed in range(4)], RATE))
    trained = network(0.01).train()
    trained(waves).square().sum().backward()
    assert trained.long.change.grad.abs().max() > 0
    assert trained.short.change.grad.abs().max() > 0
    assert {name for name, _ in network(0.0).named_parameters()} == {
        name for name, _ in trained.named_parameters() if "change" not in name
    }


def test_maps_are_augmented_in_training_alone():
    waves = torch.from_numpy(MirroredWaveform(1.0)([signal(breath(1))], RATE)).repeat(2, 1, 1, 1)
    model = network(augmentation=Augmentation(noise=3.0))
    with torch.no_grad():
        same, also = model.encode(waves)
        torch.testing.assert_close(same, also)
        one, other = model.train().encode(waves)
    assert (one - other).abs().max() > 1e-3


def test_pretrained_weights_belong_to_their_scale_and_augmentation():
    assert architecture_of(network(0.01)) == architecture_of(network(0.01))
    assert architecture_of(network(0.01)) != architecture_of(network(0.02))
    assert architecture_of(network()) != architecture_of(network(augmentation=Augmentation(noise=1.0)))


def test_a_waveform_that_is_shorter_than_a_filter_is_refused():
    with pytest.raises(InputError, match="400 samples"):
        build(seed=0).architecture((1, 1, 400), 2)
    with pytest.raises(InputError, match="100 samples"):
        build(seed=0, crop=100).architecture((1, 1, 16000), 2)
