"""Each semi-supervised method's term against a calculation of its own."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from made_up_networks import SIZE, Given, Spy, examples, network, one_step, pool_of, weights
from torch.autograd.functional import hessian

from respbench.features.augmentation import Augmentation
from respbench.models.networks.cnn import TwoLayerCNN
from respbench.models.networks.recipe import LAST, Recipe
from respbench.models.networks.training import train
from respbench.models.semi_supervised import vat
from respbench.models.semi_supervised.adamatch import AdaMatch
from respbench.models.semi_supervised.autoencoder import Autoencoder
from respbench.models.semi_supervised.entries import SEMI_SUPERVISED
from respbench.models.semi_supervised.fixmatch import FixMatch
from respbench.models.semi_supervised.freematch import FreeMatch
from respbench.models.semi_supervised.mean_teacher import MeanTeacher
from respbench.models.semi_supervised.pi_model import PiModel
from respbench.models.semi_supervised.planted import PlantedSounds
from respbench.models.semi_supervised.pseudo_label import PseudoLabel
from respbench.models.semi_supervised.softmatch import SoftMatch
from respbench.models.semi_supervised.vat import VirtualAdversarial, adversarial_direction, divergence
from respbench.models.semi_supervised.vicreg import VICReg

METHODS = {
    "autoencoder": Autoencoder,
    "pi-model": PiModel,
    "vat": lambda: VirtualAdversarial(0.3, 0.01, 1),
    "pseudo-label": lambda: PseudoLabel(0.6),
    "mean-teacher": MeanTeacher,
    "fixmatch": lambda: FixMatch(0.6),
    "softmatch": lambda: SoftMatch(2.0, 0.99),
    "freematch": lambda: FreeMatch(0.01, 0.99),
    "adamatch": lambda: AdaMatch(0.5, 0.99),
    "vicreg": lambda: VICReg(1),
    "planted": lambda: PlantedSounds(1),
}
PICTURES = torch.from_numpy(examples().images)
SHAKEN = Augmentation(noise=1.0)
SOME = torch.arange(12) < 4
LOOKS = 2 * PICTURES[None].flip(1)


def stated(*rows):
    """Images for `Given`, whose logits are these rows."""
    images = torch.zeros(len(rows), *SIZE)
    images[:, 0, 0, : len(rows[0])] = torch.tensor(rows)
    return images


def gradient(net, loss):
    found = torch.autograd.grad(loss, list(net.parameters()), retain_graph=True, allow_unused=True)
    return torch.cat([torch.zeros(1) if part is None else part.flatten() for part in found])


def in_turn(*views):
    """In place of an augmentation: one view after another, whatever is given."""
    left = list(views)
    return lambda images: left.pop(0)


# What holds for every method


def test_every_method_of_the_registry_is_here():
    assert METHODS.keys() == SEMI_SUPERVISED.keys()


@pytest.mark.parametrize("name", METHODS)
def test_a_term_is_a_finite_scalar_that_the_network_learns_from(name):
    net, average = network(outputs=4, dropout=0.3, normalized=True).train(), network(outputs=4, seed=1).eval()
    method = METHODS[name]()
    method.prepare(net, SIZE)
    torch.manual_seed(0)
    term = method(one_step(PICTURES, net, ema=average, weak=SHAKEN, strong=SHAKEN, views=LOOKS, labeled=SOME))
    assert term.loss.shape == ()
    assert torch.isfinite(term.loss)
    assert gradient(net, term.loss).norm() > 1e-6
    assert all(weight.grad is None for weight in net.parameters())  # nothing but the loss reaches the weights
    if name != "vicreg":  # which predicts nothing
        assert term.probabilities.shape == (12, 2)  # not of the auxiliary outputs
        torch.testing.assert_close(term.probabilities.sum(1), torch.ones(12))
    assert all(module.training for module in net.modules())
    assert not any(module.training for module in average.modules())
    assert all(weight.grad is None for weight in average.parameters())


@pytest.mark.parametrize("name", METHODS)
def test_auxiliary_outputs_are_not_learned_without_labels(name):
    net = network(outputs=4).train()
    method = METHODS[name]()
    method.prepare(net, SIZE)
    average = network(outputs=4, seed=1)
    method(one_step(PICTURES, net, ema=average, weak=SHAKEN, strong=SHAKEN, views=LOOKS, labeled=SOME)).loss.backward()
    found = net.backbone.dense.weight.grad
    assert found is None or torch.equal(found[2:], torch.zeros(2, 5))
    assert name in ("autoencoder", "vicreg") or found[:2].norm() > 0


# Virtual adversarial training


def smooth(classes, seed=0):
    """A small softmax model in double precision; images of 2 x 3 pixels."""
    rng = torch.Generator().manual_seed(seed)
    inner, outer = (
        torch.randn(shape, dtype=torch.float64, generator=rng) for shape in ((6, 8), (8, classes))
    )  # 6 pixels, 8 units
    return lambda images: torch.tanh(images.flatten(1) @ inner / 2) @ outer


def leading(logits, image):
    """Leading eigenvector (pixels,) of the Hessian of KL(p(x) ‖ p(x + r)) at r = 0, and the eigenvalues."""
    p = logits(image[None])[0].softmax(0).detach()

    def kl(change):
        q = logits((image + change)[None])[0].softmax(0)
        return (p * (p.log() - q.log())).sum()

    values, vectors = torch.linalg.eigh(hessian(kl, torch.zeros_like(image)).reshape(image.numel(), -1))
    return vectors[:, -1], values


def cosine(one, other):
    return float(torch.nn.functional.cosine_similarity(one.flatten(), other.flatten(), dim=0).abs())


@pytest.mark.parametrize("classes", [2, 4])
def test_the_adversarial_direction_is_the_leading_eigenvector_of_the_hessian(classes):
    logits = smooth(classes)
    torch.manual_seed(0)
    images = torch.randn(6, 1, 2, 3, dtype=torch.float64)
    found = adversarial_direction(logits, images, logits(images).log_softmax(1), 1e-6, 60)
    for image, direction in zip(images, found, strict=True):
        vector, values = leading(logits, image)
        assert values[-1] > 1.2 * values[-2]  # so that there is one
        assert cosine(direction, vector) > 0.999
        assert direction.square().mean() == pytest.approx(1.0)


def test_one_iteration_finds_a_worse_direction_than_chance():
    logits = smooth(3)
    torch.manual_seed(1)
    images = torch.randn(40, 1, 2, 3, dtype=torch.float64)
    clean = logits(images).log_softmax(1)
    found, chance = (adversarial_direction(logits, images, clean, 1e-6, steps) for steps in (1, 0))
    assert found.square().mean((1, 2, 3)).tolist() == pytest.approx([1.0] * 40)
    assert chance.square().mean((1, 2, 3)).tolist() == pytest.approx([1.0] * 40)
    worse, usual = (divergence(clean, logits(images + 0.01 * way)) for way in (found, chance))
    assert worse > 1.5 * usual


@pytest.mark.parametrize("classes", [2, 4])
def test_the_default_finds_the_direction_in_single_precision(classes):
    """On the practical's network and images; against one exact iteration, from the network's Jacobian."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net, images = TwoLayerCNN((1, 128, 64), classes), torch.randn(3, 1, 128, 64)
    with torch.no_grad():
        clean = net(images).log_softmax(1)
    method = vat.build(seed=0).method
    found, start = [], []
    for into, steps in ((found, 1), (start, 0)):
        torch.manual_seed(1)
        into.extend(adversarial_direction(net, images, clean, method.xi, steps).double().flatten(1))
    net.double()
    for image, direction, before in zip(images.double(), found, start, strict=True):
        x = image[None].requires_grad_()
        outputs = net(x)[0]
        jacobian = torch.stack([torch.autograd.grad(out, x, retain_graph=True)[0].flatten() for out in outputs])
        p = outputs.softmax(0).detach()
        exact = jacobian.T @ ((torch.diag(p) - p[:, None] * p) @ (jacobian @ before))
        assert cosine(direction, exact) > 0.9


