"""What a model is shown of clips whose labels it must not know: test clips and unlabeled ones."""

from dataclasses import replace

import numpy as np

from benchmarks.storage.store import KNOWN_OF_A_CLIP
from corpora.clips import Clips


def without_labels(clips: Clips) -> Clips:
    """Labels hidden, and clips numbered: the names in a user's manifest, such as ``pos/1.wav``, may tell the label.

    Of the metadata only what is known of a clip's recording stays: a diagnosis, too, all but tells the label.
    """
    known = [column for column in KNOWN_OF_A_CLIP if column in clips.meta]
    numbers = np.arange(len(clips)).astype(np.str_)
    return replace(clips.hide_labels(), clip_id=numbers, meta=clips.meta[known])
