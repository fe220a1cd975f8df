"""Cycle: one labeled stretch of a file, before it is decoded; and the labels that a corpus of sounds may use."""

from dataclasses import dataclass, field
from pathlib import Path

from respbench.corpora.problems import InputError

FOUR_CLASSES = ("normal", "crackle", "wheeze", "both")
"""The classes of the ICBHI 2017 challenge (Rocha et al. 2019, doi:10.1088/1361-6579/ab03ea)."""

NORMAL = "normal"
"""The class of what is healthy, in every task that is about detecting what is not."""

TWO_CLASSES = (NORMAL, "abnormal")

SEVEN_CLASSES = ("normal", "rhonchi", "wheeze", "stridor", "coarse crackle", "fine crackle", "wheeze+crackle")
"""The events of SPRSound (Zhang et al. 2022, doi:10.1109/TBCAS.2022.3204910)."""

RECORDING_CLASSES = ("normal", "CAS", "DAS", "CAS & DAS", "poor quality")
"""The whole recordings of SPRSound: continuous, discontinuous or both kinds of adventitious sounds."""

VOCABULARIES = (FOUR_CLASSES, TWO_CLASSES, SEVEN_CLASSES, RECORDING_CLASSES)
"""The kinds of labels that a corpus of sounds may use, in the order in which `classes_of` prefers them."""

Source = tuple[Path, float, float | None]
"""What a clip is cut from: file, begin and end in s (None = the file's end)."""

UNLABELED = ""
"""In place of the label of a clip that has none."""


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """One breathing cycle, one trial of movement, or any other labeled stretch of a file, as the source describes it.

    Attributes:
        path: the file.
        clip_id: unique in the corpus; independent of the label.
        patient: who was recorded.
        label: one of a vocabulary in ``VOCABULARIES``; of a movement, an activity; or `UNLABELED`.
        begin: s from the start of the file.
        end: s from the start of the file; None = to its end.
        meta: further columns, never derived from the label.
        overlap: name of the group of clips that overlap with it, see `corpora.overlaps.with_overlaps`; empty = none.
        row: where a table lists it (absolute path and line), for messages; empty = nowhere.
    """

    path: Path
    clip_id: str
    patient: str
    label: str
    begin: float = 0.0
    end: float | None = None
    meta: dict[str, str | float] = field(default_factory=dict)
    overlap: str = field(default="", repr=False, compare=False)
    row: str = field(default="", repr=False, compare=False)

    @property
    def source(self) -> Source:
        """What it is cut from."""
        return self.path, self.begin, self.end

    @property
    def place(self) -> str:
        """Where a user finds it: the line of a table that lists it, or else the file."""
        return self.row or str(self.path)


def four_class(crackle: bool, wheeze: bool) -> str:
    """Return the class of a cycle, given whether it has crackles and wheezes."""
    return FOUR_CLASSES[int(crackle) + 2 * int(wheeze)]


def classes_of(labels: set[str]) -> tuple[str, ...]:
    """Return the classes of a corpus with these labels: the first vocabulary that has them all.

    Raises:
        InputError: a label is unknown, or labels of several vocabularies are mixed.
    """
    known = {label for vocabulary in VOCABULARIES for label in vocabulary}
    unknown = sorted(labels - known)
    if unknown:
        raise InputError(
            f"unknown label {unknown[0]!r}; the labels are {', '.join(FOUR_CLASSES)}, or normal and abnormal: rename it"
        )
    for vocabulary in VOCABULARIES:
        if labels <= set(vocabulary):
            return vocabulary
    kinds = "; ".join(", ".join(vocabulary) for vocabulary in VOCABULARIES)
    raise InputError(
        f"the clips are labeled {', '.join(sorted(labels))}, labels of different kinds; use one kind of label for all: "
        f"{kinds}"
    )
