"""Every semi-supervised method and backbone, and their supervised baselines, on tiny images of a simulated corpus."""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import cycle
from typing import ClassVar

import numpy as np
import pytest
import torch
from made_up_networks import Given
from synthetic_corpora import clips_with

from respbench.corpora import catalog
from respbench.corpora.problems import InputError
from respbench.corpora.simulated.simulation import Simulation
from respbench.corpora.tasks import for_task
from respbench.features import cache as features_cache
from respbench.features.columns import Columns
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.recipe import LAST, Recipe
from respbench.models.pretraining import simulated
from respbench.models.pretraining.simulated import Simulated
from respbench.models.registry import REGISTRY
from respbench.models.selection import usual
from respbench.models.semi_supervised.builder import find_backbone
from respbench.models.semi_supervised.entries import BACKBONES, SEMI_SUPERVISED
from respbench.models.semi_supervised.pseudo_label import PseudoLabel
from respbench.models.semi_supervised.settings import LARGER_ALPHAS, SCHEDULES, SMALLEST_ALPHA

SEMI = [name for name, spec in REGISTRY.items() if spec.kind == "semi-supervised" and "backbone" in spec.overrides]
METHODS = [name for name in SEMI if REGISTRY[name].unlabeled]
BASELINES = [f"supervised-{backbone}" for backbone in BACKBONES]
ALIKE = [name for name in BACKBONES if find_backbone(name).standardize_on_labeled]
ONE_EACH = [f"{method}-{backbone}" for method, backbone in zip(SEMI_SUPERVISED, cycle(BACKBONES), strict=False)]
"""Every method and every backbone, but not all pairs: the two are independent."""


@dataclass(frozen=True)
class Spectrum:
    """Of the whole clip, in dB, folded into an image; an `Extractor` of `features.cache`."""

    shape: tuple[int, int, int]

    SHAPES: ClassVar = {
        "mlp": (1, sum(Columns().families), 1),
        "cnn": (1, 8, 8),
        "cnn-gru": (1, 8, 8),
        "resnet-maps": (4, 8, 100),  # longer than the stretch that it is trained on
        "cnn-1d": (1, 1, 64),
        "gru": (1, 1, 64),
        "cnn-gru-1d": (1, 1, 64),
    }

    def __call__(self, signals, rate):
        size = int(np.prod(self.shape))
        lines = [np.abs(np.fft.rfft(signal[0], 2 * size)[:size]) for signal in signals]
        return (20 * np.log10(np.array(lines) + 1e-3)).reshape(-1, *self.shape).astype(np.float32)


