"""The protocols by name. Names are parsed here only; other code reads the fields of `corpora.protocol.Protocol`."""

import re
from collections.abc import Callable
from pathlib import Path

from respbench.corpora.choices import (
    CROSS_CORPUS,
    CROSS_CORPUS_ADAPTED,
    JOINING,
    LEAVE_DEVICE_OUT,
    LEAVE_ONE_SUBJECT_OUT,
    MULTI_CORPUS,
    PROTOCOLS,
    STATED_FOLDS,
)
from respbench.corpora.problems import InputError
from respbench.corpora.protocol import ABLATION, Kind, Protocol
from respbench.corpora.readers.folds_file import read_folds
from respbench.corpora.splits.cross_corpus import CrossCorpus
from respbench.corpora.splits.cross_corpus_adapted import CrossCorpusAdapted
from respbench.corpora.splits.label_budget import MIN_LABELED_PATIENTS, LabelBudget
from respbench.corpora.splits.leave_device_out import LeaveDeviceOut
from respbench.corpora.splits.leave_one_patient_out import LeaveOnePatientOut
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut
from respbench.corpora.splits.multi_corpus import MultiCorpus
from respbench.corpora.splits.official import OfficialSplit
from respbench.corpora.splits.random_clips import RandomClips
from respbench.corpora.splits.stated_folds import StatedFolds


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


def _stated(splitter: StatedFolds) -> Protocol:
    return Protocol(
        name=f"patients-{splitter.folds}fold-from-{splitter.name}",
        kind=Kind.STATED,
        splitter=splitter,
        explanation=f"the {splitter.folds} folds that the file `{splitter.name}` states: each is tested once, by "
        "models fitted to the others, and no patient is in two of them; a tenth of the training patients, others in "
        "each repeat, is held out to choose the epoch",
    )


def from_file(path: Path) -> Protocol:
    """Return the protocol whose folds a file states; see `corpora.readers.folds_file.read_folds`.

    Raises:
        InputError: the file can't be used, or its name can't be that of a results folder.
    """
    splitter = StatedFolds.of(read_folds(path))
    if not _STATED_NAME.fullmatch(splitter.name) or splitter.name.endswith(ABLATION) or _ARCHIVED.search(splitter.name):
        raise InputError(
            f"{path.absolute()} can't give its name to a results folder; rename it, to letters, digits, '-', '_' and "
            f"'.', without {ABLATION!r} or '-of-…' at its end"
        )
    return _stated(splitter)


