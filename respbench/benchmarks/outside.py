"""Read out-of-fold predictions that were made elsewhere, and check them against a corpus and its folds."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from respbench.benchmarks.execution.jobs import folds_of
from respbench.benchmarks.storage.files import write_atomically
from respbench.corpora.bounded import decompress_bounded, read_bounded
from respbench.corpora.clips import Clips
from respbench.corpora.digests import digest
from respbench.corpora.prepared.prepare import Prepared
from respbench.corpora.problems import InputError
from respbench.corpora.protocol import Protocol
from respbench.corpora.splits.folds import Fold

CLIP, SEED, FOLD = "clip_id", "seed", "fold"
STATED = ("patient", "label")
"""Columns that a file may have, as the suite's own files of predictions do; what they state must be true."""

LARGEST = 64 << 20
"""Bytes of a file, decompressed: ten repeats of a hundred thousand clips. Reading takes thirty times as much."""

ROUNDING = 1e-3
"""By how much probabilities may miss a sum of 1, for having been rounded; they are divided by their sum."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Row = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class OutsidePredictions:
    """Predictions from a file, checked in themselves but not yet against a corpus.

    Attributes:
        path: of the file, absolute.
        classes: names of the probability columns.
        lines: (rows,) the line of the file that each row comes from.
        rows: the cells of each row by column.
        seeds: (rows,) the repeat that each row belongs to.
        probabilities: (rows, classes), rows sum to 1.
    """

    path: Path
    classes: tuple[str, ...]
    lines: Ints
    rows: tuple[Row, ...]
    seeds: Ints
    probabilities: Floats

    @property
    def identity(self) -> str:
        """Hash of what they say, whatever the order and the number format of the file."""
        keys = [f"{seed},{row[CLIP]}" for seed, row in zip(self.seeds, self.rows, strict=True)]
        order = np.argsort(keys)
        return digest([*self.classes, *(keys[i] for i in order), self.probabilities[order].tobytes()])

    @property
    def folds_stated(self) -> bool:
        """Whether there is a column of fold numbers."""
        return FOLD in self.rows[0]

    def of_repeat(self, seed: int, clips: Clips, folds: Sequence[Fold]) -> Floats:
        """Find the probabilities that one repeat gives to every clip that its folds test.

        Args:
            seed: of the repeat.
            clips: the corpus, with its labels.
            folds: of this repeat.

        Returns:
            (clips, classes), NaN for clips that no fold tests.

        Raises:
            InputError: clips are missing, unknown, or predicted twice, or patients, labels or folds are others.
        """
        tested = {str(clips.clip_id[row]): int(row) for fold in folds for row in fold.test}
        corpus = set(clips.clip_id.tolist())
        first: dict[str, int] = {}
        found = np.full((len(clips), len(self.classes)), np.nan)
        for i in np.flatnonzero(self.seeds == seed).tolist():
            line, row = int(self.lines[i]), self.rows[i]
            name = row[CLIP]
            if name not in tested:
                what = "no fold of the protocol tests" if name in corpus else "the corpus doesn't have"
                raise self.refusal(line, f"names the clip {name!r}, which {what}", "remove the line")
            if name in first:
                remedy = f"keep one, or number repeats in a column {SEED!r}"
                raise self.refusal(line, f"predicts clip {name} again, after line {first[name]}", remedy)
            first[name] = line
            self._check_stated(line, row, clips, tested[name])
            found[tested[name]] = self.probabilities[i]
        lacking = [name for name in tested if name not in first]
        if lacking:
            raise InputError(
                f"{self.path} lacks {len(lacking)} of the {len(tested)} tested clips in seed {seed}, such as "
                f"{lacking[0]}; predict every clip once per seed"
            )
        if self.folds_stated:
            self._check_folds(seed, clips, folds)
        return found

    def refusal(self, line: int, what: str, remedy: str) -> InputError:
        """Explain what is wrong with a line."""
        return InputError(f"{self.path}, line {line} {what}; {remedy}")

    def _check_stated(self, line: int, row: Row, clips: Clips, clip: int) -> None:
        known = {"patient": str(clips.patient[clip]), "label": clips.classes[clips.label[clip]]}
        for column in STATED:
            if column in row and row[column] != known[column]:
                what = f"has the {column} {row[column]!r}, in the corpus it is {known[column]!r}"
                raise self.refusal(line, what, f"score it on its own corpus and task, or remove the column {column!r}")

    def _check_folds(self, seed: int, clips: Clips, folds: Sequence[Fold]) -> None:
        """Refuse clips that were predicted in another fold than the protocol's; how folds are numbered is free."""
        own = {str(clips.clip_id[row]): number for number, fold in enumerate(folds) for row in fold.test}
        names: dict[int, str] = {}
        numbers: dict[str, int] = {}
        for i in np.flatnonzero(self.seeds == seed).tolist():
            row = self.rows[i]
            stated, number = row[FOLD], own[row[CLIP]]
            if names.setdefault(number, stated) != stated or numbers.setdefault(stated, number) != number:
                what = f"has clip {row[CLIP]} in fold {stated!r}, which the protocol divides otherwise in seed {seed}"
                raise self.refusal(int(self.lines[i]), what, "use the folds of `respbench folds`")


