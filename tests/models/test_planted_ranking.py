"""Planted ranking as an auxiliary loss, averaged over networks that differ in their seed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from synthetic_breaths import breath, with_crackles

from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.simulated.acoustics import COARSE_CRACKLE
from respbench.features.images import ResizedMel
from respbench.models.networks import planted_mlp, planted_resnet, planted_waveform
from respbench.models.networks.cnn import TwoLayerCNN
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.planted_ranking import deep_ensemble
from respbench.models.networks.recipe import LAST, Recipe
from respbench.models.pretraining.simulated import Simulated
from respbench.models.semi_supervised.planted import PlantedSounds, abnormality

IMAGES = ResizedMel(n_mels=16, width=32, n_fft=256, hop=64)


def clips_of(count=16):
    """Every second one has crackles; two clips of each patient."""
    label = np.arange(count) % 2
    waves = [breath(0.6, seed) for seed in range(count)]
    signals = [with_crackles(wave, [0.2], COARSE_CRACKLE) if label[n] else wave for n, wave in enumerate(waves)]
    return Clips(
        signals=[wave.astype(np.float32)[None] for wave in signals],
        rate=4000,
        label=label,
        patient=np.array([f"p{number // 2}" for number in range(count)]),
        clip_id=np.array([f"c{number}" for number in range(count)]),
        classes=("normal", "abnormal"),
        meta=pd.DataFrame(index=range(count)),
    )


def small(seed, **recipe):
    recipe = Recipe(**{"epochs": 2, "batch_size": 4, "keep": LAST} | recipe)
    return NetworkModel(lambda size, outputs: TwoLayerCNN(size, outputs), IMAGES, recipe, seed)


def fitted(model, clips):
    return model.fit(clips.take(np.arange(12)), clips.take(np.arange(12, len(clips))))


def test_predictions_are_the_mean_of_networks_of_different_seeds():
    clips = clips_of()
    model = fitted(deep_ensemble(small, seed=3, networks=2, takes=1, weight=0.0, ratio=1.0), clips)
    alone = [fitted(small(seed), clips).predict_proba(clips) for seed in (6, 7)]
    assert np.abs(alone[0] - alone[1]).max() > 1e-3
    np.testing.assert_array_equal(model.predict_proba(clips), np.mean(alone, axis=0))


def test_no_two_repeats_share_a_seed():
    seeds = []
    for repeat in range(3):
        deep_ensemble(lambda own: seeds.append(own) or small(own), repeat, networks=4, takes=1, weight=1.0, ratio=1.0)
    assert sorted(seeds) == list(range(12))


def test_a_weight_ranks_planted_sounds_above_the_clips():
    clips = clips_of()

    def ranked(weight):
        model = deep_ensemble(lambda own: small(own, epochs=8), 0, networks=1, takes=1, weight=weight, ratio=2.0)
        [network] = fitted(model, clips).models
        network.network.eval()
        with torch.no_grad():
            plain, *planted = (
                abnormality(network.network(torch.from_numpy(view(clips.signals, clips.rate))))
                for view in (IMAGES, *PlantedSounds(1).views(IMAGES))
            )
        return np.mean([float((scores > plain).float().mean()) for scores in planted])

    assert ranked(3.0) > 0.9 > ranked(0.0)


def test_labels_of_clips_are_no_part_of_the_ranking():
    """The pool's clips come without labels, so only the supervised loss sees them."""
    model = deep_ensemble(small, 0, networks=1, takes=1, weight=1.0, ratio=1.0).models[0]
    clips = clips_of()
    pools = [model.unlabeled_pool(model.method, part, None) for part in (clips, replace(clips, label=1 - clips.label))]
    np.testing.assert_array_equal(pools[0].images, pools[1].images)
    assert all(np.array_equal(one, other) for one, other in zip(pools[0].views, pools[1].views, strict=True))


def test_the_first_network_can_be_watched_and_has_the_curve():
    seen = []
    model = deep_ensemble(small, 0, networks=2, takes=1, weight=1.0, ratio=1.0)
    model.on_epoch = lambda epoch, predict: seen.append(epoch)
    assert model.on_epoch is not None
    fitted(model, clips_of())
    assert seen == [0, 1] == [row["epoch"] for row in model.curve]
    assert {"unsupervised_loss", "alpha"} <= model.curve[0].keys()


@pytest.mark.parametrize(
    ("given", "named"), [({"networks": 0}, "one network or more"), ({"ratio": 0.01}, "ratio of 0.01")]
)
def test_settings_that_make_nothing_are_refused(given, named):
    with pytest.raises(InputError, match=named):
        deep_ensemble(small, **{"seed": 0, "networks": 1, "takes": 1, "weight": 1.0, "ratio": 1.0} | given)


def test_the_entries_pass_their_parameters_on():
    [mlp] = planted_mlp.build(seed=0, networks=1, ranking=0.5, ratio=2.0, steps=7, auxiliary=0.25).models
    assert (mlp.recipe.alpha, mlp.recipe.unlabeled_batch, mlp.recipe.steps) == (0.5, 64, 7)
    assert (mlp.recipe.auxiliary, mlp.recipe.hold_out) == (0.25, False)
    [maps] = planted_resnet.build(seed=0, simulated_patients=9, ranking=2.0).models
    assert (maps.recipe.alpha, maps.recipe.unlabeled_batch) == (2.0, 8)
    assert maps.pretraining == Simulated(patients=9)
    [scratch] = planted_resnet.build(seed=0, simulated_patients=0, ranking=0.0).models
    assert (scratch.pretraining, scratch.method, scratch.recipe.alpha) == (None, None, 0.0)
    [waveform] = planted_waveform.build(seed=0, simulated_patients=9, ranking=2.0, equaliser=1.5).models
    assert (waveform.recipe.alpha, waveform.recipe.unlabeled_batch) == (2.0, 8)
    assert waveform.pretraining == Simulated(patients=9)
    assert waveform.architecture((1, 1, 16000), 2).augmentation.equaliser == 1.5
