"""The methods whose thresholds follow the predictions, and VICReg, against calculations by hand."""

import math

import numpy as np
import pytest
import torch
from made_up_networks import SIZE, Given, examples, network, one_step
from test_methods import gradient, in_turn, stated

from respbench.models.semi_supervised.adamatch import AdaMatch
from respbench.models.semi_supervised.freematch import FreeMatch
from respbench.models.semi_supervised.running_average import RunningAverage
from respbench.models.semi_supervised.softmatch import SoftMatch
from respbench.models.semi_supervised.vicreg import VICReg, collapse, redundancy

PICTURES = torch.from_numpy(examples().images)
METHODS = {
    "softmatch": lambda: SoftMatch(2.0, 0.99),
    "freematch": lambda: FreeMatch(0.01, 0.99),
    "adamatch": lambda: AdaMatch(0.5, 0.99),
}


# Averages of thresholds


def test_a_running_average_is_the_mean_and_then_an_exponential_one():
    average = RunningAverage(0.75)
    values = [float(average.update(torch.tensor(value))) for value in (1.0, 3.0, 5.0, 7.0, 15.0)]
    assert values == pytest.approx([1, 2, 3, 4, 0.75 * 4 + 0.25 * 15])
    average.restart()
    assert average.update(torch.tensor([2.0, 4.0])).tolist() == [2, 4]


@pytest.mark.parametrize("name", ["softmatch", "freematch", "adamatch"])
def test_the_averages_of_one_fit_do_not_reach_the_next(name):
    method, net = METHODS[name](), network()
    labeled = torch.arange(12) < 5
    found = []
    for _ in range(2):
        method.prepare(net, SIZE)
        found.append([float(method(one_step(PICTURES, net, labeled=labeled)).loss.detach()) for _ in range(2)])
    assert found[0] == found[1]
    assert not list(method.parameters())


# SoftMatch


def test_weights_of_soft_pseudo_labels_by_hand():
    """Both classes are equally frequent, so that nothing is aligned."""
    probabilities = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    found = SoftMatch(2.0, 0.99).weights(probabilities)
    variance = (0.15**2 + 0.05**2 + 0.15**2 + 0.05**2) / 3  # around the mean, 0.75
    expected = [1, 1, math.exp(-(0.15**2) / (2 * variance / 4)), math.exp(-(0.05**2) / (2 * variance / 4))]
    assert found.tolist() == pytest.approx(expected, rel=1e-4)


def test_soft_weights_are_those_of_uniformly_aligned_probabilities():
    probabilities = torch.tensor([[0.9, 0.1], [0.7, 0.3]])
    found = SoftMatch(1.0, 0.99).weights(probabilities)
    one, other = (0.9 / 1.6) / (0.9 / 1.6 + 0.1 / 0.4), (0.3 / 0.4) / (0.3 / 0.4 + 0.7 / 1.6)
    assert other < one  # the second is of the other class after alignment
    mean, variance = (one + other) / 2, (one - other) ** 2 / 2
    assert found.tolist() == pytest.approx([1, math.exp(-((other - mean) ** 2) / (2 * variance))], rel=1e-4)


def test_the_averages_of_soft_weights_span_the_steps():
    method = SoftMatch(1.0, 0.99)
    method.weights(torch.tensor([[0.9, 0.1], [0.1, 0.9]]))
    found = method.weights(torch.tensor([[0.7, 0.3], [0.3, 0.7]]))  # mean (0.9 + 0.7) / 2, no variance in either
    assert float(method.mean.value) == pytest.approx(0.8)
    assert found.tolist() == pytest.approx([0, 0], abs=1e-6)


def test_softmatch_by_hand():
    weak = stated((math.log(9), 0.0), (0.0, math.log(9)), (math.log(1.5), 0.0), (0.0, math.log(1.5))).requires_grad_()
    strong = stated((0.0, 0.0), (math.log(3), 0.0), (0.0, 0.0), (9.0, 0.0)).requires_grad_()
    step = one_step(torch.zeros(4, *SIZE), network(Given), weak=in_turn(weak), strong=in_turn(strong))
    loss = SoftMatch(2.0, 0.99)(step).loss
    weight = math.exp(-(0.15**2) / (2 * (4 * 0.15**2 / 3) / 4))  # 0.6 sure where 0.75 is the mean
    by_hand = math.log(2) + math.log(4) + weight * (math.log(2) + 9 + math.log(1 + math.exp(-9)))
    assert float(loss.detach()) == pytest.approx(by_hand / 4, rel=1e-4)
    loss.backward()
    assert weak.grad is None


# FreeMatch


def test_adaptive_thresholds_by_hand():
    method = FreeMatch(0.0, 0.99)
    first = method.thresholds(torch.tensor([[0.9, 0.1], [0.7, 0.3]]))
    assert first.tolist() == pytest.approx([0.8, 0.8 * 0.2 / 0.8])
    second = method.thresholds(torch.tensor([[0.4, 0.6], [0.2, 0.8]]))  # 0.7 sure; the frequencies are 0.3 and 0.7
    assert second.tolist() == pytest.approx([0.75, 0.75 * 0.45 / 0.55])
    assert method.histogram.value.tolist() == [0.5, 0.5]


