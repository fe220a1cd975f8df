"""The exercises of pages 6, 8, 9 and 10: networks, losses and movements. Each check computes the right answer."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from respbench.benchmarks.execution.evaluate import evaluate
from respbench.corpora.problems import InputError
from respbench.corpora.protocols import find
from respbench.corpora.simulated.simulation import Simulation, simulate
from respbench.corpora.tasks import for_task
from respbench.corpora.windows import Windows
from respbench.models.networks.cnn import TwoLayerCNN, convolutions
from respbench.models.networks.network import NetworkModel
from respbench.models.selection import from_file
from respbench.practical.answers import Answer, Wrong, close
from respbench.practical.setting import Setting

IMAGE = (1, 128, 64)
"""(channels, bands, frames) of exercise 6a."""

OTHER_IMAGES = (8, 1, 64, 160)
"""(batch, channels, bands, frames) of exercise 8a."""

TRIAL_SECONDS, TRIAL_RATE, WINDOW, HOP = 7.3, 32, 2.0, 1.0
"""Of exercise 10a: s, Hz, s, s."""


def weights(answer: Answer, setting: Setting) -> str:
    """6a: trainable numbers of the two-layer CNN with two classes."""
    (given,) = answer.numbers("number of weights")
    network = TwoLayerCNN(IMAGE, 2)
    layers = {
        name: sum(w.numel() for w in layer.parameters())
        for name, layer in network.named_modules()
        if not list(layer.children())
    }
    right = sum(layers.values())
    biases = sum(w.numel() for w in network.parameters() if w.dim() == 1)
    if given == right:
        return f"in {sum(count > 0 for count in layers.values())} layers"
    if given == right - biases:
        raise Wrong("the biases are missing, one per output channel or unit")
    first = next(iter(layers.values()))
    raise Wrong(f"it is not {given:g}; the first convolution has {first}: 16 kernels of 1 x 3 x 3, and 16 biases")


def batch_normalized(answer: Answer, setting: Setting) -> str:
    """6b: a model file whose network has batch normalization, and which keeps the contract."""
    spec = from_file(answer.file(".py"))
    clips = for_task(simulate(Simulation(patients=12, clips_per_patient=3, difficulty=0.3)), "abnormal")
    fold = next(iter(find("patients-3fold").splitter.split(clips, 0)))
    short = {"epochs": 1} if "epochs" in spec.parameters() else {}
    found = []
    for _ in range(2):
        model = spec.build(seed=1, parameters=short)
        try:
            found.append(evaluate(model, clips, fold, unlabeled=False).probabilities)
        except InputError:
            raise
        except Exception as error:
            raise Wrong(f"fitting it raised {type(error).__name__}: {error}") from error
    if not np.array_equal(found[0], found[1]):
        raise Wrong("two fits with the same seed predict different probabilities")
    if not isinstance(model, NetworkModel):
        raise Wrong("build must return a NetworkModel, as two_layers.py does")
    norms = [part for part in model.network.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    convolution = [part for part in model.network.modules() if isinstance(part, nn.Conv2d)]
    if len(norms) < len(convolution):
        raise Wrong(f"the network has {len(convolution)} convolutions and {len(norms)} batch normalizations")
    return "fitted twice on simulated clips, with the same predictions"


def sequence_shape(answer: Answer, setting: Setting) -> str:
    """8a: the shape of the sequence that a GRU reads."""
    given = answer.numbers("batch", "steps", "numbers per step")
    with torch.no_grad():
        maps = convolutions(OTHER_IMAGES[1])(torch.zeros(OTHER_IMAGES))
    right = tuple(maps.flatten(1, 2).transpose(1, 2).shape)
    if given == right:
        return f"from maps of {tuple(maps.shape)}"
    if given == (right[0], right[2], right[1]):
        raise Wrong("the last two are exchanged: with batch_first=True, the steps come second")
    if math.prod(given) != math.prod(right):
        raise Wrong(f"these are {math.prod(given):g} numbers; the maps are {tuple(maps.shape)}, {maps.numel()} numbers")
    raise Wrong(
        f"{given} has the right product, but a step is one frame of the maps, with all their bands and channels"
    )


def to_sequence(answer: Answer, setting: Setting) -> str:
    """8b: a function from maps to the sequence."""
    function = answer.function("to_sequence")
    for size in ((2, 3, 4, 5), (1, 32, 2, 7), (3, 1, 6, 6)):
        maps = torch.arange(math.prod(size), dtype=torch.float32).reshape(size)
        given = torch.as_tensor(function(maps))
        shape = (size[0], size[3], size[1] * size[2])
        if tuple(given.shape) != shape:
            raise Wrong(f"maps of {size} gave shape {tuple(given.shape)}, not {shape}")
        for step in range(size[3]):
            if not torch.equal(given[:, step].sort(1).values, maps[:, :, :, step].flatten(1).sort(1).values):
                raise Wrong(
                    f"the shape is right, but step {step} holds numbers of other frames: reshape alone mixes them"
                )
    return "every step is one frame"


def consistency(answer: Answer, setting: Setting) -> str:
    """9a: the Π-model's term from the logits of two passes."""
    function = answer.function("unsupervised_loss")
    generator = torch.Generator().manual_seed(9)
    for size in ((6, 2), (3, 4), (1, 2)):
        one, other = (3 * torch.randn(size, generator=generator) for _ in range(2))
        given = float(function(one.clone(), other.clone()))
        p, q = one.softmax(1), other.softmax(1)
        wrong = {
            "the difference of the logits": float((one - other).square().mean()),
            "the sum, not the mean, over clips and classes": float((p - q).square().sum()),
            "the mean over clips of the sum over classes": float((p - q).square().sum(1).mean()),
            "the softmax over clips instead of classes": float((one.softmax(0) - other.softmax(0)).square().mean()),
        }
        _compare(given, float((p - q).square().mean()), wrong)
    return "three batches"


