"""The sounds of the errors page, for `SOUND_PAGE`, which plays them and is never to be committed."""

import io
from collections.abc import Mapping

import numpy as np
import soundfile

from respbench.benchmarks.report.errors import FIGURE, Errors, sounds_of
from respbench.corpora.clips import Signal
from respbench.corpora.prepared.prepare import Prepared

SOUND_PAGE = "report-with-sound.html"
"""report.html with sounds; git ignores it, since recordings of patients don't belong in a repository."""

PEAK = 0.9
"""Full scale = 1."""


def error_sounds(errors: Errors | None, corpus: Prepared) -> Mapping[str, Mapping[str, bytes]]:
    """Encode the clips of the errors page as WAV files, by the file name of their figure, then by caption."""
    if errors is None or not errors.clips:
        return {}
    sounds, rate = sounds_of(errors, corpus), corpus.facts().rate
    captions = {clip.clip_id: f"{clip.number}: {clip.label}, patient {clip.patient}" for clip in errors.clips}
    return {FIGURE: {caption: wav(sounds[clip_id], rate) for clip_id, caption in captions.items()}}


def wav(signal: Signal, rate: int) -> bytes:
    """Encode a clip as a WAV file of one channel and 16 bits, scaled so that its peak is `PEAK`.

    Args:
        signal: of one or more channels; silence stays silent.
        rate: Hz.
    """
    samples = signal.mean(axis=0, dtype=np.float64)
    peak = np.abs(samples).max(initial=0.0)
    buffer = io.BytesIO()
    soundfile.write(buffer, samples * (PEAK / peak if peak else 1.0), rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()