def read_outside(path: Path, classes: tuple[str, ...], repeat: int | None) -> OutsidePredictions:
    """Read a CSV file of predictions, gzipped or not.

    Args:
        path: of the file: ``clip_id``, one probability column per class, and optionally ``seed``, ``fold``, ``patient``
            and ``label``.
        classes: of the task.
        repeat: the seed of all rows, where there is no column ``seed``; None = 0.

    Raises:
        InputError: the file can't be read, or a column or a cell is wrong.
    """
    path = path.absolute()
    lines, rows = zip(*_rows(path, classes), strict=True)
    if repeat is not None and SEED in rows[0]:
        raise InputError(f"{path} has a column {SEED!r}, so that --repeat must not be given; leave one of the two out")
    table = OutsidePredictions(
        path=path,
        classes=classes,
        lines=np.array(lines),
        rows=rows,
        seeds=np.full(len(rows), repeat or 0),
        probabilities=np.empty((len(rows), len(classes))),
    )
    for i, (line, row) in enumerate(zip(lines, rows, strict=True)):
        table.probabilities[i] = _probabilities(table, line, row)
        if SEED in row:
            if not (row[SEED].isascii() and row[SEED].isdigit() and len(row[SEED]) < 10):
                raise table.refusal(line, f"has the seed {row[SEED]!r}", "number repeats 0, 1, 2 and so on")
            table.seeds[i] = int(row[SEED])
    return table


def _probabilities(table: OutsidePredictions, line: int, row: Row) -> Floats:
    values = []
    for name in table.classes:
        try:
            value = float(row[name])
        except ValueError:
            value = np.nan
        if not -ROUNDING <= value <= 1 + ROUNDING:
            what = f"gives class {name} the probability {row[name]!r}"
            raise table.refusal(line, what, "write a number from 0 to 1, with a decimal point")
        values.append(min(max(value, 0.0), 1.0))
    if abs(sum(values) - 1) > ROUNDING:
        remedy = "write probabilities, with at least four digits"
        raise table.refusal(line, f"has probabilities that sum to {sum(values):.6g} instead of 1", remedy)
    return np.array(values) / sum(values)


def _rows(path: Path, classes: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """Yield the rows of the file with their line numbers, without blank lines."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header, classes)
        count = 0
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"{path}, line {reader.line_num} has {len(cells)} cells under {len(header)} columns; separate the "
                    "columns by commas, and put names that have a comma in double quotes"
                )
            count += 1
            yield reader.line_num, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    except csv.Error as error:
        raise InputError(
            f"{path}, line {reader.line_num} is no line of a CSV file ({error}); export it again"
        ) from error
    if not count:
        raise InputError(f"{path} has no predictions, only a header; export it again")


def _check_header(path: Path, header: Sequence[str], classes: Sequence[str]) -> None:
    needed, allowed = (CLIP, *classes), {CLIP, *classes, SEED, FOLD, *STATED}
    optional = ", ".join((SEED, FOLD, *STATED))
    wanted = f"name the columns {', '.join(needed)}, and optionally {optional}, separated by commas"
    lacking = [name for name in needed if name not in header]
    if lacking:
        raise InputError(f"{path} has no column {lacking[0]!r}, but {', '.join(map(repr, header)) or 'none'}; {wanted}")
    for name in header:
        if name not in allowed or header.count(name) > 1:
            what = "the unknown column" if name not in allowed else "two columns"
            raise InputError(f"{path} has {what} {name!r}; {wanted}")


def _text(path: Path) -> str:
    try:
        content = read_bounded(path, LARGEST)
        if content.startswith(b"\x1f\x8b"):
            content = decompress_bounded(content, LARGEST)
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text in UTF-8; save it as a CSV file in UTF-8") from error
    except ValueError as error:
        raise InputError(
            f"{path} holds {error}, which is more than predictions need; export it again, one file per few repeats"
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path} is damaged ({error}); compress it again") from error
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}); name a CSV file of predictions") from error


def write_folds(path: Path, prepared: Prepared, task: str, protocol: Protocol, repeats: int) -> None:
    """Write a CSV file that says what each fold does with each clip, so that models can be fitted elsewhere.

    Args:
        path: of the file; columns ``seed``, ``fold``, ``part`` (train, valid, test or unlabeled), ``clip_id`` and
            ``patient``. A clip without a row is in no part of that fold.
        prepared: the corpus.
        task: as in `folds_of`.
        protocol: what divides it.
        repeats: number of seeds, from 0 on.

    Raises:
        InputError: the corpus can't be divided in this way, or the file can't be written.
    """
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow((SEED, FOLD, "part", CLIP, "patient"))
    for seed in range(repeats):
        clips, folds = folds_of(prepared, task, protocol, seed)
        for number, fold in enumerate(folds):
            for part in ("train", "valid", "test", "unlabeled"):
                rows = getattr(fold, part)
                for clip, patient in zip(clips.clip_id[rows], clips.patient[rows], strict=True):
                    writer.writerow((seed, number, part, clip, patient))
    write_atomically(path, lines.getvalue().encode())
