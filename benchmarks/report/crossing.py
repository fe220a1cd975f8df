"""The section about training on another corpus: each model beside itself, trained in the tested corpus."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.report.tables import LEADERBOARD
from benchmarks.statistics.metrics import COMPARED
from benchmarks.statistics.results import Results
from benchmarks.storage.store import Store
from corpora.facts import CorpusFacts

IN_CORPUS = "patients-5fold"
"""The protocol whose numbers are shown beside those of a cross-corpus one."""

NOT_RUN = "not run"


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """What the section shows; no rows where something is ``lacking``, which says what."""

    tested: CorpusFacts
    trained_on: CorpusFacts
    protocol: str = IN_CORPUS
    lacking: str = ""
    rows: tuple[list[object], ...] = ()
    absent: tuple[str, ...] = ()


def crossing(results: Results, folder: Path) -> Crossing | None:
    """Compare with the results of `IN_CORPUS` in the folder beside; None if one corpus is trained on and tested."""
    tested, trained_on = results.corpus.tested, results.corpus.trained_on
    if tested is None or trained_on is None:
        return None
    beside = folder.parent / IN_CORPUS
    inside = {name: row for name, row in LEADERBOARD.read(beside).items() if row["status"].complete}
    if lacking := what_is_lacking(beside, tested.fingerprint, bool(inside)):
        return Crossing(tested=tested, trained_on=trained_on, lacking=lacking)
    rows = []
    for model in results.models:
        other = inside.get(model.name)
        pairs = ((model.estimate(metric), other[metric] if other else NOT_RUN) for metric in COMPARED)
        rows.append([model.name, *(value for pair in pairs for value in pair)])
    absent = tuple(model.name for model in results.models if model.name not in inside)
    return Crossing(tested=tested, trained_on=trained_on, rows=tuple(rows), absent=absent)


def what_is_lacking(beside: Path, fingerprint: str, any_complete: bool) -> str:
    """Explain why the results of `IN_CORPUS` can't be used; empty if they can."""
    if not (beside / LEADERBOARD.filename).exists():
        return "it was not run"
    if Store(beside).corpus_fingerprint() != fingerprint:
        return "it was run on other contents of the corpus"
    return "" if any_complete else "it has no complete model"
