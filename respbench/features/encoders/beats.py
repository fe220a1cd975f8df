"""BEATs: a transformer trained on AudioSet by self-distillation (Chen et al. 2022, arXiv:2212.09058).

Input as published: 16 kHz, Kaldi's filter bank of 128 bands, in patches of 16 bands x 16 frames. Embedding: the mean of
the last layer over the patches. A signal is taken as a whole, up to 10 s, the length of AudioSet's. Names of weights
are those of the published files; whether a file is of the first, second or third iteration, or fine-tuned, makes no
difference: its classifier is not used.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from respbench.corpora.problems import InputError
from respbench.features.encoders.checkpoint import (
    NetworkEncoder,
    SoundNetwork,
    drawing_nothing,
    fill,
    read_checkpoint,
    weights_of,
)
from respbench.features.encoders.spectrograms import kaldi_filter_bank

RATE = 16000
N_MELS = 128
FULL_SCALE = 2.0**15
"""Kaldi counts in steps of 16-bit samples."""

MEAN, DEVIATION = 15.41663, 6.55582
"""Of the filter bank over AudioSet, as published; the difference is divided by twice the deviation."""


@dataclass(frozen=True)
class Settings:
    """The settings of a file, ``cfg``, that decide about its architecture; defaults: those of the published files."""

    input_patch_size: int = 16
    embed_dim: int = 512
    encoder_layers: int = 12
    encoder_embed_dim: int = 768
    encoder_ffn_embed_dim: int = 3072
    encoder_attention_heads: int = 12
    conv_pos: int = 128
    conv_pos_groups: int = 16
    num_buckets: int = 320
    max_distance: int = 800
    dropout: float = 0.0
    attention_dropout: float = 0.0


FIXED = {
    "activation_fn": "gelu",
    "conv_bias": False,
    "layer_norm_first": False,
    "deep_norm": True,
    "relative_position_embedding": True,
    "gru_rel_pos": True,
}
"""Settings that all published files share; of others, no network is built."""


class Attention(nn.Module):
    """Self-attention with a position bias that a gate, computed from the query, scales for each patch and head."""

    def __init__(self, settings: Settings, first: bool) -> None:
        super().__init__()
        width, self.heads = settings.encoder_embed_dim, settings.encoder_attention_heads
        self.dropout = settings.attention_dropout
        self.k_proj, self.v_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.q_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.grep_linear = nn.Linear(width // self.heads, 8)
        self.grep_a = nn.Parameter(torch.ones(1, self.heads, 1, 1))
        if first:  # all layers share its table, which files hold in each of them
            self.relative_attention_bias = nn.Embedding(settings.num_buckets, self.heads)

    def forward(self, patches: Tensor, bias: Tensor) -> Tensor:
        """(batch, patches, width) and (heads, patches, patches) to (batch, patches, width)."""
        batch, count, width = patches.shape

        def split(projected: Tensor) -> Tensor:
            return projected.view(batch, count, self.heads, -1).transpose(1, 2)

        query, key, value = split(self.q_proj(patches)), split(self.k_proj(patches)), split(self.v_proj(patches))
        # (batch, heads, patches, 8) in two groups of four
        gates = self.grep_linear(query).view(batch, self.heads, count, 2, 4).sum(-1).sigmoid()
        scale = gates[..., :1] * (gates[..., 1:] * self.grep_a - 1) + 2
        dropout = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(query, key, value, scale * bias, dropout)
        attended: Tensor = self.out_proj(mixed.transpose(1, 2).reshape(batch, count, width))
        return attended


class Layer(nn.Module):
    """Attention and two dense layers, each added to its input, which is scaled up, and normalized (DeepNorm)."""

    def __init__(self, settings: Settings, first: bool) -> None:
        super().__init__()
        width = settings.encoder_embed_dim
        self.self_attn = Attention(settings, first)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, settings.encoder_ffn_embed_dim)
        self.fc2 = nn.Linear(settings.encoder_ffn_embed_dim, width)
        self.final_layer_norm = nn.LayerNorm(width)
        self.weight = (2 * settings.encoder_layers) ** 0.25
        self.dropout = settings.dropout

    def forward(self, patches: Tensor, bias: Tensor) -> Tensor:
        """(batch, patches, width) to the same shape."""
        attended = functional.dropout(self.self_attn(patches, bias), self.dropout, self.training)
        patches = self.self_attn_layer_norm(patches * self.weight + attended)
        dense = functional.dropout(self.fc2(functional.gelu(self.fc1(patches))), self.dropout, self.training)
        normalized: Tensor = self.final_layer_norm(patches * self.weight + dense)
        return normalized


class Transformer(nn.Module):
    """A convolution over the patches, added as their position, and the layers."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        width, kernel = settings.encoder_embed_dim, settings.conv_pos
        convolution = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=settings.conv_pos_groups)
        self.pos_conv = nn.Sequential(nn.utils.parametrizations.weight_norm(convolution, dim=2))
        self.layers = nn.ModuleList(Layer(settings, number == 0) for number in range(settings.encoder_layers))
        self.layer_norm = nn.LayerNorm(width)
        self.settings = settings

    def forward(self, patches: Tensor) -> Tensor:
        """(batch, patches, width) to the same shape."""
        count = patches.shape[1]
        place = self.pos_conv(patches.transpose(1, 2))[..., :count]
        patches = self.layer_norm(patches + functional.gelu(place).transpose(1, 2))
        bias = self._bias(count)
        for layer in self.layers:
            patches = layer(patches, bias)
        return patches

    def _bias(self, count: int) -> Tensor:
        """(heads, patches, patches): a learned number per head and bucket of distance."""
        first = self.layers[0]
        assert isinstance(first, Layer)
        table = first.self_attn.relative_attention_bias
        place = torch.arange(count, device=table.weight.device)
        buckets = distance_buckets(place[None] - place[:, None], self.settings.num_buckets, self.settings.max_distance)
        bias: Tensor = table(buckets).permute(2, 0, 1)
        return bias


