"""The one loop: what it minimizes, what it keeps, and what of its parts reaches a prediction."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_up_networks import LABEL, SIZE, SOUND, Given, examples, network, weights
from torch import nn

from respbench.corpora.simulated.simulation import Simulation, simulate
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut
from respbench.corpora.tasks import for_task
from respbench.features.augmentation import Augmentation
from respbench.models.networks import batches
from respbench.models.networks import network as network_module
from respbench.models.networks.backbone import Backbone, Standardize
from respbench.models.networks.batches import ShuffledRows
from respbench.models.networks.losses import Targets
from respbench.models.networks.network import NetworkModel, image_extractor
from respbench.models.networks.recipe import LAST, Recipe
from respbench.models.networks.training import EMA, Examples, predict, train


def linear(outputs=2):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(SIZE)), outputs))


# The average and the schedule


def test_average_is_its_closed_form():
    decay, net = 0.9, linear()
    average = EMA(net, decay)
    history, shares = [weights(net).clone()], []
    for step in range(1, 40):
        with torch.no_grad():
            for weight in net.parameters():
                weight.add_(0.1 * step)
        average.update()
        history.append(weights(net).clone())
        shares.append(1 - min(decay, step / (step + 10)))
    left = np.cumprod([1.0, *[1 - share for share in shares[::-1]]])[::-1]  # what each later step leaves of one before
    parts = [left[0], *[share * rest for share, rest in zip(shares, left[1:], strict=True)]]
    assert sum(parts) == pytest.approx(1)
    expected = sum(part * value for part, value in zip(parts, history, strict=True))
    torch.testing.assert_close(weights(average.network), expected, rtol=1e-4, atol=1e-4)
    assert shares[0] == pytest.approx(10 / 11)
    assert shares[-1] == pytest.approx(0.21, abs=0.01)


def test_average_copies_counters_and_averages_running_means():
    net = nn.BatchNorm1d(2)
    average = EMA(net, 0.5)
    net(torch.randn(8, 2) + 5)
    average.update()
    assert average.network.num_batches_tracked == net.num_batches_tracked == 1
    torch.testing.assert_close(average.network.running_mean, 10 / 11 * net.running_mean)


def test_no_average_is_the_network_itself():
    net = linear()
    average = EMA(net, 0.0)
    average.update()
    assert average.network is net


def test_one_cycle_rises_to_its_peak_and_ends_near_zero(monkeypatch):
    rates = rates_of(Recipe(epochs=5, batch_size=4, learning_rate=0.01, one_cycle=True, keep=LAST), monkeypatch)
    assert len(rates) == 5 * 3
    peak = int(np.argmax(rates))
    assert rates[peak] == pytest.approx(0.01, rel=0.05)
    assert (np.diff(rates[: peak + 1]) > 0).all()
    assert (np.diff(rates[peak:]) < 0).all()
    assert rates[0] < 0.05 * rates[peak]
    assert rates[-1] < 0.03 * rates[peak]


def test_without_one_cycle_the_rate_stays(monkeypatch):
    assert set(rates_of(Recipe(epochs=2, batch_size=4, learning_rate=0.01, keep=LAST), monkeypatch)) == {0.01}


def rates_of(recipe, monkeypatch):
    """The learning rate of every step."""
    rates = []
    step = torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW,
        "step",
        lambda self, *args, **more: rates.append(self.param_groups[0]["lr"]) or step(self, *args, **more),
    )
    train(linear(), recipe, 0, examples(), None, 2)
    return rates


# What is kept


def kept(curve):
    return [row["epoch"] for row in curve if row["kept"]]


def test_last_keeps_the_last_epoch_and_looks_at_no_validation_clip():
    net, recipe = linear(), Recipe(epochs=4, batch_size=4, keep=LAST, patience=1)
    curve = train(net, recipe, 0, examples(), None, 2)
    assert kept(curve) == [3]
    assert len(curve) == 4
    assert all(row.keys() == {"epoch", "train_loss", "train_accuracy", "kept"} for row in curve)
    shorter = linear()
    train(shorter, replace(recipe, epochs=3), 0, examples(), None, 2)
    assert not torch.equal(weights(net), weights(shorter))


def test_the_epoch_that_is_best_on_the_validation_clips_is_kept():
    """Validation labels are the wrong way round: the first epoch, which learned least, is the best."""
    wrong = Examples(examples(1).images, Targets.of(1 - LABEL, SOUND))
    net = linear()
    curve = train(net, Recipe(epochs=6, batch_size=4, learning_rate=0.05), 0, examples(), wrong, 2)
    scores = [(row["valid_score"], -row["valid_loss"]) for row in curve]
    best = max(range(6), key=lambda epoch: scores[epoch])
    assert kept(curve) == [best]
    assert best < 5
    stopped = linear()
    train(stopped, Recipe(epochs=best + 1, batch_size=4, learning_rate=0.05), 0, examples(), wrong, 2)
    assert torch.equal(weights(net), weights(stopped))


def test_patience_ends_training():
    wrong = Examples(examples(1).images, Targets.of(1 - LABEL, SOUND))
    curve = train(linear(), Recipe(epochs=30, batch_size=4, learning_rate=0.05, patience=2), 0, examples(), wrong, 2)
    assert len(curve) == kept(curve)[0] + 3 < 30


def test_what_is_kept_is_the_average_of_the_weights():
    """With decay the weights left are the average's, not those of the last step."""
    plain, averaged = linear(), linear()
    recipe = Recipe(epochs=3, batch_size=4, learning_rate=0.05, keep=LAST)
    train(plain, recipe, 0, examples(), None, 2)
    train(averaged, replace(recipe, averaging=0.99), 0, examples(), None, 2)
    start = weights(linear())
    assert 0 < (weights(averaged) - start).norm() < (weights(plain) - start).norm()


