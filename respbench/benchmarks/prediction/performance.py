"""What a model had on new patients, from stored results, else from its out-of-fold predictions."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from respbench.benchmarks.prediction.fitting import Request, WholeModel
from respbench.benchmarks.report.leaderboard import leaderboard_rows
from respbench.benchmarks.report.tables import Row, read_leaderboard
from respbench.benchmarks.statistics.formatting import cell
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.storage.store import Store
from respbench.corpora.problems import InputError

METRICS = {"auroc": "AUROC", "score": "score", "sensitivity": "sensitivity", "specificity": "specificity"}
"""By their names in leaderboard.csv."""


@dataclass(frozen=True, kw_only=True)
class Performance:
    """A row of a leaderboard.

    Attributes:
        tested_on: who was tested.
        cells: the metrics of `METRICS`, formatted.
        repeats: of the folds.
        source: where the row is from.
    """

    tested_on: str
    cells: tuple[str, ...]
    repeats: int
    source: str


def performances(model: WholeModel, request: Request) -> list[Performance]:
    """Find what the model had on new patients of its corpus, and on other corpora."""
    facts = request.prepared.facts()
    name, benchmark = model.spec.name, request.benchmark
    own: Row | None = _row(benchmark.folder, name) if benchmark.corpus_fingerprint() == facts.fingerprint else None
    source = str(benchmark.folder)
    if own is None:
        model.store.write_clips(request.clips)
        results = load_results(model.store)
        own = next(row for row in leaderboard_rows(results) if row["model"] == name)
        source = "the out-of-fold predictions that calibrate it"
    found = [_performance(f"new patients of {facts.name}, by models fitted to the others", own, source)]
    return [*found, *_elsewhere(name, request, facts.name)]


def _elsewhere(name: str, request: Request, corpus: str) -> Iterator[Performance]:
    """What models that were fitted to this corpus had on others."""
    for folder in sorted(request.results.glob(f"*/{request.task}/cross-corpus-from-{corpus}")):
        row = _row(folder, name)
        if row is not None and _trained_on(folder, name) == request.prepared.facts().fingerprint:
            yield _performance(f"patients of another corpus, {folder.parents[1].name}", row, str(folder))


def _row(folder: Path, name: str) -> Row | None:
    try:
        row = read_leaderboard(folder).get(name)
    except (InputError, OSError, UnicodeDecodeError):  # of another version: what it states is not used
        return None
    return row if row is not None and row["status"].complete else None


def _trained_on(folder: Path, name: str) -> str:
    store = Store(folder)
    record = next((store.record(key) for key in store.fits() if key.model == name), None)
    trained_on = record.corpus.trained_on if record else None
    return trained_on.fingerprint if trained_on else ""


def _performance(tested_on: str, row: Row, source: str) -> Performance:
    cells = tuple(cell(row.get(metric), 2) for metric in METRICS)
    return Performance(tested_on=tested_on, cells=cells, repeats=row["repeats"], source=source)