class Watched(Given):
    """Writes down what it is given."""

    def encode(self, images):
        self.given = [*getattr(self, "given", []), images.detach().clone()]
        return super().encode(images)


@pytest.mark.parametrize("size", [(1, 4, 6), (2, 8, 5)])
def test_epsilon_is_the_root_mean_square_of_the_change_of_a_standardized_pixel(size):
    net = network(Watched, scale=0.5)
    net.standardize = torch.nn.Hardtanh(-2, 2)
    torch.manual_seed(0)
    images = 3 * torch.randn(5, *size)
    VirtualAdversarial(0.3, 0.01, 2)(one_step(images, net))
    clean, *_, changed = net.backbone.given
    assert torch.equal(clean, images.clamp(-2, 2))
    change = changed - clean
    assert change.square().mean((1, 2, 3)).sqrt().tolist() == pytest.approx([0.3] * 5, rel=1e-4)


def test_the_divergence_is_the_mean_of_kullback_and_leibler():
    clean = torch.tensor([[0.5, 0.5], [0.9, 0.1]]).log()
    changed = torch.tensor([[math.log(3), 0.0], [math.log(9), 0.0]])  # 0.75, 0.25 and 0.9, 0.1
    by_hand = 0.5 * (0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25))
    assert divergence(clean, changed) == pytest.approx(by_hand, rel=1e-5)