ONE_PATIENT = Protocol(
    name=LEAVE_ONE_SUBJECT_OUT,
    kind=Kind.ONE_PATIENT,
    splitter=LeaveOnePatientOut(),
    explanation="leave-one-patient-out: every patient is tested exactly once, alone, by models fitted to all others; a "
    "tenth of the training patients, drawn anew in each repeat, is held out to choose the epoch",
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


def _official(test: str) -> Protocol:
    tested = f"the part called `{test}` is" if test else "all its test parts are"
    return Protocol(
        name=f"{Kind.OFFICIAL}-{test}" if test else Kind.OFFICIAL.value,
        kind=Kind.OFFICIAL,
        splitter=OfficialSplit(test),
        explanation=f"the split that the corpus was published with: {tested} tested, by models fitted to its training "
        "part; a tenth of the training patients, others in each repeat, is held out to choose the epoch",
    )


_FROM = f"{CROSS_CORPUS}-from-"
_ADAPTED_FROM = f"{CROSS_CORPUS_ADAPTED}-from-"
_WITH = f"{MULTI_CORPUS}-with-"
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


def adapted_from(corpus: str) -> Protocol:
    """Return the protocol that trains on one corpus and on unlabeled patients of another, and tests its others."""
    splitter = CrossCorpusAdapted(corpus)
    return Protocol(
        name=_ADAPTED_FROM + corpus,
        kind=Kind.CROSS_CORPUS_ADAPTED,
        splitter=splitter,
        explanation=f"models are trained on the corpus `{corpus}`; those that learn from unlabeled clips also get the "
        f"clips of this corpus' other patients, without labels. Every patient of this corpus is tested once, in "
        f"{splitter.folds} folds that are balanced by numbers of clips and patients, without a look at any label of "
        f"this corpus; no clip of a tested patient reaches the fit in any form. A tenth of the patients of `{corpus}`, "
        "others in each repeat, is held out to choose the epoch",
        warning=f"TRAINED ON {corpus}, ADAPTED: every label that was learned from is of {corpus}; models that learn "
        "from unlabeled clips were given sounds of other patients of the tested corpus. These numbers say how far what "
        "was learned there holds where unlabeled recordings exist; they don't compare with those of models that "
        "were trained with labels from here.",
        trained_on=corpus,
    )


def trained_with(corpus: str) -> Protocol:
    """Return the protocol that adds another corpus to the training; results are filed under the tested one."""
    splitter = MultiCorpus(corpus)
    own = f"{Kind.PATIENTS}-{splitter.folds}fold"
    return Protocol(
        name=_WITH + corpus,
        kind=Kind.MULTI_CORPUS,
        splitter=splitter,
        explanation=f"each model is trained on this corpus and on the corpus `{corpus}` together: the folds of this "
        f"one are those of `{own}`, and all clips of `{corpus}` are added to the training part of each. Every patient "
        "of this corpus is tested exactly once, by models fitted to others; the validation patients, to choose the "
        "epoch on, are of this corpus only",
        warning=f"ALSO TRAINED ON {corpus}: these models were trained on labels of the tested corpus and of {corpus}. "
        f"Compare them with {own} of the tested corpus, which has the same folds; the difference is what {corpus} "
        "adds.",
        also_trained_on=corpus,
    )


_STATED_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_STATED = re.compile(r"patients-(\d+)fold-from-(.+)")
_FIXED = {protocol.name: protocol for protocol in (ONE_PATIENT, DEVICES, *map(_official, ("", "inter", "intra")))}
_JOINED = {_FROM: trained_on, _ADAPTED_FROM: adapted_from, _WITH: trained_with}
_FAMILIES: dict[str, Callable[[int], Protocol]] = {"patients": _patients, "random": _random}


def find(name: str, folds: Path | None = None) -> Protocol:
    """Find the protocol that a user names.

    Args:
        name: ``patients-<k>fold``, ``patients-<k>fold-labels<percent>``, ``leave-one-subject-out``,
            ``patients-leave-device-out``, ``random-<k>fold``, ``official``, ``official-inter``, ``official-intra`` or
            ``folds``. ``subjects`` in the place of ``patients`` means the same.
        folds: the file of the protocol ``folds``.

    Raises:
        InputError: there is none of that name, it needs two corpora, or the file can't be used.
    """
    name = re.sub(r"^subjects-", f"{Kind.PATIENTS}-", name)
    if name == STATED_FOLDS and folds:
        return from_file(folds)
    if name == STATED_FOLDS or _STATED.fullmatch(name):
        raise InputError(
            f"the protocol {name} needs a file; set --protocol {STATED_FOLDS} and --folds <CSV of recording,fold> "
            "(PROTOCOL and FOLDS for make)"
        )
    if name in _FIXED:
        return _FIXED[name]
    if name in JOINING:
        raise InputError(f"the protocol {name} needs two corpora, which `respbench run` takes; choose another protocol")
    if name.startswith((f"{CROSS_CORPUS}-", f"{MULTI_CORPUS}-")):
        raise InputError(
            f"{name} is the name of a results folder; set --protocol {' or '.join(JOINING)}, with --corpus and --other"
        )
    budget = re.fullmatch(r"patients-(\d+)fold-labels(\d+)", name)
    if budget:
        return _budget(int(budget[1]), int(budget[2]))
    match = re.fullmatch(r"(patients|random)-(\d+)fold", name)
    if match is None:
        raise InputError(f"unknown protocol {name!r}; choose {PROTOCOLS}")
    return _FAMILIES[match[1]](int(match[2]))


def find_stored(name: str) -> Protocol:
    """Find the protocol that a stored fit names: as `find`, its ablation, or one whose name says where it is from.

    Raises:
        InputError: there is none of that name.
    """
    for prefix, protocol_of in _JOINED.items():  # first: a corpus may be called like an ablation
        if name.startswith(prefix) and name != prefix:
            return protocol_of(name.removeprefix(prefix))
    if name.endswith(ABLATION):
        return find_stored(name.removesuffix(ABLATION)).for_ablation()
    if (match := _STATED.fullmatch(name)) and not _ARCHIVED.search(name):
        return _stated(StatedFolds(name=match[2], folds=int(match[1])))
    return find(name)


def of_folder(name: str) -> Protocol | None:
    """Find the protocol of a results folder, also of an archived one; None if its name is no protocol's."""
    for candidate in (name, _ARCHIVED.sub("", name)):
        try:
            return find_stored(candidate)
        except InputError:
            continue
    return None