def distance_buckets(distance: Tensor, count: int, longest: int) -> Tensor:
    """Bucket of each distance in patches: the sign chooses one half; near ones have their own, far ones share by ratio.

    Args:
        distance: int64, of any shape.
        count: number of buckets.
        longest: distance from which on all share the last bucket.

    Source: Raffel et al. 2020, arXiv:1910.10683, section 2.1.
    """
    half, exact = count // 2, count // 4
    away = distance.abs()
    ratio = (away.clamp(min=1).float() / exact).log() / math.log(longest / exact)
    far = (exact + (ratio * (half - exact)).long()).clamp(max=half - 1)
    return torch.where(away < exact, away, far) + half * (distance > 0)


class BEATs(SoundNetwork):
    """Patches of the filter bank - normalization - dense - transformer - mean over the patches."""

    of_any_length = True

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.size, side = settings.encoder_embed_dim, settings.input_patch_size
        self.shortest = round(RATE * (0.010 * (side - 1) + 0.025))
        self.patch_embedding = nn.Conv2d(1, settings.embed_dim, side, side, bias=False)
        self.layer_norm = nn.LayerNorm(settings.embed_dim)
        narrow = settings.embed_dim != self.size
        self.post_extract_proj = nn.Linear(settings.embed_dim, self.size) if narrow else nn.Identity()
        self.encoder = Transformer(settings)

    def spectrogram(self, waves: Tensor) -> Tensor:
        """(clips, samples) at 16 kHz to (clips, 1, frames, 128); a clip shorter than a patch is followed by silence."""
        waves = functional.pad(waves, (0, max(0, self.shortest - waves.shape[1])))
        bank = kaldi_filter_bank(waves * FULL_SCALE, RATE, N_MELS, "povey")
        return ((bank - MEAN) / (2 * DEVIATION))[:, None]

    def forward(self, spectrogram: Tensor) -> Tensor:
        """(clips, 1, frames, 128) to (clips, size)."""
        patches = self.patch_embedding(spectrogram).flatten(2).transpose(1, 2)
        patches = self.encoder(self.post_extract_proj(self.layer_norm(patches)))
        embedding: Tensor = patches.mean(1)
        return embedding


def settings_of(given: Mapping[str, Any], path: Path) -> Settings:
    """The architecture of a file, from its ``cfg``.

    Raises:
        InputError: it is none of the published architecture.
    """
    different = [name for name, value in FIXED.items() if given.get(name, value) != value]
    if different:
        raise InputError(
            f"{path} is of another architecture than the published files of BEATs ({different[0]} is "
            f"{given[different[0]]!r}); put one of those there"
        )
    return Settings(**{field.name: given[field.name] for field in fields(Settings) if field.name in given})


@drawing_nothing
def load(paths: Sequence[Path]) -> NetworkEncoder:
    """Load a published file, such as ``BEATs_iter3_plus_AS2M.pt``, or its weights as safetensors.

    Raises:
        InputError: the file is no checkpoint of BEATs.
    """
    path = paths[0]
    found = read_checkpoint(path)
    cfg = found.get("cfg", {})
    network = BEATs(settings_of(cfg if isinstance(cfg, dict) else {}, path))
    weights = {_own_name(name): value for name, value in weights_of(found).items() if not _REPEATED.match(name)}
    fill(network, weights, path, "BEATs", ("predictor.", "mask_emb"))
    return NetworkEncoder(network)


_REPEATED = re.compile(r"encoder\.layers\.[1-9]\d*\.self_attn\.relative_attention_bias\.")


def _own_name(name: str) -> str:
    """The name in torch's present weight normalization of one in the files' older one."""
    parts = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
    start, _, last = name.rpartition(".")
    return f"{start}.{parts.get(last, last)}" if start.startswith("encoder.pos_conv") else name