@pytest.fixture(scope="module", autouse=True)
def quick_key():
    """The cache hashes this file at every call; it doesn't change."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features_cache, "code_identity", lru_cache(features_cache.code_identity))
        yield


def corpus(task="abnormal"):
    """Ten patients, 40 clips, stored, so that images are computed once for all fits."""
    return for_task(
        catalog.open_corpus("simulated", simulation=Simulation(patients=10, clips_per_patient=4, seed=5)).clips(), task
    )


@pytest.fixture(scope="module")
def parts():
    """D_L of four patients, one to validate with, D_U of four, and one to predict."""
    clips = corpus()
    return [clips.take(np.arange(*ends)) for ends in ((0, 16), (16, 20), (20, 36), (36, 40))]


def unfitted(name, seed=0, **parameters):
    spec = REGISTRY[name]
    model = spec.build(seed, {"epochs": 1, "steps": 2, **parameters})
    model.images = Spectrum(Spectrum.SHAPES[spec.overrides["backbone"]])
    model.pretraining = None  # test_a_method_starts_at_the_weights_of_its_baseline has it
    return model


def predicted(name, parts, unlabeled, seed=0, **parameters):
    labeled, valid, _, test = parts
    return unfitted(name, seed, **parameters).fit(labeled, valid, unlabeled).predict_proba(test.hide_labels())


def without_ramp(name):
    """Parameters with which every method has a loss in the first step; the others are its own."""
    own = REGISTRY[name].parameters()
    return {key: value for key, value in {"threshold": 0.5, "ramp": 0.0, "ratio": 1}.items() if key in own}


def relabeled(clips, seed=0):
    """Every clip with the labels of another."""
    source = np.random.default_rng(seed).permutation(len(clips))
    changed = replace(clips, label=clips.label[source], sound=clips.sound[source])
    assert not np.array_equal(changed.label, clips.label)
    assert not np.array_equal(changed.sound, clips.sound)
    return changed


# Unlabeled clips


@pytest.mark.parametrize("name", ONE_EACH)
def test_labels_of_unlabeled_clips_change_no_prediction(name, parts):
    """Not even if they are not hidden."""
    own = without_ramp(name)
    hidden = predicted(name, parts, parts[2].hide_labels(), **own)
    for given in (parts[2], relabeled(parts[2])):
        np.testing.assert_array_equal(predicted(name, parts, given, **own), hidden)


@pytest.mark.parametrize("name", ONE_EACH)
def test_without_unlabeled_clips_predictions_differ(name, parts):
    """The labeled clips remain, without their labels; an empty table equals none."""
    own = without_ramp(name)
    with_them, without, empty = (
        predicted(name, parts, unlabeled, **own)
        for unlabeled in (parts[2].hide_labels(), None, parts[2].hide_labels().take(np.arange(0)))
    )
    assert not np.array_equal(with_them, without)
    np.testing.assert_array_equal(without, empty)
    assert np.isfinite(without).all()


@pytest.mark.parametrize("name", ONE_EACH)
def test_it_is_the_term_through_which_unlabeled_clips_matter(name, parts):
    """Other clips in their place change the predictions; not so with alpha = 0, which leaves the standardization out
    of it here, and batch normalization."""
    own, model_of = without_ramp(name), {}
    others = parts[2].take(np.arange(16)[::-1])
    for alpha in (0.0, 1.0):
        for unlabeled in (parts[2], others):
            model = unfitted(name, alpha=alpha, **own)
            model.standardize = False
            model.images = Softly(model.images)
            model.fit(parts[0], parts[1], unlabeled.hide_labels())
            model_of[alpha, unlabeled is others] = model.predict_proba(parts[3])
    assert not np.array_equal(model_of[1.0, True], model_of[1.0, False])
    if not name.endswith(("resnet-maps", "-1d")):
        np.testing.assert_array_equal(model_of[0.0, True], model_of[0.0, False])


@dataclass(frozen=True)
class Softly:
    """Another extractor's images, near 0, for networks without standardization."""

    of: Spectrum

    def __call__(self, signals, rate):
        return self.of(signals, rate) / 20


@pytest.mark.parametrize("name", BASELINES)
def test_a_supervised_baseline_makes_no_use_of_unlabeled_clips(name, parts):
    np.testing.assert_array_equal(predicted(name, parts, parts[2].hide_labels()), predicted(name, parts, None))


# Unusual input


@pytest.mark.parametrize("name", ONE_EACH)
def test_the_clips_of_one_patient_are_enough(name, parts):
    labeled, valid, unlabeled, test = parts
    alone = [np.flatnonzero(labeled.patient == patient) for patient in np.unique(labeled.patient)]
    one = next(index for index in alone if len(np.unique(labeled.label[index])) == 2)
    p = predicted(name, (labeled.take(one), valid, unlabeled, test), unlabeled.hide_labels())
    np.testing.assert_allclose(p.sum(1), 1)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_labels_of_one_class_alone_are_enough(backbone, parts):
    labeled, valid, unlabeled, test = parts
    alike = (labeled.take(np.flatnonzero(labeled.label == 1)), valid, unlabeled, test)
    assert np.isfinite(predicted(f"fixmatch-{backbone}", alike, unlabeled.hide_labels())).all()


