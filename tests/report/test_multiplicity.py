"""Adjusted p-values, all pairs of a folder, ranks and the leader."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_results import STRENGTHS, made_up_results

from respbench.benchmarks.statistics.comparisons import difference
from respbench.benchmarks.statistics.intervals import Difference
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.multiplicity import ALPHA, holm
from respbench.benchmarks.statistics.pairwise import Pairwise, Rank, leader, negative, ranks
from respbench.benchmarks.statistics.results import Results


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A model that is far ahead, two that are alike, and controls."""
    strengths = {**STRENGTHS, "cnn": 1.25, "xgboost": 4.0}
    return load_results(made_up_results(tmp_path_factory.mktemp("results"), strengths))


def test_holm_multiplies_by_the_number_of_p_values_that_are_not_smaller() -> None:
    assert holm(np.array([0.01, 0.04, np.nan, 0.03, 0.005])) == pytest.approx(
        [0.03, 0.06, np.nan, 0.06, 0.02], nan_ok=True
    )


@given(st.lists(st.floats(0, 1), max_size=30))
def test_holm_keeps_the_order_and_lies_between_the_p_values_and_bonferroni(p_values: list[float]) -> None:
    p = np.array(p_values)
    adjusted = holm(p)
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()
    assert ((p <= adjusted) & (adjusted <= np.minimum(p * len(p), 1))).all()


def family(values: list[float], p_values: list[float]) -> Pairwise:
    """Models ``m0``, ``m1``, … with these values, and p-values of their pairs."""
    names = tuple(f"m{i}" for i in range(len(values)))
    found = {
        (names[i], names[j]): Difference(values[i] - values[j], np.nan, np.nan)
        for i, j in combinations(range(len(names)), 2)
    }
    p = dict(zip(found, p_values, strict=False))
    return Pairwise(
        metric="auroc",
        models=names,
        differences=found | {(two, one): negative(gain) for (one, two), gain in found.items()},
        p_values=p | {(two, one): value for (one, two), value in p.items()},
    )


@given(
    st.integers(2, 8).flatmap(
        lambda n: st.tuples(
            st.lists(st.floats(0, 1), min_size=n, max_size=n), st.lists(st.floats(0, 1), min_size=28, max_size=28)
        )
    )
)
def test_a_rank_interval_contains_the_observed_rank(drawn: tuple[list[float], list[float]]) -> None:
    values, p_values = drawn
    for value, rank in zip(values, ranks(family(values, p_values)).values(), strict=True):
        assert 1 <= rank.low <= 1 + sum(other > value for other in values) <= rank.high <= len(values)


def test_models_that_are_not_separated_share_ranks() -> None:
    #            m0-m1 m0-m2 m1-m2
    p_values = [0.30, 0.01, 0.02]
    found = ranks(family([0.8, 0.75, 0.6], p_values))
    assert found == {"m0": Rank(1, 2), "m1": Rank(1, 2), "m2": Rank(3, 3)}
    assert [str(rank) for rank in found.values()] == ["1 to 2", "1 to 2", "3"]


def test_all_pairs_of_a_folder_are_one_family(results: Results) -> None:
    pairs = Pairwise.of(results, "auroc")
    models = {model.name: model for model in results.complete}
    assert pairs.family == 10
    p = np.array([difference(models[a], models[b], "auroc").p_value for a, b in combinations(models, 2)])
    adjusted = dict(zip(combinations(models, 2), holm(p).tolist(), strict=True))
    for one, two in permutations(models, 2):
        direct = difference(models[one], models[two], "auroc")
        assert vars(pairs.differences[one, two]) == pytest.approx(vars(direct))
        assert pairs.p_values[one, two] == pytest.approx(adjusted.get((one, two), adjusted.get((two, one))))
        assert not (pairs.better(one, two) and pairs.better(two, one))
        assert pairs.separated(one, two) == pairs.separated(two, one) == (pairs.p_values[one, two] < ALPHA)


def test_the_leader_has_the_highest_value_and_names_whom_it_is_not_separated_from(results: Results) -> None:
    found = leader(results, "auroc")
    assert found is not None
    assert (found.name, found.second) == ("xgboost", max(("svm", "cnn"), key=lambda name: value(results, name)))
    assert found.rank == Rank(1, 1)
    assert found.not_separated == ()
    assert found.p_value < ALPHA


def value(results: Results, name: str) -> float:
    """AUROC of a model."""
    model = results.find(name)
    assert model is not None
    return model.value("auroc")
