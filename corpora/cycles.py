"""Cycle: one labeled stretch of an audio file, before it is decoded; and the labels that a corpus may use."""

from dataclasses import dataclass, field
from pathlib import Path

from corpora.problems import InputError

FOUR_CLASSES = ("normal", "crackle", "wheeze", "both")
"""The classes of the ICBHI 2017 challenge (Rocha et al. 2019, doi:10.1088/1361-6579/ab03ea)."""

TWO_CLASSES = ("normal", "abnormal")

UNLABELED = ""
"""In place of the label of a clip that has none."""


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """One breathing cycle (or any labeled stretch of sound) as the source describes it.

    Attributes:
        path: the audio file.
        clip_id: unique in the corpus; independent of the label.
        patient: who was recorded.
        label: one of ``FOUR_CLASSES`` or ``TWO_CLASSES``, or `UNLABELED`.
        begin: s from the start of the file.
        end: s from the start of the file; None = to its end.
        meta: further columns, never derived from the label.
    """

    path: Path
    clip_id: str
    patient: str
    label: str
    begin: float = 0.0
    end: float | None = None
    meta: dict[str, str | float] = field(default_factory=dict)


def four_class(crackle: bool, wheeze: bool) -> str:
    """Return the class of a cycle, given whether it has crackles and wheezes."""
    return FOUR_CLASSES[int(crackle) + 2 * int(wheeze)]


def classes_of(labels: set[str]) -> tuple[str, ...]:
    """Return the classes of a corpus with these labels.

    Raises:
        InputError: a label is unknown, or crackles and wheezes are named on some clips and not on others.
    """
    unknown = sorted(labels - {*FOUR_CLASSES, *TWO_CLASSES})
    if unknown:
        raise InputError(
            f"unknown label {unknown[0]!r}; the labels are {', '.join(FOUR_CLASSES)}, or normal and abnormal: rename it"
        )
    if "abnormal" not in labels:
        return FOUR_CLASSES
    if labels <= set(TWO_CLASSES):
        return TWO_CLASSES
    raise InputError("some clips are labeled abnormal, others crackle, wheeze or both; use one kind of label for all")
