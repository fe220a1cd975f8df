"""The clips on which the leading models are most confidently wrong, from stored predictions alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from respbench.benchmarks.statistics.formatting import bracketed
from respbench.benchmarks.statistics.metrics import Floats
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.corpora.clips import Signal
from respbench.corpora.cycles import NORMAL
from respbench.corpora.digests import digest
from respbench.corpora.prepared.prepare import Prepared
from respbench.models.spec import ModelKind

FIGURE = "errors.png"

LEADERS = 2
"""Models whose errors are shown."""

CLIPS_PER_LEADER = 4
"""Clips shown of each leader and kind of error."""

ABNORMAL = "abnormal"
UNKNOWN = "unknown"

Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class ErrorClip:
    """A clip on which a leading model is wrong.

    Attributes:
        number: in tables, figure and among the sounds.
        clip_id: of the clip; likewise ``patient``, ``recording``, ``device`` and ``location``.
        seconds: s, its duration.
        label: the finest that the corpus has.
        abnormal: the probability of being abnormal that each leader predicted, its mean over repeats.
        wrong: number of models that are wrong on it.
    """

    number: int
    clip_id: str
    patient: str
    recording: str
    device: str
    location: str
    seconds: float
    label: str
    abnormal: tuple[float, ...]
    wrong: int


@dataclass(frozen=True, kw_only=True)
class ErrorKind:
    """False positives or false negatives.

    Attributes:
        name: of this kind of error.
        truth: what these clips are, normal or abnormal.
        clips: the most confident errors of each leader, leader by leader, each clip of another patient.
        tested: number of tested clips of this truth.
        always_wrong: number of those on which every model is wrong.
    """

    name: str
    truth: str
    clips: tuple[ErrorClip, ...]
    tested: int
    always_wrong: int

    @property
    def classified(self) -> str:
        """What these clips are taken for."""
        return NORMAL if self.truth == ABNORMAL else ABNORMAL


@dataclass(frozen=True, kw_only=True)
class Errors:
    """The most confident errors in a results folder.

    Attributes:
        title: of the folder, with its flags.
        leaders: the models whose errors are shown, by AUROC.
        models: number of models that were asked whether they are wrong: all but the controls.
        kinds: false positives, then false negatives.
        per_leader: number of clips of a kind that each leader adds at most.
    """

    title: str
    leaders: tuple[str, ...]
    models: int
    kinds: tuple[ErrorKind, ErrorKind]
    per_leader: int = CLIPS_PER_LEADER

    @property
    def clips(self) -> tuple[ErrorClip, ...]:
        """All clips, by number."""
        return tuple(clip for kind in self.kinds for clip in kind.clips)

    @property
    def headers(self) -> list[str]:
        """Headers of `rows`."""
        facts = ["no.", "clip", "patient", "recording", "device", "location", "duration (s)", "label"]
        return [*facts, *(f"{leader}: abnormal" for leader in self.leaders), "models wrong"]

    def rows(self, kind: ErrorKind) -> list[list[object]]:
        """Format the clips of a kind as rows of a table."""
        return [
            [
                *(clip.number, clip.clip_id, clip.patient, clip.recording, clip.device, clip.location),
                *(f"{clip.seconds:.2f}", clip.label, *(f"{p:.2f}" for p in clip.abnormal)),
                f"{clip.wrong} of {self.models}",
            ]
            for clip in kind.clips
        ]

    @property
    def digest(self) -> str:
        """Identity of what a figure of these clips shows."""
        shown = ((kind.name, clip.number, clip.clip_id, clip.label) for kind in self.kinds for clip in kind.clips)
        return digest([self.title, *map(repr, shown)])


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """How models classified the clips of a folder: the leaders first.

    Attributes:
        abnormal: (models, clips) mean probability of being abnormal; NaN = not tested.
        called: (models, clips) whether classified as abnormal.
        truth: (clips,) whether abnormal.
        tested: (clips,).
    """

    abnormal: Floats
    called: Flags
    truth: Flags
    tested: Flags

    @property
    def wrong(self) -> Flags:
        """(models, clips)."""
        wrong: Flags = (self.called != self.truth) & self.tested
        return wrong


def find_errors(results: Results) -> Errors | None:
    """Find the most confident errors; None if no model that uses the sound is complete or no clips are stored.

    A clip is classified by the mean of its probabilities over repeats, as normal or as abnormal: taking crackles for
    wheezes is no error here.
    """
    models = [model for model in results.complete if model.kind != ModelKind.CONTROL]
    models.sort(key=lambda model: -np.nan_to_num(model.value("auroc")))
    if results.clips is None or not models:
        return None
    judged = _judge(models, results.clips, results.classes.index(NORMAL))
    positives = _kind("false positives", False, judged, results.clips, 1)
    negatives = _kind("false negatives", True, judged, results.clips, 1 + len(positives.clips))
    return Errors(
        title=results.title + bracketed(results.flags),
        leaders=tuple(model.name for model in models[:LEADERS]),
        models=len(models),
        kinds=(positives, negatives),
    )


def mean_probabilities(model: ModelResults, clips: int) -> Floats:
    """Average the probabilities of a complete model over its repeats.

    Args:
        model: complete.
        clips: number of clips of the folder.

    Returns:
        (clips, classes); NaN where a clip was not tested.
    """
    parts = list(model.predictions.values())
    total, count = np.zeros((clips, len(parts[0].classes))), np.zeros(clips)
    for part in parts:
        rows = np.asarray(part.clip)
        np.add.at(total, rows, part.probabilities)
        np.add.at(count, rows, 1)
    with np.errstate(invalid="ignore"):
        mean: Floats = total / count[:, None]
    return mean


def most_confident(confidence: Floats, wrong: Flags, patients: Sequence[str], shown: Sequence[int] = ()) -> list[int]:
    """Choose the clips that a model is most confidently wrong on, at most one of each patient.

    Args:
        confidence: (clips,) probability of the wrong answer.
        wrong: (clips,) where it is wrong.
        patients: (clips,).
        shown: rows whose patients are left out.

    Returns:
        At most `CLIPS_PER_LEADER` rows, the most confident error first.
    """
    rows = np.flatnonzero(wrong)
    chosen: dict[str, int] = {}
    for row in rows[np.argsort(-confidence[rows], kind="stable")].tolist():
        chosen.setdefault(patients[row], row)
    known = {patients[row] for row in shown}
    return [row for patient, row in chosen.items() if patient not in known][:CLIPS_PER_LEADER]


def sounds_of(errors: Errors, corpus: Prepared) -> dict[str, Signal]:
    """Find the sounds of the clips, by clip_id as in the results, which across corpora name the corpus, too."""
    clips, name = corpus.clips(), corpus.facts().name
    row = {clip: i for i, clip in enumerate(clips.clip_id.tolist())}
    row |= {f"{name}:{clip}": i for clip, i in row.items()}
    return {clip.clip_id: clips.signals[row[clip.clip_id]] for clip in errors.clips}


def _judge(models: Sequence[ModelResults], clips: pd.DataFrame, normal: int) -> _Judged:
    means = np.array([mean_probabilities(model, len(clips)) for model in models])
    return _Judged(
        abnormal=1 - means[:, :, normal],
        called=np.nan_to_num(means).argmax(axis=2) != normal,
        truth=(clips["label"] != NORMAL).to_numpy(np.bool_),
        tested=np.isfinite(means).all(axis=(0, 2)),
    )


def _kind(name: str, truth: bool, judged: _Judged, clips: pd.DataFrame, number: int) -> ErrorKind:
    """The errors on clips that are, or aren't, abnormal; the first one gets ``number``."""
    patients = clips["patient"].tolist()
    own, rows = (judged.truth == truth) & judged.tested, list[int]()
    for abnormal, wrong in zip(judged.abnormal[:LEADERS], judged.wrong[:LEADERS], strict=True):
        rows += most_confident(1 - abnormal if truth else abnormal, wrong & own, patients, rows)
    return ErrorKind(
        name=name,
        truth=ABNORMAL if truth else NORMAL,
        clips=tuple(_clip(i, row, judged, clips) for i, row in enumerate(rows, number)),
        tested=int(own.sum()),
        always_wrong=int((judged.wrong.all(axis=0) & own).sum()),
    )


def _clip(number: int, row: int, judged: _Judged, clips: pd.DataFrame) -> ErrorClip:
    facts = clips.iloc[row]
    names = ("clip_id", "patient", "recording", "device", "location", "label")
    return ErrorClip(
        number=number,
        **{name: str(facts.get(name, "")) or UNKNOWN for name in names},
        seconds=float(facts["seconds"]),
        abnormal=tuple(judged.abnormal[:LEADERS, row].tolist()),
        wrong=int(judged.wrong[:, row].sum()),
    )
