"""A clip as series side by side: the channels of a movement, the log-mel bands of a sound."""

from collections.abc import Sequence

import numpy as np

from respbench.corpora.choices import MOTION
from respbench.corpora.clips import Clips, Signal
from respbench.features.spectral import batches, log_mel, mel_filters, power_spectrum

N_MELS, N_FFT, HOP = 16, 256, 64
"""Of sounds: mel bands, samples per frame (64 ms at 4 kHz) and from one to the next; as in `features.quantiles`."""


def clip_series(clips: Clips) -> Sequence[Signal]:
    """One (series, samples or frames) float32 per clip; of a sound in dB. Each depends on its clip alone.

    Raises:
        InputError: a clip has no samples.
    """
    if clips.modality == MOTION:
        return clips.signals
    filters = mel_filters(clips.rate, N_FFT, N_MELS)
    found: dict[int, Signal] = {}
    for index, batch in batches(clips.signals):
        mels = log_mel(power_spectrum(batch, N_FFT, HOP), filters).numpy().astype(np.float32)
        for row, mel, frames in zip(index.tolist(), mels, batch.frames(HOP).tolist(), strict=True):
            found[row] = np.ascontiguousarray(mel[:frames].T)
    return [found[row] for row in range(len(found))]
