"""One row of statistics per clip, whatever was recorded."""

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.choices import MOTION
from respbench.corpora.clips import Clips
from respbench.features.cache import Extractor, cached
from respbench.features.motion import MotionStatistics


def clip_statistics(sound: Extractor, clips: Clips) -> NDArray[np.float32]:
    """Statistics of clips, (clips, columns): of movements `MotionStatistics`, of sounds those of ``sound``."""
    return cached(MotionStatistics() if clips.modality == MOTION else sound, clips)
