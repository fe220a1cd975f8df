"""p-values of a family of comparisons, adjusted for how many there are."""

import numpy as np

from respbench.benchmarks.statistics.metrics import Floats

ALPHA = 0.05
"""Probability, at most, that any comparison of a family is called different although it is not."""


def holm(p_values: Floats) -> Floats:
    """Adjust the p-values of a family (Holm 1979, Scandinavian Journal of Statistics 6:65-70).

    Whatever the dependence between the tests, with adjusted values below ``ALPHA`` called different, the probability
    that even one equal pair of the family is among them is at most ``ALPHA``.

    Args:
        p_values: (comparisons,) each in [0, 1]; NaN where a comparison is undefined, which doesn't count.

    Returns:
        (comparisons,) in [0, 1], none below its unadjusted value; NaN where undefined.
    """
    adjusted = np.full(len(p_values), np.nan)
    order = np.argsort(p_values, kind="stable")[: np.isfinite(p_values).sum()]
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * np.arange(len(order), 0, -1)), 1)
    return adjusted