def test_training_learns_and_the_same_seed_gives_the_same_weights():
    recipe = Recipe(epochs=8, batch_size=4, learning_rate=0.05, keep=LAST, mixup=0.3, averaging=0.9, auxiliary=0.5)
    nets = [linear(4) for _ in range(3)]
    curves = [train(net, recipe, seed, examples(), None, 2) for net, seed in zip(nets, (3, 3, 4), strict=True)]
    assert curves[0][-1]["train_loss"] < curves[0][0]["train_loss"]
    assert curves[0] == curves[1]
    assert torch.equal(weights(nets[0]), weights(nets[1]))
    assert not torch.equal(weights(nets[0]), weights(nets[2]))
    assert (predict(nets[0], examples(7).images, 2).argmax(axis=1) == LABEL).mean() > 0.8


def test_training_that_diverges_at_once_says_what_to_do():
    images = np.full((4, *SIZE), np.nan, dtype=np.float32)
    broken = Examples(images, Targets.of(LABEL[:4], SOUND[:4]))
    with pytest.raises(ValueError, match="the loss of the first epoch is not finite; lower the learning rate"):
        train(linear(), Recipe(epochs=2), 0, broken, broken, 2)


class Scheduled(nn.Module):
    """Its outputs become NaN from one forward pass in training on."""

    def __init__(self, breaks_at):
        super().__init__()
        self.inside, self.passes, self.breaks_at = linear(), 0, breaks_at

    def forward(self, images):
        self.passes += self.training
        return self.inside(images) * (float("nan") if self.training and self.passes > self.breaks_at else 1.0)


@pytest.mark.parametrize("valid", [None, examples(1)])
def test_training_that_diverges_later_keeps_what_was_good(valid):
    net = Scheduled(breaks_at=2 * 3)
    keep = LAST if valid is None else "accuracy"
    curve = train(net, Recipe(epochs=9, batch_size=4, keep=keep), 0, examples(), valid, 2)
    assert len(curve) == 2
    assert len(kept(curve)) == 1
    assert torch.isfinite(weights(net)).all()


class LastStep(torch.optim.AdamW):
    """Spoils one weight in the step ``breaks_at``, counted from 1: the loss of that step was a number still."""

    breaks_at = 6

    def step(self, *args, **more):
        super().step(*args, **more)
        self.taken = getattr(self, "taken", 0) + 1
        if self.taken == self.breaks_at:
            with torch.no_grad():
                self.param_groups[0]["params"][0].view(-1)[0] = self.spoiled


