"""The CSV files of a report: each declares its columns once, and is written and read by that declaration alone."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from respbench.benchmarks.statistics.intervals import Difference, Estimate
from respbench.benchmarks.statistics.metrics import COMPARED, LEADING, METRICS, NO_INTERVAL, WITHOUT_NORMAL
from respbench.benchmarks.statistics.status import Status
from respbench.benchmarks.storage.files import write_atomically
from respbench.benchmarks.storage.records import TrialState
from respbench.corpora.cycles import NORMAL
from respbench.corpora.problems import InputError

DIGITS = ".7f"
"""Far finer than any interval, far coarser than rounding errors."""

NOT_RUN = "not run"
"""Stands in the place of a number of a model that a folder lacks."""

BETWEEN = "; "
"""Between several names in one cell."""

Row = Mapping[str, Any]
"""Values by column name."""


@dataclass(frozen=True)
class Column:
    """One value of a row.

    Attributes:
        name: header of the value; an `Estimate` has two more columns, ``<name>_low`` and ``<name>_high``, a
            `Difference` also ``<name>_se`` and ``<name>_df``, for its p-value.
        kind: str, int, float, `Estimate` or `Status`. An empty cell is read as "", None, NaN, None, or refused.
        form: how a float is formatted.
        key: of the value in a row; by default the name.
    """

    name: str
    kind: type[Any] = str
    form: str = DIGITS
    key: str = ""

    @property
    def found_by(self) -> str:
        """Name of the value in a row."""
        return self.key or self.name

    @property
    def headers(self) -> tuple[str, ...]:
        """Names of its columns in the file."""
        more = ("low", "high", "se", "df") if issubclass(self.kind, Difference) else ("low", "high")
        return (self.name, *(f"{self.name}_{end}" for end in more if issubclass(self.kind, Estimate)))

    def cells(self, value: Any) -> Iterator[str]:
        """Format a value for its columns."""
        if issubclass(self.kind, Estimate):
            parts = (value.value, value.low, value.high, value.se, value.df) if value else (math.nan,) * 5
            yield from map(self._number, parts[: len(self.headers)])
        else:
            yield self._number(value) if self.kind is float else "" if value is None else str(value)

    def value(self, cells: list[str]) -> Any:
        """Read a value from its columns.

        Raises:
            ValueError: they hold no such value.
        """
        if issubclass(self.kind, Estimate):
            return self.kind(*map(float, cells)) if all(cells) else None
        (text,) = cells
        if self.kind is Status:
            return Status.parse(text)
        if self.kind is str:
            return text
        return self.kind(text) if text else (math.nan if self.kind is float else None)

    def _number(self, value: float | None) -> str:
        return "" if value is None or math.isnan(value) else f"{value:{self.form}}"


@dataclass(frozen=True)
class Table:
    """A CSV file with one row per model.

    Attributes:
        filename: in the folder of a report.
        columns: in their order; the first is the model's name.
        written_by: the command that writes it.
    """

    filename: str
    columns: tuple[Column, ...]
    written_by: str = "`respbench report`"

    @property
    def headers(self) -> list[str]:
        """The header line."""
        return [header for column in self.columns for header in column.headers]

    def text(self, rows: Iterable[Row]) -> str:
        """Format rows as the content of the file."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(self.headers)
        writer.writerows([cell for c in self.columns for cell in c.cells(row.get(c.found_by))] for row in rows)
        return buffer.getvalue()

    def write(self, folder: Path, rows: Iterable[Row]) -> None:
        """Write the file, or remove it where there are no rows."""
        if found := list(rows):
            write_atomically(folder / self.filename, self.text(found).encode())
        else:
            (folder / self.filename).unlink(missing_ok=True)

    def read(self, folder: Path) -> dict[str, dict[str, Any]]:
        """Read the rows by model, in their order; empty if there is no such file.

        Raises:
            InputError: it is no such table.
        """
        path = folder / self.filename
        if not path.exists():
            return {}
        try:
            with path.open(encoding="utf-8", newline="") as file:
                headers, *lines = [*csv.reader(file)] or [[]]
            if headers != self.headers:
                raise ValueError("other columns")
            rows = [self._row(line) for line in lines]
        except (ValueError, csv.Error) as error:
            raise InputError(
                f"{path} was not written by this version ({error}); delete it, then run {self.written_by}"
            ) from error
        return {row[self.columns[0].name]: row for row in rows}

    def _row(self, line: list[str]) -> dict[str, Any]:
        if len(line) != len(self.headers):
            raise ValueError(f"a row of {len(line)} cells")
        cells, row = list(line), {}
        for column in self.columns:
            count = len(column.headers)
            row[column.found_by], cells = column.value(cells[:count]), cells[count:]
        return row


