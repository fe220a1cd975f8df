"""The section about semi-supervised models: each beside its supervised baseline, the "twin"."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.report.tables import Row
from benchmarks.statistics.comparisons import Verdict, difference, twin_pairs, verdict
from benchmarks.statistics.metrics import COMPARED
from benchmarks.statistics.results import Results
from models.registry import REGISTRY
from models.spec import ModelKind


@dataclass(frozen=True, kw_only=True)
class Twins:
    """What the section shows: rows of its tables, and by model why it can't be compared."""

    rows: list[list[object]]
    verdicts: dict[str, Verdict]
    labeled: list[list[object]]
    tuned: list[str]
    obstacles: dict[str, str]


def twins(results: Results) -> Twins | None:
    """Compare semi-supervised models with their twins; None where there are none."""
    pairs = twin_pairs(results)
    compared = [pair for pair in pairs if pair.comparable]
    if not pairs:
        return None
    rows: list[list[object]] = []
    for pair in compared:
        numbers = [value for metric in COMPARED for value in (pair.model.estimate(metric), pair.gain(metric))]
        rows.append([pair.model.name, pair.model.twin, pair.shared_fits, *numbers])
    return Twins(
        rows=rows,
        verdicts={metric: verdict({p.model.name: p.gain(metric) for p in compared}) for metric in COMPARED},
        labeled=labeled_rows(results),
        tuned=[pair.model.name for pair in compared if pair.model.untuned],
        obstacles={pair.model.name: pair.obstacle for pair in pairs if not pair.comparable},
    )


def labeled_rows(results: Results) -> list[list[object]]:
    """Each method minus the same method without its unlabeled clips, where the registry has both."""
    semi = [spec for spec in REGISTRY.values() if spec.kind is ModelKind.SEMI_SUPERVISED]
    rows: list[list[object]] = []
    for model in results.complete:
        alone = REGISTRY.get(model.name)
        if alone not in semi or alone.unlabeled:
            continue
        for whole in semi:
            same = whole.unlabeled and (whole.target, whole.overrides) == (alone.target, alone.overrides)
            if same and (other := results.find(whole.name)):
                rows.append([other.name, model.name, *(difference(other, model, metric) for metric in COMPARED)])
    return rows


def twin_rows(results: Results) -> Iterator[Row]:
    """Yield the rows of twins.csv; differences are empty where ``status`` is not ``complete``."""
    for pair in twin_pairs(results):
        yield {
            "model": pair.model.name,
            "twin": pair.model.twin,
            "paired_fits": pair.shared_fits,
            **{metric: pair.gain(metric) for metric in COMPARED},
            "status": pair.obstacle or "complete",
            "warning": "; ".join(results.flags),
        }
