"""AST: a vision transformer on spectrograms, trained to tag AudioSet (Gong et al. 2021, arXiv:2104.01778).

Input as published: 16 kHz, Kaldi's filter bank of 128 bands with a Hann window, 1,024 frames (10.24 s). Frames after
the end of a short clip are 0 before standardization, which is not silence. Embedding: the mean of the outputs at the
two special tokens, normalized. The network is that of the library transformers.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from respbench.features.encoders.checkpoint import (
    NetworkEncoder,
    SoundNetwork,
    drawing_nothing,
    read_checkpoint,
    weights_of,
)
from respbench.features.encoders.hugging_face import build, read_config
from respbench.features.encoders.spectrograms import kaldi_filter_bank

RATE = 16000
FRAME = 400
"""Samples of a frame; a shorter clip is followed by silence."""
MEAN, DEVIATION = -4.2677393, 4.5689974
"""Of the filter bank over AudioSet, as published; the difference is divided by twice the deviation."""


class AST(SoundNetwork):
    """The transformer behind its filter bank.

    Args:
        network: ``ASTModel`` of transformers.
    """

    of_any_length = True

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network: nn.Module = network
        self.size = int(network.config.hidden_size)
        self.frames, self.bands = int(network.config.max_length), int(network.config.num_mel_bins)

    def spectrogram(self, waves: Tensor) -> Tensor:
        """(clips, samples) at 16 kHz to (clips, 1, frames, bands), at most as many frames as the network takes."""
        bank = kaldi_filter_bank(functional.pad(waves, (0, max(0, FRAME - waves.shape[1]))), RATE, self.bands, "hann")
        return ((bank[:, : self.frames] - MEAN) / (2 * DEVIATION))[:, None]

    def forward(self, spectrogram: Tensor) -> Tensor:
        """(clips, 1, frames, bands) to (clips, size)."""
        missing = self.frames - spectrogram.shape[2]
        whole = functional.pad(spectrogram[:, 0], (0, 0, 0, missing), value=-MEAN / (2 * DEVIATION))
        embedding: Tensor = self.network(whole).pooler_output
        return embedding


@drawing_nothing
def load(paths: Sequence[Path]) -> NetworkEncoder:
    """Load a folder such as ``MIT/ast-finetuned-audioset-10-10-0.4593``: weights, then config.

    Raises:
        InputError: it holds no AST.
    """
    settings = read_config(paths[1], "audio-spectrogram-transformer")
    names = ("audio_spectrogram_transformer.", "embeddings.", "encoder.", "layernorm.")
    weights = weights_of(read_checkpoint(paths[0]), names)
    return NetworkEncoder(AST(build("ASTModel", settings, weights, paths[0], "AST")))
