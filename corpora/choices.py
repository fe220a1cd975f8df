"""The names that a user chooses from: corpora, tasks and protocols. Imports nothing heavy, for a quick command line."""

from corpora.cycles import FOUR_CLASSES, RECORDING_CLASSES, SEVEN_CLASSES, TWO_CLASSES

CORPORA = ("simulated", "icbhi", "sprsound", "kauh", "manifest")

TASKS = {
    "abnormal": TWO_CLASSES,
    "four-class": FOUR_CLASSES,
    "seven-class": SEVEN_CLASSES,
    "recording-three-class": ("normal", "adventitious", "poor quality"),
    "recording-five-class": RECORDING_CLASSES,
}
"""The tasks and their classes. `abnormal`, `seven-class` and those of whole recordings are the tasks 1-1, 1-2, 2-1 and
2-2 of the SPRSound challenge (Zhang et al. 2022, IEEE BioCAS)."""

RECORDING_TASKS = ("recording-three-class", "recording-five-class")
"""The tasks whose clips are whole recordings."""

LABEL_PERCENTS = (100, 50, 25, 10, 5)
"""Label budgets: % of the training patients that keep their labels; each is drawn from the one before it."""

CROSS_CORPUS = "cross-corpus"

CROSS_CORPUS_ADAPTED = "cross-corpus-adapted"

LEAVE_DEVICE_OUT = "patients-leave-device-out"

STATED_FOLDS = "folds"
"""The protocol whose folds a file states."""

PROTOCOLS = (
    f"patients-5fold, patients-5fold-labels10 (or {', '.join(str(p) for p in LABEL_PERCENTS if p != 10)}), "
    f"{LEAVE_DEVICE_OUT}, {STATED_FOLDS} (from a file), official (or official-inter, official-intra), "
    f"{CROSS_CORPUS}, {CROSS_CORPUS_ADAPTED} or random-5fold (leaky)"
)
"""The protocols in one line; `corpora.protocols.find` parses their names."""
