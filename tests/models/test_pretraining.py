"""Pretraining: its weights are made once, whole or not at all, from clips of the training side alone."""

import multiprocessing
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from made_up_networks import Small
from synthetic_breaths import breath, signal

from respbench.benchmarks.execution.evaluate import evaluate
from respbench.corpora import catalog
from respbench.corpora.choices import MOTION
from respbench.corpora.clips import HIDDEN, Clips
from respbench.corpora.problems import InputError
from respbench.corpora.splits.folds import Fold
from respbench.features.augmentation import Augmentation
from respbench.features.images import ResizedMel
from respbench.models.networks.backbone import Backbone
from respbench.models.networks.cnn import TwoLayerCNN
from respbench.models.networks.motion import SERIES
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.recipe import LAST, Recipe
from respbench.models.networks.starting_point import Untrained, last_layer, start_from
from respbench.models.pretraining import artefacts
from respbench.models.pretraining.artefacts import get_or_make, read
from respbench.models.pretraining.planted import PlantedRanking
from respbench.models.pretraining.simulated import Simulated
from respbench.models.pretraining.task import train_unlabeled
from respbench.models.semi_supervised.planted import PlantedSounds, abnormality

STATE = {"weight": torch.arange(6.0).view(2, 3), "count": torch.tensor(3)}
IMAGES = ResizedMel(n_mels=8, n_fft=128, hop=64)
PLANTED = PlantedRanking(epochs=1, steps=2, batch_size=4, takes=1)
SIMULATED = Simulated(epochs=1, patients=4)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of each test's own."""
    monkeypatch.setattr(catalog, "CACHE", tmp_path / "cache")
    return tmp_path / "cache" / "pretrained"