@pytest.mark.parametrize("name", ONE_EACH + BASELINES)
def test_four_classes_work_too(name):
    clips = corpus("four-class")
    labeled, valid, unlabeled, test = (clips.take(np.arange(*ends)) for ends in ((0, 16), (16, 20), (20, 36), (36, 40)))
    model = unfitted(name).fit(labeled, valid, unlabeled.hide_labels())
    p = model.predict_proba(test.hide_labels())
    assert p.shape == (4, 4)
    np.testing.assert_allclose(p.sum(1), 1)
    assert all(len(found) == 16 and found.min() >= -1 and found.max() < 4 for found in model.pseudo_labels)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_unlabeled_clips_of_the_users_own_may_lack_their_recordings(backbone, parts):
    unlabeled = parts[2].hide_labels()
    unlabeled = replace(unlabeled, meta=unlabeled.meta[[]])
    assert np.isfinite(predicted(f"mean-teacher-{backbone}", parts, unlabeled)).all()


@pytest.mark.parametrize("name", [f"autoencoder-{backbone}" for backbone in BACKBONES])
def test_fitting_again_gives_the_same(name, parts):
    labeled, valid, unlabeled, test = parts
    model = unfitted(name)
    first, again = (model.fit(labeled, valid, unlabeled.hide_labels()).predict_proba(test) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_an_autoencoder_takes_images_shorter_than_the_crop(parts):
    labeled, valid, unlabeled, _ = parts
    model = unfitted("autoencoder-resnet-maps")
    model.images = Spectrum((4, 8, 40))
    model.fit(labeled, valid, unlabeled.hide_labels())


# Methods and supervised baselines


@pytest.mark.parametrize("name", SEMI)
def test_a_method_differs_from_its_baseline_in_the_term_alone(name):
    spec = REGISTRY[name]
    baseline = REGISTRY[spec.supervised_baseline]
    one, other = spec.build(3), baseline.build(3)
    assert not baseline.unlabeled
    assert not baseline.supervised_baseline
    assert (spec.optional, baseline.optional, baseline.kind) == (True, True, "network")
    assert spec.overrides["backbone"] == baseline.overrides["backbone"]
    assert one.method is not None
    assert other.method is None
    assert replace(one.recipe, alpha=0.0, ramp=0.0, unlabeled_batch=0) == other.recipe
    assert one.recipe.alpha > 0
    assert one.recipe.unlabeled_batch >= one.recipe.batch_size
    assert (one.images, one.seed, one.standardize) == (other.images, other.seed, other.standardize)
    size = Spectrum.SHAPES[spec.overrides["backbone"]]
    states = []
    for model in (one, other):
        torch.manual_seed(0)
        states.append(model.architecture(size, 2).state_dict())
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())


@pytest.mark.parametrize("backbone", BACKBONES)
def test_no_epoch_is_selected_by_validation_and_averaged_weights_predict(backbone):
    recipe = REGISTRY[f"supervised-{backbone}"].build(0).recipe
    assert (recipe.keep, recipe.hold_out, recipe.patience, recipe.averaging) == (LAST, True, None, 0.999)
    assert recipe.steps
    assert recipe.learning_rate == REGISTRY[backbone].build(0).recipe.learning_rate


def test_parameters_reach_the_recipe():
    recipe = REGISTRY["vat-mlp"].build(0, {"alpha": 0.7, "ramp": 0.2, "ratio": 3, "epochs": 4, "steps": 6}).recipe
    assert (recipe.alpha, recipe.ramp, recipe.epochs, recipe.steps) == (0.7, 0.2, 4, 6)
    assert recipe.unlabeled_batch == 3 * recipe.batch_size


@pytest.mark.parametrize("name", [*SEMI, *BASELINES])
def test_settings_are_those_that_were_chosen_for_the_backbone(name):
    """Over the others, entries have the defaults of the method, on which their stored results depend."""
    own = REGISTRY[name].overrides
    if own["backbone"] not in SCHEDULES:
        assert own == {"backbone": own["backbone"]}
        return
    assert {key: own[key] for key in ("epochs", "steps")} == SCHEDULES[own["backbone"]]
    if name in SEMI:
        method = name.removesuffix(f"-{own['backbone']}").removesuffix("-labeled")
        assert own["alpha"] == LARGER_ALPHAS[own["backbone"]].get(method, SMALLEST_ALPHA)


def test_every_backbone_is_the_network_of_that_name():
    for name, component in BACKBONES.items():
        assert find_backbone(name).target == REGISTRY[name].target
        assert {spec.components for spec in REGISTRY.values() if spec.overrides.get("backbone") == name} == {
            (component,)
        }