@pytest.mark.parametrize("averaging", [0.0, 0.9])
@pytest.mark.parametrize("spoiled", [float("nan"), float("inf")])
def test_weights_that_diverge_in_an_epochs_last_step_are_not_kept(spoiled, averaging, monkeypatch):
    monkeypatch.setattr(LastStep, "spoiled", spoiled, raising=False)
    net, recipe = linear(), Recipe(epochs=2, batch_size=4, keep=LAST, averaging=averaging)
    good = linear()
    train(good, replace(recipe, epochs=1), 0, examples(), None, 2)
    monkeypatch.setattr(torch.optim, "AdamW", LastStep)
    curve = train(net, recipe, 0, examples(), None, 2)  # 3 steps per epoch: it breaks in the last one of the second
    assert kept(curve) == [0]
    assert len(curve) == 1
    assert torch.equal(weights(net), weights(good))


def test_weights_that_diverge_in_the_only_step_are_an_error(monkeypatch):
    monkeypatch.setattr(LastStep, "spoiled", float("nan"), raising=False)
    monkeypatch.setattr(LastStep, "breaks_at", 1)
    monkeypatch.setattr(torch.optim, "AdamW", LastStep)
    with pytest.raises(ValueError, match="lower the learning rate"):
        train(linear(), Recipe(epochs=1, batch_size=12, keep=LAST), 0, examples(), None, 2)


def test_a_fixed_schedule_that_holds_out_scores_each_epoch_and_chooses_nothing():
    wrong = Examples(examples(1).images, Targets.of(1 - LABEL, SOUND))
    nets, recipe = (linear(), linear()), Recipe(epochs=4, batch_size=4, learning_rate=0.05, keep=LAST, hold_out=True)
    held_out = train(nets[0], recipe, 0, examples(), wrong, 2)
    train(nets[1], recipe, 0, examples(), None, 2)
    assert torch.equal(weights(nets[0]), weights(nets[1]))
    assert kept(held_out) == [3]
    scores = [row["valid_score"] for row in held_out]
    assert scores[3] < scores[0]  # the last is kept though it is the worst


# Accuracy by epoch


class Recorded(nn.Module):
    """Keeps what a network predicts in training."""

    def __init__(self, inside):
        super().__init__()
        self.inside, self.outputs = inside, []

    def forward(self, images):
        outputs = self.inside(images)
        if self.training:
            self.outputs.append(outputs.detach())
        return outputs


def test_training_accuracy_is_that_of_the_outputs_the_loss_was_computed_from(monkeypatch):
    """Of the classes alone: the auxiliary outputs are large, and no class."""
    drawn = []
    epoch_of = ShuffledRows.epoch

    def noted(self, *arguments):
        batches = list(epoch_of(self, *arguments))
        drawn.extend(batches)
        return batches

    monkeypatch.setattr(ShuffledRows, "epoch", noted)
    net = Recorded(linear(4))
    with torch.no_grad():
        net.inside[1].bias[2:] = 100.0
    changing = Augmentation(noise=1.0, masked_bands=2)
    recipe = Recipe(epochs=3, batch_size=5, keep=LAST, auxiliary=0.5, augmentation=changing)
    curve = train(net, recipe, 0, examples(), None, 2)
    decisions = torch.cat(net.outputs)[:, :2].argmax(1)
    correct = (decisions == torch.from_numpy(LABEL)[torch.cat(drawn)]).double().reshape(3, 12)
    assert [row["train_accuracy"] for row in curve] == correct.mean(1).tolist()
    assert 0 < correct.mean() < 1


@pytest.mark.parametrize("share", [0.9, 0.1])
def test_of_two_mixed_clips_the_label_with_the_larger_share_counts(monkeypatch, share):
    """Logits are pixels, and a clip's bright pixel is its class: the brighter one after mixing is always correct."""
    label = np.array([0, 1])
    images = np.zeros((2, *SIZE), dtype=np.float32)
    images[[0, 1], 0, 0, label] = 1.0
    monkeypatch.setattr(ShuffledRows, "epoch", lambda *arguments: [torch.tensor([0, 1])])
    monkeypatch.setattr(torch, "randperm", lambda n: torch.arange(n).flip(0))
    monkeypatch.setattr(torch.distributions, "Beta", NoDraw(share))
    recipe = Recipe(epochs=1, batch_size=2, keep=LAST, mixup=0.3)
    (row,) = train(network(Given), recipe, 0, Examples(images, Targets.of(label, label)), None, 2)
    assert row["train_accuracy"] == 1.0