def _leaderboard(columns: Mapping[str, str]) -> Table:
    """Make the table of the metrics ``columns``, each by the header that it has in the file."""
    return Table(
        "leaderboard.csv",
        (
            Column("model"),
            *(
                Column(header, float if metric in NO_INTERVAL else Estimate, key=metric)
                for header, metric in columns.items()
            ),
            Column("repeats", int),
            Column("status", Status),
            Column("warning"),
        ),
    )


LEADERBOARD = _leaderboard({metric: metric for metric in METRICS})

WITHOUT_NORMAL_HEADERS = {"auroc_all_classes": "auroc", "auroc": "auroc_present"}
"""Headers of two metrics: readers from outside take ``auroc`` to be over the folds that test every class."""

LEADERBOARD_WITHOUT_NORMAL = _leaderboard({WITHOUT_NORMAL_HEADERS.get(m, m): m for m in WITHOUT_NORMAL})


def leaderboard_of(classes: Sequence[str]) -> Table:
    """Return the leaderboard of a task, by the names of its classes."""
    return LEADERBOARD if NORMAL in classes else LEADERBOARD_WITHOUT_NORMAL


def read_leaderboard(folder: Path) -> dict[str, dict[str, Any]]:
    """Read the leaderboard of a folder, of whichever task; values and errors as in `Table.read`."""
    path = folder / LEADERBOARD.filename
    header = path.read_text(encoding="utf-8").partition("\n")[0] if path.exists() else ""
    other = header == ",".join(LEADERBOARD_WITHOUT_NORMAL.headers)
    return (LEADERBOARD_WITHOUT_NORMAL if other else LEADERBOARD).read(folder)


COSTS = Table(
    "costs.csv",
    (
        Column("model"),
        Column("fit_seconds", float, ".3f"),
        Column("tune_seconds", float, ".3f"),
        Column("features_ms_per_clip", float, ".4f"),
        Column("predict_ms_per_clip", float, ".4f"),
        Column("cold_ms_per_clip", float, ".4f"),
        Column("parameters", int),
        Column("peak_mb", float, ".0f"),
        Column("threads"),
        Column("hardware"),
        Column("features_hardware"),
        Column("warning"),
    ),
)

PROBES = Table(
    "probes.csv",
    (
        Column("model"),
        Column("columns", int),
        Column("device", Estimate),
        Column("devices", int),
        Column("patient", Estimate),
        Column("patients", int),
        Column("corpus"),
    ),
    written_by="`respbench probe`",
)
"""What `respbench probe` finds; ``corpus`` is the fingerprint of the one that was probed."""

TWINS = Table(
    "twins.csv",
    (
        Column("model"),
        Column("twin"),
        Column("paired_fits", int),
        *(Column(metric, Difference) for metric in COMPARED),
        Column("repeats", int),
        Column("repeats_with_higher_auroc", int),
        Column("status"),
        Column("warning"),
    ),
)


def _before_and_after(metric: str) -> tuple[Column, ...]:
    return (
        Column(f"{metric}_before", float),
        Column(f"{metric}_after", float),
        Column(f"{metric}_gain", Difference),
    )


TUNING = Table(
    "tuning.csv",
    (
        Column("model"),
        Column("untuned"),
        *(Column(name, int) for name in ("repeats", "studies", "trials", *TrialState, "defaults_chosen")),
        *(Column(name, float) for name in ("found_gain", "fresh_gain", "fresh_gain_error")),
        *(column for metric in LEADING for column in _before_and_after(metric)),
        Column("auroc_gain_without_extreme_fold", float),
        Column("status"),
        Column("warning"),
    ),
)

RANKS = Table(
    "ranks.csv",
    (
        Column("model"),
        *(
            column
            for metric in LEADING
            for column in (
                Column(f"{metric}_rank_low", int),
                Column(f"{metric}_rank_high", int),
                Column(f"{metric}_worse_than"),
            )
        ),
    ),
)
"""What `benchmarks.statistics.pairwise` shows by each metric: the ranks that a complete model may have, and the models
that are better, joined by `BETWEEN`."""

GENERALIZATION = Table(
    "generalization.csv",
    (
        Column("model"),
        *map(Column, ("corpus", "task", "protocol", "trained_on")),
        *(
            column
            for metric in LEADING
            for column in (
                Column(metric, Estimate),
                Column(f"{metric}_rank", float, ".1f"),
                Column(f"{metric}_rank_low", int),
                Column(f"{metric}_rank_high", int),
            )
        ),
        Column("repeats", int),
        Column("status", Status),
    ),
)
"""One row per model and report of the page over all corpora, in the folder of all results."""
