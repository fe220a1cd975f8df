"""The classification tasks: normal or abnormal, or the challenge's four classes."""

from dataclasses import replace

import numpy as np

from corpora.choices import TASKS
from corpora.clips import HIDDEN, Clips
from corpora.cycles import FOUR_CLASSES
from corpora.problems import InputError


def for_task(clips: Clips, task: str) -> Clips:
    """Label clips for a task; ``sound`` keeps the finer label where the corpus has it.

    Raises:
        InputError: the task is unknown, or the corpus lacks the classes of the task.
    """
    if task not in TASKS:
        raise InputError(f"unknown task {task!r}; choose from {', '.join(TASKS)}")
    classes = TASKS[task]
    if clips.classes == FOUR_CLASSES:
        clips = replace(clips, sound=clips.label)
    if clips.classes == classes:
        return clips
    if task == "four-class":
        raise InputError(
            "the corpus is labeled normal and abnormal only; label its clips normal, crackle, wheeze or both, "
            "or choose the task abnormal"
        )
    return replace(clips, classes=classes, label=np.where(clips.label == HIDDEN, HIDDEN, np.minimum(clips.label, 1)))
