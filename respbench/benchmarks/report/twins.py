"""The section about semi-supervised models: each beside its supervised baseline, the "twin"."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from respbench.benchmarks.report.tables import Row
from respbench.benchmarks.statistics.comparisons import Pair, Verdict, difference, twin_pairs, verdict
from respbench.benchmarks.statistics.metrics import COMPARED
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.corpora.splits.label_budget import CANDIDATES
from respbench.models.registry import REGISTRY
from respbench.models.spec import ModelKind

REFERENCE = "svm-adventitious"
"""The strongest model on handcrafted features: a network for few labels that is worse than it is of little use."""


@dataclass(frozen=True, kw_only=True)
class Twins:
    """What the section shows: rows of its tables, and by model why it can't be compared.

    ``candidates`` is the number of random draws of labeled patients that the most typical one is taken from.
    ``against`` has each network minus the `REFERENCE`, and ``against_verdicts`` what that shows; both are empty where
    the reference was not run.
    """

    rows: list[list[object]]
    against: list[list[object]]
    against_verdicts: dict[str, Verdict]
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
    reference = reference_of(results)
    networks = [] if reference is None else networks_of(results, pairs)
    if reference is not None:
        values: list[object] = list(chain.from_iterable([reference.estimate(m), ""] for m in COMPARED))
        values.insert(4, "")
        rows.append([reference.name, "", len(reference.fits), *values])
    return Twins(
        rows=rows,
        against=[
            [model.name, *chain.from_iterable([model.estimate(m), difference(model, reference, m)] for m in COMPARED)]
            for model in networks
            if reference is not None
        ],
        against_verdicts={
            metric: verdict({model.name: difference(model, reference, metric) for model in networks})
            for metric in COMPARED
            if reference is not None and networks
        },
        verdicts={metric: verdict({p.model.name: p.gain(metric) for p in compared}) for metric in COMPARED},
        labeled=labeled_rows(results),
        tuned=[pair.model.name for pair in compared if pair.model.untuned],
        obstacles={pair.model.name: pair.obstacle for pair in pairs if not pair.comparable},
        candidates=CANDIDATES,
    )


def reference_of(results: Results) -> ModelResults | None:
    """The `REFERENCE`, if it is complete in these results."""
    return next((model for model in results.complete if model.name == REFERENCE), None)


def networks_of(results: Results, pairs: Sequence[Pair]) -> list[ModelResults]:
    """The complete semi-supervised models and their twins, in the order of the table."""
    names = {pair.model.name for pair in pairs} | {pair.model.twin for pair in pairs}
    return [model for model in results.complete if model.name in names]


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
