"""``docs/published.toml``: figures that others published, with where each was seen; validated on reading."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from respbench.corpora.problems import InputError

Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
Link = Annotated[str, msgspec.Meta(pattern="^(https://.+)?$")]
Answer = Literal["yes", "no", "unknown"]
Runs = Literal["mean of several runs", "best run", "single run", "one ensemble", "unknown"]
Verified = Literal["authors", "quoted", "not verified"]
Task = Literal["four-class", "abnormal", "seven-class", "recording-three-class", "recording-five-class", "activity"]

ROUNDING = 0.1
"""Percentage points that a score may be off the mean of sensitivity and specificity, which were rounded."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: a misspelled or missing field is an error."""


class Split(Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to divide a corpus, as published.

    Attributes:
        title: for readers.
        corpus: name of the tested corpus, as in the path of results.
        protocols: this project's protocol that divides the corpus the same way, as in the path of results; then others,
            to show where there are no results of the first. Empty = none does.
        train: number of training clips of the whole database; 0 = unknown, so that no result can be compared.
        test: number of its test clips.
        patients_apart: whether no patient is in both parts.
        note: what else a reader has to know of it.
    """

    title: Text
    corpus: Text
    protocols: tuple[Text, ...]
    train: int = 0
    test: int = 0
    patients_apart: Answer
    note: Text


class Figure(Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One published figure, in %.

    Attributes:
        split: name of a `Split`.
        task: as in the path of results.
        sensitivity: None if it was not seen.
        specificity: None if it was not seen.
        score: their mean; None for tasks that are judged by ``accuracy``.
        accuracy: share of the clips that are given their own class; None where there is a score.
        deviation: standard deviation of the score over runs, in percentage points, where published.
        runs: what the score is of.
        from_four_classes: whether two classes were counted from the predictions of a four-class model, whose
            specificity is the same.
        odd: why the score is not the mean of the other two; empty if it is.
        note: what else a reader has to know, such as other values elsewhere.
        verified: ``authors`` = stated by the authors, in their repository; ``quoted`` = stated by others, the paper was
            not read; ``not verified`` = handed on without a source.
        seen: name of the source.
    """

    split: Text
    task: Task
    sensitivity: Percent | None = None
    specificity: Percent | None = None
    score: Percent | None = None
    accuracy: Percent | None = None
    deviation: Percent | None = None
    runs: Runs = "unknown"
    from_four_classes: bool = False
    odd: str = ""
    note: str = ""
    verified: Verified
    seen: Text

    @property
    def main(self) -> float:
        """The score, or the accuracy of a task without one."""
        return next(value for value in (self.score, self.accuracy) if value is not None)


class Method(Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One method and its figures.

    Attributes:
        name: for readers.
        year: of publication.
        venue: where it was published.
        link: DOI or arXiv; empty if it was not looked up.
        code: repository; empty if none is known.
        pretraining: names of the data; empty = from scratch; None = unknown.
        augmentation: in words; empty if unknown.
        epoch_on_test: whether its code keeps the epoch with the best result on the test part.
        evidence: where that is seen; required unless it is unknown.
        figures: at least one.
    """

    name: Text
    year: Annotated[int, msgspec.Meta(ge=2017, le=2100)]
    venue: Text
    link: Link = ""
    code: Link = ""
    pretraining: tuple[Text, ...] | None = None
    augmentation: str = ""
    epoch_on_test: Answer
    evidence: str = ""
    figures: Annotated[tuple[Figure, ...], msgspec.Meta(min_length=1)]


class Published(Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of the file: sources and splits by name, the methods, and what is known of the effect of picking epochs."""

    on_epochs: Text
    sources: dict[str, Text]
    splits: dict[str, Split]
    methods: tuple[Method, ...]


def read_published(path: Path) -> Published:
    """Read and validate the file.

    Raises:
        InputError: a field is missing, unknown or out of range, or entries contradict each other.
    """
    try:
        published = msgspec.toml.decode(path.read_bytes(), type=Published)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} can't be read ({error}); correct that entry") from error
    if fault := next(_faults(published), ""):
        raise InputError(f"{path}: {fault}; correct that entry")
    return published


def _faults(published: Published) -> Iterator[str]:
    """Find entries that contradict each other."""
    found: set[tuple[str, str, str]] = set()
    for method in published.methods:
        if method.epoch_on_test != "unknown" and not method.evidence:
            yield f"{method.name} has no evidence for epoch_on_test = {method.epoch_on_test!r}"
        for figure in method.figures:
            key = (method.name, figure.task, figure.split)
            where = f"the figure of {method.name} for {figure.task}, split {figure.split},"
            if key in found:
                yield f"{where} is there twice"
            found.add(key)
            if (figure.score is None) == (figure.accuracy is None):
                yield f"{where} needs either a score or an accuracy"
                continue
            if figure.split not in published.splits:
                yield f"{where} names no split of the file"
            if figure.seen not in published.sources:
                yield f"{where} was seen in {figure.seen!r}, which is no source of the file"
            normal = {other.specificity for other in method.figures if other.task == "four-class"}
            if figure.from_four_classes and figure.specificity not in normal:
                yield f"{where} has another specificity than the four-class figure it is said to be from"
            if _is_odd(figure) != bool(figure.odd):
                yield f"{where} {'is' if _is_odd(figure) else 'is not'} off the mean, and `odd` says otherwise"
    used = {figure.seen for method in published.methods for figure in method.figures}
    if unused := sorted(published.sources.keys() - used):
        yield f"no figure was seen in the source {unused[0]!r}"


def _is_odd(figure: Figure) -> bool:
    """Check whether a score differs from the mean of sensitivity and specificity by more than rounding."""
    if figure.sensitivity is None or figure.specificity is None or figure.score is None:
        return False
    return abs((figure.sensitivity + figure.specificity) / 2 - figure.score) > ROUNDING + 1e-9
