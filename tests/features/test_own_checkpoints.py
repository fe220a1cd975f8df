"""Encoders whose checkpoint a user has: random ones of the same architecture, saved and loaded as a user's."""

import importlib.util
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from respbench.corpora.problems import InputError
from respbench.features.encoders import audio_transformer, beats, clap, hear, opera, opera_networks, panns
from respbench.features.encoders.catalog import ENCODERS
from respbench.features.encoders.checkpoint import NetworkEncoder
from respbench.features.encoders.embeddings import embeddings_of
from respbench.features.encoders.spectrograms import kaldi_filter_bank, log_mel, mel_filters, power
from respbench.features.encoders.weights import FOLDER_VARIABLE

BEATS = {
    "encoder_layers": 2,
    "encoder_embed_dim": 32,
    "embed_dim": 16,
    "encoder_ffn_embed_dim": 48,
    "encoder_attention_heads": 4,
    "conv_pos": 8,
    "conv_pos_groups": 4,
    "deep_norm": True,
    "finetuned_model": True,
}


def transformers(name: str) -> Any:
    """A module of the library, with warnings of its own silenced; CI has it, so that nothing is skipped there."""
    if importlib.util.find_spec("transformers") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("transformers is not installed; make encoders")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"transformers.{name}")


@pytest.fixture(autouse=True)
def same_weights() -> None:
    torch.manual_seed(0)


def noise(seconds: float, rate: int, seed: int = 0) -> NDArray[np.float32]:
    return (np.random.default_rng(seed).standard_normal((1, round(seconds * rate))) * 0.1).astype(np.float32)


def shaken(network: Any) -> Any:
    """Statistics of batch normalization, which are 0 and 1 at first, as after training."""
    for name, buffer in network.named_buffers():
        if "running_" in name:
            buffer.uniform_(0.5, 1.5)
    return network.eval()


def save_panns(folder: Path) -> list[Path]:
    network = panns.CNN14(4)
    network.bn0.running_mean.fill_(-40.0)
    weights = {**network.state_dict(), "fc_audioset.weight": torch.zeros(1)}
    torch.save({"iteration": 1, "model": weights}, folder / "cnn14.pth")
    return [folder / "cnn14.pth"]


def published_beats(network: nn.Module) -> dict[str, torch.Tensor]:
    """Weights of a BEATs under the names of the published files."""
    old = {"original0": "weight_g", "original1": "weight_v"}
    weights = {}
    for name, value in network.state_dict().items():
        start, _, last = name.rpartition(".parametrizations.weight.")
        weights[f"{start}.{old[last]}" if start else name] = value
    bias = "encoder.layers.{}.self_attn.relative_attention_bias.weight"
    return {**weights, bias.format(1): weights[bias.format(0)], "predictor.weight": torch.zeros(1)}


def save_beats(folder: Path) -> list[Path]:
    network = beats.BEATs(beats.settings_of(BEATS, folder))
    torch.save({"cfg": BEATS, "model": published_beats(network)}, folder / "beats.pt")
    return [folder / "beats.pt"]


def save_opera_ce(folder: Path) -> list[Path]:
    weights = {f"encoder.{name}": value for name, value in shaken(opera.OperaCE()).state_dict().items()}
    torch.save({"state_dict": {**weights, "g.weight": torch.zeros(1)}, "epoch": 3}, folder / "encoder-operaCE.ckpt")
    return [folder / "encoder-operaCE.ckpt"]


def save_opera_gt(folder: Path) -> list[Path]:
    network = opera_networks.VisionTransformer(64, 2, 1, 4, 1025)
    torch.nn.init.normal_(network.pos_embed)
    weights = {**network.state_dict(), "decoder_embed.weight": torch.zeros(1), "mask_token": torch.zeros(1)}
    torch.save({"state_dict": weights}, folder / "encoder-operaGT.ckpt")
    return [folder / "encoder-operaGT.ckpt"]


OWN = {
    "panns": (panns.load, save_panns),
    "beats": (beats.load, save_beats),
    "opera-ce": (opera.load_ce, save_opera_ce),
    "opera-gt": (opera.load_gt, save_opera_gt),
}
"""Networks of this project: how they are loaded, and a random one of each."""


