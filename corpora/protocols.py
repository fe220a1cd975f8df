"""The protocols by name: how patients are divided, and whether a number that comes of it can be trusted.

Only this file takes the names of protocols apart; other code asks the fields of `Protocol`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from corpora.budgets import FEWEST, LabelBudget
from corpora.choices import CROSS_CORPUS, PROTOCOLS
from corpora.crossing import BetweenCorpora
from corpora.problems import InputError
from corpora.splits import LeavePatientsOut, OfficialSplit, RandomClips, Splitter


class Kind(StrEnum):
    """What decides who is trained on and who is tested."""

    PATIENTS = "patients"
    RANDOM = "random"
    OFFICIAL = "official"
    CROSS_CORPUS = "cross-corpus"


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """One way to divide a corpus.

    Attributes:
        name: as in the path of the results.
        kind: what the division goes by.
        splitter: yields the folds.
        explanation: one sentence for the report.
        warning: what is wrong with its numbers; empty if nothing is.
        labeled_percent: of the training patients, how many keep their labels; None = all, by a protocol without budget.
        trained_on: name of the corpus that models are fitted on; empty = the tested one.
        ablation_of: the protocol with the same folds under which whole models are benchmarked; None = this is it.
    """

    name: str
    kind: Kind
    splitter: Splitter
    explanation: str
    warning: str = ""
    labeled_percent: int | None = None
    trained_on: str = ""
    ablation_of: "Protocol | None" = None

    @property
    def folds(self) -> int:
        """How many folds each repeat has."""
        return getattr(self.splitter, "folds", 1)

    @property
    def patient_disjoint(self) -> bool:
        """Whether the tested patients are never among those that are trained on."""
        return self.kind in {Kind.PATIENTS, Kind.CROSS_CORPUS}

    @property
    def few_labels(self) -> bool:
        """Whether some training patients may lose their labels, so that semi-supervised models are of interest."""
        return self.labeled_percent is not None

    @property
    def without_budget(self) -> "Protocol":
        """The protocol with the same folds in which every training patient keeps the labels."""
        return self if self.labeled_percent is None else _patients(self.folds)

    def for_ablation(self) -> "Protocol":
        """The same folds for variants of models; results go to ``<protocol>-ablation``."""
        explanation = f"{self.explanation}. Variants of models on the folds of `{self.name}`: no benchmark of models"
        return replace(self, name=self.name + _ABLATION, explanation=explanation, ablation_of=self)


def _patients(folds: int) -> Protocol:
    return Protocol(
        name=f"patients-{folds}fold",
        kind=Kind.PATIENTS,
        splitter=LeavePatientsOut(folds),
        explanation=f"{folds} folds; every patient is tested exactly once, by models that never met them; a tenth of "
        "the training patients, again as whole patients, chooses epochs and the like",
    )


def _budget(folds: int, percent: int) -> Protocol:
    return Protocol(
        name=f"patients-{folds}fold-labels{percent}",
        kind=Kind.PATIENTS,
        splitter=LabelBudget(percent, folds),
        explanation=f"{folds} folds; every patient is tested exactly once, by models that never met them; {percent} % "
        f"of the training patients, but at least {FEWEST}, keep their labels, and a tenth of these, again as whole "
        "patients, chooses epochs and the like; the clips of the other training patients go unlabeled to the models "
        "that learn from such, and to no other",
        labeled_percent=percent,
    )


def _random(folds: int) -> Protocol:
    return Protocol(
        name=f"random-{folds}fold",
        kind=Kind.RANDOM,
        splitter=RandomClips(folds),
        explanation=f"{folds} folds by clip: the same patients are trained on and tested",
        warning="LEAKY: the models are tested on patients they were trained on. These numbers measure how much that "
        "flatters; they say nothing about a new patient.",
    )


OFFICIAL = Protocol(
    name="official",
    kind=Kind.OFFICIAL,
    splitter=OfficialSplit(),
    explanation="the ICBHI 2017 challenge's one split of the recordings",
    warning="NOT PATIENT-DISJOINT: the challenge's split has patients 156 and 218 on both sides.",
)

_FROM = f"{CROSS_CORPUS}-from-"
_ABLATION = "-ablation"
_ASIDE = re.compile(r"-of-[0-9a-f]+$")  # the folder of results of another corpus of the same name


def trained_on(corpus: str) -> Protocol:
    """The protocol that fits on one corpus and tests another; results are filed under the tested one."""
    return Protocol(
        name=_FROM + corpus,
        kind=Kind.CROSS_CORPUS,
        splitter=BetweenCorpora(corpus),
        explanation=f"models are fitted on the corpus `{corpus}` and tested on every clip of this one; a tenth of the "
        "training patients, as whole patients, chooses epochs and the like, and each seed chooses other ones",
        warning=f"TRAINED ON {corpus}: nothing of the tested corpus was trained on. These numbers say how far what was "
        "learned there holds here; they don't compare with those of models that were trained here.",
        trained_on=corpus,
    )


_FAMILIES: dict[str, Callable[[int], Protocol]] = {"patients": _patients, "random": _random}


def find(name: str) -> Protocol:
    """The protocol that a user names.

    Args:
        name: ``patients-<k>fold``, ``patients-<k>fold-labels<percent>``, ``random-<k>fold`` or ``official``.

    Raises:
        InputError: there is none of that name, or it needs two corpora.
    """
    if name == OFFICIAL.name:
        return OFFICIAL
    if name == CROSS_CORPUS:
        raise InputError(f"the protocol {name} needs two corpora, which `respbench run` takes; choose another protocol")
    if name.startswith(f"{CROSS_CORPUS}-"):
        raise InputError(
            f"{name} is the name of a results folder; set --protocol {CROSS_CORPUS}, with --corpus and --other"
        )
    budget = re.fullmatch(r"patients-(\d+)fold-labels(\d+)", name)
    if budget:
        return _budget(int(budget[1]), int(budget[2]))
    match = re.fullmatch(r"(patients|random)-(\d+)fold", name)
    if match is None:
        raise InputError(f"unknown protocol {name!r}; choose {PROTOCOLS}")
    return _FAMILIES[match[1]](int(match[2]))


def find_stored(name: str) -> Protocol:
    """The protocol that stored fits name: one that `find` finds, its ablation, or ``cross-corpus-from-<corpus>``.

    Raises:
        InputError: there is none of that name.
    """
    if name.startswith(_FROM) and name != _FROM:
        return trained_on(name.removeprefix(_FROM))  # first: a corpus may be called like an ablation
    if name.endswith(_ABLATION):
        return find(name.removesuffix(_ABLATION)).for_ablation()
    return find(name)


def of_folder(name: str) -> Protocol | None:
    """The protocol of a results folder, also of one that was set aside; None if it has none."""
    for candidate in (name, _ASIDE.sub("", name)):
        try:
            return find_stored(candidate)
        except InputError:
            continue
    return None
