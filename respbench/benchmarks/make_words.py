"""Turn sentences that name ``make`` and its variables into those of the command, where there is no clone."""

import re

TARGETS = {"benchmark": "run", "ablation": "ablate", "tables": "report", "probes": "probe"}
"""The targets of make whose command has another name."""

OPTIONS = {"REPEATS": "repeats", "SEEDS": "repeats", "ROW": "name"}
"""The variables of make whose option has another name."""

VARIABLES = (
    *("CORPUS", "DATA", "TASK", "PROTOCOL", "OTHER_DATA", "OTHER", "FOLDS", "UNLABELED", "MODELS", "MODEL", "REPEATS"),
    *("SEEDS", "PICKED_ON_TEST", "TRIALS", "WORKERS", "BACKEND", "SCHEDULER", "FIT_TIMEOUT", "RATE", "WINDOW", "HOP"),
    *("LEAVE_OUT_BAD", "RESULTS", "PREDICTIONS", "ROW", "REPLACE", "LISTEN"),
)
SWITCHES = ("LEAVE_OUT_BAD", "PICKED_ON_TEST", "REPLACE", "LISTEN")

_FOR_MAKE = re.compile(r" \([^()]* for make\)")
_TARGET = re.compile(r"`make ([a-z]+)")
_VARIABLE = re.compile(rf"(?<![\w/.\\-])({'|'.join(VARIABLES)})(?![\w/.\\-])")
_SWITCHED_ON = re.compile(rf"\b({'|'.join(SWITCHES)})=1\b")


def without_make(sentence: str) -> str:
    """Return a sentence with commands and options of ``respbench`` in place of targets and variables of ``make``."""
    sentence = _SWITCHED_ON.sub(r"\1", _FOR_MAKE.sub("", sentence))
    sentence = _TARGET.sub(lambda found: f"`respbench {TARGETS.get(found[1], found[1])}", sentence)
    return _VARIABLE.sub(lambda found: f"--{OPTIONS.get(found[1], found[1].lower().replace('_', '-'))}", sentence)
