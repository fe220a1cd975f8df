"""The classification tasks, and how the labels of a corpus become the classes of a task."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.choices import ACTIVITY, MOTION, RECORDING_TASKS, TASKS
from respbench.corpora.clips import HIDDEN, Clips
from respbench.corpora.cycles import FOUR_CLASSES, RECORDING_CLASSES, SEVEN_CLASSES, TWO_CLASSES
from respbench.corpora.problems import InputError

COARSER = {
    (SEVEN_CLASSES, FOUR_CLASSES): (0, 2, 2, 2, 1, 1, 3),
    (SEVEN_CLASSES, TWO_CLASSES): (0, 1, 1, 1, 1, 1, 1),
    (FOUR_CLASSES, TWO_CLASSES): (0, 1, 1, 1),
    (RECORDING_CLASSES, TASKS["recording-three-class"]): (0, 1, 1, 1, 2),
}
"""From labels to coarser ones: the index of each label's class. SPRSound itself calls wheeze, rhonchi and stridor
continuous adventitious sounds, crackles discontinuous ones (Zhang et al. 2022, doi:10.1109/TBCAS.2022.3204910). Of the
ICBHI challenge's four classes, ``wheeze`` is the continuous one; rhonchi are its low pitches (Pasterkamp et al. 2016,
doi:10.1183/13993003.01132-2015)."""


def for_task(clips: Clips, task: str) -> Clips:
    """Label clips for a task; ``sound`` keeps crackles and wheezes apart where the corpus does.

    Raises:
        InputError: the task is unknown, or the corpus lacks the classes of the task.
    """
    if task not in TASKS:
        raise InputError(f"unknown task {task!r}; choose from {', '.join(TASKS)}")
    if (task == ACTIVITY) != (clips.modality == MOTION):
        known = f"of movements, whose task is {ACTIVITY}" if clips.modality == MOTION else "of sounds, not of movements"
        raise InputError(f"the task {task} doesn't go with this corpus, which is one {known}; choose another task")
    if task == ACTIVITY:
        return clips
    classes = TASKS[task]
    if clips.classes == FOUR_CLASSES:
        clips = replace(clips, sound=clips.label)
    elif clips.classes == SEVEN_CLASSES:
        clips = replace(clips, sound=_relabeled(clips, FOUR_CLASSES))
    if clips.classes == classes:
        return clips
    if (clips.classes, classes) not in COARSER:
        raise InputError(_refusal(clips.classes, task))
    return replace(clips, classes=classes, label=_relabeled(clips, classes))


def _relabeled(clips: Clips, classes: tuple[str, ...]) -> NDArray[np.int64]:
    """Index the classes by the coarser label of each clip."""
    coarser = np.array(COARSER[clips.classes, classes], dtype=np.int64)
    return np.where(clips.label == HIDDEN, HIDDEN, coarser[clips.label])


def _refusal(has: tuple[str, ...], task: str) -> str:
    """Say why labels don't make a task, and which task they do."""
    if (task in RECORDING_TASKS) != (has == RECORDING_CLASSES):
        return f"the clips are not labeled for the task {task}, {_level(task)}; open the corpus for this task"
    possible = [name for name, classes in TASKS.items() if has == classes or (has, classes) in COARSER]
    return (
        f"the corpus is labeled {', '.join(has[:-1])} and {has[-1]} only; label its clips {', '.join(TASKS[task])}, "
        f"or choose the task {' or '.join(possible)}"
    )


def _level(task: str) -> str:
    return "which labels whole recordings" if task in RECORDING_TASKS else "which labels parts of recordings"