def test_the_adversarial_term_is_the_divergence_at_epsilon_times_the_direction():
    """Of two logits that are two pixels, the worst direction is (1, -1)."""
    net = network(Given)
    torch.manual_seed(0)
    term = VirtualAdversarial(0.5, 0.01, 1)(one_step(stated((1.0, 0.0)), net))
    length = 0.5 * math.sqrt(np.prod(SIZE) / 2)  # of each of the two pixels
    clean, loss = 1 / (1 + math.exp(-1)), float(term.loss.detach())
    worst = [1 / (1 + math.exp(-1 - 2 * way * length)) for way in (-1, 1)]  # which of the two, chance decides
    by_hand = [clean * math.log(clean / q) + (1 - clean) * math.log((1 - clean) / (1 - q)) for q in worst]
    assert any(loss == pytest.approx(one, rel=1e-3) for one in by_hand)
    assert term.probabilities[0, 0] == pytest.approx(clean)


def test_the_adversarial_term_has_no_dropout_and_touches_no_running_statistics():
    net = network(dropout=0.5, normalized=True).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    terms = []
    for _ in range(2):
        torch.manual_seed(0)
        terms.append(VirtualAdversarial(0.3, 0.01, 1)(one_step(PICTURES, net)))
    assert terms[0].loss == terms[1].loss
    torch.testing.assert_close(terms[0].probabilities, one_step(PICTURES, net).predict(PICTURES))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize("margin", [0.0, 20.0, 45.0, 50.0, 60.0, 100.0])
def test_a_network_that_is_sure_of_itself_has_a_finite_adversarial_term(margin):
    """Its gradients are so small that their squares are 0 in single precision."""
    net = network(Watched)
    torch.manual_seed(0)
    term = VirtualAdversarial(0.05, 0.01, 1)(one_step(stated((margin, 0.0), (0.0, margin)), net))
    change = net.backbone.given[-1] - net.backbone.given[0]
    assert change.square().mean((1, 2, 3)).sqrt().max() < 0.051
    assert torch.isfinite(gradient(net, term.loss)).all()
    assert 0 <= term.loss < 0.1


# Π-model


def test_two_looks_at_what_does_not_change_are_the_same():
    net = network().train()
    loss = PiModel()(one_step(PICTURES, net)).loss
    assert loss == 0
    assert gradient(net, loss).norm() == 0


@pytest.mark.parametrize(("dropout", "strong"), [(0.5, Augmentation()), (0.0, SHAKEN)])
def test_dropout_and_augmentation_make_two_looks_differ(dropout, strong):
    torch.manual_seed(0)
    assert PiModel()(one_step(PICTURES, network(dropout=dropout).train(), strong=strong)).loss > 1e-5


def test_the_consistency_of_two_looks_by_hand():
    one = stated((0.0, 0.0), (0.0, 0.0)).requires_grad_()  # probabilities 0.5, 0.5
    other = stated((math.log(3), 0.0), (0.0, 0.0)).requires_grad_()  # 0.75, 0.25 and 0.5, 0.5
    step = one_step(torch.zeros(2, *SIZE), network(Given), strong=in_turn(one, other))
    loss = PiModel()(step).loss
    assert float(loss.detach()) == pytest.approx((0.25**2 + 0.25**2 + 0 + 0) / 4)
    loss.backward()
    assert one.grad.norm() > 0  # both looks are learned from
    assert other.grad.norm() > 0


# Pseudo-labels


