"""The supervised loss is the one written down: weights by class, auxiliary outputs only where sounds are known."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from respbench.corpora.clips import HIDDEN
from respbench.models.networks.losses import SupervisedLoss, Targets, supervised_loss

CPU = torch.device("cpu")
LABEL = np.array([0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0])


def test_sounds_are_crackle_and_wheeze():
    sounds = Targets.of(np.zeros(5, dtype=np.int64), np.array([0, 1, 2, 3, HIDDEN])).sounds
    assert sounds[:4].tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]
    assert sounds[4].isnan().all()


def test_taking_targets_takes_both():
    taken = Targets.of(LABEL, 3 * LABEL).take(torch.tensor([6, 0]), CPU)
    assert taken.label.tolist() == [1, 0]
    assert taken.sounds.tolist() == [[1, 1], [0, 0]]


def by_hand(outputs, targets, class_weight, sound_weight, auxiliary):
    """Weighted cross-entropy, and the binary cross-entropies of what is known, one clip after the other."""
    logits = outputs.double()
    total = weight_sum = auxiliary_loss = known = 0.0
    for row, label, sounds in zip(logits, targets.label.tolist(), targets.sounds.tolist(), strict=True):
        classes = row[:-2].softmax(0)
        total += -class_weight[label] * float(classes[label].log())
        weight_sum += class_weight[label]
        for logit, sound, positive in zip(row[-2:], sounds, sound_weight, strict=True):
            if not np.isnan(sound):
                p = float(torch.sigmoid(logit))
                auxiliary_loss += -(positive * sound * np.log(p) + (1 - sound) * np.log(1 - p))
                known += 1
    return total / weight_sum + auxiliary * auxiliary_loss / max(known, 1)


@pytest.mark.parametrize("auxiliary", [0.5, 2.0])
def test_loss_is_the_one_written_down(auxiliary):
    label, sound = np.array([0, 1, 1, 0, 0]), np.array([0, 1, 3, HIDDEN, 0])
    targets = Targets.of(label, sound)
    loss = supervised_loss(targets, 2, True, auxiliary, CPU)
    assert loss.class_weight.tolist() == pytest.approx([5 / (2 * 3), 5 / (2 * 2)])
    assert loss.sound_weight.tolist() == [1, 3]  # 2 of 4 known clips crackle, 1 of 4 wheezes
    outputs = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    expected = by_hand(outputs, targets, [5 / 6, 5 / 4], [1, 3], auxiliary)
    assert float(loss(outputs, targets)) == pytest.approx(expected, rel=1e-6)


def test_without_auxiliary_outputs_all_outputs_are_classes():
    targets = Targets.of(np.array([0, 3, 2]), np.array([0, 3, 2]))
    outputs = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    loss = SupervisedLoss(None, torch.ones(2), 0.0)(outputs, targets)
    assert float(loss) == pytest.approx(float(functional.cross_entropy(outputs, targets.label)))


def test_sounds_that_are_not_known_change_nothing():
    """A corpus of two classes: auxiliary outputs learn nothing, and nothing becomes NaN."""
    targets = Targets.of(LABEL, np.full(len(LABEL), HIDDEN))
    loss = supervised_loss(targets, 2, False, 0.5, CPU)
    assert loss.class_weight is None
    assert torch.isfinite(loss.sound_weight).all()
    outputs = torch.randn(len(LABEL), 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    value = loss(outputs, targets)
    value.backward()
    assert value.item() == pytest.approx(functional.cross_entropy(outputs[:, :2], targets.label).item())
    assert torch.equal(outputs.grad[:, 2:], torch.zeros(len(LABEL), 2))


def test_a_class_without_clips_weighs_nothing_and_a_sound_without_clips_is_finite():
    loss = supervised_loss(Targets.of(np.array([0, 0, 2]), np.array([0, 0, 2])), 4, True, 1.0, CPU)
    assert loss.class_weight.tolist() == pytest.approx([3 / 4, 0, 3 / 2, 0])
    assert loss.sound_weight.tolist() == [3, 2]
