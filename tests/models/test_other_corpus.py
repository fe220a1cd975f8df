"""Pretraining on another corpus: stored under a name that holds its content, refused where recordings are tested."""

import numpy as np
import pytest
from synthetic_breaths import breath, signal

from respbench.benchmarks.cli import main
from respbench.corpora import catalog
from respbench.corpora.clips import HIDDEN, Clips
from respbench.corpora.landmarks import landmarks
from respbench.corpora.problems import InputError
from respbench.corpora.simulated.simulation import Simulation
from respbench.corpora.tasks import for_task
from respbench.features.images import ResizedMel
from respbench.models.networks.cnn import TwoLayerCNN
from respbench.models.networks.network import NetworkModel
from respbench.models.networks.recipe import LAST, Recipe
from respbench.models.pretraining import artefacts, other_corpus
from respbench.models.pretraining.other_corpus import VARIABLE, OtherCorpus, folder, make, weights_for
from respbench.models.pretraining.pretrained import build
from respbench.models.registry import REGISTRY


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of each test's own, in which trainings are short."""
    monkeypatch.setattr(catalog, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(other_corpus, "Supervised", lambda: Short(epochs=1))
    monkeypatch.delenv(VARIABLE, raising=False)


Short = other_corpus.Supervised


def corpus(seed, patients=4):
    return catalog.open_corpus("simulated", simulation=Simulation(patients=patients, clips_per_patient=4, seed=seed))


def clips_of(seed, patients=4):
    return for_task(corpus(seed, patients).clips(), "abnormal")


def network(n_mels=8):
    recipe = Recipe(epochs=1, batch_size=4, keep=LAST)
    return NetworkModel(TwoLayerCNN, ResizedMel(n_mels=n_mels, n_fft=128, hop=64), recipe, 0)


def fit(name, clips, model=None):
    model = model or network()
    model.pretraining = OtherCorpus(name)
    return model.fit(clips.take(np.arange(8)), clips.take(np.arange(8, 12)))


def test_a_fit_starts_from_weights_of_another_corpus():
    clips = clips_of(2)
    name = make(network(), "resnet-maps", clips_of(1), "mine")
    assert name.startswith("mine-resnet-maps-")
    assert make(network(), "resnet-maps", clips_of(1), "mine") == name
    plain = network().fit(clips.take(np.arange(8)), clips.take(np.arange(8, 12)))
    assert not np.array_equal(fit(name, clips).predict_proba(clips), plain.predict_proba(clips))


def test_labels_that_are_hidden_are_not_trained_on():
    clips = clips_of(1)
    some = clips.take(np.arange(8))
    name = make(network(), "cnn", some, "mine")
    clips.label[8:] = HIDDEN
    assert artefacts.read(folder() / f"{name}.pt", name[-16:]) is not None
    again = make(network(), "cnn", clips, "mine")
    assert again == name


def test_the_tested_corpus_is_refused():
    with pytest.raises(InputError, match="simulated, which is tested here"):
        fit(make(network(), "cnn", clips_of(1), "simulated"), clips_of(2))


@pytest.mark.parametrize("cut", [slice(None), slice(1500, None), slice(0, -2500)])
def test_a_corpus_that_has_a_recording_of_the_tested_one_is_refused_however_it_was_cut(cut):
    """Also one of test clips, which the fit does not get to see."""
    tested = clips_of(2)
    other = clips_of(1)
    taken = Clips(
        signals=[*other, np.array(tested.signals[len(tested) - 1])[:, cut]],
        rate=4000,
        label=np.append(other.label, 0),
        patient=np.append(other.patient, "x"),
        clip_id=np.append(other.clip_id, "x"),
        classes=other.classes,
        meta=other.meta.iloc[[*range(len(other)), 0]].reset_index(drop=True),
    )
    assert fit(make(network(), "cnn", clips_of(1), "mine"), tested)
    with pytest.raises(InputError, match="recordings in common"):
        fit(make(network(), "cnn", taken, "mine"), tested)


def test_silence_and_clipping_are_no_landmarks():
    silent = np.zeros((1, 8000), dtype=np.float32)
    loud = np.clip(1e5 * signal(breath(2.0)), -1, 1)
    clips = clips_of(1)
    clips = clips.take(np.arange(3))
    of = [Clips(**{**vars(clips), "signals": [one] * 3}) for one in (silent, loud, signal(breath(2.0)))]
    assert [bool(landmarks(table)) for table in of] == [False, False, True]


def test_weights_of_another_network_are_refused():
    name = make(network(), "cnn", clips_of(1), "mine")
    with pytest.raises(InputError, match="another network"):
        fit(name, clips_of(2), network(n_mels=16))


def test_missing_and_damaged_weights_are_refused():
    clips = clips_of(2)
    with pytest.raises(InputError, match="missing or damaged"):
        fit("mine-cnn-0123456789abcdef", clips)
    name = make(network(), "cnn", clips_of(1), "mine")
    path = folder() / f"{name}.pt"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="missing or damaged"):
        fit(name, clips)


