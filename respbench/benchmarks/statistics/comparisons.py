"""Differences between models on the same patients and repeats, and what they show."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from respbench.benchmarks.statistics.intervals import UNKNOWN_DIFFERENCE, Difference
from respbench.benchmarks.statistics.metrics import Floats
from respbench.benchmarks.statistics.multiplicity import ALPHA, holm
from respbench.benchmarks.statistics.results import ModelResults, Results


def difference(model: ModelResults, reference: ModelResults, metric: str) -> Difference:
    """See `ModelResults.minus`."""
    return model.minus(reference, metric)


@dataclass(frozen=True)
class Pair:
    """A model beside the one that it differs from in one respect.

    Attributes:
        model: the one that is judged.
        reference: the one that it is compared with; None if it is not in the folder.
        absent: what to report then.
    """

    model: ModelResults
    reference: ModelResults | None
    absent: str = ""

    @property
    def obstacle(self) -> str:
        """Why the two can't be compared; empty if they can."""
        if self.reference is None:
            return self.absent
        return "; ".join(f"`{one.name}` {one.status}" for one in (self.model, self.reference) if not one.complete)

    @property
    def comparable(self) -> bool:
        """Whether both are complete."""
        return not self.obstacle

    @property
    def shared_fits(self) -> int:
        """Number of seeds and folds that both were fitted on."""
        both = [{(fit.key.seed, fit.key.fold) for fit in one.fits} for one in (self.model, self.reference) if one]
        return len(set.intersection(*both)) if len(both) == 2 else 0

    @property
    def shared_repeats(self) -> int:
        """Number of repeats that both have."""
        return len(set(self.model.seeds) & set(self.reference.seeds)) if self.reference else 0

    def gain(self, metric: str) -> Difference:
        """The model minus its reference; NaN where they can't be compared."""
        if self.reference is None or not self.comparable:
            return UNKNOWN_DIFFERENCE
        return difference(self.model, self.reference, metric)

    def gain_by_repeat(self, metric: str) -> Floats:
        """(shared repeats,) the model minus its reference; empty where they can't be compared."""
        if self.reference is None or not self.comparable:
            return np.empty(0)
        return self.model.differences(self.reference, metric)[:, 0]


def twin_pairs(results: Results) -> list[Pair]:
    """Pair every semi-supervised model with its twin, sorted by the twin's name, then in the order of the table."""
    models = {model.name: model for model in results.models}
    semi = [model for model in results.models if model.twin]
    pairs = [Pair(model, models.get(model.twin), f"its twin `{model.twin}` was not run") for model in semi]
    return sorted(pairs, key=lambda pair: pair.model.twin)


def tuned_pairs(results: Results) -> list[Pair]:
    """Pair every tuned model with the same with its default parameters, in the order of the table."""
    models = {model.name: model for model in results.models}
    absent = "`{}`, the same with its default parameters, was not run"
    return [
        Pair(model, models.get(model.untuned), absent.format(model.untuned))
        for model in results.models
        if model.untuned
    ]


@dataclass(frozen=True)
class Verdict:
    """Names of what is shown to be better or worse, not shown to differ, or undefined."""

    better: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    undefined: tuple[str, ...] = ()


def verdict(gains: Mapping[str, Difference]) -> Verdict:
    """Group differences by what they show, in their order, with p-values adjusted by `holm` over all of them."""
    p_values = holm(np.array([gain.p_value for gain in gains.values()]))
    shown = [name for name, p in zip(gains, p_values, strict=True) if p < ALPHA]
    return Verdict(
        better=tuple(name for name in shown if gains[name].value > 0),
        worse=tuple(name for name in shown if gains[name].value < 0),
        undecided=tuple(name for name, gain in gains.items() if np.isfinite(gain.value) and name not in shown),
        undefined=tuple(name for name, gain in gains.items() if np.isnan(gain.value)),
    )
