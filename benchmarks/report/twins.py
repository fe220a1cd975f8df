"""The section about semi-supervised models: each beside its supervised baseline, the "twin"."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from benchmarks.report.tables import Row
from benchmarks.statistics.comparisons import Verdict, difference, twin_pairs, verdict
from benchmarks.statistics.metrics import COMPARED
from benchmarks.statistics.results import Results
from corpora.splits.label_budget import CANDIDATES
from models.registry import REGISTRY
from models.spec import ModelKind


@dataclass(frozen=True, kw_only=True)
class Twins:
    """What the section shows: rows of its tables, and by model why it can't be compared.

    ``candidates`` is the number of random draws of labeled patients that the most typical one is taken from.
    """

    rows: list[list[object]]
    verdicts: dict[str, Verdict]
    labeled: list[list[object]]
    tuned: list[str]
    obstacles: dict[str, str]
    candidates: int


def twins(results: Results) -> Twins | None:
    """Compare semi-supervised models with their twins; None where there are none."""
    pairs = twin_pairs(results)
    compared = [pair for pair in pairs if pair.comparable]
    if not pairs:
        return None
    rows: list[list[object]] = []
    for pair in compared:
        numbers: dict[str, list[object]] = {m: [pair.model.estimate(m), pair.gain(m)] for m in COMPARED}
        each = pair.gain_by_repeat("auroc")
        numbers["auroc"].append(f"{(each > 0).sum()} of {len(each)} repeats")
        rows.append([pair.model.name, pair.model.twin, pair.shared_fits, *chain.from_iterable(numbers.values())])
    return Twins(
        rows=rows,
        verdicts={metric: verdict({p.model.name: p.gain(metric) for p in compared}) for metric in COMPARED},
        labeled=labeled_rows(results),
        tuned=[pair.model.name for pair in compared if pair.model.untuned],
        obstacles={pair.model.name: pair.obstacle for pair in pairs if not pair.comparable},
        candidates=CANDIDATES,
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
            "repeats": len(each := pair.gain_by_repeat("auroc")),
            "repeats_with_higher_auroc": int((each > 0).sum()),
            "status": pair.obstacle or "complete",
            "warning": "; ".join(results.flags),
        }