def test_the_gradient_of_pseudo_labels_is_that_of_the_confident_clips_alone():
    net = network().train()
    confidence = one_step(PICTURES, net).predict(PICTURES).max(1).values
    threshold = float(confidence.sort().values[-4])
    method, sure = PseudoLabel(threshold), PICTURES[confidence >= threshold]
    assert len(sure) == 4
    of_all = gradient(net, method(one_step(PICTURES, net)).loss)
    logits = net(sure)
    alone = gradient(net, torch.nn.functional.cross_entropy(logits, logits.argmax(1)))
    assert of_all.norm() > 1e-3
    torch.testing.assert_close(of_all, 4 / 12 * alone)


def test_pseudo_labels_by_hand():
    logits = ((4.0, 0.0), (0.0, 1.0), (0.0, 3.0))  # 0.982, 0.731 and 0.953 sure
    term = PseudoLabel(0.95)(one_step(stated(*logits), network(Given)))
    assert float(term.loss.detach()) == pytest.approx((math.log(1 + math.exp(-4)) + math.log(1 + math.exp(-3))) / 3)
    assert not term.probabilities.requires_grad


@pytest.mark.parametrize("method", [PseudoLabel(0.95), FixMatch(0.95)])
def test_where_nothing_is_confident_nothing_is_learned(method):
    net = network(Given)
    loss = method(one_step(stated((1.0, 0.0), (0.0, 2.0)), net)).loss
    assert loss == 0
    assert gradient(net, loss).norm() == 0


# Mean Teacher


def test_disagreement_with_the_teacher_by_hand():
    """The teacher's logits are three times the student's."""
    student, teacher = network(Given), network(Given, scale=3.0)
    weak, strong = stated((math.log(3) / 3, 0.0), (0.0, 0.0)), stated((0.0, 0.0), (math.log(9), 0.0))
    step = one_step(torch.zeros(2, *SIZE), student, ema=teacher, weak=in_turn(weak), strong=in_turn(strong))
    term = MeanTeacher()(step)  # teacher 0.75 and 0.5, student 0.5 and 0.9
    assert float(term.loss.detach()) == pytest.approx((2 * 0.25**2 + 2 * 0.4**2) / 4)
    torch.testing.assert_close(term.probabilities, torch.tensor([[0.75, 0.25], [0.5, 0.5]]))
    assert gradient(student, term.loss).norm() > 0
    assert gradient(teacher, term.loss).norm() == 0


def test_a_teacher_that_agrees_teaches_nothing():
    net = network().train()
    assert MeanTeacher()(one_step(PICTURES, net, ema=network().eval())).loss == 0


def test_in_training_the_teacher_is_the_average_in_closed_form():
    """w̄ₙ = dₙ w̄ₙ₋₁ + (1 - dₙ) wₙ with dₙ = min(decay, n / (n + 10)), so w̄ₙ = Σ wₖ (1 - dₖ) Π dⱼ over j > k."""
    history, averages = [], []

    def look(step):
        history.append(weights(step.network).clone())
        averages.append(weights(step.ema).clone())
        return step.logits(step.images).square().mean()

    recipe = Recipe(
        epochs=4, batch_size=4, learning_rate=0.02, keep=LAST, steps=10, alpha=1.0, averaging=0.7, unlabeled_batch=4
    )
    train(network(), recipe, 0, examples(), None, 2, pool_of(Spy(loss=look), examples().images))
    decay = [min(0.7, n / (n + 10)) for n in range(1, 40)]
    for n in (0, 1, 5, 39):
        share = [math.prod(decay[:n])] + [(1 - decay[k]) * math.prod(decay[k + 1 : n]) for k in range(n)]
        assert sum(share) == pytest.approx(1)
        expected = sum(part * value for part, value in zip(share, history, strict=False))
        torch.testing.assert_close(averages[n], expected, rtol=1e-3, atol=1e-5)
    assert decay[-1] == 0.7
    assert not torch.allclose(averages[-1], history[-1], atol=1e-3)


# FixMatch