def test_there_is_an_entry_for_every_method_and_backbone():
    assert sorted(METHODS) == sorted(f"{method}-{backbone}" for method in SEMI_SUPERVISED for backbone in BACKBONES)
    for name in METHODS:
        spec = REGISTRY[name]
        file, _ = SEMI_SUPERVISED[name.removesuffix(f"-{spec.overrides['backbone']}")]
        assert spec.target == f"respbench.models.semi_supervised.{file}:build"
        assert type(spec.build(0).method).__module__ == spec.target.partition(":")[0]


def test_every_method_has_the_baseline_of_its_backbone():
    assert {
        REGISTRY[name].supervised_baseline == f"supervised-{REGISTRY[name].overrides['backbone']}" for name in SEMI
    } == {True}


@pytest.mark.parametrize("name", sorted(set(SEMI) - set(METHODS)))
def test_an_entry_that_learns_from_labeled_clips_alone_is_its_method_without_the_others(name, parts):
    method = next(other for other in METHODS if differ_in_clips_alone(REGISTRY[other], REGISTRY[name]))
    np.testing.assert_array_equal(predicted(name, parts, None), predicted(method, parts, None))


def differ_in_clips_alone(one, other):
    return (one.target, one.overrides) == (other.target, other.overrides)


def test_under_a_label_budget_no_method_runs_without_its_baseline():
    names = usual(few_labels=True).split(",")
    assert len(set(names)) == len(names)
    assert set(names) <= REGISTRY.keys()
    assert {REGISTRY[name].supervised_baseline for name in names} - {""} <= set(names)
    assert not any(REGISTRY[name].unlabeled for name in usual().split(","))


def test_an_unknown_backbone_is_refused():
    with pytest.raises(InputError, match="unknown backbone 'vgg'; choose from"):
        REGISTRY["vat-cnn"].build(0, {"backbone": "vgg"})


@pytest.mark.parametrize("name", [f"{method}-{backbone}" for method in ("vicreg", "fixmatch") for backbone in ALIKE])
def test_without_its_weight_a_method_is_its_baseline(name, parts):
    """Both start at the same weights and standardize the same images in the same way."""
    method = predicted(name, parts, parts[2].hide_labels(), alpha=0.0)
    np.testing.assert_array_equal(method, predicted(REGISTRY[name].supervised_baseline, parts, None))


@pytest.mark.parametrize("backbone", ALIKE)
def test_a_method_starts_at_the_weights_of_its_baseline(backbone, parts, monkeypatch):
    labeled, valid, unlabeled, test = parts
    monkeypatch.setattr(simulated, "SIMULATED_FEW_LABELS", Simulated(patients=6, epochs=1, rate_factor=0.1))
    found = []
    for name, own in ((f"fixmatch-{backbone}", {"alpha": 0.0}), (f"supervised-{backbone}", {})):
        for pretrained in (True, False):
            model = unfitted(name, **own)
            model.pretraining = simulated.SIMULATED_FEW_LABELS if pretrained else None
            assert REGISTRY[name].build(0).pretraining == simulated.SIMULATED_FEW_LABELS
            found.append(model.fit(labeled, valid, unlabeled.hide_labels()).predict_proba(test.hide_labels()))
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(found[1], found[3])
    assert not np.array_equal(found[0], found[1])


def test_a_self_supervised_network_is_then_trained_as_its_baseline(parts):
    """Its first epochs are not of the curve, in which no unsupervised term is left."""
    labeled, valid, unlabeled, _ = parts
    one, other = (unfitted(name).fit(labeled, valid, unlabeled) for name in ("vicreg-cnn", "supervised-cnn"))
    assert [row.keys() for row in one.curve] == [row.keys() for row in other.curve]
    assert one.curve[0]["train_loss"] != other.curve[0]["train_loss"]
    assert one.pseudo_labels == []
    longer = unfitted("vicreg-cnn", first=9).fit(labeled, valid, unlabeled)
    assert longer.curve[0]["train_loss"] != one.curve[0]["train_loss"]


# Order of the clips


