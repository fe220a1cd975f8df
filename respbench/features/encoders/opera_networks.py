"""The networks of OPERA-CE and OPERA-GT, with the names of the published weights (Zhang et al. 2024)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)
"""Of EfficientNet-B0 (Tan & Le 2019, arXiv:1905.11946, table 1): blocks, kernel, stride of the first block, expansion,
channels in and out."""

HEAD = 1280
"""Channels of EfficientNet-B0's last convolution, and so numbers of its embedding."""

DROPPED = 0.1
"""Share of the samples whose last block is skipped in training; it rises from block to block."""


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Convolution(nn.Conv2d):
    """A convolution without bias that pads, as for an input of even size, so that an output is input / stride."""

    def __init__(self, channels: int, width: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(channels, width, kernel, stride, groups=groups, bias=False)
        self.before, self.after = (kernel - stride) // 2, kernel - stride - (kernel - stride) // 2

    def forward(self, input: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, width, height / stride, width / stride)."""
        return super().forward(functional.pad(input, (self.before, self.after) * 2))


class MobileBlock(nn.Module):
    """Expansion - convolution of each channel - squeeze and excitation - projection, added to the input if it fits."""

    def __init__(self, kernel: int, stride: int, expansion: int, channels: int, width: int, dropped: float) -> None:
        super().__init__()
        inner = channels * expansion
        self.expands, self.adds, self.dropped = expansion > 1, stride == 1 and channels == width, dropped
        if self.expands:
            self._expand_conv, self._bn0 = Convolution(channels, inner, 1), _norm(inner)
        self._depthwise_conv, self._bn1 = Convolution(inner, inner, kernel, stride, groups=inner), _norm(inner)
        self._se_reduce = nn.Conv2d(inner, max(1, channels // 4), 1)
        self._se_expand = nn.Conv2d(max(1, channels // 4), inner, 1)
        self._project_conv, self._bn2 = Convolution(inner, width, 1), _norm(width)

    def forward(self, maps: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, width, height / stride, width / stride)."""
        inner = functional.silu(self._bn0(self._expand_conv(maps))) if self.expands else maps
        inner = functional.silu(self._bn1(self._depthwise_conv(inner)))
        squeezed = functional.silu(self._se_reduce(inner.mean((2, 3), keepdim=True)))
        found: Tensor = self._bn2(self._project_conv(self._se_expand(squeezed).sigmoid() * inner))
        if not self.adds:
            return found
        if self.training and self.dropped:
            kept = torch.rand(len(found), 1, 1, 1, device=found.device) >= self.dropped
            found = found * kept / (1 - self.dropped)
        return found + maps


class EfficientNet(nn.Module):
    """EfficientNet-B0 without its classifier: (batch, 3, height, width) to (batch, 1280)."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = Convolution(3, 32, 3, 2), _norm(32)
        self._blocks = nn.ModuleList()
        total = sum(stage[0] for stage in STAGES)
        for count, kernel, stride, expansion, channels, width in STAGES:
            for number in range(count):
                dropped = DROPPED * len(self._blocks) / total
                self._blocks.append(
                    MobileBlock(
                        kernel, 1 if number else stride, expansion, width if number else channels, width, dropped
                    )
                )
        self._conv_head, self._bn1 = Convolution(320, HEAD, 1), _norm(HEAD)

    def forward(self, maps: Tensor) -> Tensor:
        """(batch, 3, height, width) to (batch, 1280)."""
        maps = functional.silu(self._bn0(self._conv_stem(maps)))
        for block in self._blocks:
            maps = block(maps)
        embedding: Tensor = functional.silu(self._bn1(self._conv_head(maps))).mean((2, 3))
        return embedding


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, patches: Tensor) -> Tensor:
        batch, count, width = patches.shape
        query, key, value = self.qkv(patches).view(batch, count, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        attended: Tensor = self.proj(mixed.transpose(1, 2).reshape(batch, count, width))
        return attended


class _Dense(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, patches: Tensor) -> Tensor:
        dense: Tensor = self.fc2(functional.gelu(self.fc1(patches)))
        return dense


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, eps=1e-6), _Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width, eps=1e-6), _Dense(width)

    def forward(self, patches: Tensor) -> Tensor:
        patches = patches + self.attn(self.norm1(patches))
        mixed: Tensor = patches + self.mlp(self.norm2(patches))
        return mixed


class VisionTransformer(nn.Module):
    """A vision transformer (Dosovitskiy et al. 2021, arXiv:2010.11929): the normalized mean of its patches.

    Args:
        width: numbers of a patch.
        depth: layers.
        heads: of the attention.
        patch: side of a patch in pixels.
        positions: patches for which there is a position, and one for the special token.
    """

    def __init__(self, width: int, depth: int, heads: int, patch: int, positions: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, positions, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(1, width, patch, patch)})
        self.blocks = nn.ModuleList(_Layer(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, image: Tensor) -> Tensor:
        """(batch, 1, height, width) to (batch, numbers)."""
        patches = self.patch_embed["proj"](image).flatten(2).transpose(1, 2)
        patches = patches + self.pos_embed[:, 1 : 1 + patches.shape[1]]
        token = (self.cls_token + self.pos_embed[:, :1]).expand(len(patches), -1, -1)
        patches = torch.cat([token, patches], 1)
        for block in self.blocks:
            patches = block(patches)
        embedding: Tensor = self.norm(patches[:, 1:].mean(1))
        return embedding
