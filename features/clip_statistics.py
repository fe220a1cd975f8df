"""One row of statistics per clip, whatever was recorded."""

import numpy as np
from numpy.typing import NDArray

from corpora.choices import MOTION
from corpora.clips import Clips
from features.cache import Extractor, cached
from features.motion import MotionStatistics


def clip_statistics(sound: Extractor, clips: Clips) -> NDArray[np.float32]:
    """Statistics of clips, (clips, columns): of movements `MotionStatistics`, of sounds those of ``sound``."""
    return cached(MotionStatistics() if clips.modality == MOTION else sound, clips)