def saved(network: Any, folder: Path) -> list[Path]:
    transformers("utils.logging").disable_progress_bar()
    network.save_pretrained(folder)
    return [folder / "model.safetensors", folder / "config.json"]


def small_ast() -> Any:
    module = transformers("models.audio_spectrogram_transformer.modeling_audio_spectrogram_transformer")
    config = module.ASTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    return module.ASTForAudioClassification(config).eval()


def small_clap(fusion: bool = False) -> Any:
    module = transformers("models.clap.modeling_clap")
    audio = {
        "patch_embeds_hidden_size": 8,
        "depths": [1, 1, 1, 1],
        "num_attention_heads": [1, 1, 2, 2],
        "hidden_size": 64,
        "projection_dim": 12,
        "enable_fusion": fusion,
        "fusion_type": None,
        "aff_block_r": 2,
    }
    text = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8, "vocab_size": 9}
    return module.ClapModel(module.ClapConfig(text_config=text, audio_config=audio, projection_dim=12)).eval()


def small_vit(**settings: Any) -> Any:
    module = transformers("models.vit.modeling_vit")
    size = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 1, "intermediate_size": 256}
    return module.ViTModel(module.ViTConfig(num_channels=1, **size, **settings)).eval()


def test_a_filter_bank_is_kaldis() -> None:
    audio = transformers("audio_utils")
    wave = noise(0.3, 16000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        filters = audio.mel_filter_bank(257, 128, 20, 8000, 16000, None, "kaldi", triangularize_in_mel_space=True)
    for window in ("hann", "povey"):
        reference = audio.spectrogram(
            wave[0].astype(np.float64) * 2**15,
            audio.window_function(400, window, periodic=False),
            frame_length=400,
            hop_length=160,
            fft_length=512,
            power=2.0,
            center=False,
            preemphasis=0.97,
            mel_filters=filters,
            log_mel="log",
            mel_floor=1.192092955078125e-07,
            remove_dc_offset=True,
        ).T
        ours = kaldi_filter_bank(torch.from_numpy(wave) * 2**15, 16000, 128, window)[0]
        np.testing.assert_allclose(ours.numpy(), reference, atol=1e-4)


@pytest.mark.parametrize(("scale", "unit_area"), [("slaney", True), ("htk", False)])
def test_a_mel_spectrogram_is_librosas(scale: Any, unit_area: bool) -> None:
    wave = noise(0.5, 32000)
    reference = librosa.feature.melspectrogram(
        y=wave[0].astype(np.float64),
        sr=32000,
        n_fft=1024,
        hop_length=320,
        n_mels=64,
        fmin=50,
        fmax=14000,
        htk=scale == "htk",
        norm="slaney" if unit_area else None,
        pad_mode="reflect",
    )
    filters = mel_filters(32000, 1024, 64, 50.0, 14000.0, scale, unit_area)
    ours = log_mel(power(torch.from_numpy(wave), 1024, 320, "reflect"), filters)[0]
    np.testing.assert_allclose(ours.T.numpy(), librosa.power_to_db(reference, top_db=None), atol=1e-4)


def test_operas_spectrogram_is_librosas_of_the_repeated_clip() -> None:
    wave = noise(3, 16000)
    repeated = np.tile(wave[0], 3)[-8 * 16000 :]
    mel = librosa.feature.melspectrogram(
        y=repeated, sr=16000, n_fft=1024, hop_length=512, n_mels=64, fmin=50, fmax=8000
    )
    level = librosa.power_to_db(mel, ref=np.max)
    reference = (level - level.min()) / (level.max() - level.min())
    ours = opera.opera_spectrogram(torch.from_numpy(wave), 8.0)
    assert ours.shape == (1, 1, 251, 64)
    np.testing.assert_allclose(ours[0, 0].T.numpy(), reference, atol=1e-5)


def test_hears_energy_normalization_is_librosas() -> None:
    energy = np.random.default_rng(0).random((5, 30)) + 0.1
    reference = librosa.pcen(energy, gain=0.8, bias=2, power=0.5, eps=1e-8, b=0.04, zi=energy[:, :1] * (1 - 0.04))
    ours = hear.energy_normalized(torch.from_numpy(energy.T[None]))
    np.testing.assert_allclose(ours[0].T.numpy(), reference, atol=1e-6)


def test_ast_is_that_of_transformers(tmp_path: Path) -> None:
    network = small_ast()
    encoder = audio_transformer.load(saved(network, tmp_path))
    module = transformers("models.audio_spectrogram_transformer.feature_extraction_audio_spectrogram_transformer")
    wave = noise(3, 16000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = module.ASTFeatureExtractor()(wave[0], sampling_rate=16000, return_tensors="pt")["input_values"]
    with torch.no_grad():
        reference = network.audio_spectrogram_transformer(values).pooler_output.numpy()
    padded = np.pad(wave, ((0, 0), (0, round(10.24 * 16000) - wave.shape[1])))
    np.testing.assert_allclose(encoder(padded), reference, atol=1e-5)


@pytest.mark.parametrize("fusion", [False, True])
def test_clap_is_that_of_transformers(tmp_path: Path, fusion: bool) -> None:
    network = small_clap(fusion)
    encoder = clap.load(saved(network, tmp_path))
    extractor = transformers("models.clap.feature_extraction_clap").ClapFeatureExtractor(
        frequency_min=50, frequency_max=14000, truncation="fusion" if fusion else "rand_trunc"
    )
    wave = noise(3, 48000)
    features = extractor(wave[0], sampling_rate=48000, return_tensors="pt")["input_features"]
    with torch.no_grad():
        audio = network.audio_model(input_features=features, is_longer=torch.tensor([[False]])).pooler_output
        reference = network.audio_projection(audio).numpy()
    padded = np.pad(wave, ((0, 0), (0, 480000 - wave.shape[1])))
    np.testing.assert_allclose(encoder(padded), reference, atol=1e-5)


def test_hear_is_that_of_transformers(tmp_path: Path) -> None:
    network = small_vit(image_size=[192, 128], pooler_output_size=8, pooler_act="linear")
    encoder = hear.load(saved(network, tmp_path))
    wave = noise(2, 16000)
    image = encoder.network.spectrogram(torch.from_numpy(wave))
    assert image.shape == (1, 1, 192, 128)
    with torch.no_grad():
        np.testing.assert_allclose(encoder(wave), network(image).pooler_output.numpy(), atol=1e-5)


def test_operas_vision_transformer_is_that_of_transformers() -> None:
    network = small_vit(image_size=[256, 64], patch_size=4, layer_norm_eps=1e-6, add_pooling_layer=False)
    ours = opera_networks.VisionTransformer(64, 2, 1, 4, 1025).eval()
    names = {"norm1": "layernorm_before", "norm2": "layernorm_after"}
    theirs = {key.replace("encoder.layer.", "layers."): value for key, value in network.state_dict().items()}
    weights = {}
    for name, value in ours.state_dict().items():
        tail = name.rpartition(".")[2]
        layer = f"layers.{name.split('.')[1]}." if name.startswith("blocks.") else ""
        parts = name.split(".")
        if ".qkv." in name:
            kinds = [
                next(k for k in theirs if k.startswith(f"{layer}attention.{x}") and k.endswith(tail)) for x in "qkv"
            ]
            weights[name] = torch.cat([theirs[kind] for kind in kinds])
        elif ".attn.proj." in name:
            weights[name] = theirs[f"{layer}attention.o_proj.{tail}"]
        elif ".mlp." in name:
            weights[name] = theirs[
                next(k for k in theirs if k.startswith(f"{layer}mlp.{parts[3]}") and k.endswith(tail))
            ]
        elif layer:
            weights[name] = theirs[f"{layer}{names[parts[2]]}.{tail}"]
        else:
            other = {"cls_token": "embeddings.cls_token", "pos_embed": "embeddings.position_embeddings"}
            patch = f"embeddings.patch_embeddings.projection.{tail}"
            weights[name] = theirs[other.get(name, patch if "proj" in name else f"layernorm.{tail}")]
        assert weights[name].shape == value.shape
    ours.load_state_dict(weights)
    image = torch.rand(1, 1, 256, 64)
    with torch.no_grad():
        hidden = network(image, output_hidden_states=True).hidden_states[-1]
        reference = functional.layer_norm(hidden[:, 1:].mean(1), (64,), ours.norm.weight, ours.norm.bias, 1e-6)
        torch.testing.assert_close(ours(image), reference, atol=1e-5, rtol=1e-5)


def test_operas_transformer_is_that_of_clap_by_other_names(tmp_path: Path) -> None:
    """HTS-AT's published names are those of OPERA-CT's file; transformers has another name for each."""
    audio = small_clap().audio_model
    names = [(theirs, ours) for ours, theirs in HTSAT_NAMES]
    weights: dict[str, torch.Tensor] = {"encoder.encoder.htsat.head.weight": torch.zeros(1), "g.bias": torch.zeros(1)}
    state = {name.removeprefix("audio_encoder."): value for name, value in audio.state_dict().items()}
    for name, value in state.items():
        key = name.replace(".query.", ".qkv.")
        if ".query." in name:
            value = torch.cat([state[name.replace("query", part)] for part in ("query", "key", "value")])
        elif ".key." in name or ".value." in name:
            continue
        for theirs, ours in names:
            key = key.replace(theirs, ours)
        weights[f"encoder.encoder.htsat.{key}"] = value
    torch.save({"state_dict": weights}, tmp_path / "encoder-operaCT.ckpt")
    encoder = opera.load_ct([tmp_path / "encoder-operaCT.ckpt"])
    image = torch.rand(1, 1, 251, 64)
    with torch.no_grad():
        torch.testing.assert_close(encoder.network(image), audio(input_features=image).pooler_output)
        assert encoder.network(torch.rand(1, 1, 1300, 64)).shape == (1, 64)


HTSAT_NAMES = (
    ("bn0", "batch_norm"),
    ("norm1", "layernorm_before"),
    ("norm2", "layernorm_after"),
    ("attn.proj", "attention.output.dense"),
    ("attn", "attention.self"),
    ("mlp.fc1", "intermediate.dense"),
    ("mlp.fc2", "output.dense"),
)


def test_far_distances_share_buckets_and_signs_do_not() -> None:
    distance = torch.tensor([-2000, -800, -3, 0, 3, 79, 80, 800, 2000])
    buckets = beats.distance_buckets(distance, 320, 800).tolist()
    assert buckets[:4] == [159, 159, 3, 0]
    assert buckets[4:6] == [163, 239]
    assert buckets[6] == 240
    assert buckets[7:] == [319, 319]


@pytest.mark.parametrize("name", OWN)
class TestEveryOwnNetwork:
    def test_a_row_depends_on_its_window_alone(self, name: str, tmp_path: Path) -> None:
        load, save = OWN[name]
        encoder = load(save(tmp_path))
        windows = np.concatenate([noise(2, 16000, seed) for seed in (1, 2)])
        rows = encoder(windows)
        assert rows.shape == (2, encoder.network.size)
        assert np.isfinite(rows).all()
        assert np.abs(rows[0] - rows[1]).max() > 0
        np.testing.assert_allclose(encoder(windows[1:]), rows[1:], atol=1e-5)

    def test_silence_and_a_click_are_encoded(self, name: str, tmp_path: Path) -> None:
        load, save = OWN[name]
        encoder = load(save(tmp_path))
        click = np.zeros((1, 160), np.float32)
        click[0, 80] = 1
        assert np.isfinite(encoder(np.zeros((1, 8000), np.float32))).all()
        assert np.isfinite(encoder(click)).all()

    def test_a_file_cut_off_is_refused(self, name: str, tmp_path: Path) -> None:
        load, save = OWN[name]
        (path,) = save(tmp_path)
        path.write_bytes(path.read_bytes()[:1000])
        with pytest.raises(InputError, match=rf"^{path} is damaged, cut off or no checkpoint; fetch it again"):
            load([path])

    def test_weights_of_another_network_are_refused(self, name: str, tmp_path: Path) -> None:
        load, _ = OWN[name]
        torch.save({"model": {"other.weight": torch.zeros(2)}}, tmp_path / "other.pt")
        with pytest.raises(
            InputError, match=r"other\.pt is no checkpoint of .*are missing, such as .*put the published"
        ):
            load([tmp_path / "other.pt"])

    def test_code_is_not_run(self, name: str, tmp_path: Path) -> None:
        load, _ = OWN[name]
        torch.save({"model": Trap()}, tmp_path / "trap.pt")
        with pytest.raises(
            InputError, match=r"trap\.pt holds more than numbers and could run code .* is refused; save"
        ):
            load([tmp_path / "trap.pt"])
        assert "RESPBENCH_TRAPPED" not in os.environ


class Trap:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return os.putenv, ("RESPBENCH_TRAPPED", "1")


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    (path,) = save_panns(tmp_path)
    found = torch.load(path, weights_only=True)
    found["model"]["fc1.weight"] = torch.zeros(3, 3)
    torch.save(found, path)
    with pytest.raises(
        InputError, match=r"fc1\.weight is of shape \(3, 3\), expected is \(128, 128\); put the published"
    ):
        panns.load([path])


def test_beats_of_another_architecture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"another architecture .* \(gru_rel_pos is False\); put one of those there"):
        beats.settings_of({"gru_rel_pos": False}, tmp_path / "beats.pt")


def test_a_folder_of_transformers_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    paths = saved(small_vit(image_size=[192, 128]), tmp_path)
    with pytest.raises(InputError, match=r"config\.json is of the model_type 'vit', expected is 'clap'; put the"):
        clap.load(paths)
    settings = json.loads(paths[1].read_text())
    paths[1].write_text(json.dumps({**settings, "num_hidden_layers": 3}))
    with pytest.raises(InputError, match=r"model\.safetensors is no checkpoint of HeAR: .* are missing, such as"):
        hear.load(paths)
    paths[1].write_text(json.dumps({**settings, "hidden_size": 32}))
    with pytest.raises(InputError, match=r"model\.safetensors is no checkpoint of HeAR: .*another shape"):
        hear.load(paths)
    paths[1].write_text(json.dumps({**settings, "num_attention_heads": "many"}))
    with pytest.raises(InputError, match=r"the config beside .* is not one of HeAR \(.*\); fetch it again"):
        hear.load(paths)
    paths[1].write_text("{")
    with pytest.raises(InputError, match=r"config\.json is no JSON file; fetch it again"):
        hear.load(paths)
    paths[1].write_text(json.dumps(settings))
    paths[0].write_bytes(paths[0].read_bytes()[:-100])
    with pytest.raises(InputError, match=r"model\.safetensors is damaged, cut off or no checkpoint; fetch it again"):
        hear.load(paths)


def test_clips_are_encoded_from_the_folder_of_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = ENCODERS["opera-ce"]
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(InputError, match=r"needs encoder-operaCE\.ckpt or .*, not in .*opera-ce; to get it: put "):
        embeddings_of(card)
    (tmp_path / "opera-ce").mkdir()
    save_opera_ce(tmp_path / "opera-ce")
    features = embeddings_of(card)
    signals = [noise(0.7, 4000, seed) for seed in range(2)]
    rows = features(signals, 4000)
    assert rows.shape == (2, card.size)
    assert len(features.weights.split()[-1]) == 64  # the file's SHA-256
    np.testing.assert_allclose(features(signals[1:], 4000), rows[1:], atol=1e-6)


def test_silence_after_a_short_clip_is_cut_where_any_length_is_taken(tmp_path: Path) -> None:
    encoder: NetworkEncoder = panns.load(save_panns(tmp_path))
    wave = noise(1, 32000)
    np.testing.assert_array_equal(encoder(np.pad(wave, ((0, 0), (0, 32000)))), encoder(wave))
