"""The section of an ablation: each group's variants beside the full model, and what each difference shows."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from respbench.benchmarks.statistics.comparisons import Verdict, difference, verdict
from respbench.benchmarks.statistics.metrics import COMPARED
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.models.ablations import ABLATIONS, Ablation
from respbench.models.spec import ModelKind

FULL = "the full model"


@dataclass(frozen=True, kw_only=True)
class Group:
    """One group that was run; by variant, its verdicts with what differs."""

    name: str
    question: str
    reference: str
    reference_complete: bool
    rows: list[list[object]]
    gains: list[list[object]]
    verdicts: dict[str, tuple[str, Verdict]]


@dataclass(frozen=True, kw_only=True)
class Ablations:
    """The groups that were run, and the models that are in none of them."""

    groups: list[Group]
    others: list[str]


def ablations(results: Results) -> Ablations | None:
    """Compare the variants of each group with its full model; None for a benchmark."""
    if results.protocol.ablation_of is None:
        return None
    models = {model.name: model for model in results.models}
    run = {
        name: group for name, group in ABLATIONS.items() if any(variant.name in models for variant in group.variants)
    }
    shown = {spec.name for group in run.values() for spec in group.specs}
    return Ablations(
        groups=[_group(results, name, group, models) for name, group in run.items()],
        others=[m.name for m in results.models if m.name not in shown and m.kind is not ModelKind.CONTROL],
    )


def variant_verdicts(variants: Sequence[ModelResults], reference: ModelResults) -> dict[str, Verdict]:
    """By variant, on which metrics it is better, worse, or not shown to differ; the variants are one family."""
    found = {metric: verdict({v.name: difference(v, reference, metric) for v in variants}) for metric in COMPARED}

    def metrics(variant: str, outcome: str) -> tuple[str, ...]:
        return tuple(metric for metric, one in found.items() if variant in getattr(one, outcome))

    outcomes = [outcome.name for outcome in fields(Verdict)]
    return {v.name: Verdict(**{outcome: metrics(v.name, outcome) for outcome in outcomes}) for v in variants}


def _group(results: Results, name: str, group: Ablation, models: dict[str, ModelResults]) -> Group:
    reference = results.find(group.reference.name)
    stored = [models[spec.name] for spec in group.specs if spec.name in models]
    what = {group.reference.name: FULL, **{spec.name: spec.source for spec in group.variants}}
    variants = [model for model in stored if reference and model.complete and model is not reference]
    verdicts = variant_verdicts(variants, reference) if reference else {}
    return Group(
        name=name,
        question=group.question,
        reference=group.reference.name,
        reference_complete=reference is not None,
        rows=[[m.name, what[m.name], *(m.estimate(metric) for metric in COMPARED), m.status] for m in stored],
        gains=[[m.name, *(difference(m, reference, metric) for metric in COMPARED)] for m in variants if reference],
        verdicts={m: (what[m], found) for m, found in verdicts.items()},
    )
