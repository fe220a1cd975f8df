"""CLAP: a hierarchical transformer (HTS-AT) whose embeddings were trained to match those of captions.

Sources: Wu et al. 2023, arXiv:2211.06687 (LAION); Chen et al. 2022, arXiv:2202.00874, for the transformer.

Input as published: 48 kHz, 10 s, to which a shorter clip is repeated as often as it fits, then silence; 64 mel bands
from 50 Hz to 14 kHz in dB, frames of 21 ms every 10 ms. Checkpoints with fusion have filters of their own; a window is
never longer than 10 s, so that nothing is fused. Embedding: the projection that is compared with captions, before it
is scaled to unit length. The network is that of the library transformers.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
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
from respbench.features.encoders.spectrograms import log_mel, mel_filters, power, repeat_whole

RATE = 48000
SECONDS = 10.0
N_FFT, HOP, LOW, HIGH = 1024, 480, 50.0, 14000.0


class CLAP(SoundNetwork):
    """The transformer and its projection, behind their spectrogram.

    Args:
        network: ``ClapAudioModelWithProjection`` of transformers.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network: nn.Module = network
        self.size = int(network.config.projection_dim)
        self.bands, self.fusion = int(network.config.num_mel_bins), bool(network.config.enable_fusion)

    def spectrogram(self, waves: Tensor) -> Tensor:
        """(clips, samples) at 48 kHz to (clips, 1, 1001, bands) in dB."""
        samples = round(RATE * SECONDS)
        waves = functional.pad(waves, (0, max(0, samples - waves.shape[1])))[:, :samples]
        filters = mel_filters(RATE, N_FFT, self.bands, LOW, HIGH, "htk" if self.fusion else "slaney", not self.fusion)
        return log_mel(power(repeat_whole(waves), N_FFT, HOP, "reflect"), filters)[:, None]

    def forward(self, spectrogram: Tensor) -> Tensor:
        """(clips, 1, frames, bands) to (clips, size)."""
        if self.fusion:  # four views; all are the clip itself where it is not longer than 10 s
            spectrogram = spectrogram.expand(-1, 4, -1, -1)
        longer = torch.zeros(len(spectrogram), 1, dtype=torch.bool, device=spectrogram.device)
        embedding: Tensor = self.network(input_features=spectrogram, is_longer=longer).audio_embeds
        return embedding


@drawing_nothing
def load(paths: Sequence[Path]) -> NetworkEncoder:
    """Load a folder such as ``laion/clap-htsat-unfused`` or ``laion/larger_clap_general``: weights, then config.

    Raises:
        InputError: it holds no CLAP.
    """
    settings = read_config(paths[1], "clap", "audio_config")
    weights = weights_of(read_checkpoint(paths[0]), ("audio_model.", "audio_projection."))
    return NetworkEncoder(CLAP(build("ClapAudioModelWithProjection", settings, weights, paths[0], "CLAP")))
