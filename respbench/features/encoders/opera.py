"""OPERA: encoders trained on breath and cough sounds without labels (Zhang et al. 2024, arXiv:2406.16148).

OPERA-CE (contrastive, EfficientNet-B0), OPERA-CT (contrastive, HTS-AT, here by the library transformers) and OPERA-GT
(generative, a small vision transformer). They were trained on recordings of ICBHI 2017, too, though without labels: on
that corpus, test patients are not unseen patients to them.

Input as published: 16 kHz, 64 mel bands from 50 Hz to 8 kHz, frames of 64 ms every 32 ms, in dB, at most 80 dB below
the loudest value, scaled to 0..1 for each clip. A clip below 8 s (8.18 s for OPERA-GT) is preceded by repetitions of
itself. Published code also trims silence at both ends, which is not done here.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from respbench.features.encoders.checkpoint import (
    NetworkEncoder,
    SoundNetwork,
    check_names,
    drawing_nothing,
    fill,
    read_checkpoint,
    weights_of,
)
from respbench.features.encoders.hugging_face import build
from respbench.features.encoders.opera_networks import HEAD, EfficientNet, VisionTransformer
from respbench.features.encoders.spectrograms import log_mel, mel_filters, power, repeat_to_start

RATE = 16000
N_FFT, HOP, N_MELS, LOW, HIGH = 1024, 512, 64, 50.0, 8000.0
RANGE = 80.0
"""dB below the loudest value that are kept."""

SECONDS, SECONDS_GT = 8.0, 8.18
"""s that a clip is repeated to."""

LONGEST = 1024
"""Frames that OPERA-CT takes; of a longer clip, the embeddings of parts that overlap by half are averaged."""

HEADS = ("g.", "layer_norm.", "linear.", "middle.")
"""Beginnings of the names of weights that contrastive training alone uses."""


def opera_spectrogram(waves: Tensor, seconds: float) -> Tensor:
    """(clips, samples) at 16 kHz to (clips, 1, frames, 64), in 0..1; a clip is repeated to ``seconds``."""
    missing = max(0, int(seconds * RATE) - waves.shape[1])
    waves = repeat_to_start(functional.pad(waves, (0, missing)))
    filters = mel_filters(RATE, N_FFT, N_MELS, LOW, HIGH, "slaney", unit_area=True)
    level = log_mel(power(waves, N_FFT, HOP, "constant"), filters)
    level = torch.maximum(level, level.amax((1, 2), keepdim=True) - RANGE)
    low, high = level.amin((1, 2), keepdim=True), level.amax((1, 2), keepdim=True)
    return ((level - low) / (high - low).clamp(min=1e-12))[:, None]


class OperaCE(SoundNetwork):
    """A convolution to three channels and EfficientNet-B0."""

    size = HEAD

    def __init__(self) -> None:
        super().__init__()
        self.cnn1 = nn.Conv2d(1, 3, 3)
        self.efficientnet = EfficientNet()

    def spectrogram(self, waves: Tensor) -> Tensor:
        """See `opera_spectrogram`."""
        return opera_spectrogram(waves, SECONDS)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """(clips, 1, frames, 64) to (clips, 1280)."""
        embedding: Tensor = self.efficientnet(self.cnn1(spectrogram))
        return embedding


class OperaCT(SoundNetwork):
    """HTS-AT without its classifier.

    Args:
        network: ``ClapAudioModel`` of transformers.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network: nn.Module = network
        self.size = int(network.config.hidden_size)

    def spectrogram(self, waves: Tensor) -> Tensor:
        """See `opera_spectrogram`."""
        return opera_spectrogram(waves, SECONDS)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """(clips, 1, frames, 64) to (clips, size)."""
        last = max(0, spectrogram.shape[2] - LONGEST)
        parts = [spectrogram[:, :, start : start + LONGEST] for start in (*range(0, last, LONGEST // 2), last)]
        return torch.stack([self.network(input_features=part).pooler_output for part in parts]).mean(0)


class OperaGT(SoundNetwork):
    """The encoder of a masked autoencoder."""

    def __init__(self, network: VisionTransformer) -> None:
        super().__init__()
        self.network = network
        self.size = network.cls_token.shape[-1]

    def spectrogram(self, waves: Tensor) -> Tensor:
        """See `opera_spectrogram`; 256 frames."""
        return opera_spectrogram(waves, SECONDS_GT)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """(clips, 1, frames, 64) to (clips, size)."""
        embedding: Tensor = self.network(spectrogram)
        return embedding


@drawing_nothing
def load_ce(paths: Sequence[Path]) -> NetworkEncoder:
    """Load ``encoder-operaCE.ckpt``.

    Raises:
        InputError: the file is no checkpoint of OPERA-CE.
    """
    network = OperaCE()
    fill(network, _own(weights_of(read_checkpoint(paths[0])), "encoder."), paths[0], "OPERA-CE", HEADS)
    return NetworkEncoder(network)


@drawing_nothing
def load_ct(paths: Sequence[Path]) -> NetworkEncoder:
    """Load ``encoder-operaCT.ckpt``; sizes are those of its weights.

    Raises:
        InputError: the file is no checkpoint of OPERA-CT.
    """
    weights = _own(weights_of(read_checkpoint(paths[0])), "encoder.encoder.htsat.")
    weights = {name: value for name, value in weights.items() if not name.startswith((*HEADS, *_UNUSED))}
    check_names({"patch_embed.proj.weight"} - weights.keys(), (), paths[0], "OPERA-CT")
    blocks = [re.match(r"layers\.(\d+)\.blocks\.(\d+)\.attn\.relative_position_bias_table$", name) for name in weights]
    found = sorted((int(match[1]), int(match[2]), match.string) for match in blocks if match)
    stages = sorted({stage for stage, _, _ in found})
    width = len(weights["patch_embed.proj.weight"])
    settings = {
        "patch_embeds_hidden_size": width,
        "hidden_size": width * 2 ** (len(stages) - 1),
        "depths": [sum(stage == own for own, _, _ in found) for stage in stages],
        "num_attention_heads": [weights[f"layers.{s}.blocks.0.{_TABLE}"].shape[1] for s in stages],
        "hidden_dropout_prob": 0.0,
    }
    return NetworkEncoder(OperaCT(build("ClapAudioModel", settings, _renamed(weights), paths[0], "OPERA-CT")))


@drawing_nothing
def load_gt(paths: Sequence[Path]) -> NetworkEncoder:
    """Load ``encoder-operaGT.ckpt``; sizes are those of its weights, 64 numbers per head of the attention.

    Raises:
        InputError: the file is no checkpoint of OPERA-GT.
    """
    weights = weights_of(read_checkpoint(paths[0]))
    check_names({"patch_embed.proj.weight", "pos_embed"} - weights.keys(), (), paths[0], "OPERA-GT")
    width, _, patch, _ = weights["patch_embed.proj.weight"].shape
    depth = len({name.split(".")[1] for name in weights if name.startswith("blocks.")})
    network = VisionTransformer(width, depth, max(1, width // 64), patch, weights["pos_embed"].shape[1])
    fill(network, weights, paths[0], "OPERA-GT", ("decoder_", "mask_token"))
    return NetworkEncoder(OperaGT(network))


_TABLE = "attn.relative_position_bias_table"

_UNUSED = ("spectrogram_extractor.", "logmel_extractor.", "tscam_conv.", "head.")
"""Beginnings of the names of HTS-AT's weights that compute its own spectrogram or AudioSet's classes."""


def _own(weights: Mapping[str, Tensor], start: str) -> dict[str, Tensor]:
    """The same weights, without ``start`` at the start of their names."""
    return {name.removeprefix(start): value for name, value in weights.items()}


_NAMES = (
    (r"^bn0\.", "batch_norm."),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"\.attn\.proj\.", ".attention.output.dense."),
    (r"\.attn\.", ".attention.self."),
    (r"\.mlp\.fc1\.", ".intermediate.dense."),
    (r"\.mlp\.fc2\.", ".output.dense."),
)
"""Names of HTS-AT's weights, and what transformers calls them."""


def _renamed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """HTS-AT's weights under the names of transformers, which has queries, keys and values apart."""
    renamed: dict[str, Tensor] = {}
    for name, value in weights.items():
        if name.endswith("attn_mask"):
            continue
        for pattern, other in _NAMES:
            name = re.sub(pattern, other, name)
        name = f"audio_encoder.{name}"
        if ".qkv." in name:
            for part, own in zip(("query", "key", "value"), value.chunk(3), strict=True):
                renamed[name.replace("qkv", part)] = own
        else:
            renamed[name] = value
    return renamed
