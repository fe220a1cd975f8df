"""Differences between models on the same resampled patients, and what they show."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.statistics.bootstrap import UNKNOWN_DIFFERENCE, Difference, Estimate, estimate
from benchmarks.statistics.results import ModelResults, Results


def difference(model: ModelResults, reference: ModelResults, metric: str) -> Difference:
    """One complete model minus another, judged on the same resampled patients."""
    found = estimate(model.distributions[metric] - reference.distributions[metric])
    return Difference(found.value, found.low, found.high)


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

    def gain(self, metric: str) -> Difference:
        """The model minus its reference; NaN where they can't be compared."""
        if self.reference is None or not self.comparable:
            return UNKNOWN_DIFFERENCE
        return difference(self.model, self.reference, metric)


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
    """Names of what is shown to be better or worse (the interval excludes 0), not shown to differ, or undefined."""

    better: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    undefined: tuple[str, ...] = ()


def verdict(gains: Mapping[str, Estimate]) -> Verdict:
    """Group differences by what they show, in their order."""
    known = {name: gain for name, gain in gains.items() if np.isfinite(gain.value)}
    return Verdict(
        better=tuple(name for name, gain in known.items() if gain.low > 0),
        worse=tuple(name for name, gain in known.items() if gain.high < 0),
        undecided=tuple(name for name, gain in known.items() if not gain.excludes_zero),
        undefined=tuple(name for name in gains if name not in known),
    )
