"""Models over corpora: from how many corpora on a diagram means anything, and what it shows then."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from scipy.stats import friedmanchisquare

from respbench.benchmarks.report.figures.critical_difference import draw_critical_difference
from respbench.benchmarks.statistics.critical_difference import critical_difference, fewest_corpora, ranks_of
from respbench.benchmarks.statistics.multiplicity import ALPHA

MODELS = ("weak", "best", "twin", "middle")


def values(corpora: int, noise: float = 0.01) -> np.ndarray:
    """`best` and `twin` are equal but for noise; the others are apart in every corpus."""
    rng = np.random.default_rng(0)
    return np.array([0.6, 0.9, 0.9, 0.75]) + rng.normal(0, noise, (corpora, 4)) + rng.normal(0, 0.02, (corpora, 1))


@pytest.mark.parametrize(("models", "corpora"), [(2, 6), (3, 7), (4, 8), (5, 9), (6, 11), (10, 11), (14, 12)])
def test_with_fewer_corpora_not_even_a_model_that_always_wins_is_separated(models: int, corpora: int) -> None:
    assert fewest_corpora(models) == corpora
    smallest = 2 / 2**corpora * comb(models, 2)
    assert smallest < ALPHA
    if models <= 5:
        assert 2 * smallest >= ALPHA, "one corpus fewer is too few"


def test_it_separates_what_differs_in_every_corpus_from_the_fewest_corpora_on() -> None:
    fewest = fewest_corpora(len(MODELS))
    found = critical_difference(MODELS, values(fewest))
    assert set(list(found.ranks)[:2]) == {"best", "twin"}
    assert list(found.ranks)[2:] == ["middle", "weak"]
    assert [set(group) for group in found.groups] == [{"best", "twin"}]
    assert found.corpora == fewest
    fewer = critical_difference(MODELS, values(fewest - 1))
    assert [set(group) for group in fewer.groups] == [set(MODELS)], "no pair can be separated"


def test_p_values_are_those_of_the_tests_and_the_order_of_the_models_does_not_count() -> None:
    table = values(9, noise=0.1)
    found = critical_difference(MODELS, table)
    assert found.p_value == pytest.approx(friedmanchisquare(*table.T).pvalue)
    assert sum(found.ranks.values()) == pytest.approx(10), "1 + 2 + 3 + 4"
    assert list(found.p_values) == list(combinations(found.ranks, 2))
    other = critical_difference(MODELS[::-1], table[:, ::-1])
    assert other.ranks == found.ranks
    assert {frozenset(pair): p for pair, p in other.p_values.items()} == pytest.approx(
        {frozenset(pair): p for pair, p in found.p_values.items()}
    )


def test_without_friedmans_test_no_pair_is_separated() -> None:
    table = np.random.default_rng(3).random((9, 4))
    found = critical_difference(MODELS, table)
    assert found.p_value > ALPHA
    assert found.groups == (tuple(found.ranks),)


def test_equal_models_share_a_rank_and_are_not_separated() -> None:
    table = values(12)
    table[:, 2] = table[:, 1]
    assert (ranks_of(table)[:, 1:3] == 1.5).all()
    found = critical_difference(MODELS, table)
    assert found.p_values["best", "twin"] == 1
    assert found.groups == (("best", "twin"),)


def test_the_diagram_is_reproducible() -> None:
    found = critical_difference(MODELS, values(12))
    assert draw_critical_difference(found) == draw_critical_difference(found)
    assert draw_critical_difference(found) != draw_critical_difference(critical_difference(MODELS, values(12, 0.5)))
