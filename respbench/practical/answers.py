"""What a reader hands in: numbers, a CSV file, or a Python file with one function."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from respbench.corpora.problems import InputError, printable
from respbench.models.spec import module_at


class Wrong(Exception):
    """The answer is wrong; the message says what is."""


@dataclass(frozen=True)
class Answer:
    """The words behind the number of an exercise on the command line."""

    words: tuple[str, ...]

    def numbers(self, *what: str) -> tuple[float, ...]:
        """The answer as that many numbers.

        Args:
            what: what each one is, for the message.

        Raises:
            InputError: there are more or fewer of them, or one is none.
        """
        if len(self.words) != len(what):
            raise InputError(f"this exercise takes {_counted(what)}: {', '.join(what)}; got {len(self.words)}")
        try:
            return tuple(float(word.replace(",", ".")) for word in self.words)
        except ValueError:
            raise InputError(f"{' '.join(self.words)!r} is not {', '.join(what)}; give numbers") from None

    def file(self, suffix: str) -> Path:
        """The answer as a file.

        Raises:
            InputError: there is none of this kind.
        """
        if len(self.words) != 1:
            raise InputError(f"this exercise takes one {suffix} file; got {len(self.words)} words")
        path = Path(self.words[0]).absolute()
        if path.suffix != suffix:
            raise InputError(f"{path} is no {suffix} file; this exercise takes one")
        if not path.is_file():
            raise InputError(f"{path} does not exist; write it first, or correct the path")
        return path

    def text(self, suffix: str) -> str:
        """The content of the answer's file, UTF-8."""
        path = self.file(suffix)
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise InputError(f"{path} is not UTF-8 text; save it as UTF-8") from None

    def table(self, columns: Sequence[str]) -> pd.DataFrame:
        """The answer as a CSV file with these columns, names as text.

        Raises:
            InputError: it can't be read, or lacks a column.
        """
        path = self.file(".csv")
        try:
            table = pd.read_csv(path, dtype=str, keep_default_na=False)
        except (ValueError, OSError) as error:
            raise InputError(f"{path} can't be read as CSV ({error}); write it with DataFrame.to_csv") from None
        lacking = [column for column in columns if column not in table]
        if lacking:
            raise InputError(f"{path} lacks the column {lacking[0]}; its columns must be {', '.join(columns)}")
        return table

    def function(self, name: str) -> Callable[..., Any]:
        """The function of this name in the answer's Python file, which is executed.

        Raises:
            InputError: the file can't be imported, or has no such function.
        """
        path = self.file(".py")
        try:
            found = getattr(module_at(path), name, None)
        except Exception as error:
            raise InputError(f"{path} can't be imported ({type(error).__name__}: {error}); correct it") from error
        if not callable(found):
            raise InputError(f"{path} has no function {name}; define it")
        return _reporting(found, name)


def _reporting(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The same function; what it raises is a wrong answer, not a fault of the check."""

    def called(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:
            raise Wrong(f"{name} raised {type(error).__name__}: {printable(str(error))}") from error

    return called


def numbers_of(table: pd.DataFrame, column: str) -> "pd.Series[float]":
    """A column as numbers.

    Raises:
        Wrong: a cell is none.
    """
    values = pd.to_numeric(table[column], errors="coerce")
    if values.isna().any():
        row = int(values.isna().to_numpy().argmax())
        raise Wrong(f"row {row + 2} has {table[column].iloc[row]!r} as {column}, which is no number")
    return values.astype(float)


def aligned(table: pd.DataFrame, clip_ids: Sequence[str]) -> pd.DataFrame:
    """The rows of the clips, in their order.

    Raises:
        Wrong: a clip is absent, unknown or there twice.
    """
    twice = table["clip_id"][table["clip_id"].duplicated()]
    if len(twice):
        raise Wrong(f"{twice.iloc[0]} occurs twice")
    known = set(clip_ids)
    unknown = [name for name in table["clip_id"] if name not in known]
    if unknown:
        raise Wrong(f"{unknown[0]} is no clip of this corpus")
    rows = table.set_index("clip_id")
    absent = [name for name in clip_ids if name not in rows.index]
    if absent:
        raise Wrong(f"{len(absent)} of {len(clip_ids)} clips are absent, such as {absent[0]}")
    return rows.loc[list(clip_ids)].reset_index()


def close(given: float, right: float, tolerance: float) -> bool:
    """Whether a number is right within a tolerance."""
    return abs(given - right) <= tolerance


def _counted(what: Sequence[str]) -> str:
    return "one number" if len(what) == 1 else f"{len(what)} numbers"
