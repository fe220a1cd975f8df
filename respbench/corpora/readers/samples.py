"""Read text files of samples: one row per time, one column per channel."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.problems import InputError
from respbench.corpora.readers.files import read_text

SHORTEST = 0.5
"""s: about one step. What is shorter is no activity."""

LARGEST = 1e9
"""In any unit: no inertial sensor has as many steps. Times since 1970 in ms or ns are larger."""

_DELIMITERS = (";", "\t", ",")
"""What may separate columns besides spaces, the least ambiguous first."""


@dataclass(frozen=True, kw_only=True)
class Samples:
    """The content of a text file of samples.

    Attributes:
        values: (rows, columns) float64, finite.
        header: names of the columns; empty if the first row holds numbers.
        first_line: number of the line that the first row is on, counted from 1.
    """

    values: NDArray[np.float64]
    header: tuple[str, ...]
    first_line: int


def read_samples(path: Path) -> Samples:
    """Read numbers that are separated by commas, semicolons, tabs or spaces, with or without a row of names.

    Raises:
        InputError: the file can't be read, holds no numbers, or a row is no row of numbers like the others.
    """
    lines = [(number, line) for number, line in enumerate(read_text(path).splitlines(), 1) if line.strip()]
    delimiter = next((mark for mark in _DELIMITERS if lines and mark in lines[0][1]), None)
    header: tuple[str, ...] = ()
    if lines and not _is_number(_fields(lines[0][1], delimiter)[0]):
        header = tuple(name.strip('"') for name in _fields(lines[0][1], delimiter))
        lines = lines[1:]
    if not lines:
        raise InputError(f"{path} holds no samples; record or export it again, or leave it out")
    columns = len(header) or len(_fields(lines[0][1], delimiter))
    try:
        values = np.loadtxt([line for _, line in lines], delimiter=delimiter, comments=None, ndmin=2)
    except ValueError as error:
        raise InputError(_first_problem(path, lines, columns, delimiter)) from error
    if values.shape[1] != columns or not np.isfinite(values).all():
        raise InputError(_first_problem(path, lines, columns, delimiter))
    return Samples(values=values, header=header, first_line=lines[0][0])


def require_movement(path: Path, values: NDArray[np.float64], rate: float) -> None:
    """Check that samples are long enough, vary, and are no times.

    Args:
        path: where they are from.
        values: (samples, channels).
        rate: Hz.

    Raises:
        InputError: they don't.
    """
    if len(values) < SHORTEST * rate:
        raise InputError(f"{path} lasts {len(values) / rate:.3g} s, less than {SHORTEST} s; leave it out")
    if not (peak := np.abs(values).max()) <= LARGEST:
        raise InputError(
            f"{path} holds {peak:.4g}, more than any sensor measures; state which column holds times and the scale, or "
            "leave it out"
        )
    if (np.ptp(values, axis=0) == 0).all():
        raise InputError(f"{path} holds one constant value per channel, as if the sensor had stopped; leave it out")


def _fields(line: str, delimiter: str | None) -> list[str]:
    return [field.strip() for field in line.split(delimiter)]


def _is_number(field: str) -> bool:
    """Whether a field belongs to a row of numbers: one that is left empty does."""
    try:
        float(field or "nan")
    except ValueError:
        return False
    return True


def _first_problem(path: Path, lines: list[tuple[int, str]], columns: int, delimiter: str | None) -> str:
    """Say which row isn't one of numbers like the others."""
    for number, line in lines:
        fields = _fields(line, delimiter)
        if len(fields) != columns:
            return f"{path}, line {number}, has {len(fields)} columns instead of {columns}; correct it, or leave it out"
        wrong = [field for field in fields if not _is_number(field) or not np.isfinite(float(field or "nan"))]
        if wrong:
            return f"{path}, line {number}: {wrong[0]!r} is no finite number; correct it, or leave the file out"
    return f"{path} is no table of {columns} columns of numbers; export it again, or leave it out"