def test_validation_accuracy_is_that_of_the_predictions_and_not_the_score():
    """One decision for all clips: balanced accuracy is 1/2, accuracy the share of the class."""
    net = linear()
    with torch.no_grad():
        net[1].weight.zero_()
        net[1].bias[0] = 1.0
    recipe = Recipe(epochs=1, batch_size=12, learning_rate=1e-9)
    (row,) = train(net, recipe, 0, examples(), examples(1), 2)
    assert row["valid_accuracy"] == pytest.approx((LABEL == 0).mean())
    assert row["valid_score"] == pytest.approx(0.5)


# Batches and steps


@pytest.mark.parametrize(("clips", "size", "steps"), [(7, 4, 5), (3, 8, 2), (10, 5, 2), (50, 4, 3), (1, 6, 2)])
def test_a_number_of_steps_means_so_many_full_batches_and_every_clip_as_often(clips, size, steps):
    parts = list(ShuffledRows(clips).epoch(size, steps))
    assert [len(part) for part in parts] == [size] * steps
    counts = torch.bincount(torch.cat(parts), minlength=clips)
    assert counts.max() - counts.min() <= 1


def test_without_a_number_of_steps_it_is_one_pass():
    parts = list(ShuffledRows(10).epoch(4, None))
    assert [len(part) for part in parts] == [4, 4, 2]
    assert sorted(torch.cat(parts).tolist()) == list(range(10))


def test_an_epoch_has_as_many_optimizer_steps_as_the_recipe_says(monkeypatch):
    assert len(rates_of(Recipe(epochs=3, batch_size=8, steps=5, keep=LAST), monkeypatch)) == 3 * 5


def test_one_cycle_spans_the_steps_of_the_recipe(monkeypatch):
    rates = rates_of(
        Recipe(epochs=2, batch_size=8, steps=10, learning_rate=0.01, one_cycle=True, keep=LAST), monkeypatch
    )
    assert len(rates) == 20
    assert rates[-1] < 0.03 * max(rates)


# Mixup and augmentation


class NoDraw:
    """In place of the beta distribution: always the same share."""

    def __init__(self, share):
        self.share = share

    def __call__(self, *parameters):
        return self

    def sample(self):
        return torch.tensor(self.share)


def one_step(monkeypatch, share, mixup):
    net = linear()
    monkeypatch.setattr(torch.distributions, "Beta", NoDraw(share))
    curve = train(
        net, Recipe(epochs=1, batch_size=12, learning_rate=0.05, keep=LAST, mixup=mixup), 0, examples(), None, 2
    )
    return weights(net), curve[0]["train_loss"]


def test_a_share_of_one_is_no_mixup(monkeypatch):
    plain, mixed, half = (one_step(monkeypatch, *case) for case in ((1.0, 0.0), (1.0, 0.3), (0.5, 0.3)))
    torch.testing.assert_close(mixed[0], plain[0], rtol=0, atol=1e-6)
    assert mixed[1] == pytest.approx(plain[1], rel=1e-6)
    assert half[1] != pytest.approx(plain[1], rel=1e-3)


def test_mixup_mixes_images_and_losses_alike(monkeypatch):
    """Of one clip with itself nothing is mixed: loss and step are those of the clip."""
    lone = examples(label=LABEL[:1], sound=SOUND[:1])
    nets = linear(), linear()
    for net, mixup in zip(nets, (0.0, 0.3), strict=True):
        train(net, Recipe(epochs=3, keep=LAST, mixup=mixup), 0, lone, None, 2)
    torch.testing.assert_close(weights(nets[0]), weights(nets[1]), rtol=0, atol=1e-6)


def test_validation_clips_are_never_changed_at_random(monkeypatch):
    seen = []
    changing = Augmentation(noise=1.0, masked_bands=2)
    monkeypatch.setattr(Augmentation, "__call__", lambda self, images: seen.append(len(images)) or images)
    train(linear(), Recipe(epochs=2, batch_size=12, augmentation=changing), 0, examples(), examples(1), 2)
    assert seen == [12, 12]