def pseudo_labels(answer: Answer, setting: Setting) -> str:
    """9b: the term of pseudo-labels from logits and a threshold."""
    function = answer.function("pseudo_label_loss")
    generator = torch.Generator().manual_seed(10)
    for threshold in (0.6, 0.9, 1.1):
        logits = 2 * torch.randn((9, 3), generator=generator)
        confidence, decision = logits.softmax(1).max(1)
        each = functional.cross_entropy(logits, decision, reduction="none")
        sure = confidence >= threshold
        given = function(logits.clone(), threshold)
        wrong = {"the mean over all clips, the doubtful included": float(each.mean())}
        if sure.any():
            wrong["the mean over the confident clips; divide by the number of all clips"] = float(each[sure].mean())
        value = float(given)
        if math.isnan(value):
            raise Wrong("it is not a number where no clip is confident; it must be 0 there")
        _compare(value, float((each * sure).mean()), wrong)
    return "three thresholds, one that no clip passes"


def _compare(given: float, right: float, wrong: dict[str, float]) -> None:
    if close(given, right, 1e-5 * max(1.0, abs(right))):
        return
    for name, value in wrong.items():
        if close(given, value, 1e-5 * max(1.0, abs(value))):
            raise Wrong(f"this is {name}")
    raise Wrong(f"it gave {given:.5f} where {right:.5f} is right")


def windows(answer: Answer, setting: Setting) -> str:
    """10a: how many windows a trial is cut into."""
    (given,) = answer.numbers("number of windows")
    samples = round(TRIAL_SECONDS * TRIAL_RATE)
    begins = Windows(seconds=WINDOW, hop=HOP).begins(samples, TRIAL_RATE)
    if given == len(begins):
        return f"they begin at sample {', '.join(map(str, begins))}"
    if given == len(begins) - 1:
        raise Wrong("one more window ends with the trial, since samples are left")
    raise Wrong(
        f"it is not {given:g}; a window begins every {HOP:g} s while {WINDOW:g} s are left, and one ends the trial"
    )


def magnitude(answer: Answer, setting: Setting) -> str:
    """10b: a function from the three axes to the length of the acceleration, whatever way the sensor is turned."""
    function = answer.function("magnitude")
    rng = np.random.default_rng(11)
    for samples in (1, 50):
        series = rng.normal(size=(3, samples)) + np.array([[0.0], [0.0], [9.81]])
        right = np.sqrt((series**2).sum(axis=0))
        for _ in range(3):
            turned = np.linalg.qr(rng.normal(size=(3, 3)))[0] @ series
            given = np.asarray(function(turned.copy()), dtype=np.float64)
            if given.shape != (samples,):
                raise Wrong(f"a series of shape (3, {samples}) gave shape {given.shape}, not ({samples},)")
            if not np.allclose(given, right, rtol=1e-5):
                raise Wrong(f"a turned sensor gave {given[0]:.3f} m/s² first, and must give {right[0]:.3f} m/s²")
    return "six turned sensors"
