"""All differences between the models of a folder by one metric, as one family; ranks and the leader that follow."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

import numpy as np

from respbench.benchmarks.statistics.intervals import Difference
from respbench.benchmarks.statistics.metrics import LEADING
from respbench.benchmarks.statistics.multiplicity import ALPHA, holm
from respbench.benchmarks.statistics.results import Results

Pair = tuple[str, str]
"""Names of a model and of the one that it is compared with."""


@dataclass(frozen=True, kw_only=True)
class Pairwise:
    """Every model of a folder minus every other one.

    Attributes:
        metric: by which they are compared.
        models: names of those whose metric is defined, in the order of the leaderboard.
        differences: by pair, in both directions.
        p_values: by pair, in both directions, adjusted by `holm` over all pairs.
    """

    metric: str
    models: tuple[str, ...]
    differences: Mapping[Pair, Difference]
    p_values: Mapping[Pair, float]

    @staticmethod
    @lru_cache(maxsize=len(LEADING))  # several pages and figures of a report show the same pairs
    def of(results: Results, metric: str) -> "Pairwise":
        """Compare the complete models of a folder."""
        models = [model for model in results.complete if np.isfinite(model.value(metric))]
        found = {(one.name, two.name): one.minus(two, metric) for one, two in combinations(models, 2)}
        adjusted = holm(np.array([gain.p_value for gain in found.values()])).tolist()
        p_values = dict(zip(found, adjusted, strict=True))
        return Pairwise(
            metric=metric,
            models=tuple(model.name for model in models),
            differences=found | {(two, one): negative(gain) for (one, two), gain in found.items()},
            p_values=p_values | {(two, one): p for (one, two), p in p_values.items()},
        )

    @property
    def family(self) -> int:
        """Number of pairs whose p-values were adjusted together."""
        return len(self.differences) // 2

    def others(self, model: str) -> tuple[str, ...]:
        """All models but one."""
        return tuple(other for other in self.models if other != model)

    def better(self, model: str, other: str) -> bool:
        """Whether a model is shown to be better than another: its adjusted p-value is below `ALPHA`."""
        return self.differences[model, other].value > 0 and self.p_values[model, other] < ALPHA

    def not_separated(self, model: str) -> tuple[str, ...]:
        """The models that one is shown to be neither better nor worse than."""
        return tuple(other for other in self.others(model) if not self.separated(model, other))

    def separated(self, model: str, other: str) -> bool:
        """Whether one of two models is shown to be better than the other."""
        return self.better(model, other) or self.better(other, model)


def negative(gain: Difference) -> Difference:
    """The same difference seen from the other model."""
    return replace(gain, value=-gain.value, low=-gain.high, high=-gain.low)


@dataclass(frozen=True)
class Rank:
    """The ranks that a model may have; models that are not separated share ranks.

    Attributes:
        low: 1 + the number of models that are shown to be better.
        high: number of models - the number of those that are shown to be worse.
    """

    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.low}" if self.low == self.high else f"{self.low} to {self.high}"


def ranks(pairs: Pairwise) -> dict[str, Rank]:
    """Bound the rank of each model by the pairs that are separated, in the order of the leaderboard.

    All intervals of a metric together are nominally 95 % intervals (Mogstad, Romano, Shaikh & Wilhelm 2024,
    doi:10.1093/restud/rdad006, with Holm's procedure in place of their bootstrap).
    """
    return {
        model: Rank(
            1 + sum(pairs.better(other, model) for other in pairs.others(model)),
            len(pairs.models) - sum(pairs.better(model, other) for other in pairs.others(model)),
        )
        for model in pairs.models
    }


@dataclass(frozen=True, kw_only=True)
class Leader:
    """The model with the highest value of a metric, and what is known about its lead.

    Attributes:
        metric: by which it leads.
        name: of the model.
        rank: interval of its rank.
        second: the model with the next value.
        difference: the leader minus the second.
        p_value: of that difference, adjusted over all pairs of the folder.
        not_separated: the models that it is shown to be neither better nor worse than, in the order of the leaderboard.
        better: the models that are shown to be better, such as one from outside.
    """

    metric: str
    name: str
    rank: Rank
    second: str
    difference: Difference
    p_value: float
    not_separated: tuple[str, ...]
    better: tuple[str, ...]


def leader(results: Results, metric: str = "auroc") -> Leader | None:
    """Find the leader of a folder by a metric; None where fewer than two models have a value.

    What comes from outside doesn't lead: it may have been trained on the patients it predicts.
    """
    pairs = Pairwise.of(results, metric)
    defined = [model for model in results.complete if model.name in pairs.models and not model.from_outside]
    if len(defined) < 2:
        return None
    first, second = sorted(defined, key=lambda model: -model.value(metric))[:2]
    pair = (first.name, second.name)
    return Leader(
        metric=metric,
        name=first.name,
        rank=ranks(pairs)[first.name],
        second=second.name,
        difference=pairs.differences[pair],
        p_value=pairs.p_values[pair],
        not_separated=pairs.not_separated(first.name),
        better=tuple(other for other in pairs.others(first.name) if pairs.better(other, first.name)),
    )