# Predictions


def test_auxiliary_outputs_never_reach_a_prediction():
    net, images = linear(4), examples().images
    p = predict(net, images, 2)
    assert p.shape == (12, 2)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    logits = net(torch.from_numpy(images))[:, :2].detach().double()
    np.testing.assert_allclose(p, logits.softmax(dim=1).numpy(), rtol=1e-6)
    with torch.no_grad():
        net[1].weight[2:] = 100.0
    np.testing.assert_allclose(predict(net, images, 2), p, rtol=1e-6)


@pytest.fixture(scope="module")
def fold():
    clips = for_task(simulate(Simulation(patients=10, clips_per_patient=3, difficulty=0.0)), "abnormal")
    return clips, next(LeavePatientsOut(2).split(clips, 0))


def fitted(fold, **more):
    clips, parts = fold
    recipe = Recipe(epochs=1, **more)
    model = NetworkModel(lambda size, outputs: Tiny(size, outputs), image_extractor("maps", 0, 0, 0), recipe, seed=0)
    return model.fit(clips.take(parts.train), clips.take(parts.valid)), clips.take(parts.test).hide_labels()


class Tiny(Backbone):
    """Means of bands over time - dense."""

    def __init__(self, size, outputs):
        super().__init__()
        self.outputs = outputs
        self.dense = nn.Linear(size[0] * size[1], outputs)

    def encode(self, images):
        return images.mean(3).flatten(1)

    def classify(self, features):
        return self.dense(features)


def test_a_network_gets_two_more_outputs_for_sounds_and_predicts_its_classes(fold):
    for auxiliary, outputs in ((0.0, 2), (0.5, 4)):
        model, test = fitted(fold, auxiliary=auxiliary)
        assert model.network.backbone.outputs == outputs
        p = model.predict_proba(test)
        assert p.shape == (len(test), 2)
        np.testing.assert_allclose(p.sum(axis=1), 1)


def test_a_fixed_schedule_learns_from_the_validation_clips_too(fold, monkeypatch):
    given = []
    whole = network_module.train
    monkeypatch.setattr(network_module, "train", lambda *args: given.append(args[3:5]) or whole(*args))
    clips, parts = fold
    model, _ = fitted(fold, keep=LAST)
    fitted(fold)
    (both, held_out), (train_only, valid) = given
    everyone = np.concatenate([parts.train, parts.valid])
    assert held_out is None
    assert both.targets.label.tolist() == clips.label[everyone].tolist()
    np.testing.assert_array_equal(both.images, model.images([clips.signals[i] for i in everyone], clips.rate))
    assert len(train_only.images) == len(parts.train)
    assert len(valid.images) == len(parts.valid)
    expected = Targets.of(clips.label[everyone], clips.sound[everyone]).sounds
    torch.testing.assert_close(both.targets.sounds, expected, equal_nan=True)
    assert expected.sum() > 0


def test_a_fixed_schedule_that_holds_out_learns_from_the_training_clips_alone(fold, monkeypatch):
    given = []
    whole = network_module.train
    monkeypatch.setattr(network_module, "train", lambda *args: given.append(args[3:5]) or whole(*args))
    clips, parts = fold
    model, _ = fitted(fold, keep=LAST, hold_out=True)
    ((train_only, valid),) = given
    assert train_only.targets.label.tolist() == clips.label[parts.train].tolist()
    assert valid.targets.label.tolist() == clips.label[parts.valid].tolist()
    assert "valid_score" in model.curve[0]


def test_standardized_bands_have_mean_zero_and_deviation_one():
    images = 5 + 3 * np.random.default_rng(0).standard_normal((20, 2, 4, 30)).astype(np.float32)
    images[:, 1] *= 10
    images[:, 0, 2] = 7.0
    out = Standardize(images)(torch.from_numpy(images))
    torch.testing.assert_close(out.mean((0, 3)), torch.zeros(2, 4), rtol=0, atol=1e-4)
    spread = out.std((0, 3))
    assert spread[0, 2] == 0
    assert spread[1].tolist() == pytest.approx([1] * 4, abs=0.01)


def test_where_networks_run_is_asked_in_one_place(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert batches.device().type == "cuda"
