"""The names that a user chooses from: corpora, tasks and protocols. Imports nothing heavy, for a quick command line."""

from corpora.cycles import FOUR_CLASSES, TWO_CLASSES

CORPORA = ("simulated", "icbhi", "sprsound", "kauh", "manifest")

TASKS = {"abnormal": TWO_CLASSES, "four-class": FOUR_CLASSES}
"""The tasks and their classes."""

LABEL_PERCENTS = (100, 50, 25, 10, 5)
"""Label budgets: % of the training patients that keep their labels; each is drawn from the one before it."""

CROSS_CORPUS = "cross-corpus"

LEAVE_DEVICE_OUT = "patients-leave-device-out"

PROTOCOLS = (
    f"patients-5fold, patients-5fold-labels10 (or {', '.join(str(p) for p in LABEL_PERCENTS if p != 10)}), "
    f"{LEAVE_DEVICE_OUT}, official, {CROSS_CORPUS} or random-5fold (leaky)"
)
"""The protocols in one line; `corpora.protocols.find` parses their names."""
