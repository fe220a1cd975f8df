"""The protocols by name: how patients are divided, and whether a number that comes of it can be trusted."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from corpora.budgets import FEWEST, LabelBudget
from corpora.choices import CROSS_CORPUS, PROTOCOLS
from corpora.crossing import BetweenCorpora
from corpora.problems import InputError
from corpora.splits import LeavePatientsOut, OfficialSplit, RandomClips, Splitter


@dataclass(frozen=True)
class Protocol:
    """One way to divide a corpus.

    Attributes:
        name: as in the path of the results.
        splitter: yields the folds.
        explanation: one sentence for the report.
        warning: what is wrong with its numbers; empty if nothing is.
    """

    name: str
    splitter: Splitter
    explanation: str
    warning: str = ""

    @property
    def folds(self) -> int:
        """How many folds each seed has."""
        return getattr(self.splitter, "folds", 1)

    @property
    def few_labels(self) -> bool:
        """Whether some training patients may lose their labels, so that semi-supervised models are of interest."""
        return isinstance(self.splitter, LabelBudget)


def _patients(folds: int) -> Protocol:
    return Protocol(
        f"patients-{folds}fold",
        LeavePatientsOut(folds),
        f"{folds} folds; every patient is tested exactly once, by models that never met them; a tenth of the training "
        "patients, again as whole patients, chooses epochs and the like",
    )


def _budget(folds: int, percent: int) -> Protocol:
    return Protocol(
        f"patients-{folds}fold-labels{percent}",
        LabelBudget(percent, folds),
        f"{folds} folds; every patient is tested exactly once, by models that never met them; {percent} % of the "
        f"training patients, but at least {FEWEST}, keep their labels, and a tenth of these, again as whole patients, "
        "chooses epochs and the like; the clips of the other training patients go unlabeled to the models that learn "
        "from such, and to no other",
    )


def _random(folds: int) -> Protocol:
    return Protocol(
        f"random-{folds}fold",
        RandomClips(folds),
        f"{folds} folds by clip: the same patients are trained on and tested",
        "LEAKY: the models are tested on patients they were trained on. These numbers measure how much that flatters; "
        "they say nothing about a new patient.",
    )


OFFICIAL = Protocol(
    "official",
    OfficialSplit(),
    "the ICBHI 2017 challenge's one split of the recordings",
    "NOT PATIENT-DISJOINT: the challenge's split has patients 156 and 218 on both sides.",
)

_FROM = f"{CROSS_CORPUS}-from-"


def trained_on(corpus: str) -> Protocol:
    """The protocol that fits on one corpus and tests another; results are filed under the tested one."""
    return Protocol(
        _FROM + corpus,
        BetweenCorpora(corpus),
        f"models are fitted on the corpus `{corpus}` and tested on every clip of this one; a tenth of the training "
        "patients, as whole patients, chooses epochs and the like, and each seed chooses other ones",
        f"TRAINED ON {corpus}: nothing of the tested corpus was trained on. These numbers say how far what was learned "
        "there holds here; they don't compare with those of models that were trained here.",
    )


_FAMILIES: dict[str, Callable[[int], Protocol]] = {"patients": _patients, "random": _random}


def find(name: str) -> Protocol:
    """The protocol of that name.

    Args:
        name: ``patients-<k>fold``, ``patients-<k>fold-labels<percent>``, ``random-<k>fold``, ``official`` or
            ``cross-corpus-from-<corpus>``.

    Raises:
        InputError: there is none of that name.
    """
    if name == OFFICIAL.name:
        return OFFICIAL
    if name.startswith(_FROM) and name != _FROM:
        return trained_on(name.removeprefix(_FROM))
    if name == CROSS_CORPUS:
        raise InputError(f"the protocol {name} needs two corpora, which `respbench run` takes; choose another protocol")
    budget = re.fullmatch(r"patients-(\d+)fold-labels(\d+)", name)
    if budget:
        return _budget(int(budget[1]), int(budget[2]))
    match = re.fullmatch(r"(patients|random)-(\d+)fold", name)
    if match is None:
        raise InputError(f"unknown protocol {name!r}; choose {PROTOCOLS}")
    return _FAMILIES[match[1]](int(match[2]))
