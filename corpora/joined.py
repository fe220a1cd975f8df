"""Join prepared corpora, so that a model can be trained on one or several and tested on another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from corpora.clips import Clips, Signal
from corpora.code_identity import code_identity
from corpora.cycles import TWO_CLASSES, Cycle
from corpora.digests import digest
from corpora.facts import CorpusFacts
from corpora.prepare import Prepared, prepare_rows, rows_of
from corpora.problems import InputError
from corpora.splits.cross_corpus import CORPUS, TOGETHER
from corpora.tasks import for_task


@dataclass(frozen=True)
class Joined(Prepared):
    """Corpora in one prepared folder, of which one is tested and the others are trained on.

    Whichever is tested, they share the folder, and so the features computed from it.

    Attributes:
        tested: facts of the one that is tested, under whose name results are filed.
        trained_on: facts of the other one, or of the others together.
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
            left_out=tested.left_out + trained_on.left_out,
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
        cache: as in `corpora.prepare.prepare_files`.

    Returns:
        For each of them, what tests it and trains on the others.

    Raises:
        InputError: two have the same name, or hold the same sound, or the name of one could be that of several.
    """
    facts_of = [one.facts() for one in corpora]
    _require_distinct([facts.name for facts in facts_of])
    parts = sorted(zip(facts_of, corpora, strict=True), key=lambda part: part[0].name)
    clips = {facts.name: prepared.clips() for facts, prepared in parts}
    vocabularies = {part.classes for part in clips.values()}
    if len(vocabularies) > 1:
        task = "abnormal" if TWO_CLASSES in vocabularies else "four-class"
        clips = {name: for_task(part, task) for name, part in clips.items()}
    content = digest([*(facts.fingerprint for facts, _ in parts), code_identity("corpora.joined:join")])
    name = TOGETHER.join(clips)
    rate, classes = facts_of[0].rate, next(iter(clips.values())).classes
    facts = CorpusFacts(name=name, description="", simulated=False, rate=rate, classes=classes)
    prepared = prepare_rows(f"{name}-{rate}", content, _rows(clips), cache, facts)
    return tuple(
        Joined(prepared.folder, tested, _together([other for other, _ in parts if other is not tested]))
        for tested in facts_of
    )


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
        fingerprint=digest([one.fingerprint for one in facts]),
        skipped=sum(one.skipped for one in facts),
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
            yield replace(cycle, clip_id=clip_id, patient=patient, meta={**cycle.meta, CORPUS: corpus}), signal