def stored(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.pt"))}


def clips_of(count=12, seed=0):
    return Clips(
        signals=[signal(breath(0.6, seed=100 * seed + number)) for number in range(count)],
        rate=4000,
        label=np.arange(count) % 2,
        patient=np.array([f"p{number // 2}" for number in range(count)]),
        clip_id=np.array([f"c{number}" for number in range(count)]),
        classes=("normal", "abnormal"),
        meta=pd.DataFrame(index=range(count)),
    )


def model_with(pretraining, seed=0, **recipe):
    recipe = {"epochs": 1, "batch_size": 4, "keep": LAST} | recipe
    return NetworkModel(
        lambda size, outputs: Small(outputs, normalized=True, size=size),
        IMAGES,
        Recipe(**recipe),
        seed,
        pretraining=pretraining,
    )


def untrained(size=(1, 8, 64), dropout=0.0, images=IMAGES, **recipe):
    return Untrained(lambda size, outputs: Small(outputs, dropout, size=size), size, images, Recipe(**recipe), True)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# The file


def test_weights_are_made_once_and_read_afterwards(cache):
    made = []
    for _ in range(2):
        assert same(get_or_make("task", "k", lambda: made.append(1) or STATE), STATE)
    assert len(made) == 1
    assert list(stored(cache)) == ["task-k.pt"]


def test_damaged_weights_are_made_again(cache):
    get_or_make("task", "k", lambda: STATE)
    path = cache / "task-k.pt"
    whole = path.read_bytes()
    damaged = [b"", whole[:-1], whole[: len(whole) // 2], b"x" * len(whole)]
    damaged += [whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :] for at in range(0, len(whole), 31)]
    for content in damaged:
        path.write_bytes(content)
        assert same(get_or_make("task", "k", lambda: STATE), STATE)


def test_weights_of_another_key_are_not_taken(cache):
    get_or_make("task", "one", lambda: STATE)
    (cache / "task-one.pt").rename(cache / "task-other.pt")
    assert read(cache / "task-other.pt", "other") is None


def test_an_interrupted_making_leaves_nothing(cache, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get_or_make("task", "k", interrupted)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space"):
            get_or_make("task", "k", lambda: STATE)
    assert {path.suffix for path in cache.iterdir()} <= {".lock"}
    (cache / ".task-k.pt.4711").write_bytes(b"of a killed process")
    assert same(get_or_make("task", "k", lambda: STATE), STATE)
    assert not list(cache.glob(".task*"))


def _make_slowly(folder, barrier):
    catalog.CACHE = folder

    def make():
        with (folder / "made").open("a", encoding="utf-8") as file:
            file.write("x")
        time.sleep(0.2)  # so that the other one comes in the meantime
        return STATE

    barrier.wait(60)
    get_or_make("task", "k", make)


def test_two_processes_make_them_once(tmp_path):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    workers = [context.Process(target=_make_slowly, args=(tmp_path, barrier)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert (tmp_path / "made").read_text(encoding="utf-8") == "x"


def test_the_weights_used_last_are_kept(cache, monkeypatch):
    get_or_make("task", "a", lambda: STATE)
    size = (cache / "task-a.pt").stat().st_size
    monkeypatch.setattr(artefacts, "LIMIT", 2 * size)
    get_or_make("task", "b", lambda: STATE)
    for name in "ab":
        os.utime(cache / f"task-{name}.pt", (0, 0))
    get_or_make("task", "a", lambda: STATE)
    get_or_make("task", "c", lambda: STATE)
    assert list(stored(cache)) == ["task-a.pt", "task-c.pt"]


@pytest.mark.parametrize("name", ["../task", "Task", ""])
def test_a_name_is_no_path(name):
    with pytest.raises(ValueError, match="name"):
        get_or_make(name, "k", lambda: STATE)


# The key


@pytest.mark.parametrize(
    "other",
    [
        untrained(dropout=0.5),
        untrained(size=(1, 8, 32)),
        untrained(images=ResizedMel(n_mels=8, n_fft=128, hop=32)),
        untrained(learning_rate=0.1),
        untrained(augmentation=Augmentation(noise=1.0)),
        replace(untrained(), standardize=False),
        replace(untrained(), architecture=lambda size, outputs: TwoLayerCNN(size, outputs)),
    ],
)
def test_another_network_has_another_key(other):
    clips = [clips_of()]
    for task in (PLANTED, SIMULATED):
        assert task.key(untrained(), clips) != task.key(other, clips)


def test_another_pretraining_has_another_key():
    changed = [replace(PLANTED, **{name: 3}) for name in ("seed", "epochs", "steps", "takes", "batch_size")]
    changed += [replace(PLANTED, averaging=0.5), replace(PLANTED, first=SIMULATED)]
    changed += [replace(PLANTED, first=replace(SIMULATED, patients=5)), PLANTED, SIMULATED]
    assert len({task.key(untrained(), [clips_of()]) for task in changed}) == len(changed)


def test_what_the_fit_does_later_does_not_count():
    later = untrained(epochs=3, alpha=0.5, steps=7, unlabeled_batch=3, strong=Augmentation(noise=1.0), mixup=0.5)
    for task in (PLANTED, SIMULATED):
        assert task.key(untrained(), [clips_of()]) == task.key(later, [clips_of()])


def test_planted_weights_depend_on_the_audio_alone_and_simulated_ones_not_even_on_that():
    clips, network = clips_of(), untrained()
    shuffled = clips.take(np.random.default_rng(0).permutation(12))
    renamed = replace(clips.hide_labels(), patient=np.full(12, "p"), clip_id=clips.clip_id[::-1])
    parts = [clips.take(np.arange(6, 12)), clips.take(np.arange(6))]
    assert len({PLANTED.key(network, group) for group in ([clips], [shuffled], [renamed], parts)}) == 1
    one, other = (PLANTED.train(network, group, None).state_dict() for group in ([clips], parts))
    assert same(one, other)
    assert PLANTED.key(network, [clips]) != PLANTED.key(network, [clips.take(np.arange(11))])
    assert SIMULATED.key(network, [clips]) == SIMULATED.key(network, [clips_of(3, seed=1)])


# The fit


@pytest.mark.parametrize(
    "task", [PLANTED, SIMULATED, replace(PLANTED, first=SIMULATED)], ids=["planted", "sim", "both"]
)
def test_test_clips_change_neither_weights_nor_predictions(task, cache):
    """Other audio, other labels, in the place of those of the test clips."""
    clips, others = clips_of(), clips_of(seed=1)
    fold = Fold(train=np.arange(4), valid=np.arange(4, 6), test=np.arange(6, 9), unlabeled=np.arange(9, 12))
    probe = clips_of(5, seed=2).hide_labels()
    found = []
    for table in (clips, with_test(clips, others, fold.test), hidden(clips, fold.unlabeled)):
        model = model_with(task)
        evaluate(model, table, fold, unlabeled=True)
        found.append(model.predict_proba(probe))
    assert all(np.array_equal(found[0], other) for other in found)
    files = stored(cache)
    assert len(files) == 1 + (task.first is not None)
    model = model_with(task)
    evaluate(model, with_test(clips, others, fold.train), fold, unlabeled=True)
    assert (len(stored(cache)) > len(files)) == (task is not SIMULATED)


def with_test(clips, others, rows):
    """The clips with the audio of others, and the opposite label, at ``rows``."""
    signals = [(others if row in rows else clips).signals[row] for row in range(len(clips))]
    label = np.where(np.isin(np.arange(len(clips)), rows), 1 - clips.label, clips.label)
    return replace(clips, signals=signals, label=label)


def hidden(clips, rows):
    return replace(clips, label=np.where(np.isin(np.arange(len(clips)), rows), HIDDEN, clips.label))


def sevens(backbone):
    return {name: torch.full_like(value, 7) for name, value in backbone.state_dict().items()}


class Spy:
    """Records what a pretraining gets to see."""

    def __init__(self, head=True, rate_factor=1.0):
        self.head, self.rate_factor, self.clips = head, rate_factor, None

    def __call__(self, network, clips):
        self.clips, self.network = clips, network
        return sevens(network.architecture(network.size, 2))


def test_a_pretraining_sees_no_label_and_validation_clips_only_if_they_are_trained_on():
    clips, unlabeled = clips_of(), clips_of(3, seed=1)
    train, valid = clips.take(np.arange(8)), clips.take(np.arange(8, 12))
    for recipe, seen in (({}, 15), ({"hold_out": True}, 11), ({"keep": "accuracy"}, 11)):
        spy = Spy()
        model_with(spy, **recipe).fit(train, valid, unlabeled)
        assert sum(len(part) for part in spy.clips) == seen
        assert all((part.label == HIDDEN).all() and (part.sound == HIDDEN).all() for part in spy.clips)


def test_all_but_the_last_layer_starts_from_the_weights():
    backbone, fresh = Small(3, normalized=True), Small(3, normalized=True)
    backbone.load_state_dict(fresh.state_dict())
    state = sevens(Small(2, normalized=True))
    start_from(backbone, state)
    own = backbone.state_dict()
    assert last_layer(backbone) == {"dense.weight", "dense.bias"}
    for name, value in own.items():
        assert torch.equal(value, fresh.state_dict()[name] if name in last_layer(backbone) else state[name])
    assert "hidden.3.running_mean" in own


@pytest.mark.parametrize("outputs", [2, 3, 4])
def test_the_last_layer_is_taken_over_as_far_as_its_outputs_mean_the_same(outputs):
    backbone = Small(outputs)
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    start_from(backbone, sevens(Small(3)), head=True)
    for name, value in backbone.state_dict().items():
        kept = value[3:] if name in last_layer(backbone) else value[:0]
        assert torch.equal(kept, before[name][3:] if name in last_layer(backbone) else value[:0])
        assert bool((value[:3] == 7).all())


@pytest.mark.parametrize(("classes", "taken"), [(("normal", "abnormal"), True), (("walking", "lying"), False)])
def test_the_last_layer_of_other_classes_is_not_taken_over(classes, taken):
    clips = replace(clips_of(), classes=classes)
    model = model_with(Spy(rate_factor=0.0)).fit(clips.take(np.arange(8)), clips.take(np.arange(8, 12)))
    assert bool((model.network.backbone.dense.weight == 7).all()) == taken
    assert bool((model.network.backbone.hidden[2].weight == 7).all())


def test_a_learning_rate_of_the_fit_is_a_share_of_the_recipe(monkeypatch):
    rates = []
    monkeypatch.setattr(
        "respbench.models.networks.network.train",
        lambda network, recipe, *rest: rates.append(recipe.learning_rate) or [],
    )
    clips = clips_of()
    model_with(Spy(rate_factor=0.1), learning_rate=0.5).fit(clips, clips_of(2, seed=1))
    assert rates == [0.05]
    one, other = (replace(PLANTED, rate_factor=factor, head=factor > 1) for factor in (1.0, 2.0))
    assert one.key(untrained(), [clips]) == other.key(untrained(), [clips])


def test_weights_of_another_architecture_are_refused():
    with pytest.raises(ValueError, match="another architecture"):
        start_from(Small(), Small(size=(1, 4, 5)).state_dict())

    class Linearless(Backbone):
        pass

    with pytest.raises(ValueError, match="no linear layer"):
        start_from(Linearless(), {})


def test_the_standardization_is_that_of_the_fit():
    clips = clips_of()
    with_it, without = model_with(Spy()), model_with(None)
    for model in (with_it, without):
        model.fit(clips.take(np.arange(8)), clips.take(np.arange(8, 12)))
    assert torch.equal(with_it.network.standardize.mean, without.network.standardize.mean)


def test_movements_are_refused():
    clips = replace(clips_of(), modality=MOTION)
    model = model_with(PLANTED)
    model.motion = SERIES
    with pytest.raises(InputError, match="sounds only"):
        model.fit(clips, clips)


def test_planted_sounds_are_ranked_above_the_clips_after_pretraining():
    clips = [clips_of(16)]
    network = Untrained(TwoLayerCNN, (1, 8, 64), IMAGES, Recipe(), True)
    method = PlantedSounds(1)
    recipe = Recipe(epochs=2, steps=60, unlabeled_batch=8, keep=LAST, averaging=0.9)
    backbone = train_unlabeled(network, recipe, 0, method, clips).eval()
    plain = IMAGES(clips[0].signals, 4000)
    mean, deviation = plain.mean((0, 3), keepdims=True), plain.std((0, 3), keepdims=True)
    with torch.no_grad():
        low, *high = (
            abnormality(backbone(torch.from_numpy((view(clips[0].signals, 4000) - mean) / deviation)))
            for view in (IMAGES, *method.views(IMAGES))
        )
    assert [float((scores > low).float().mean()) > 0.8 for scores in high] == [True, True]


def test_the_folder_is_in_the_cache(cache):
    assert artefacts.folder() == Path(cache)
