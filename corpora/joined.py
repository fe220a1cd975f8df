"""Join two prepared corpora, so that a model can be trained on one and tested on the other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from corpora.clips import Clips, Signal
from corpora.code_identity import code_identity
from corpora.cycles import TWO_CLASSES, Cycle
from corpora.digests import digest
from corpora.facts import CorpusFacts
from corpora.prepare import Prepared, prepare_rows, rows_of
from corpora.problems import InputError
from corpora.splits.cross_corpus import CORPUS
from corpora.tasks import for_task


@dataclass(frozen=True)
class Joined(Prepared):
    """Two corpora in one prepared folder, of which one is tested and the other trained on.

    Both directions share the folder, and so the features computed from it.

    Attributes:
        tested: facts of the one that is tested, under whose name results are filed.
        trained_on: facts of the other one.
    """

    tested: CorpusFacts
    trained_on: CorpusFacts

    def facts(self) -> CorpusFacts:
        """Return the facts of both, under the name of the tested one."""
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


def join(one: Prepared, other: Prepared, cache: Path) -> tuple[Joined, Joined]:
    """Join two corpora, unless that was done before.

    Patients and clips are called ``<corpus>:<name>``, so that patient 101 of the one is not patient 101 of the other.
    The metadata keep the columns of both, empty where a corpus lacks them, and gain `CORPUS` (in place of a
    column of that name). Where one corpus is labeled normal and abnormal only, so is the whole.

    Args:
        one: a corpus.
        other: another, of the same sampling rate.
        cache: as in `corpora.prepare.prepare_files`.

    Returns:
        What tests ``one``, and what tests ``other``.

    Raises:
        InputError: both have the same name, or hold the same sound.
    """
    mine, theirs = one.facts(), other.facts()
    if mine.name == theirs.name:
        raise InputError(
            f"both corpora are called {mine.name}, so that training and test data could not be told apart; "
            "choose two different ones, or give one of them another name as a manifest"
        )
    parts = sorted([(mine, one), (theirs, other)], key=lambda part: part[0].name)
    clips = {facts.name: prepared.clips() for facts, prepared in parts}
    if any(part.classes == TWO_CLASSES for part in clips.values()):
        clips = {name: for_task(part, "abnormal") for name, part in clips.items()}
    content = digest([*(facts.fingerprint for facts, _ in parts), code_identity("corpora.joined:join")])
    name = "+".join(clips)
    facts = CorpusFacts(name=name, description="", simulated=False, rate=mine.rate)
    prepared = prepare_rows(f"{name}-{mine.rate}", content, _rows(clips), cache, facts)
    return Joined(prepared.folder, mine, theirs), Joined(prepared.folder, theirs, mine)


def _rows(clips: dict[str, Clips]) -> Iterator[tuple[Cycle, Signal]]:
    """Yield every clip of both, under its new name."""
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
