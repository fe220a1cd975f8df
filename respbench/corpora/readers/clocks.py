"""Decode a stretch of a text file of samples to signals at one regular rate, where the file's clock permits."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from respbench.corpora.clips import Signal
from respbench.corpora.cycles import Cycle
from respbench.corpora.problems import InputError
from respbench.corpora.readers.files import version_of
from respbench.corpora.readers.samples import Samples, read_samples, require_movement

JITTER = 0.5
"""Share of the distance of samples by which one may be early or late: more, and one is missing or has come twice."""

DRIFT = 0.01
"""Share by which the rate of a file's clock may differ from the stated one; cheap crystals are off by 0.01 %."""

OVERSHOOT = 0.5
"""s by which a span may end after its file, since annotators' clocks round; it then ends with the file."""


@dataclass(frozen=True, kw_only=True)
class SeriesCycle(Cycle):
    """A stretch of a text file of samples.

    Attributes:
        native_rate: Hz, as stated.
        columns: names or numbers, from 1, of the columns that are channels; none = all but that of the times.
        time: name or number of the column of times in s; empty = there is none.
        scale: factor from what is in the file to the unit.
        unit: of the scaled samples.
        channels: names of the corpus' channels, which the file must have.
    """

    native_rate: float
    columns: tuple[str, ...] = ()
    time: str = ""
    scale: float = 1.0
    unit: str = ""
    channels: tuple[str, ...] = ()


def channels_of(cycle: SeriesCycle) -> tuple[str, ...]:
    """Name the channels of a file: as its first row does, else by the number of their column.

    Raises:
        InputError: the file can't be read, or lacks a column that its row of the manifest names.
    """
    samples = _content(cycle.path)
    return tuple(_names(samples)[column] for column in _selected(cycle, samples))


def read_series(cycle: Cycle, rate: int) -> Signal:
    """Decode a stretch to (channels, samples) float32 at ``rate`` Hz, scaled.

    Resampling is band-limited; beyond the ends the signal is continued by a line, since gravity is no step.

    Raises:
        InputError: the file can't be read, lacks a column, has gaps or an irregular clock, is shorter than the stretch,
            or doesn't vary.
    """
    assert isinstance(cycle, SeriesCycle)
    samples, path, native = _content(cycle.path), cycle.path, cycle.native_rate
    columns = _selected(cycle, samples)
    if len(columns) != len(cycle.channels):
        raise InputError(
            f"{path} has {len(columns)} channels instead of {len(cycle.channels)} ({', '.join(cycle.channels)}); state "
            "its columns, or leave it out"
        )
    first, last = _rows_of(cycle, len(samples.values))
    if cycle.time:
        times = samples.values[first:last, _column(cycle, samples, cycle.time)]
        _check_clock(path, times, native, samples.first_line + first)
    values = samples.values[first:last, columns] * cycle.scale
    require_movement(path, values, native)
    if native != rate:
        ratio = Fraction(rate / native).limit_denominator(1000)
        values = resample_poly(values, ratio.numerator, ratio.denominator, axis=0, padtype="line")
    return np.ascontiguousarray(values.T, dtype=np.float32)


def _content(path: Path) -> Samples:
    """Read a file once for all of its spans."""
    return _read(path, version_of(path))


@lru_cache(maxsize=1)
def _read(path: Path, version: tuple[int, int]) -> Samples:
    return read_samples(path)


def _names(samples: Samples) -> tuple[str, ...]:
    return samples.header or tuple(str(number + 1) for number in range(samples.values.shape[1]))


def _selected(cycle: SeriesCycle, samples: Samples) -> list[int]:
    """The columns of the channels, in the order of the corpus' where names show it."""
    if cycle.columns:
        return [_column(cycle, samples, name) for name in cycle.columns]
    time = _column(cycle, samples, cycle.time) if cycle.time else None
    found = [column for column in range(samples.values.shape[1]) if column != time]
    names = _names(samples)
    if samples.header and sorted(cycle.channels) == sorted(names[column] for column in found):
        return [names.index(name) for name in cycle.channels]
    return found


def _column(cycle: SeriesCycle, samples: Samples, name: str) -> int:
    """Find a column by its name or its number, from 1."""
    if name in samples.header:
        return samples.header.index(name)
    if name.isdecimal() and 1 <= int(name) <= samples.values.shape[1]:
        return int(name) - 1
    has = ", ".join(samples.header) or f"{samples.values.shape[1]} columns without names"
    raise InputError(f"{cycle.path} has no column {name} (it has {has}); correct the manifest, or leave it out")


def _rows_of(cycle: SeriesCycle, samples: int) -> tuple[int, int]:
    """The first row of the stretch, and that behind its last one."""
    rate, seconds = cycle.native_rate, samples / cycle.native_rate
    first = round(cycle.begin * rate)
    last = samples if cycle.end is None else round(cycle.end * rate)
    if first >= samples or last > samples + OVERSHOOT * rate:
        end = "its end" if cycle.end is None else f"{cycle.end:g} s"
        raise InputError(
            f"{cycle.path} lasts {seconds:.3f} s, but a row of the manifest reaches from {cycle.begin:g} s to {end}; "
            "correct begin, end or rate"
        )
    return first, min(last, samples)


def _check_clock(path: Path, times: NDArray[np.float64], rate: float, line: int) -> None:
    """Refuse gaps and irregular clocks.

    Args:
        path: of the file.
        times: (samples,) in s.
        rate: Hz, as stated.
        line: of the first of them.
    """
    steps = np.diff(times) * rate  # 1 = as stated
    if not len(steps):
        return
    remedy = "correct the rate (times are in s), or leave it out"
    actual = len(steps) / (times[-1] - times[0]) if times[-1] > times[0] else 0.0
    gaps = np.flatnonzero(steps > 1 + JITTER)
    early = np.flatnonzero(steps < 1 - JITTER)
    usual = float(np.median(steps))
    if abs(usual - 1) > JITTER or (not len(gaps) and not len(early) and abs(actual / rate - 1) > DRIFT):
        stated = f"{path} has a clock of {actual:.4g} Hz instead of the stated {rate:g} Hz"
        raise InputError(f"{stated}; {remedy}")
    if len(early):
        where, apart = line + early[0], steps[early[0]] / rate
        raise InputError(
            f"{path} has an irregular clock: the sample behind line {where} comes {apart:.3g} s later instead of "
            f"{1 / rate:.3g} s; resample it to a regular clock, or leave it out"
        )
    if len(gaps):
        lost, many = steps[gaps[0]] / rate, f"{len(gaps)} gaps, the first" if len(gaps) > 1 else "a gap"
        raise InputError(
            f"{path} has {many} of {lost:.3g} s behind line {line + gaps[0]}, not {1 / rate:.3g} s as between samples; "
            "list the parts between gaps as rows of their own, with begin and end, or leave it out"
        )
