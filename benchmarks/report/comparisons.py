"""The section about differences between models: tables of differences, who leads, and what the sound adds."""

import math
from dataclasses import dataclass

from benchmarks.statistics.bootstrap import Difference
from benchmarks.statistics.comparisons import difference
from benchmarks.statistics.metrics import COMPARED, LEADING, METRICS
from benchmarks.statistics.results import BASELINE, METADATA, PRIOR, ModelResults, Results
from models.spec import ModelKind


@dataclass(frozen=True, kw_only=True)
class Against:
    """Every other model minus one reference; its role is ``best``, ``baseline``, ``metadata`` or ``prior``."""

    reference: str
    role: str
    rows: list[list[object]]


@dataclass(frozen=True, kw_only=True)
class Lead:
    """How far the first model of the table leads by one metric, and whom it is not shown to beat."""

    metric: str
    leader: str
    not_beaten: tuple[str, ...]
    second: str
    difference: Difference


@dataclass(frozen=True, kw_only=True)
class SoundGain:
    """A model that uses the sound minus the control `metadata`, which does not.

    AUROC decides, since it doesn't depend on a threshold.
    """

    model: str
    auroc: Difference
    score: Difference

    @property
    def defined(self) -> bool:
        """Whether there is an AUROC."""
        return math.isfinite(self.auroc.value)

    @property
    def ranks_better(self) -> bool:
        """Whether it is shown to have the higher AUROC."""
        return self.auroc.low > 0

    @property
    def decides_better(self) -> bool:
        """Whether it is shown to have the higher score."""
        return self.score.low > 0


@dataclass(frozen=True, kw_only=True)
class Comparisons:
    """What the section shows; no leads without a second model, None where `metadata` is not complete."""

    against: list[Against]
    leads: list[Lead]
    sound_gains: list[SoundGain] | None


def comparisons(results: Results) -> Comparisons:
    """Compare the complete models with references, with each other, and with `metadata`."""
    against = []
    for role, reference in references(results).items():
        others = [model for model in results.complete if model is not reference]
        if others:
            rows = [difference_row(model, reference) for model in others]
            against.append(Against(reference=reference.name, role=role, rows=rows))
    return Comparisons(against=against, leads=leads(results), sound_gains=sound_gains(results))


def references(results: Results) -> dict[str, ModelResults]:
    """Find the models that the others are compared with, by their role; none twice."""
    candidates = {
        "best": results.best_baseline(),
        "baseline": results.find(BASELINE),
        "metadata": results.find(METADATA),
        "prior": results.find(PRIOR),
    }
    found: dict[str, ModelResults] = {}
    for role, model in candidates.items():
        if model is not None and model not in found.values():
            found[role] = model
    return found


def difference_row(model: ModelResults, reference: ModelResults) -> list[object]:
    """Name, differences, and on which metrics the interval excludes 0."""
    differences = {metric: difference(model, reference, metric) for metric in COMPARED}
    real = [METRICS[metric] for metric, value in differences.items() if value.excludes_zero]
    return [model.name, *differences.values(), ", ".join(real) or "no"]


def leads(results: Results) -> list[Lead]:
    """Compare the first model of the table with all others."""
    if len(results.complete) < 2:
        return []
    leader, *others = results.complete
    return [
        Lead(
            metric=metric,
            leader=leader.name,
            not_beaten=tuple(model.name for model in others if not difference(leader, model, metric).low > 0),
            second=others[0].name,
            difference=difference(leader, others[0], metric),
        )
        for metric in LEADING
    ]


def sound_gains(results: Results) -> list[SoundGain] | None:
    """Compare each model that uses the sound with `metadata`; None if that is not complete."""
    metadata = results.find(METADATA)
    if metadata is None:
        return None
    return [
        SoundGain(model=model.name, **{metric: difference(model, metadata, metric) for metric in LEADING})
        for model in results.complete
        if model.kind is not ModelKind.CONTROL
    ]