def test_weights_are_found_for_a_network_and_its_identity_depends_on_them(monkeypatch):
    spec = REGISTRY["cnn-gru-other-corpus"]
    with pytest.raises(InputError, match="respbench pretrain"):
        spec.state()
    one = make(network(), "cnn-gru", clips_of(1), "mine")
    make(network(), "cnn", clips_of(1), "mine-cnn-gru")
    assert weights_for("cnn-gru") == one
    assert spec.state() == one
    two = make(network(), "cnn-gru", clips_of(3), "mine")
    with pytest.raises(InputError, match=VARIABLE):
        weights_for("cnn-gru")
    monkeypatch.setenv(VARIABLE, two)
    assert weights_for("cnn-gru") == two
    assert spec.state() == two
    monkeypatch.setenv(VARIABLE, "unknown-cnn-gru")
    with pytest.raises(InputError, match="the weights unknown-cnn-gru"):
        weights_for("cnn-gru")


def refusal(call):
    with pytest.raises(InputError) as caught:
        call()
    return str(caught.value)


def test_the_command_stores_weights_that_the_entry_finds(capsys, monkeypatch):
    arguments = ["pretrain", "--patients", "4", "--clips", "4", "--corpus-seed", "5", "--model", "cnn"]
    assert main(arguments) == 0
    assert f"{weights_for('cnn')} is stored" in capsys.readouterr().out
    model = REGISTRY["cnn-other-corpus"].build(0)
    assert isinstance(model, NetworkModel)
    clips = clips_of(2)
    model.recipe = Recipe(epochs=1)
    assert "tested here" in refusal(lambda: model.fit(clips, clips))
    assert main(["pretrain", "--model", "svm"]) == 2
    assert "not one network" in capsys.readouterr().err


def test_the_command_promises_no_entry_that_is_not_there(capsys):
    assert main(["pretrain", "--patients", "4", "--clips", "4", "--model", "mlp"]) == 0
    printed = capsys.readouterr().out
    assert "mlp-other-corpus" not in printed
    assert f'`OtherCorpus("{next(folder().glob("*.pt")).stem}")`' in printed


def test_only_two_classes_are_pretrained_on():
    with pytest.raises(InputError, match="choose the task abnormal"):
        make(network(), "cnn", corpus(1).clips(), "mine")


@pytest.mark.parametrize("name", [name for name, spec in REGISTRY.items() if "pretraining" in spec.overrides])
def test_every_entry_is_its_network(name):
    spec = REGISTRY[name]
    model = spec.build(3)
    plain = REGISTRY[spec.overrides["network"]].build(3)
    assert isinstance(model, NetworkModel)
    assert (model.recipe, model.images, model.seed) == (plain.recipe, plain.images, 3)
    assert plain.pretraining is None
    assert model.pretraining is not None
    assert name == f"{spec.overrides['network']}-{spec.overrides['pretraining']}"


def test_what_is_no_network_is_refused():
    with pytest.raises(InputError, match="no network"):
        build(seed=0, network="svm")
