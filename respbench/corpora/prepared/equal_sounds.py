"""Find clips that hold the same sound: a copy, or one sound under two labels or two patients."""

from collections.abc import Iterator

from respbench.corpora.clips import Signal
from respbench.corpora.cycles import UNLABELED, Cycle
from respbench.corpora.digests import digest
from respbench.corpora.problems import Problem


class EqualSounds:
    """The clips of a corpus by their decoded sound, which may come from different files or kinds of files.

    Of equal sounds with one label and one patient, the first is kept. If labels or patients contradict each other,
    nothing says which is right, and none is kept.

    Args:
        noun: what one recording is, for messages.
    """

    def __init__(self, noun: str = "sound") -> None:
        self._noun = noun
        self._first: dict[str, Cycle] = {}
        self._contradicted: dict[str, tuple[Cycle, Problem]] = {}

    def add(self, cycle: Cycle, signal: Signal) -> Problem | None:
        """Return the problem of a clip that holds the same sound as an earlier one; None if there is none."""
        first = self._first.setdefault(digest([signal.tobytes()]), cycle)
        if first is cycle:
            return None
        if _contradict(cycle, first):
            self._contradicted.setdefault(first.clip_id, (first, self._same(first, cycle)))
        return self._same(cycle, first)

    def contradicted(self) -> Iterator[tuple[Cycle, Problem]]:
        """Yield each clip that was the first with its sound, and that a later one contradicts, with its problem."""
        yield from self._contradicted.values()

    def _same(self, one: Cycle, other: Cycle) -> Problem:
        labeled = UNLABELED not in (one.label, other.label)
        patients, labels = labeled and one.patient != other.patient, labeled and one.label != other.label

        def named(cycle: Cycle) -> str:
            stated = [f"patient {cycle.patient}"] * patients + [cycle.label] * labels
            return f"{cycle.path} ({', '.join([cycle.clip_id, *stated])})"

        remedy = "correct one of the two, or remove both" if patients or labels else "remove one"
        text = f"{named(one)} holds the same {self._noun} as {named(other)}; {remedy}"
        return Problem(name=one.clip_id, text=text, patient=one.patient if labeled else "")


def _contradict(one: Cycle, other: Cycle) -> bool:
    """Whether equal sounds differ in label or patient; an unlabeled file's patient is unknown."""
    return UNLABELED not in (one.label, other.label) and (one.label, one.patient) != (other.label, other.patient)