@dataclass(frozen=True)
class FirstSample:
    """Logits for `Given` that a clip's first sample states: -3 and 3 for 1, 0 and 0 for 0."""

    def __call__(self, signals, rate):
        images = np.zeros((len(signals), 1, 4, 6), dtype=np.float32)
        images[:, 0, 0, :2] = np.array([[-3.0, 3.0]]) * np.array([signal[0, 0] for signal in signals])[:, None]
        return images


def stating(counts, values, names):
    """Clips whose first sample states a class, of patients with these names."""
    clips = clips_with(counts)
    signals = [np.full((1, 8), value, dtype=np.float32) for value in values]
    ids = np.array([f"{name}{i}" for i, name in enumerate(names)])
    return replace(clips, signals=signals, patient=np.array(names), clip_id=ids)


def test_pseudo_labels_have_the_order_of_the_clips():
    unlabeled = stating([[4, 4]], [1, 0, -1, -1, 1, 0, 0, 1], list("bbaaabcc")).hide_labels()
    labeled = stating([[1, 1]], [1, -1], ["x", "y"])
    recipe = Recipe(epochs=2, batch_size=2, learning_rate=0.0, keep=LAST, hold_out=True, steps=9, alpha=1.0)
    model = NetworkModel(lambda size, outputs: Given(outputs), FirstSample(), recipe, 0, False, PseudoLabel(0.95))
    model.fit(labeled, labeled, unlabeled)
    assert [found.tolist() for found in model.pseudo_labels] == [[1, -1, 0, 0, 1, -1, -1, 1]] * 2
    assert all(row["confident"] == pytest.approx(5 / 8, abs=0.05) for row in model.curve)


def test_the_pool_is_the_unlabeled_clips_then_the_labeled_ones():
    unlabeled = stating([[2, 2]], [1, 2, 3, 4], list("bbac")).hide_labels()
    labeled = stating([[1, 1]], [5, 6], ["a", "d"])
    model = NetworkModel(lambda size, outputs: Given(outputs), FirstSample(), Recipe(), 0)
    pool = model.unlabeled_pool(PseudoLabel(0.95), labeled, unlabeled)
    assert (pool.images[:, 0, 0, 1] / 3).tolist() == [1, 2, 3, 4, 5, 6]
    assert pool.unlabeled_count == 4
    names = np.array(list("bbacad"))
    same = pool.patient[:, None] == pool.patient[None]
    assert np.array_equal(same.numpy(), names[:, None] == names[None])


def test_bands_are_standardized_on_all_clips_of_a_method_and_on_the_labeled_ones_of_its_baseline(parts):
    labeled, valid, unlabeled, _ = parts
    for name, seen in (("vat-resnet-maps", [*labeled, *unlabeled]), ("supervised-resnet-maps", [*labeled])):
        model = unfitted(name).fit(labeled, valid, unlabeled.hide_labels())
        mean = model.images(seen, labeled.rate).mean((0, 3), dtype=np.float64)
        np.testing.assert_allclose(model.network.standardize.mean[0, :, :, 0], mean, rtol=1e-4)


@pytest.mark.parametrize("backbone", ALIKE)
def test_where_a_method_and_its_baseline_are_alike_bands_are_standardized_on_the_labeled_clips(backbone, parts):
    labeled, valid, unlabeled, _ = parts
    for name in (f"vat-{backbone}", f"supervised-{backbone}"):
        model = unfitted(name).fit(labeled, valid, unlabeled.hide_labels())
        mean = model.images([*labeled], labeled.rate).mean((0, 3), dtype=np.float64)
        np.testing.assert_allclose(model.network.standardize.mean[0, :, :, 0], mean, rtol=1e-4)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_validation_clips_are_not_learned_from(backbone, parts):
    labeled, valid, unlabeled, test = parts
    others = replace(test, label=1 - test.label)
    for name in (f"pi-model-{backbone}", f"supervised-{backbone}"):
        one, other = (
            predicted(name, (labeled, held_out, unlabeled, test), unlabeled.hide_labels())
            for held_out in (valid, others)
        )
        np.testing.assert_array_equal(one, other)
