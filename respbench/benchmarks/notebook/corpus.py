"""From a prepared corpus to the clips of a task, their table, and their folds."""

import numpy as np
import pandas as pd

from respbench.corpora.clips import HIDDEN, Clips
from respbench.corpora.prepared.prepare import Prepared
from respbench.corpora.protocols import find
from respbench.corpora.splits.folds import Fold
from respbench.corpora.splits.overlapping import refuse_parted
from respbench.corpora.splits.with_unlabeled import WithUnlabeled
from respbench.corpora.tasks import for_task


def clips_of(prepared: Prepared, task: str = "abnormal") -> Clips:
    """Return the clips of a corpus, labeled for a task.

    Args:
        prepared: what `open_corpus` returns.
        task: such as ``abnormal`` (normal, abnormal) or ``four-class`` (normal, crackle, wheeze, both); of a corpus of
            movements ``activity``.

    Raises:
        InputError: the task is unknown, or the corpus lacks its classes.
    """
    return for_task(prepared.clips(), task)


def table(clips: Clips) -> pd.DataFrame:
    """Describe clips in a table of one row per clip, row i = clip i.

    Returns:
        clip_id, patient, label (name of the class; empty = hidden), seconds (s), then the corpus' metadata, such as
        recording, device and location.
    """
    names = np.array([*clips.classes, ""], dtype=object)  # the last one is what HIDDEN indexes
    known = {"clip_id": clips.clip_id, "patient": clips.patient, "label": names[clips.label], "seconds": clips.seconds}
    return pd.concat([pd.DataFrame(known), clips.meta.reset_index(drop=True)], axis=1)


def folds(clips: Clips, protocol: str = "patients-5fold", repeat: int = 0) -> list[Fold]:
    """Divide clips as a run of the benchmark does.

    Args:
        clips: of a task.
        protocol: such as ``patients-5fold``, ``patients-5fold-labels10``, ``official``, ``leave-one-subject-out`` or,
            to measure leakage, ``random-5fold``.
        repeat: number of the repeat; each divides the patients anew.

    Returns:
        Folds of row numbers into ``clips``: ``train`` to fit on, ``valid`` to choose the epoch on, ``test`` to report
        on, ``unlabeled`` to learn from without labels. No patient is in two parts, unless the protocol is ``random-…``.

    Raises:
        InputError: the protocol is unknown, or the clips can't be divided by it.
    """
    splitter = find(protocol).splitter
    if (clips.label == HIDDEN).any():
        splitter = WithUnlabeled(splitter)
    found = list(splitter.split(clips, repeat))
    refuse_parted(clips, found)
    return found
