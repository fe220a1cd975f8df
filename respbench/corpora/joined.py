"""Join prepared corpora, so that a model can be trained on one or several and tested on one of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from respbench.corpora.choices import SOUND
from respbench.corpora.clips import Clips, Signal
from respbench.corpora.code_identity.identity import code_identity
from respbench.corpora.cycles import TWO_CLASSES, Cycle
from respbench.corpora.digests import digest
from respbench.corpora.facts import RECORDED, CorpusFacts
from respbench.corpora.prepared.prepare import Prepared, prepare_rows
from respbench.corpora.prepared.rows import rows_of
from respbench.corpora.problems import InputError, Problem
from respbench.corpora.splits.cross_corpus import CORPUS, TOGETHER
from respbench.corpora.tasks import for_task


@dataclass(frozen=True)
class Joined(Prepared):
    """Corpora in one prepared folder, of which one is tested and the others are trained on.

    Whichever is tested, they share the folder, and so the features computed from it.

    Attributes:
        tested: facts of the one that is tested, under whose name results are filed.
        trained_on: facts of the other one, or of the others together. The protocol decides whether other patients of
            the tested one are trained on, too.
    """

    tested: CorpusFacts
    trained_on: CorpusFacts

    def facts(self) -> CorpusFacts:
        """Return the facts of all, under the name of the tested one."""
        tested, trained_on = self.tested, self.trained_on
        return replace(
            super().facts(),
            name=tested.name,
            description=f"tested: {tested.description}; trained on: {trained_on.description}",
            simulated=tested.simulated or trained_on.simulated,
            tested=tested,
            trained_on=trained_on,
        )


def join(corpora: Sequence[Prepared], cache: Path) -> tuple[Joined, ...]:
    """Join corpora, unless that was done before.

    Patients and clips are called ``<corpus>:<name>``, so that patient 101 of the one is not patient 101 of the other.
    The metadata keep the columns of all, empty where a corpus lacks them, and gain `CORPUS` (in place of a
    column of that name). Where their labels are of different kinds, the finer ones become the coarser ones.

    Args:
        corpora: two or more, of the same sampling rate.
        cache: as in `corpora.prepared.prepare.prepare_files`.

    Returns:
        For each of them, what tests it and trains on the others.

    Raises:
        InputError: two have the same name, or hold the same sound, or the name of one could be that of several; or they
            weren't recorded alike.
    """
    facts_of = [one.facts() for one in corpora]
    _require_distinct([facts.name for facts in facts_of])
    _require_alike(facts_of)
    parts = sorted(zip(facts_of, corpora, strict=True), key=lambda part: part[0].name)
    clips = {facts.name: prepared.clips() for facts, prepared in parts}
    vocabularies = {part.classes for part in clips.values()}
    if len(vocabularies) > 1 and facts_of[0].modality != SOUND:
        raise InputError(f"the corpora {' and '.join(clips)} have different activities; choose some with the same ones")
    if len(vocabularies) > 1:
        task = "abnormal" if TWO_CLASSES in vocabularies else "four-class"
        clips = {name: for_task(part, task) for name, part in clips.items()}
    left_out = [_renamed(problem, facts.name) for facts, prepared in parts for problem in prepared.left_out()]
    fingerprints = [facts.fingerprint for facts, _ in parts]
    content = digest([*fingerprints, code_identity("respbench.corpora.joined:join"), *map(repr, left_out)])
    name = TOGETHER.join(clips)
    one, classes = facts_of[0], next(iter(clips.values())).classes
    facts = CorpusFacts(name=name, description="", simulated=False, rate=one.rate, classes=classes, **_recorded(one))
    prepared = prepare_rows(f"{name}-{one.rate}", content, _rows(clips), cache, facts, left_out=left_out)
    return tuple(
        Joined(prepared.folder, tested, _together([other for other, _ in parts if other is not tested]))
        for tested in facts_of
    )


def _renamed(problem: Problem, corpus: str) -> Problem:
    """Name a problem, and its patient, as clips and patients of joined corpora are."""
    patient = problem.patient and f"{corpus}:{problem.patient}"
    return replace(problem, name=f"{corpus}:{problem.name}", patient=patient)


def _require_distinct(names: Sequence[str]) -> None:
    """Refuse names that would mix up corpora."""
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"both corpora are called {name}, so that training and test data could not be told apart; "
                "choose two different ones, or give one of them another name as a manifest"
            )
        if TOGETHER in name:
            raise InputError(
                f"the corpus {name} has a {TOGETHER} in its name, which would read as several corpora; rename it"
            )


def _recorded(facts: CorpusFacts) -> dict[str, Any]:
    """Return what was recorded, as fields of `CorpusFacts`."""
    return {name: getattr(facts, name) for name in RECORDED}


def _require_alike(facts: Sequence[CorpusFacts]) -> None:
    """Refuse corpora of which one can't be tested by models of the other."""
    kinds = {(one.rate, *_recorded(one).values()): one.name for one in facts}
    if len(kinds) > 1:
        raise InputError(
            f"the corpora {' and '.join(kinds.values())} differ in sampling rate, sensors, channels or units; choose "
            "corpora that were recorded alike"
        )


def _together(facts: Sequence[CorpusFacts]) -> CorpusFacts:
    """The facts of corpora that are trained on together; sorted by name."""
    if len(facts) == 1:
        return facts[0]
    return CorpusFacts(
        name=TOGETHER.join(one.name for one in facts),
        description="; ".join(f"{one.name}: {one.description}" for one in facts),
        simulated=any(one.simulated for one in facts),
        rate=facts[0].rate,
        left_out=sum(one.left_out for one in facts),
        left_out_patients=sum(one.left_out_patients for one in facts),
        lost_patients=sum(one.lost_patients for one in facts),
        fingerprint=digest([one.fingerprint for one in facts]),
        skipped=sum(one.skipped for one in facts),
        **_recorded(facts[0]),
    )


def _rows(clips: dict[str, Clips]) -> Iterator[tuple[Cycle, Signal]]:
    """Yield every clip of all, under its new name."""
    first: dict[str, tuple[str, str]] = {}
    for corpus, part in clips.items():
        for cycle, signal in rows_of(part):
            whose, same = first.setdefault(digest([signal.tobytes()]), (corpus, cycle.clip_id))
            if whose != corpus:
                raise InputError(
                    f"clip {cycle.clip_id} of {corpus} holds the same sound as clip {same} of {whose}, so that a model "
                    "would be tested on what it was trained on; choose corpora that have no recording in common"
                )
            clip_id, patient = f"{corpus}:{cycle.clip_id}", f"{corpus}:{cycle.patient}"
            overlap = cycle.overlap and f"{corpus}:{cycle.overlap}"
            meta = {**cycle.meta, CORPUS: corpus}
            yield replace(cycle, clip_id=clip_id, patient=patient, overlap=overlap, meta=meta), signal
