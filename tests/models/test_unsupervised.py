"""What the loop gives a semi-supervised method, what it makes of its term, and what it writes down."""

import dataclasses
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from made_up_networks import SIZE, Given, Spy, examples, network, one_step, pool_of, weights

from respbench.features.augmentation import Augmentation
from respbench.models.networks.recipe import LAST, Recipe
from respbench.models.networks.training import predict, train
from respbench.models.networks.unsupervised import Step, Term, UnlabeledPool, UnsupervisedLoss, deterministic, ramp_up

RECIPE = Recipe(epochs=3, batch_size=4, learning_rate=0.01, keep=LAST, steps=5, alpha=1.0, unlabeled_batch=6)


def numbered(clips):
    """Images that say which clip they are."""
    images = np.zeros((clips, *SIZE), dtype=np.float32)
    images += np.arange(clips, dtype=np.float32)[:, None, None, None]
    return images


def seen(spy):
    """Which clips of `numbered` each step was given."""
    return [step.images[:, 0, 0, 0].long() for step in spy.steps]


def fit(method, images, recipe=RECIPE, net=None, count=None, seed=0):
    """The curve, and the clips with what was written down about them."""
    pool = pool_of(method, images, count)
    return train(net or network(), recipe, seed, examples(), None, 2, pool), pool


# What a method is given


def test_no_label_is_among_what_a_method_is_given():
    names = {field.name for kind in (Step, UnlabeledPool) for field in dataclasses.fields(kind)}
    assert names == {
        *(
            "images",
            "views",
            "patient",
            "recording",
            "network",
            "ema",
            "classes",
            "weak",
            "strong",
            "progress",
            "labeled",
        ),
        *("method", "unlabeled_count", "pseudo_labels"),
    }


def test_each_step_is_given_as_many_clips_as_the_recipe_says():
    spy = Spy()
    fit(spy, numbered(7))
    assert [len(clips) for clips in seen(spy)] == [6] * 15


def test_in_an_epoch_every_clip_is_seen_about_as_often():
    spy = Spy()
    fit(spy, numbered(7))
    for epoch in range(3):
        counts = torch.bincount(torch.cat(seen(spy)[5 * epoch : 5 * epoch + 5]), minlength=7)
        assert counts.max() - counts.min() <= 2  # an epoch goes on in the pass that the last one left


def test_in_a_training_every_clip_is_seen_about_as_often():
    """An epoch sees 30 of 60 clips, two epochs all of them."""
    spy = Spy()
    fit(spy, numbered(60), replace(RECIPE, epochs=6))
    counts = torch.bincount(torch.cat(seen(spy)), minlength=60)
    assert counts.max() - counts.min() <= 1


