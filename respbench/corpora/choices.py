"""The names that a user chooses from: corpora, tasks and protocols. Imports nothing heavy, for a quick command line."""

from respbench.corpora.cycles import FOUR_CLASSES, RECORDING_CLASSES, SEVEN_CLASSES, TWO_CLASSES

SOUND, MOTION = "sound", "motion"

MODALITIES = (SOUND, MOTION)
"""What a corpus may hold: breath sounds, or movements measured by inertial sensors."""

MOTION_CORPORA = ("hmp", "uci-har", "wisdm", "pamap2", "motionsense", "series")
"""The corpora of movements; each has its own sampling rate."""

PUBLISHED_WINDOWS = ("uci-har",)
"""Those of them that are published as windows, which no other ones can be cut from."""

CORPORA = ("simulated", "icbhi", "sprsound", "kauh", "manifest", *MOTION_CORPORA)

ACTIVITY = "activity"
"""The task of a corpus of movements."""

TASKS = {
    "abnormal": TWO_CLASSES,
    "four-class": FOUR_CLASSES,
    "seven-class": SEVEN_CLASSES,
    "recording-three-class": ("normal", "adventitious", "poor quality"),
    "recording-five-class": RECORDING_CLASSES,
    ACTIVITY: (),
}
"""The tasks and their classes; none = those of the corpus. `abnormal`, `seven-class` and those of whole recordings are
the tasks 1-1, 1-2, 2-1 and 2-2 of the SPRSound challenge (Zhang et al. 2022, IEEE BioCAS)."""

RECORDING_TASKS = ("recording-three-class", "recording-five-class")
"""The tasks whose clips are whole recordings."""

LABEL_PERCENTS = (100, 50, 25, 10, 5)
"""Label budgets: % of the training patients that keep their labels; each is drawn from the one before it."""

CROSS_CORPUS = "cross-corpus"

CROSS_CORPUS_ADAPTED = "cross-corpus-adapted"

MULTI_CORPUS = "multi-corpus"

JOINING = (CROSS_CORPUS, CROSS_CORPUS_ADAPTED, MULTI_CORPUS)
"""The protocols that join two corpora or more."""

LEAVE_DEVICE_OUT = "patients-leave-device-out"

LEAVE_ONE_SUBJECT_OUT = "leave-one-subject-out"

STATED_FOLDS = "folds"
"""The protocol whose folds a file states."""

PROTOCOLS = (
    f"patients-5fold, patients-5fold-labels10 (or {', '.join(str(p) for p in LABEL_PERCENTS if p != 10)}), "
    f"{LEAVE_ONE_SUBJECT_OUT}, {LEAVE_DEVICE_OUT}, {STATED_FOLDS} (from a file), official "
    f"(or official-inter, official-intra), {CROSS_CORPUS}, {CROSS_CORPUS_ADAPTED}, {MULTI_CORPUS} or random-5fold "
    "(leaky)"
)
"""The protocols in one line; `corpora.protocols.find` parses their names."""


def modality_of(corpus: str) -> str:
    """Return what a corpus holds, one of ``MODALITIES``."""
    return MOTION if corpus in MOTION_CORPORA else SOUND


def default_task(corpus: str) -> str:
    """Return the task of a corpus unless another one is asked for."""
    return ACTIVITY if corpus in MOTION_CORPORA else "abnormal"