def test_freematch_by_hand():
    weak = stated((math.log(9), 0.0), (math.log(1.5), 0.0), (0.0, math.log(9))).requires_grad_()  # 0.9, 0.6; 0.9
    strong = stated((0.0, 0.0), (5.0, 0.0), (math.log(3), 0.0)).requires_grad_()  # 0.5 and 0.25 of what is decided
    step = one_step(torch.zeros(3, *SIZE), network(Given), weak=in_turn(weak), strong=in_turn(strong))
    term = FreeMatch(0.0, 0.99)(step)  # thresholds: 0.8 and 0.8 * 1.4 / 1.6
    assert float(term.loss.detach()) == pytest.approx((math.log(2) + 0 + math.log(4)) / 3)
    term.loss.backward()
    assert weak.grad is None
    assert strong.grad.flatten(1).norm(dim=1).gt(0).tolist() == [True, False, True]


def test_the_fairness_of_freematch_by_hand():
    method = FreeMatch(1.0, 0.99)
    method.thresholds(torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]]))  # frequencies 0.6, 0.4; decisions 2/3, 1/3
    strong = torch.tensor([[0.8, 0.2], [0.4, 0.6]]).log()  # frequencies 0.6, 0.4; decisions 1/2, 1/2
    over_training = np.array([0.6 / (2 / 3), 0.4 / (1 / 3)]) / (0.6 / (2 / 3) + 0.4 / (1 / 3))
    by_hand = over_training @ np.log([0.6, 0.4])
    assert float(method.concentration(strong)) == pytest.approx(by_hand, rel=1e-5)
    alike = torch.tensor([[0.8, 0.2], [0.8, 0.2]]).log()  # no strong view is of the second class
    assert float(method.concentration(alike)) == pytest.approx(over_training @ np.log([1, 1e-6]), rel=1e-4)


# AdaMatch


def test_alignment_with_labeled_clips_by_hand():
    probabilities = torch.tensor([[0.6, 0.4], [0.2, 0.8], [0.9, 0.1], [0.7, 0.3]])
    aligned, threshold = AdaMatch(0.9, 0.99).align(probabilities, torch.tensor([True, True, False, False]))
    assert float(threshold) == pytest.approx(0.9 * 0.7)
    ratio = np.array([0.4 / 0.8, 0.6 / 0.2])
    expected = probabilities.numpy() * ratio
    np.testing.assert_allclose(aligned, expected / expected.sum(1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("labeled", [True, False])
def test_without_clips_of_both_kinds_adamatch_learns_nothing(labeled):
    net = network()
    loss = AdaMatch(0.1, 0.99)(one_step(PICTURES, net, labeled=torch.full((12,), labeled))).loss
    assert loss == 0
    assert gradient(net, loss).norm() == 0


def test_adamatch_by_hand():
    """On labeled and unlabeled clips alike: aligned probabilities are the predicted ones."""
    weak = stated((math.log(9), 0.0), (0.0, math.log(1.5)), (math.log(9), 0.0), (0.0, math.log(1.5))).requires_grad_()
    strong = stated((0.0, 0.0), (5.0, 0.0), (math.log(3), 0.0), (5.0, 0.0)).requires_grad_()
    step = one_step(
        torch.zeros(4, *SIZE),
        network(Given),
        weak=in_turn(weak),
        strong=in_turn(strong),
        labeled=torch.tensor([True, True, False, False]),
    )
    term = AdaMatch(0.9, 0.99)(step)  # 0.75 sure on labeled clips
    assert float(term.loss.detach()) == pytest.approx((math.log(2) + 0 + math.log(4 / 3) + 0) / 4, rel=1e-5)
    term.loss.backward()
    assert weak.grad is None
    assert strong.grad.flatten(1).norm(dim=1).gt(0).tolist() == [True, False, True, False]


# VICReg


def test_the_variance_and_the_covariance_of_embeddings_by_hand():
    embeddings = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.2], [-1.0, 0.2]])
    lacking = 1 - math.sqrt(4 * 0.01 / 3 + 1e-4)  # of the second column; the first has more than 1
    assert float(collapse(embeddings)) == pytest.approx(lacking / 2, rel=1e-4)
    assert float(redundancy(embeddings)) == pytest.approx(0)
    doubled = torch.tensor([[1.0, 2.0], [-1.0, -2.0]])  # covariance 4, twice
    assert float(redundancy(doubled)) == pytest.approx((16 + 16) / 2)


def test_vicreg_by_hand():
    net, method = network(), VICReg(1)
    method.prepare(net, SIZE)
    one, other = PICTURES[:4], PICTURES[4:8]
    with torch.no_grad():
        a, b = (method.head(net.backbone.encode(images)) for images in (one, other))
    by_hand = (a - b).square().mean() + (collapse(a) + collapse(b)) / 2 + 0.04 * (redundancy(a) + redundancy(b))
    loss = method(one_step(PICTURES[:4], net, strong=in_turn(one, other))).loss
    torch.testing.assert_close(loss.detach(), by_hand)
    assert float(loss.detach()) > 0


def test_embeddings_that_are_all_alike_cost_what_their_variance_lacks():
    assert float(collapse(torch.ones(5, 3))) == pytest.approx(0.99)
    assert float(collapse(torch.ones(1, 3))) == pytest.approx(0.99)  # of one clip
