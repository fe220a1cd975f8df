"""Compare models over independent data sets: Friedman's test, then Wilcoxon's for each pair, adjusted by Holm.

The design of Demšar 2006 (JMLR 7:1-30) with the pairwise test that Benavoli, Corani & Mangili 2016 (JMLR 17:1-10) put
in place of Nemenyi's, whose verdict on a pair depends on the other models. A data set is a corpus, never a fold or a
task: those of one corpus share patients, so that their differences are not independent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import friedmanchisquare, rankdata, wilcoxon

from respbench.benchmarks.statistics.metrics import Floats
from respbench.benchmarks.statistics.multiplicity import ALPHA, holm

FEWEST_MODELS = 3
"""That Friedman's test compares."""

MANY_MODELS, FEWEST_OF_MANY = 5, 11
"""Demšar's rule of thumb for Friedman's test: with more than 5 models, more than 10 data sets."""


def fewest_corpora(models: int) -> int:
    """Count the corpora below which a critical-difference diagram of some models shows nothing or can't be trusted.

    The exact p-value of Wilcoxon's signed-rank test is at least 2 / 2^corpora. With fewer corpora than this number, it
    stays above `ALPHA` after Holm's adjustment even for a pair of which one model is better in every corpus.
    """
    pairs = models * (models - 1) / 2
    able = int(np.floor(np.log2(2 * pairs / ALPHA))) + 1
    return max(able, FEWEST_OF_MANY) if models > MANY_MODELS else able


@dataclass(frozen=True, kw_only=True)
class CriticalDifference:
    """What a critical-difference diagram shows.

    Attributes:
        ranks: mean rank over the corpora by model, best first; 1 is best.
        corpora: how many there are.
        p_value: of Friedman's test that all models are equal.
        p_values: by pair, each once, the better by mean rank first, adjusted by `holm`.
    """

    ranks: Mapping[str, float]
    corpora: int
    p_value: float
    p_values: Mapping[tuple[str, str], float]

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The longest runs of at least two models, neighbors by mean rank, of which no pair is separated."""
        names, found, last = tuple(self.ranks), list[tuple[str, ...]](), 0
        for start in range(len(names)):
            end = start + 1
            while end < len(names) and not any(self.separated(name, names[end]) for name in names[start:end]):
                end += 1
            if end - start > 1 and end > last:
                found.append(names[start:end])
                last = end
        return tuple(found)

    def separated(self, model: str, other: str) -> bool:
        """Whether a model is shown to differ from one of a higher mean rank; none is unless Friedman's test rejects."""
        return self.p_value < ALPHA and self.p_values[model, other] < ALPHA


def ranks_of(values: Floats) -> Floats:
    """(corpora, models) rank of each model in each corpus by its value; the highest is 1, equal ones share a mean."""
    ranks: Floats = rankdata(-values, axis=1)
    return ranks


def critical_difference(models: Sequence[str], values: Floats) -> CriticalDifference:
    """Compare models over corpora.

    Args:
        models: names; at least `FEWEST_MODELS`.
        values: (corpora, models) of a metric that is better the higher; none is NaN.
    """
    mean = ranks_of(values).mean(axis=0)
    order = [int(i) for i in np.argsort(mean, kind="stable")]
    ordered, names = values[:, order], [models[i] for i in order]
    pairs = list(combinations(range(len(names)), 2))
    p_values = holm(np.array([_wilcoxon(ordered[:, one] - ordered[:, two]) for one, two in pairs]))
    return CriticalDifference(
        ranks={models[i]: float(mean[i]) for i in order},
        corpora=len(values),
        p_value=float(friedmanchisquare(*ordered.T).pvalue),
        p_values={(names[one], names[two]): float(p) for (one, two), p in zip(pairs, p_values, strict=True)},
    )


def _wilcoxon(differences: Floats) -> float:
    return float(wilcoxon(differences).pvalue) if differences.any() else 1.0
