"""Encoders that are trained further by the one loop: what moves, how fast, and the contract of a model."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from respbench.benchmarks.storage.identity import model_identity
from respbench.corpora import catalog as corpora
from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.simulated.simulation import Simulation
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut
from respbench.corpora.tasks import for_task
from respbench.features.encoders import beats, birdnet, catalog, crepe, panns, resemblyzer
from respbench.features.encoders.checkpoint import SoundNetwork
from respbench.features.encoders.inputs import input_of
from respbench.features.encoders.trainable import FramedCrepe, VoiceNetwork, sound_network
from respbench.features.encoders.weights import FOLDER_VARIABLE
from respbench.models.encoder_entries import FROZEN_ALONE, fine_tuned_entries
from respbench.models.networks.backbone import StandardizedNetwork
from respbench.models.networks.fine_tuned import FineTuned
from respbench.models.networks.losses import Targets
from respbench.models.networks.recipe import Recipe
from respbench.models.networks.training import Examples, train
from respbench.models.registry import REGISTRY
from respbench.models.spec import ModelSpec

CARD = replace(catalog.ENCODERS["panns"], name="own", files=("own.pth",))
(ENTRY,) = fine_tuned_entries(CARD)
QUICK = {"epochs": 1, "seconds": 0.5}


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Write random weights of an encoder that the catalog has for this test."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setitem(catalog.ENCODERS, "own", CARD)
    (tmp_path / "own").mkdir()

    def write(seed: int) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = panns.CNN14(4)
            assert network.bn0.running_mean is not None
            network.bn0.running_mean.fill_(-40.0)
            torch.save(network.state_dict(), tmp_path / "own" / "own.pth")

    write(0)
    return write


def parts() -> tuple[Clips, Clips, Clips]:
    """Training, validation and test clips of the simulated corpus, the latter without labels."""
    simulation = Simulation(patients=12, clips_per_patient=4, seed=3)
    clips = for_task(corpora.open_corpus("simulated", simulation=simulation).clips(), "abnormal")
    fold = next(LeavePatientsOut(3).split(clips, 0))
    return clips.take(fold.train), clips.take(fold.valid), clips.take(fold.test).hide_labels()


def test_the_contract_of_a_model_is_kept(weights: object) -> None:
    clips, valid, test = parts()
    torch.manual_seed(1)
    before = torch.get_rng_state()
    model = ENTRY.build(0, QUICK).fit(clips, valid)
    p = model.predict_proba(test)
    assert torch.equal(torch.get_rng_state(), before), "torch's global generator was used"
    assert p.shape == (len(test), 2)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(model.predict_proba(test.take(np.array([3, 0]))), p[[3, 0]], atol=1e-5)
    in_memory = replace(test, signals=[np.array(signal) for signal in test])
    np.testing.assert_array_equal(ENTRY.build(0, QUICK).fit(clips, valid).predict_proba(in_memory), p)
    assert not np.array_equal(ENTRY.build(1, QUICK).fit(clips, valid).predict_proba(test), p)


def test_training_starts_from_the_weights_and_leaves_the_loaded_ones(weights: object) -> None:
    clips, valid, _ = parts()
    model = ENTRY.build(0, {**QUICK, "pretrained_rate": 0.0, "weight_decay": 0.0, "averaging": 0.0}).fit(clips, valid)
    tuned = model.network.backbone
    given = torch.load(model.images.paths[0], weights_only=True)
    assert all(torch.equal(value, given[name]) for name, value in tuned.encoder.state_dict().items())
    moved = ENTRY.build(0, {**QUICK, "averaging": 0.0}).fit(clips, valid).network.backbone.encoder.state_dict()
    assert not torch.equal(moved["fc1.weight"], given["fc1.weight"])
    assert torch.equal(moved["bn0.running_mean"], given["bn0.running_mean"])


class Tiny(SoundNetwork):
    size = 3

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(4, 3)

    def forward(self, spectrogram: Tensor) -> Tensor:
        found: Tensor = self.dense(spectrogram.flatten(1))
        return found


@pytest.mark.parametrize("one_cycle", [False, True])
def test_pretrained_weights_have_a_learning_rate_of_their_own(one_cycle: bool) -> None:
    """The first step of Adam changes a weight by the learning rate, whatever its gradient."""
    torch.manual_seed(0)
    network = FineTuned(Tiny(), 2, 0.0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    images = np.random.default_rng(0).standard_normal((8, 1, 2, 2)).astype(np.float32)
    targets = Targets(torch.arange(8) % 2, torch.zeros(8, 2))
    recipe = Recipe(1, 8, 0.01, keep="last", one_cycle=one_cycle, pretrained_rate=0.1)
    train(StandardizedNetwork(nn.Identity(), network), recipe, 0, Examples(images, targets), None, 2)
    change = {name: float((value - before[name]).abs().max()) for name, value in network.state_dict().items()}
    assert change["encoder.dense.weight"] == pytest.approx(0.1 * change["dense.1.weight"], rel=1e-3)


def test_a_clip_is_repeated_and_cut_into_windows(weights: object) -> None:
    inputs = replace(input_of(CARD, 2.0), window=0.5, step=0.25)
    wave = np.random.default_rng(0).standard_normal((1, 16000)).astype(np.float32)
    assert inputs([wave, wave[:, :900]], 4000).shape == (2, 1, 201, 64)
    assert inputs._windows(np.arange(64000, dtype=np.float32)).shape == (7, 16000)
    assert inputs._windows(np.ones(100, np.float32)).shape == (1, 16000)
    np.testing.assert_array_equal(inputs([wave], 32000), inputs([np.tile(wave, 2)], 32000))


@pytest.mark.parametrize(
    ("network", "encoder", "samples"),
    [
        (FramedCrepe, crepe.CrepeEncoder(crepe.Crepe().eval()), 1024),
        (VoiceNetwork, resemblyzer.Resemblyzer(resemblyzer.VoiceEncoder().eval()), 25600),
    ],
)
def test_a_trainable_network_gives_the_embeddings_of_its_encoder(
    network: type[SoundNetwork], encoder: crepe.CrepeEncoder | resemblyzer.Resemblyzer, samples: int
) -> None:
    own = sound_network(encoder)
    assert isinstance(own, network)
    wave = (np.random.default_rng(0).standard_normal((1, samples)) * 0.1).astype(np.float32)
    with torch.no_grad():
        np.testing.assert_allclose(own(own.spectrogram(torch.from_numpy(wave))).numpy(), encoder(wave), atol=1e-6)


def test_what_is_no_network_cannot_be_trained() -> None:
    assert set(FROZEN_ALONE) <= catalog.ENCODERS.keys()
    assert not any(f"{name}-fine-tuned" in REGISTRY for name in FROZEN_ALONE)
    with pytest.raises(InputError, match=r"BirdNet is no network of torch and cannot be trained; use its probes"):
        sound_network(birdnet.BirdNet.__new__(birdnet.BirdNet))


def test_other_weights_are_another_fit(weights: Callable[[int], None]) -> None:
    spec: ModelSpec = ENTRY
    one = model_identity(spec)
    weights(1)
    assert model_identity(spec) != one


def test_missing_weights_are_named() -> None:
    spec = REGISTRY["beats-fine-tuned"]
    with pytest.raises(InputError, match=r"^the encoder beats needs beats\.pt or beats\.safetensors, not in "):
        spec.build(0).fit(*parts()[:2])
    assert beats.load
