"""How recordings differ from the corpus that a model was fitted to, in sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from respbench.benchmarks.prediction.recordings import CYCLES, WINDOWS, Recording
from respbench.corpora.clips import Clips, Signal
from respbench.corpora.digests import digest

USUAL = (1.0, 99.0)
"""Percentiles of the corpus' clips between which a clip counts as usual."""

TOLERATED = 0.1
"""Share of a recording's clips that may lie outside before it is stated; 2 % are to be expected."""

QUIETEST = 1e-9
"""RMS below which a level is stated as that of this RMS, full scale = 1."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A property of clips.

    Attributes:
        name: of it.
        unit: of it.
        low, high: what clips below and above the usual are.
        form: how a value is formatted.
    """

    name: str
    unit: str
    low: str
    high: str
    form: str


MEASURES = (
    Measure(name="duration", unit="s", low="shorter", high="longer", form=".1f"),
    Measure(name="level", unit="dB re full scale (RMS)", low="quieter", high="louder", form=".0f"),
    Measure(name="mean frequency", unit="Hz", low="lower in frequency", high="higher in frequency", form=".0f"),
)


@dataclass(frozen=True, kw_only=True)
class Training:
    """What the clips of a corpus are like.

    Attributes:
        low, high: (measures,) usual range of each.
        people: everyone who was recorded.
        recordings: names of the recordings.
        devices: that they were recorded with; empty = unknown.
        sounds: a digest of each clip's samples.
        native_rates: Hz, of the recordings; empty = unknown.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    people: frozenset[str]
    recordings: frozenset[str]
    devices: tuple[str, ...]
    sounds: frozenset[str]
    native_rates: tuple[float, ...]

    @classmethod
    def of(cls, clips: Clips) -> "Training":
        """Measure every clip."""
        low, high = np.percentile(measured(list(clips), clips.rate), USUAL, axis=0)
        return cls(
            low=low,
            high=high,
            people=frozenset(clips.patient.tolist()),
            recordings=frozenset(values_of(clips, "recording")),
            devices=values_of(clips, "device"),
            sounds=frozenset(digest([signal.tobytes()]) for signal in clips),
            native_rates=values_of(clips, "native_rate"),
        )


def values_of(clips: Clips, column: str) -> tuple[Any, ...]:
    """The known values of a column of the metadata, sorted; none if there is no such column."""
    return tuple(sorted(clips.meta[column].dropna().unique().tolist())) if column in clips.meta else ()


def measured(signals: Sequence[Signal], rate: int) -> NDArray[np.float64]:
    """(clips, measures): duration in s, level in dB, and mean frequency of the power spectrum in Hz."""
    rows = []
    for signal in signals:
        wave = signal[0].astype(np.float64)
        power = np.abs(np.fft.rfft(wave - wave.mean())) ** 2
        frequencies = np.fft.rfftfreq(len(wave), 1 / rate)
        level = 20 * np.log10(max(wave.std(), QUIETEST))
        rows.append((len(wave) / rate, level, (frequencies * power).sum() / max(power.sum(), 1e-300)))
    return np.array(rows, dtype=np.float64)


def trained_on(recording: Recording, training: Training, corpus: str) -> str:
    """Why the model was fitted to this recording or its patient, in a sentence; empty if nothing shows it."""
    clips = sum(digest([signal.tobytes()]) in training.sounds for signal in recording.signals)
    name = recording.stated.get("recording", recording.path.stem)
    if clips:
        what = f"{clips} of its {len(recording.signals)} clips are clips of {corpus}, which the model was fitted to"
    elif name in training.recordings:
        what = f"the recording {name} is a part of {corpus}, which the model was fitted to"
    elif corpus == "icbhi" and recording.stated.get("patient") in training.people:
        what = f"patient {recording.stated['patient']} is one of {corpus}, which the model was fitted to"
    else:
        return ""
    return f"{recording.path.name}: {what}; what is predicted here does not show how it performs on new patients."


def differences(recording: Recording, training: Training, corpus: str) -> list[str]:
    """What of a recording is unlike the corpus, a sentence each."""
    found = [*_of_rate(recording, training, corpus), *_of_device(recording, training, corpus)]
    values = measured(recording.signals, recording.rate)
    for number, measure in enumerate(MEASURES):
        low, high = training.low[number], training.high[number]
        for word, outside in ((measure.low, values[:, number] < low), (measure.high, values[:, number] > high)):
            if outside.mean() > TOLERATED:
                usual = f"{low:{measure.form}} to {high:{measure.form}}"
                middle = f"{np.median(values[outside, number]):{measure.form}}"
                found.append(
                    f"{int(outside.sum())} of {len(values)} clips are {word} than 99 % of the clips of {corpus}: "
                    f"{measure.name} {middle} against {usual} {measure.unit}."
                )
    if recording.cut == WINDOWS:
        found.append(f"It is cut into windows, which begin anywhere in a breath; the clips of {corpus} are annotated.")
    peak = float(np.abs(recording.signal).max())
    if peak >= 1.0:
        found.append("Its samples reach full scale: it is probably clipped, and clipping sounds like crackles.")
    return found


def _of_rate(recording: Recording, training: Training, corpus: str) -> list[str]:
    if recording.native_rate < recording.rate:
        return [
            f"It was sampled at {recording.native_rate} Hz; between {recording.native_rate / 2:g} and "
            f"{recording.rate / 2:g} Hz, where {corpus} has sound, it has none."
        ]
    if training.native_rates and recording.native_rate not in training.native_rates:
        known = ", ".join(f"{rate:g}" for rate in training.native_rates)
        return [f"It was sampled at {recording.native_rate} Hz, the recordings of {corpus} at {known} Hz."]
    return []


def _of_device(recording: Recording, training: Training, corpus: str) -> list[str]:
    if not training.devices:
        return []
    known, device = ", ".join(map(str, training.devices)), recording.stated.get("device")
    if device is None:
        return [f"Its device is unknown; {corpus} was recorded with {known}, and other devices sound different."]
    return [] if device in training.devices else [f"{device} is none of the devices of {corpus} ({known})."]


def described(recording: Recording) -> str:
    """State in a sentence what a recording is and how it was cut."""
    channels = "1 channel" if recording.channels == 1 else f"{recording.channels} channels, mixed"
    clips = len(recording.spans)
    how = {
        CYCLES: f"{clips} annotated cycle{'s' * (clips != 1)}",
        WINDOWS: f"{clips} overlapping windows of {recording.spans[0][1] - recording.spans[0][0]:g} s",
    }.get(recording.cut, "one clip, the whole file")
    return f"{recording.seconds:.1f} s, {recording.native_rate} Hz, {channels}; {how}."
