"""A stack of fits ends where each fit alone does, up to rounding."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from made_up_networks import LABEL, SIZE, SOUND, Small, examples, network
from torch import nn

from respbench.features.augmentation import Augmentation
from respbench.models.networks.backbone import Standardize, StandardizedNetwork
from respbench.models.networks.cnn import TwoLayerCNN
from respbench.models.networks.mlp import MLP
from respbench.models.networks.recipe import LAST, Recipe
from respbench.models.networks.stacked import Member, train_stacked
from respbench.models.networks.training import predict, train

COUNTS = (12, 9, 5)
"""Training clips of the members: with batches of 4, they have 3, 3 and 2 steps per epoch, and smaller last batches."""


def lecture(outputs=2, dropout=0.0):
    return TwoLayerCNN(SIZE, outputs, dropout)


def columns(outputs=2, dropout=0.0):
    return MLP((12, 12), outputs, hidden=8, limit=2.0, input_dropout=0.0, dropout=dropout)


def blurred(seed, count=12):
    """Images whose labels are hard to see, so that members come to different predictions."""
    clips = examples(seed, LABEL[:count], SOUND[:count])
    clips.images[:] -= 1.8 * LABEL[:count, None, None, None]
    return clips


def members(backbone=lecture, counts=COUNTS, **more):
    """Fits on different clips, standardized by each of them."""
    made = []
    for seed, count in enumerate(counts):
        clips = blurred(seed, count)
        net = network(backbone, seed, **more)
        net.standardize = Standardize(clips.images)
        made.append(Member(net, seed, clips, blurred(10 + seed)))
    return made


def both_ways(recipe, made):
    """Curves and predictions of the same members, one by one and as a stack."""
    alone = [replace(member, network=copy.deepcopy(member.network)) for member in made]
    curves = [train(m.network, recipe, m.seed, m.examples, m.valid, 2) for m in alone]
    stacked = train_stacked(made, recipe, 2)
    return (curves, [predicted(m) for m in alone]), (stacked, [predicted(m) for m in made])


def predicted(member):
    return predict(member.network, blurred(99).images, 2)


def same(recipe, made):
    (curves, expected), (stacked, given) = both_ways(recipe, made)
    for curve, other in zip(curves, stacked, strict=True):
        assert [row["kept"] for row in other] == [row["kept"] for row in curve]
        for row, its in zip(other, curve, strict=True):
            assert row == pytest.approx(its, abs=1e-4)
    np.testing.assert_allclose(given, expected, atol=1e-4)
    assert np.abs(expected[0] - expected[1]).max() > 0.01  # or equality would say nothing
    return curves


@pytest.mark.parametrize("backbone", [lecture, columns, Small])
def test_a_stack_ends_where_each_fit_alone_does(backbone):
    same(Recipe(epochs=6, batch_size=4, learning_rate=0.01, weight_decay=0.1), members(backbone))


def test_each_member_stops_by_itself_and_leaves_the_stack():
    curves = same(Recipe(epochs=12, batch_size=4, learning_rate=0.02, patience=2), members())
    assert len({len(curve) for curve in curves}) > 1
    assert max(len(curve) for curve in curves) < 12


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(epochs=4, batch_size=4, learning_rate=0.01, averaging=0.9),
        Recipe(epochs=4, batch_size=4, learning_rate=0.01, averaging=0.9, keep=LAST, class_weights=False),
        Recipe(epochs=4, batch_size=4, learning_rate=0.01, steps=5, one_cycle=True),
        Recipe(epochs=4, batch_size=4, learning_rate=0.01, augmentation=Augmentation(noise=3.0, masked_bands=2)),
    ],
    ids=["averaging", "last epoch", "steps and one cycle", "augmentation"],
)
def test_recipes_mean_the_same(recipe):
    same(recipe, members())


def test_auxiliary_outputs_are_learned_likewise():
    same(Recipe(epochs=4, batch_size=4, learning_rate=0.01, auxiliary=0.5), members(outputs=4))


def test_dropout_is_drawn_for_each_member_and_reproducible():
    recipe = Recipe(epochs=2, batch_size=4, learning_rate=0.01, keep=LAST)

    def twins():
        return [replace(member, seed=seed) for seed in (0, 1) for member in members(Small, (12,), dropout=0.5)]

    once, again = twins(), twins()
    state = torch.get_rng_state()
    train_stacked(once, recipe, 2)
    assert torch.equal(state, torch.get_rng_state())
    train_stacked(again, recipe, 2)
    np.testing.assert_array_equal([predicted(m) for m in once], [predicted(m) for m in again])
    assert not np.allclose(predicted(once[0]), predicted(once[1]))


def recurrent():
    with torch.random.fork_rng():
        return StandardizedNetwork(nn.Identity(), nn.Sequential(nn.Flatten(2), nn.GRU(24, 3)))


@pytest.mark.parametrize(
    ("made", "recipe", "reason"),
    [
        (members(Small, normalized=True), Recipe(), "BatchNorm1d can't be stacked"),
        ([replace(members()[0], network=recurrent())], Recipe(), "GRU can't be stacked"),
        (members(), Recipe(mixup=0.2), "mixup can't be stacked"),
        (members(), Recipe(one_cycle=True, batch_size=4), "equally many steps"),
        ([*members(), *members(Small)], Recipe(), "one architecture"),
        ([replace(members()[0], examples=examples(0, LABEL[:0], SOUND[:0]))], Recipe(), "needs labeled clips"),
    ],
)
def test_what_can_not_be_stacked_is_refused(made, recipe, reason):
    with pytest.raises(ValueError, match=reason):
        train_stacked(made, recipe, 2)


def test_a_member_that_diverges_is_an_error():
    made = members()
    made[1].examples.images[:] = np.inf
    with pytest.raises(ValueError, match="first epoch"):
        train_stacked(made, Recipe(epochs=2, batch_size=4), 2)