def test_patients_and_recordings_travel_with_their_clips():
    spy, images = Spy(), numbered(20)
    pool = replace(pool_of(spy, images), patient=torch.arange(20) // 4, recording=torch.arange(20) // 2)
    train(network(), RECIPE, 0, examples(), None, 2, pool)
    for step, clips in zip(spy.steps, seen(spy), strict=True):
        assert torch.equal(step.patient, clips // 4)
        assert torch.equal(step.recording, clips // 2)


def test_further_looks_travel_with_their_clips():
    spy, images = Spy(), numbered(20)
    pool = replace(pool_of(spy, images), views=[images + 100, images + 200])
    train(network(), RECIPE, 0, examples(), None, 2, pool)
    assert all(torch.equal(step.views, torch.stack([step.images + 100, step.images + 200])) for step in spy.steps)
    fit(without := Spy(), images)
    assert all(step.views.shape == (0, 6, *SIZE) for step in without.steps)


def test_progress_goes_evenly_from_0_to_almost_1():
    spy = Spy()
    fit(spy, numbered(9))
    assert [step.progress for step in spy.steps] == pytest.approx([n / 15 for n in range(15)])


def test_the_views_are_those_of_the_recipe():
    spy, weak, strong = Spy(), Augmentation(gain=1.0), Augmentation(noise=1.0)
    fit(spy, numbered(9), replace(RECIPE, augmentation=weak, strong=strong))
    assert all(step.weak is weak and step.strong is strong for step in spy.steps)
    assert all(torch.equal(step.images[:, 0, 0, 0], step.images[:, 0, 3, 5]) for step in spy.steps)  # not changed yet


def test_the_teacher_is_the_average_of_the_weights_in_evaluation_mode():
    given = []

    def look(step):
        given.append((step.ema is step.network, step.ema.training, step.network.training))
        return 0.0 * step.logits(step.images).sum()

    net = network()
    fit(Spy(loss=look), numbered(9), replace(RECIPE, averaging=0.9), net)
    assert given == [(False, False, True)] * 15


def test_logits_have_dropout_and_are_of_the_classes_alone():
    net = network(outputs=4, dropout=0.5).train()
    step = one_step(torch.from_numpy(examples().images), net)
    one, other = step.logits(step.images), step.logits(step.images)
    assert one.shape == (12, 2)
    assert not torch.equal(one, other)
    assert one.requires_grad


def test_what_is_judged_has_no_dropout_and_no_gradient_and_is_what_would_be_predicted():
    net, images = network(outputs=4, dropout=0.5, normalized=True).train(), examples().images
    net(torch.from_numpy(images))  # batch normalization has learned something
    before = net.backbone.hidden[3].running_mean.clone()
    step = one_step(torch.from_numpy(images), net)
    judged = step.predict(step.images)
    assert not judged.requires_grad
    assert torch.equal(judged, step.predict(step.images))
    assert torch.equal(net.backbone.hidden[3].running_mean, before)
    assert net.training
    assert all(module.training for module in net.modules())
    np.testing.assert_allclose(judged, predict(net, images, 2), rtol=1e-5)
    other = network(seed=1, outputs=4)
    np.testing.assert_allclose(step.predict(step.images, other), predict(other, images, 2), rtol=1e-5)


def test_probabilities_of_features_are_those_of_the_images():
    net = network(outputs=4).train()
    step = one_step(torch.from_numpy(examples().images), net)
    found = step.probabilities(net.backbone.encode(step.images))
    torch.testing.assert_close(found, step.predict(step.images))
    assert not found.requires_grad


# Without chance


def test_without_chance_leaves_modes_and_running_statistics_as_they_were():
    net = torch.nn.ModuleDict(
        {"a": torch.nn.Dropout(), "b": torch.nn.Dropout2d(), "c": torch.nn.BatchNorm2d(3), "d": torch.nn.GRU(2, 2)}
    ).train()
    net["b"].eval()
    with deterministic(net):
        assert [net[name].training for name in "abcd"] == [False, False, False, True]
        net["c"](torch.randn(4, 3, 2, 2) + 9)
    assert [net[name].training for name in "abcd"] == [True, False, True, True]
    assert net["c"].running_mean.tolist() == [0, 0, 0]
    assert net["c"].num_batches_tracked == 0


def test_without_chance_restores_modes_after_an_exception():
    net = network(dropout=0.5, normalized=True).train()
    with pytest.raises(RuntimeError, match="inside"), deterministic(net):
        raise RuntimeError("inside")
    assert all(module.training for module in net.modules())


# The weight of the term


def test_the_ramp_is_gaussian_up_to_its_end():
    assert ramp_up(0.0) == pytest.approx(0.006737947)
    assert ramp_up(0.5) == pytest.approx(0.286504797)
    assert ramp_up(0.9) == pytest.approx(0.951229425)
    assert ramp_up(1.0) == ramp_up(7.0) == 1.0
    assert ramp_up(-1.0) == ramp_up(0.0)


@pytest.mark.parametrize(("ramp", "place"), [(1.0, [4 / 15, 9 / 15, 14 / 15]), (0.4, [4 / 6, 1.0, 1.0])])
def test_alpha_in_the_curve_is_that_of_the_epochs_last_step(ramp, place):
    curve, _ = fit(Spy(), numbered(9), replace(RECIPE, alpha=3.0, ramp=ramp))
    assert [row["alpha"] for row in curve] == pytest.approx([3.0 * math.exp(-5 * (1 - t) ** 2) for t in place])


def test_without_a_ramp_alpha_is_there_from_the_first_step():
    curve, _ = fit(Spy(), numbered(9), replace(RECIPE, alpha=3.0, ramp=0.0))
    assert [row["alpha"] for row in curve] == [3.0] * 3


def gradients(monkeypatch, recipe, method, net):
    """Of each step, as the optimizer gets it."""
    found = []
    step = torch.optim.AdamW.step

    def spied(self, *args, **more):
        found.append(torch.cat([weight.grad.flatten() for weight in net.parameters()]))
        return step(self, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", spied)
        train(net, recipe, 0, examples(), None, 2, pool_of(method, numbered(9)) if method else None)
    return found


def test_the_gradient_is_that_of_the_labeled_clips_plus_alpha_times_that_of_the_term(monkeypatch):
    recipe = replace(RECIPE, epochs=1, steps=1, batch_size=12, alpha=3.0)
    sum_of_squares = Spy(loss=lambda step: step.network(step.images).square().sum())
    (both,) = gradients(monkeypatch, recipe, sum_of_squares, network())
    (labeled,) = gradients(monkeypatch, recipe, None, network())
    net, images = network(), sum_of_squares.steps[0].images
    net(images).square().sum().backward()
    alone = torch.cat([weight.grad.flatten() for weight in net.parameters()])
    assert alone.norm() > 0.1
    torch.testing.assert_close(both, labeled + 3.0 * alone, rtol=1e-4, atol=1e-5)


def test_with_alpha_0_the_network_becomes_its_twin():
    """Every step takes all labeled clips, so that their order makes no difference."""
    recipe = replace(RECIPE, batch_size=12, alpha=0.0)
    with_term, twin = network(), network()
    fit(Spy(loss=lambda step: step.logits(step.images).square().sum()), numbered(9), recipe, with_term)
    train(twin, recipe, 0, examples(), None, 2)
    torch.testing.assert_close(weights(with_term), weights(twin), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(weights(twin), weights(network()))


def test_a_method_and_its_twin_see_the_same_labeled_clips_in_each_step(monkeypatch):
    recipe = replace(RECIPE, alpha=0.0)
    (*_, last), (*_, twins_last) = (gradients(monkeypatch, recipe, method, network()) for method in (Spy(), None))
    torch.testing.assert_close(last, twins_last, rtol=1e-4, atol=1e-5)


# What is written down


def told(step):
    """Probabilities that the images state: class 1 where they are 2, class 0 where they are -2, else neither."""
    p = (0.5 + 0.245 * step.images[:, 0, 0, 0]).clamp(0.01, 0.99)
    return torch.stack([1 - p, p], dim=1)


def stating(*values):
    return np.ones((len(values), *SIZE), dtype=np.float32) * np.array(values, dtype=np.float32)[:, None, None, None]


def test_pseudo_labels_stand_in_the_order_of_the_clips():
    images = stating(2, 0, -2, -2, 0, 2, -2, 2, 2, 0, 0)
    curve, pool = fit(Spy(told), images)
    assert [found.tolist() for found in pool.pseudo_labels] == [[1, -1, 0, 0, -1, 1, 0, 1, 1, -1, -1]] * len(curve)
    assert all(found.dtype == np.int64 for found in pool.pseudo_labels)


def test_labeled_clips_have_no_pseudo_label():
    _, pool = fit(Spy(told), stating(2, 0, -2, 2, 2), count=3)
    assert [found.tolist() for found in pool.pseudo_labels] == [[1, -1, 0]] * 3


def test_a_clip_that_was_not_seen_has_no_pseudo_label():
    spy = Spy(told)
    _, pool = fit(spy, stating(*[2] * 40), replace(RECIPE, steps=2))
    assert [int((found == 1).sum()) for found in pool.pseudo_labels] == [12] * 3
    assert [int((found == -1).sum()) for found in pool.pseudo_labels] == [28] * 3


def test_the_pseudo_label_is_that_of_the_last_time_in_the_epoch():
    """Told at random, but written down by the test as well."""
    chance, last = torch.Generator().manual_seed(0), {}

    def say(step):
        label = torch.randint(0, 2, (len(step.images),), generator=chance)
        last.update(zip(step.images[:, 0, 0, 0].int().tolist(), label.tolist(), strict=True))
        return torch.nn.functional.one_hot(label, 2).float()

    _, pool = fit(Spy(say), numbered(5), replace(RECIPE, epochs=1, steps=8, unlabeled_batch=5))
    assert pool.pseudo_labels[0].tolist() == [last[clip] for clip in range(5)]


def test_the_threshold_itself_counts_as_confident():
    spy = Spy(lambda step: torch.tensor([[0.25, 0.75]]).expand(len(step.images), 2))
    spy.threshold = 0.75
    curve, _ = fit(spy, numbered(6))
    assert [row["confident"] for row in curve] == [1.0] * 3


def test_the_share_of_confident_clips_is_that_of_the_unlabeled_ones():
    """The labeled clips, the last three, are confident; of the others a quarter."""
    images = stating(0, 0, 2, 0, 2, 2, 2)
    curve, _ = fit(Spy(told), images, replace(RECIPE, unlabeled_batch=7), count=4)
    assert [row["confident"] for row in curve] == [0.25] * 3


def test_the_curve_has_these_columns():
    common = {"epoch", "train_loss", "train_accuracy", "kept", "unsupervised_loss", "alpha"}
    curve, _ = fit(Spy(told), numbered(6))
    assert all(row.keys() == common | {"confident"} for row in curve)
    curve, pool = fit(Spy(told), numbered(6), count=0)
    assert all(row.keys() == common for row in curve)
    assert [len(found) for found in pool.pseudo_labels] == [0] * 3
    curve = train(network(), RECIPE, 0, examples(), examples(1), 2, pool_of(Spy(told), numbered(6)))
    assert all(row.keys() == common | {"confident", "valid_loss", "valid_accuracy", "valid_score"} for row in curve)


def test_a_method_without_probabilities_is_confident_about_nothing():
    curve, pool = fit(Spy(), numbered(6))
    assert [row["confident"] for row in curve] == [0.0] * 3
    assert all((found == -1).all() for found in pool.pseudo_labels)


def test_the_unsupervised_loss_is_the_mean_over_the_epochs_steps_unweighted():
    rising = Spy(loss=lambda step: 15 * step.progress + 0.0 * step.logits(step.images).sum())
    curve, _ = fit(rising, numbered(9), replace(RECIPE, alpha=0.1))
    assert [row["unsupervised_loss"] for row in curve] == pytest.approx([2.0, 7.0, 12.0])
    twin = train(network(), RECIPE, 0, examples(), None, 2)
    assert curve[0]["train_loss"] == pytest.approx(twin[0]["train_loss"])  # of the labeled clips alone


# Divergence


def breaking(first):
    """A term whose gradient is no number from step ``first`` on, counted from 0."""
    spy = Spy(told)
    spy.costs = lambda step: step.logits(step.images).sum() * (float("nan") if len(spy.steps) > first else 1e-3)
    return spy


@pytest.mark.parametrize("averaging", [0.0, 0.9])
@pytest.mark.parametrize("first", [5, 7, 9])
def test_a_term_that_is_no_number_ends_training_with_what_was_good(first, averaging):
    """In the first, a middle, or the very last step of the second epoch."""
    recipe, net, shorter = replace(RECIPE, averaging=averaging), network(), network()
    curve, pool = fit(breaking(first), numbered(9), recipe, net)
    assert [row["kept"] for row in curve] == [1]
    assert np.isfinite(curve[0]["unsupervised_loss"])
    assert len(pool.pseudo_labels) == 1
    fit(breaking(99), numbered(9), replace(recipe, epochs=1), shorter)
    assert torch.equal(weights(net), weights(shorter))


@pytest.mark.parametrize("first", [0, 4])
def test_a_term_that_is_no_number_in_the_first_epoch_is_an_error(first):
    with pytest.raises(ValueError, match="the loss of the first epoch is not finite"):
        fit(breaking(first), numbered(9))


# Chance


class Noisy(UnsupervisedLoss):
    """Draws, and has weights of its own."""

    def __init__(self):
        super().__init__()
        self.own = torch.nn.Parameter(torch.ones(2))

    def forward(self, step):
        logits = step.logits(step.images + torch.randn_like(step.images))
        return Term((logits * self.own).square().mean(), logits.detach().softmax(1))


def test_the_same_seed_gives_the_same_weights_and_another_does_not():
    nets = [network(dropout=0.3) for _ in range(3)]
    curves, crowds = zip(
        *(fit(Noisy(), numbered(9), net=net, seed=seed) for net, seed in zip(nets, (3, 3, 4), strict=True)),
        strict=True,
    )
    assert torch.equal(weights(nets[0]), weights(nets[1]))
    assert curves[0] == curves[1]
    np.testing.assert_array_equal(crowds[0].pseudo_labels, crowds[1].pseudo_labels)
    assert not torch.equal(weights(nets[0]), weights(nets[2]))


def test_the_callers_random_numbers_are_left_alone():
    torch.manual_seed(1)
    np.random.seed(1)
    torchs, numpys = torch.get_rng_state(), np.random.get_state()[1].copy()
    fit(Noisy(), numbered(9), net=network(dropout=0.3))
    assert torch.equal(torch.get_rng_state(), torchs)
    assert np.array_equal(np.random.get_state()[1], numpys)


def test_the_methods_own_weights_are_trained_but_are_no_part_of_the_network():
    method, net = Noisy(), network()
    names = set(net.state_dict())
    fit(method, numbered(9), net=net)
    assert not torch.equal(method.own.detach(), torch.ones(2))
    assert set(net.state_dict()) == names


def test_the_images_that_are_given_are_left_as_they_were():
    images, labeled = numbered(9), examples().images.copy()
    given = examples()
    hard = replace(RECIPE, augmentation=Augmentation(gain=2.0, shift=0.5), strong=Augmentation(gain=2.0))
    method = Spy(loss=lambda step: step.logits(step.strong(step.weak(step.images))).square().sum())
    train(network(), hard, 0, given, None, 2, pool_of(method, images))
    np.testing.assert_array_equal(images, numbered(9))
    np.testing.assert_array_equal(given.images, labeled)


def test_what_a_method_learned_without_labels_reaches_the_predictions():
    """A term that wants every clip to be of class 1."""
    every_clip_ill = Spy(loss=lambda step: -step.logits(step.images).log_softmax(1)[:, 1].mean())
    net, twin = network(), network()
    fit(every_clip_ill, examples(3).images, replace(RECIPE, alpha=10.0), net)
    train(twin, RECIPE, 0, examples(), None, 2)
    assert (predict(net, examples().images, 2)[:, 1] > predict(twin, examples().images, 2)[:, 1] + 0.05).all()


def test_a_given_network_says_what_its_images_state():
    """The tests' own tool."""
    images = np.zeros((2, *SIZE), dtype=np.float32)
    images[0, 0, 0, 1] = images[1, 0, 0, 0] = 3.0
    np.testing.assert_allclose(predict(network(Given), images, 2)[:, 1], [0.952574, 0.047426], atol=1e-5)
