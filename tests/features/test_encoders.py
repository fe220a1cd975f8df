"""Encoders: where weights lie, which they are, and how clips become embeddings."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from respbench.features.cache import key
from respbench.features.encoders import catalog, crepe
from respbench.features.encoders.catalog import ENCODERS, card_of
from respbench.features.encoders.embeddings import embeddings_of, pooled
from respbench.features.encoders.encoder import EncoderCard
from respbench.features.encoders.weights import FOLDER_VARIABLE, find_weights, missing, weights_folder

ROOT = Path(__file__).resolve().parents[2]

CARD = replace(
    ENCODERS["crepe"], name="own", package="", files=("own.pth|own.pt",), step=0.2, get="copy it from where it is"
)
"""CREPE with weights of one's own, a frame of 64 ms every 200 ms."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of weights, with random ones for `CARD`."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    (tmp_path / "own").mkdir()
    write_weights(tmp_path / "own" / "own.pth", seed=0)
    return tmp_path


def write_weights(path: Path, seed: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.save(crepe.Crepe().state_dict(), path)


def clip(seconds: float, seed: int = 0, rate: int = 4000) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((1, round(seconds * rate))).astype(np.float32)


# Weights


def test_weights_are_those_of_the_folder_and_are_hashed(folder: Path) -> None:
    found = find_weights(CARD)
    assert found.paths == (folder / "own" / "own.pth",)
    assert re.fullmatch("[0-9a-f]{64}", found.hashes[0])
    assert found.identity() == found.hashes[0]
    write_weights(folder / "own" / "own.pth", seed=1)
    assert find_weights(CARD).hashes != found.hashes


def test_the_other_name_of_a_file_is_found(folder: Path) -> None:
    (folder / "own" / "own.pth").rename(folder / "own" / "own.pt")
    assert find_weights(CARD).paths == (folder / "own" / "own.pt",)


def test_missing_weights_are_told_in_one_sentence(folder: Path) -> None:
    (folder / "own" / "own.pth").unlink()
    sentence = missing(CARD)
    assert sentence == (
        f"the encoder own needs own.pth or own.pt, not in {folder / 'own'}; to get it: copy it from where it is"
    )
    with pytest.raises(catalog.InputError, match=re.escape(sentence)):
        find_weights(CARD)


def test_missing_packages_are_told_in_one_sentence() -> None:
    card = replace(CARD, package="no-such-package", runtime=("nor-this-one", "numpy"))
    assert missing(card).startswith("the encoder own needs no-such-package and nor-this-one, not installed here; to ")


def test_versions_of_packages_count() -> None:
    card = replace(CARD, package="numpy", files=("numpy/__init__.py",), runtime=("scipy",))
    name, version, other, _, hashed = find_weights(card).identity().split()
    assert (name, other) == ("numpy", "scipy")
    assert version == np.__version__
    assert len(hashed) == 64


def test_weights_lie_in_the_cache_unless_a_folder_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    assert weights_folder() == cache / "encoders"


# Embeddings


def test_an_embedding_depends_on_its_clip_alone_and_on_its_loudness_not_at_all(folder: Path) -> None:
    features = embeddings_of(CARD)
    clips = [clip(1.0), clip(0.01, seed=1), clip(2.3, seed=2)]
    rows = features(clips, 4000)
    assert rows.shape == (3, 256)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(features(clips[1:2], 4000)[0], rows[1])
    np.testing.assert_allclose(features([3 * clips[2]], 4000)[0], rows[2], atol=1e-4)


def test_channels_are_averaged(folder: Path) -> None:
    features = embeddings_of(CARD)
    left, right = clip(0.5), clip(0.5, seed=1)
    both = features([np.concatenate([left, right]), (left + right) / 2], 4000)
    np.testing.assert_allclose(both[0], both[1], atol=1e-5)


def test_windows_cover_the_clip_and_the_last_one_ends_with_it(folder: Path) -> None:
    features = replace(embeddings_of(CARD), rate=10, seconds=1.0, step=0.0)
    wave = np.arange(1, 26, dtype=np.float32)
    assert features.windows(wave)[:, 0].tolist() == [1, 11, 16]
    assert features.windows(wave[:20])[:, 0].tolist() == [1, 11]
    assert features.windows(wave[:10]).tolist() == [wave[:10].tolist()]
    assert features.windows(wave[:4]).tolist() == [[1, 2, 3, 4, 0, 0, 0, 0, 0, 0]]
    assert replace(features, step=0.5).windows(wave[:20])[:, 0].tolist() == [1, 6, 11]
    assert replace(features, seconds=None).windows(wave).shape == (1, 25)


def test_windows_are_pooled() -> None:
    rows = np.array([[1, 2], [3, 6]], np.float32)
    assert pooled(rows, "mean").tolist() == [2, 4]
    assert pooled(rows, "mean+max").tolist() == [2, 4, 3, 6]
    assert pooled(rows, "mean+std").tolist() == [2, 4, 1, 2]


def test_two_kinds_of_pooling_make_twice_the_columns(folder: Path) -> None:
    assert embeddings_of(CARD, "mean+std")([clip(1.0)], 4000).shape == (1, 512)
    with pytest.raises(ValueError, match="pooling must be one of"):
        embeddings_of(CARD, "median")


def test_the_cache_key_changes_with_the_weights_and_not_with_their_folder(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> str:
        return key(embeddings_of(CARD), 4000)

    first = found()
    other = tmp_path_factory.mktemp("moved")
    (folder / "own").rename(other / "own")
    monkeypatch.setenv(FOLDER_VARIABLE, str(other))
    assert found() == first
    write_weights(other / "own" / "own.pth", seed=1)
    assert found() != first


# The catalog


@pytest.mark.parametrize("card", ENCODERS.values(), ids=ENCODERS)
def test_a_card_is_complete(card: EncoderCard) -> None:
    assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", card.name)
    assert card.license
    assert card.source
    assert card.get
    assert card.package or card.files
    module, _, symbol = card.target.partition(":")
    source = (ROOT / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
    assert f"def {symbol}(" in source
    for package, version in re.findall(r"([\w-]+)==([\w.]+)", card.get):
        assert f"{package}=={version}" in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()


def test_an_unknown_encoder_is_refused() -> None:
    with pytest.raises(catalog.InputError, match="unknown encoder 'birdnot'; choose from birdnet"):
        card_of("birdnot")


def test_the_catalog_imports_nothing_heavy() -> None:
    heavy = "{'numpy', 'torch', 'ai_edge_litert'}"
    code = f"import sys, respbench.features.encoders.catalog; print({heavy} & sys.modules.keys())"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
