"""The protocols by name: how a corpus is divided, and whether numbers from it hold for new patients.

Names are parsed here only; other code reads the fields of `Protocol`.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from corpora.choices import CROSS_CORPUS, LEAVE_DEVICE_OUT, PROTOCOLS
from corpora.problems import InputError
from corpora.splits.cross_corpus import CrossCorpus
from corpora.splits.folds import Splitter
from corpora.splits.label_budget import MIN_LABELED_PATIENTS, LabelBudget
from corpora.splits.leave_device_out import LeaveDeviceOut
from corpora.splits.leave_patients_out import LeavePatientsOut
from corpora.splits.official import OfficialSplit
from corpora.splits.random_clips import RandomClips


class Kind(StrEnum):
    """What a corpus is divided by."""

    PATIENTS = "patients"
    DEVICES = "devices"
    RANDOM = "random"
    OFFICIAL = "official"
    CROSS_CORPUS = "cross-corpus"


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """One way to divide a corpus.

    Attributes:
        name: as in the path of the results.
        kind: what the corpus is divided by.
        splitter: yields the folds.
        explanation: one sentence for the report.
        warning: what is wrong with its numbers; empty if nothing is.
        labeled_percent: % of the training patients that keep their labels; None = a protocol without label budget.
        trained_on: name of the corpus that models are trained on; empty = the tested one.
        ablation_of: for variants of models, the protocol with the same folds for whole models; None = this is one.
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
    def folds(self) -> int | None:
        """Number of folds of each repeat; None if the corpus decides it: one per device."""
        return getattr(self.splitter, "folds", 1)

    def count_folds(self, devices: Collection[str]) -> int:
        """Count the folds of each repeat on a corpus.

        Args:
            devices: the device of each of its clips; only needed where the corpus decides.
        """
        return len(set(devices)) if self.folds is None else self.folds

    @property
    def reshuffles_tests(self) -> bool:
        """Whether each repeat tests other groups of patients together; else only validation patients change."""
        return self.kind in {Kind.PATIENTS, Kind.RANDOM}

    @property
    def patient_disjoint(self) -> bool:
        """Whether no tested patient is trained on."""
        return self.kind in {Kind.PATIENTS, Kind.DEVICES, Kind.CROSS_CORPUS}

    @property
    def few_labels(self) -> bool:
        """Whether some training patients may lose their labels, so that semi-supervised models are of interest."""
        return self.labeled_percent is not None

    @property
    def without_budget(self) -> "Protocol":
        """The protocol with the same folds in which every training patient keeps their labels."""
        return self if self.labeled_percent is None else _patients(self.count_folds(()))

    @property
    def counterpart(self) -> str:
        """Name of the protocol with as many folds that keeps patients apart if this one mixes them, or the reverse.

        Empty if there is none: the difference between the two measures how much testing on known patients flatters.
        """
        if self.ablation_of is not None or self.few_labels or self.kind not in (Kind.PATIENTS, Kind.RANDOM):
            return ""
        return f"{Kind.RANDOM if self.kind is Kind.PATIENTS else Kind.PATIENTS}-{self.folds}fold"

    def for_ablation(self) -> "Protocol":
        """Return the same folds for variants of models; results go to ``<protocol>-ablation``."""
        explanation = f"{self.explanation}. Variants of models on the folds of `{self.name}`, not a benchmark of models"
        return replace(self, name=self.name + _ABLATION, explanation=explanation, ablation_of=self)


def _patients(folds: int) -> Protocol:
    return Protocol(
        name=f"patients-{folds}fold",
        kind=Kind.PATIENTS,
        splitter=LeavePatientsOut(folds),
        explanation=f"stratified group {folds}-fold by patient: every patient is tested exactly once, by models fitted "
        "to other patients; a tenth of the training patients is held out to choose the epoch",
    )


def _budget(folds: int, percent: int) -> Protocol:
    return Protocol(
        name=f"patients-{folds}fold-labels{percent}",
        kind=Kind.PATIENTS,
        splitter=LabelBudget(percent, folds),
        explanation=f"stratified group {folds}-fold by patient: every patient is tested exactly once, by models fitted "
        f"to other patients; {percent} % of the training patients, but at least {MIN_LABELED_PATIENTS}, keep their "
        "labels, and a tenth of these is held out to choose the epoch; the clips of the other training patients go "
        "unlabeled to the semi-supervised models and to no other",
        labeled_percent=percent,
    )


def _random(folds: int) -> Protocol:
    return Protocol(
        name=f"random-{folds}fold",
        kind=Kind.RANDOM,
        splitter=RandomClips(folds),
        explanation=f"stratified {folds}-fold by clip: the same patients are trained on and tested",
        warning="LEAKY: the models are tested on patients they were trained on. These numbers measure how much that "
        "flatters; they say nothing about a new patient.",
    )


DEVICES = Protocol(
    name=LEAVE_DEVICE_OUT,
    kind=Kind.DEVICES,
    splitter=LeaveDeviceOut(),
    explanation="leave-one-device-out: all clips of one device are tested by models fitted to patients of whom no clip "
    "was recorded with it, so that every clip is tested exactly once; a patient recorded with several devices is in "
    "the training part of none of their folds; a tenth of the training patients, others in each repeat, is held out to "
    "choose the epoch",
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
_ARCHIVED = re.compile(r"-of-[0-9a-f]+$")  # results of another corpus of the same name


def trained_on(corpus: str) -> Protocol:
    """Return the protocol that trains on one corpus and tests another; results are filed under the tested one."""
    return Protocol(
        name=_FROM + corpus,
        kind=Kind.CROSS_CORPUS,
        splitter=CrossCorpus(corpus),
        explanation=f"models are trained on the corpus `{corpus}` and tested on every clip of this one; a tenth of the "
        "training patients, others in each repeat, is held out to choose the epoch",
        warning=f"TRAINED ON {corpus}: nothing of the tested corpus was trained on. These numbers say how far what was "
        "learned there holds here; they don't compare with those of models that were trained here.",
        trained_on=corpus,
    )


_FIXED = {protocol.name: protocol for protocol in (DEVICES, OFFICIAL)}
_FAMILIES: dict[str, Callable[[int], Protocol]] = {"patients": _patients, "random": _random}


def find(name: str) -> Protocol:
    """Find the protocol that a user names.

    Args:
        name: ``patients-<k>fold``, ``patients-<k>fold-labels<percent>``, ``patients-leave-device-out``,
            ``random-<k>fold`` or ``official``.

    Raises:
        InputError: there is none of that name, or it needs two corpora.
    """
    if name in _FIXED:
        return _FIXED[name]
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
    """Find the protocol that a stored fit names: as `find`, or its ablation, or ``cross-corpus-from-<corpus>``.

    Raises:
        InputError: there is none of that name.
    """
    if name.startswith(_FROM) and name != _FROM:
        return trained_on(name.removeprefix(_FROM))  # first: a corpus may be called like an ablation
    if name.endswith(_ABLATION):
        return find(name.removesuffix(_ABLATION)).for_ablation()
    return find(name)


def of_folder(name: str) -> Protocol | None:
    """Find the protocol of a results folder, also of an archived one; None if its name is no protocol's."""
    for candidate in (name, _ARCHIVED.sub("", name)):
        try:
            return find_stored(candidate)
        except InputError:
            continue
    return None
