"""The table of a corpus' clips that lies beside its results: what a report may need to know about each clip."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from respbench.corpora.clips import HIDDEN, Clips
from respbench.corpora.cycles import FOUR_CLASSES


def clip_table(clips: Clips, metadata: Sequence[str]) -> pd.DataFrame:
    """Describe each clip; no column is there that the corpus lacks.

    Args:
        clips: the whole corpus, with its labels.
        metadata: the columns to take over.

    Returns:
        One row per clip: clip_id, patient, label (name; crackle, wheeze or both where the corpus distinguishes them,
        whatever the task), seconds (s), then the metadata.
    """
    label = np.array(clips.classes, dtype=object)[clips.label]
    finest = np.array(FOUR_CLASSES, dtype=object)[clips.sound]
    table = pd.DataFrame({"clip_id": clips.clip_id, "patient": clips.patient})
    table["label"] = np.where(clips.sound == HIDDEN, label, finest)
    table["seconds"] = clips.seconds
    for column in metadata:
        if column in clips.meta and clips.meta[column].notna().any():
            table[column] = clips.meta[column].to_numpy()
    return table