def test_fixmatch_by_hand():
    weak = stated((4.0, 0.0), (0.0, 1.0), (0.0, 3.0), (-2.0, 2.0))  # 0.982, 0.731, 0.953, 0.982 sure
    strong = stated((0.0, 0.0), (9.0, 0.0), (math.log(3), 0.0), (0.0, 2.0)).requires_grad_()
    weak.requires_grad_()
    step = one_step(torch.zeros(4, *SIZE), network(Given), weak=in_turn(weak), strong=in_turn(strong))
    term = FixMatch(0.95)(step)
    # 1: class 0 at 0.5; 2: not sure; 3: class 1 at 0.25; 4: class 1 at 0.881
    assert float(term.loss.detach()) == pytest.approx((0.6931472 + 0 + 1.3862944 + 0.1269280) / 4)
    term.loss.backward()
    assert weak.grad is None
    assert strong.grad.flatten(1).norm(dim=1).gt(0).tolist() == [True, False, True, True]
    assert term.probabilities[1, 1] == pytest.approx(0.7310586)


def test_fixmatch_judges_without_dropout():
    net = network(dropout=0.5, normalized=True).train()
    step = one_step(PICTURES, net)
    expected = step.predict(PICTURES)
    torch.testing.assert_close(FixMatch(0.5)(step).probabilities, expected)


# Autoencoder


def low_rank(clips=24):
    """Images that are sums of two pictures."""
    rng = np.random.default_rng(0)
    parts = rng.standard_normal((clips, 2)) @ rng.standard_normal((2, int(np.prod(SIZE))))
    return parts.reshape(clips, *SIZE).astype(np.float32)


def test_reconstruction_by_hand():
    net, method = network(), Autoencoder()
    method.prepare(net, SIZE)
    with torch.no_grad():
        features = net.backbone.hidden(PICTURES)
        drawn = features @ method.decoder.weight.T + method.decoder.bias
    by_hand = (drawn.numpy() - PICTURES.flatten(1).numpy()) ** 2
    assert float(method(one_step(PICTURES, net)).loss.detach()) == pytest.approx(by_hand.mean(), rel=1e-5)


def test_what_is_drawn_is_the_standardized_image():
    net, method = network(), Autoencoder()
    net.standardize = torch.nn.Hardtanh(-0.1, 0.1)
    method.prepare(net, SIZE)
    torch.nn.init.zeros_(method.decoder.weight)
    torch.nn.init.zeros_(method.decoder.bias)
    expected = PICTURES.clamp(-0.1, 0.1).square().mean()
    torch.testing.assert_close(method(one_step(PICTURES, net)).loss, expected)


def test_reconstruction_falls_on_images_that_can_be_learned():
    net, method, images = network(), Autoencoder(), low_rank()
    method.prepare(net, SIZE)
    before, features_before = method.decoder.weight.detach().clone(), net.backbone.hidden[2].weight.detach().clone()
    recipe = Recipe(
        epochs=10, batch_size=4, learning_rate=0.01, keep=LAST, steps=20, alpha=1.0, unlabeled_batch=12, averaging=0.9
    )
    curve = train(net, recipe, 0, examples(), None, 2, pool_of(method, images))
    losses = [row["unsupervised_loss"] for row in curve]
    assert losses[-1] < 0.2 * losses[0]
    assert (method.decoder.weight - before).norm() > 1.0
    assert (net.backbone.hidden[2].weight - features_before).norm() > 0.5
    noise = np.random.default_rng(1).standard_normal(images.shape).astype(np.float32)
    other, method = network(), Autoencoder()
    method.prepare(other, SIZE)
    failing = train(other, replace(recipe, epochs=3), 0, examples(), None, 2, pool_of(method, 2 * noise))
    assert failing[-1]["unsupervised_loss"] > 0.5 * failing[0]["unsupervised_loss"]  # five features can't draw noise


def test_the_decoder_is_made_without_changing_the_network():
    net = network(dropout=0.5, normalized=True).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    Autoencoder().prepare(net, SIZE)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(module.training for module in net.modules())


# Planted sounds


@pytest.mark.parametrize(
    ("plain", "changed", "behind"),
    [((0.0, 1.0), (0.0, 3.0), -2.0), ((0.0, 3.0), (2.0, 1.0), 4.0), ((1.0, 0.0, 0.0), (1.0, 2.0, 2.0), -2.0)],
)
def test_the_order_of_a_clip_and_the_same_with_something_planted_by_hand(plain, changed, behind):
    net = network(Given, outputs=len(plain))
    step = one_step(stated(plain), net, classes=len(plain), views=stated(changed)[None])
    term = PlantedSounds(1)(step)
    assert float(term.loss.detach()) == pytest.approx(math.log(1 + math.exp(behind)))
    assert not term.probabilities.requires_grad
