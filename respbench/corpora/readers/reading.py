"""`Reading`: what a reader found in the folder of a corpus."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from respbench.corpora.cycles import Cycle
from respbench.corpora.measurement import SOUNDS, Measurement
from respbench.corpora.problems import Problem


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The clips of a corpus, not yet decoded, and all else that its folder holds.

    Attributes:
        cycles: the clips.
        classes: the labels that they can have; empty = to be inferred from theirs.
        skipped: recordings that yield no clip, each with the reason.
        others: files that are no part of the corpus: how many of each kind.
        problems: recordings, events, rows or files that can't be used.
        note: what else a report should say about the corpus.
        measurement: what the files hold, and how they are read.
    """

    cycles: list[Cycle]
    classes: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    note: str = ""
    measurement: Measurement = SOUNDS
