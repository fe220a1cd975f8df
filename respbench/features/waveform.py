"""Waveforms of equal length and loudness, for networks that have filters of their own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.clips import Signal
from respbench.corpora.problems import InputError
from respbench.features.maps import mirror
from respbench.features.spectral import clip_lengths, pad


@dataclass(frozen=True)
class MirroredWaveform:
    """The waveform of a clip, mirrored until it fills a fixed time; an `Extractor` of `features.cache`.

    Forwards, backwards, forwards, as in `features.maps`: repetition has a jump at each seam, which resembles a crackle.
    Of a longer clip the first ``seconds`` are kept. Divided by its root mean square, since the level of a clip depends
    on the distance of the microphone.

    Attributes:
        seconds: duration of the result in s.
    """

    seconds: float = 4.0

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise InputError(f"seconds must be above 0; got {self.seconds:g}")

    def __call__(self, signals: Sequence[Signal], rate: int) -> NDArray[np.float32]:
        """Mirror or cut the clips.

        Args:
            signals: one float32 array (channels, samples) per clip; channels are averaged.
            rate: sampling rate in Hz.

        Returns:
            (clips, 1, 1, samples) float32 with a root mean square of 1, silence excepted; row i depends on clip i
            alone. The third axis is that of the bands in the images of other extractors.

        Raises:
            InputError: a clip has no samples.
        """
        clip_lengths(signals)
        samples = max(1, round(self.seconds * rate))
        waves = np.empty((len(signals), 1, 1, samples), dtype=np.float32)
        for row, signal in zip(waves, signals, strict=True):
            wave = mirror(pad([signal]), 0, samples).samples[0].numpy()
            row[0, 0] = wave / max(float(np.sqrt(np.mean(np.square(wave, dtype=np.float64)))), 1e-8)
        return waves
