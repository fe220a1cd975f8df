"""Recordings to predict: annotated cycles, overlapping windows or whole files, decoded as the clips of a corpus are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from respbench.benchmarks.storage.records import CLIP_METADATA
from respbench.corpora.clips import HIDDEN, Clips, Signal
from respbench.corpora.problems import InputError
from respbench.corpora.readers.audio import SHORTEST, read_audio
from respbench.corpora.readers.containers import openable
from respbench.corpora.readers.files import read_text
from respbench.corpora.readers.icbhi import RECORDING, SEGMENT

WINDOW = 3.0
"""s. About the mean of ICBHI 2017's breathing cycles (2.7 s; Rocha et al. 2019), which models are trained on."""

ANNOTATION = ".txt"

DEVICES = frozenset({"AKGC417L", "LittC2SE", "Litt3200", "Meditron"})
"""Of ICBHI 2017. Names of other corpora have as many parts, which mean something else."""

UNKNOWN = "unknown"
"""Device, location or mode that the name of a recording does not state."""

CYCLES, WINDOWS, WHOLE = "cycle", "window", "whole file"

Span = tuple[float, float]
"""Begin and end in s."""


@dataclass(frozen=True, kw_only=True)
class Cutting:
    """How recordings become clips.

    Attributes:
        window: s; None = annotated cycles where there is an annotation, else windows of `WINDOW` s.
        hop: s from the beginning of a window to that of the next one; None = half a window.
        whole: whether each file is one clip, such as a cycle that was cut before.

    Raises:
        InputError: these don't go together, or are too short.
    """

    window: float | None = None
    hop: float | None = None
    whole: bool = False

    def __post_init__(self) -> None:
        if self.whole and (self.window or self.hop):
            raise InputError("whole files are not cut into windows; leave out --whole, or --window and --hop")
        for name, value in (("window", self.window), ("hop", self.hop)):
            if value is not None and value < SHORTEST:
                raise InputError(f"a {name} of {value:g} s is too short; give --{name} at least {SHORTEST} s")
        if self.step > self.seconds:
            raise InputError(
                f"a hop of {self.step:g} s after windows of {self.seconds:g} s leaves out sound; give --hop at most "
                "the window"
            )

    @property
    def seconds(self) -> float:
        """Duration of a window in s."""
        return WINDOW if self.window is None else self.window

    @property
    def step(self) -> float:
        """Distance of two windows in s."""
        return self.seconds / 2 if self.hop is None else self.hop


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """One file and its clips.

    Attributes:
        path: of the file, as the user gave it.
        cut: `CYCLES`, `WINDOWS` or `WHOLE`.
        native_rate: Hz, of the file.
        channels: of the file.
        rate: Hz, of the signals.
        signal: the whole file, resampled.
        spans: of the clips.
        signals: of the clips, each cut before it was resampled.
        stated: what its name says, if it is one of ICBHI 2017's: patient, recording, device, location, mode.
        left_out: why windows have no prediction, a sentence each.
    """

    path: Path
    cut: str
    native_rate: int
    channels: int
    rate: int
    signal: Signal
    spans: tuple[Span, ...]
    signals: tuple[Signal, ...]
    stated: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Duration of the file."""
        return float(self.signal.shape[-1] / self.rate)


def read_recordings(paths: Sequence[Path], rate: int, cutting: Cutting) -> list[Recording]:
    """Decode and cut files.

    Args:
        paths: of sound files.
        rate: Hz to resample to.
        cutting: how each becomes clips.

    Raises:
        InputError: a file is named twice, can't be used, or has an annotation that can't be read.
    """
    for path in paths:
        if path.is_dir():
            raise InputError(f"{path.absolute()} is a folder; name the recordings in it")
    known = [path.resolve() for path in paths]
    for path, resolved in zip(paths, known, strict=True):
        if known.count(resolved) > 1:
            raise InputError(f"{path.absolute()} is named twice; name each recording once")
    return [read_recording(path, rate, cutting) for path in paths]


def read_recording(path: Path, rate: int, cutting: Cutting) -> Recording:
    """Decode and cut one file; see `read_recordings`."""
    path = Path(path)
    signal = read_audio(path, rate)
    information = soundfile.info(openable(path))
    seconds = information.frames / information.samplerate
    annotation = path.with_suffix(ANNOTATION)
    segment = SEGMENT.fullmatch(path.stem)
    name = RECORDING.fullmatch(segment["recording"] if segment else path.stem)
    stated: dict[str, str] = {}
    if name and name["device"] in DEVICES:
        parts = {part: name[part] for part in ("patient", "location", "mode", "device")}
        stated = {"recording": name.string, **parts}
    windowed = cutting.window is not None or cutting.hop is not None
    spans: Sequence[Span]
    if cutting.whole or (segment and not windowed):
        cut, spans = WHOLE, [(0.0, seconds)]
    elif not windowed and annotation.exists():
        cut, spans = CYCLES, read_annotation(annotation)
    else:
        cut, spans = WINDOWS, windows(seconds, cutting)
        if len(spans) == 1:
            cut = WHOLE
    signals, kept, left_out = [], [], []
    for span in spans:
        try:
            signals.append(signal if cut == WHOLE else read_audio(path, rate, *span))
            kept.append(span)
        except InputError as error:
            if cut != WINDOWS:
                raise
            left_out.append(str(error))  # a silent stretch of a recording that isn't silent, say
    if not kept:
        raise InputError(f"{path} has no window that can be predicted: {left_out[0]}")
    return Recording(
        path=path,
        cut=cut,
        native_rate=information.samplerate,
        channels=information.channels,
        rate=rate,
        signal=signal,
        spans=tuple(kept),
        signals=tuple(signals),
        stated=stated,
        left_out=tuple(left_out),
    )


def windows(seconds: float, cutting: Cutting) -> list[Span]:
    """Cut a duration into overlapping windows; the last one ends with it, and a short recording is one window."""
    length, step = cutting.seconds, cutting.step
    if seconds <= length:
        return [(0.0, seconds)]
    count = int((seconds - length) / step + 1e-9) + 1
    spans = [(number * step, number * step + length) for number in range(count)]
    if seconds - spans[-1][1] >= SHORTEST:
        spans.append((seconds - length, seconds))
    return spans


def read_annotation(path: Path) -> list[Span]:
    """Read begin and end of each cycle from an annotation as ICBHI 2017 has them; what follows on a line is not used.

    Raises:
        InputError: it is none.
    """
    remedy = "correct it, or cut windows with --window 3 (WINDOW=3 for make)"
    spans = []
    for line, text in enumerate(read_text(path).splitlines(), 1):
        if not text.strip():
            continue
        try:
            begin, end = map(float, text.split()[:2])
        except ValueError as error:
            raise InputError(
                f"{path}, line {line}: {text.strip()!r} does not begin with two times in s; {remedy}"
            ) from error
        if not 0 <= begin < end < float("inf"):
            raise InputError(f"{path}, line {line}: begin {begin:g} and end {end:g} are not in order; {remedy}")
        spans.append((begin, end))
    if not spans:
        raise InputError(f"{path} annotates no cycle; {remedy}")
    return spans


def clips_of(recordings: Sequence[Recording], corpus: Clips) -> Clips:
    """Make one table of the clips of all recordings, with the classes and the metadata columns of a corpus.

    Args:
        recordings: in their order.
        corpus: that the model was fitted to.
    """
    rows = [recording for recording in recordings for _ in recording.signals]
    columns = [column for column in CLIP_METADATA if column in corpus.meta]
    meta = {column: [row.stated.get(column, UNKNOWN) for row in rows] for column in columns}
    hidden = np.full(len(rows), HIDDEN, dtype=np.int64)
    return Clips(
        signals=[signal for recording in recordings for signal in recording.signals],
        rate=corpus.rate,
        label=hidden,
        patient=np.array([str(row.path) for row in rows], dtype=np.str_),
        clip_id=np.arange(len(rows)).astype(np.str_),
        classes=corpus.classes,
        meta=pd.DataFrame(meta, index=range(len(rows))),
    )
