"""Decode the clips of a corpus one after the other, and sort out what can't be used."""

from collections.abc import Callable, Iterator

from respbench.corpora.clips import Signal
from respbench.corpora.cycles import UNLABELED, Cycle, Source
from respbench.corpora.measurement import Measurement
from respbench.corpora.prepared.equal_sounds import EqualSounds
from respbench.corpora.problems import InputError, InputErrors, Problem

Progress = Callable[[str, int, int], None]
"""Called with what is done, how many are done, and how many there are."""

REMEDY = "Correct these, or leave them out of the corpus with --leave-out-bad (LEAVE_OUT_BAD=1 for make)."


def decode(
    cycles: list[Cycle],
    rate: int,
    measurement: Measurement,
    left_out: list[Problem],
    withdrawn: set[Source],
    leave_out_bad: bool,
    progress: Progress,
) -> Iterator[tuple[Cycle, Signal]]:
    """Yield the cycles that can be used with their signals.

    Args:
        cycles: what to decode.
        rate: Hz to resample to.
        measurement: what the files hold, and how they are read.
        left_out: the others are appended to it.
        withdrawn: gets the sources of yielded clips that a later one turned out to contradict, and which are appended
            to ``left_out``, too.
        leave_out_bad: whether to go on without what can't be used.
        progress: called for every hundredth clip.

    Raises:
        InputErrors: clips that can't be used, all of them at once, unless ``leave_out_bad``.
    """
    sounds = EqualSounds(measurement.noun)
    for done, cycle in enumerate(cycles):
        if done % 100 == 0:
            progress("decoding", done, len(cycles))
        try:
            signal = measurement.read(cycle, rate)
        except InputError as error:
            patient = "" if cycle.label == UNLABELED else cycle.patient
            left_out.append(Problem(name=cycle.clip_id, text=str(error), patient=patient))
            continue
        if problem := sounds.add(cycle, signal):
            left_out.append(problem)
        else:
            yield cycle, signal
    progress("decoding", len(cycles), len(cycles))
    if left_out and not leave_out_bad:
        raise InputErrors([problem.text for problem in left_out], REMEDY)
    for cycle, problem in sounds.contradicted():
        left_out.append(problem)
        withdrawn.add(cycle.source)
