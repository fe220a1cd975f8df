"""Read text files of numbers whose columns are known beforehand, as published datasets have them."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.problems import InputError
from respbench.corpora.readers.files import read_text

_REMEDY = "copy the file again, or leave it out"


def read_matrix(
    path: Path,
    columns: int,
    *,
    header: tuple[str, ...] = (),
    delimiter: str | None = None,
    missing_allowed: bool = False,
) -> NDArray[np.float64]:
    """Read a file to (rows, columns).

    Args:
        path: of the file.
        columns: how many it must have.
        header: the names that its first line must hold; none = it begins with numbers.
        delimiter: what separates columns; None = spaces.
        missing_allowed: whether numbers may be NaN.

    Raises:
        InputError: the file can't be read, is empty, or a line is no row of so many finite numbers.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of files without numbers
            values = np.loadtxt(
                path, delimiter=delimiter, comments=None, ndmin=2, encoding="utf-8-sig", skiprows=int(bool(header))
            )
    except (OSError, ValueError):
        raise InputError(_first_problem(path, columns, header, delimiter, missing_allowed)) from None
    numbers = values[~np.isnan(values)] if missing_allowed else values
    sound = values.shape[1] == columns and np.isfinite(numbers).all()
    if not len(values) or not sound or (header and _names(path, delimiter) != header):
        raise InputError(_first_problem(path, columns, header, delimiter, missing_allowed))
    return values


def _names(path: Path, delimiter: str | None) -> tuple[str, ...]:
    with path.open(encoding="utf-8-sig") as file:
        return tuple(name.strip('" \n') for name in file.readline().split(delimiter))


def _first_problem(
    path: Path, columns: int, header: tuple[str, ...], delimiter: str | None, missing_allowed: bool
) -> str:
    """Say which line is not as published."""
    lines = [(number, line) for number, line in enumerate(read_text(path).splitlines(), 1) if line.strip()]
    if header and lines and _names(path, delimiter) != header:
        return f"{path}, line 1, doesn't name the columns {', '.join(filter(None, header))}; {_REMEDY}"
    for number, line in lines[bool(header) :]:
        fields = line.split(delimiter)
        if len(fields) != columns:
            return f"{path}, line {number}, has {len(fields)} columns instead of {columns}; {_REMEDY}"
        wrong = [field.strip() for field in fields if not _is_sound(field, missing_allowed)]
        if wrong:
            return f"{path}, line {number}: {wrong[0]!r} is no finite number; {_REMEDY}"
    return f"{path} holds no table of {columns} columns of numbers; {_REMEDY}"


def _is_sound(field: str, missing_allowed: bool) -> bool:
    try:
        value = float(field)
    except ValueError:
        return False
    return bool(np.isfinite(value)) or (missing_allowed and bool(np.isnan(value)))
