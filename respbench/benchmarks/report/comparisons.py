"""The page of comparisons: who is better than whom, ranks, who is as good as whom, and what adds to metadata."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from respbench.benchmarks.report.tables import BETWEEN, Row
from respbench.benchmarks.statistics.bayes import ROPE, as_good_as
from respbench.benchmarks.statistics.formatting import UNDEFINED, number, p_text
from respbench.benchmarks.statistics.metrics import LEADING
from respbench.benchmarks.statistics.pairwise import Leader, Pairwise, leader, ranks
from respbench.benchmarks.statistics.results import BASELINE, ModelResults, Results
from respbench.models.spec import ModelKind

BETTER, WORSE = "▲", "▼"
"""Mark a difference in a matrix: the row's model is shown to be better than the column's, or worse."""

SHORT = 8
"""Models of a short matrix, beside the controls."""


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Differences between models by one metric, as a table: each row's model minus each column's.

    Attributes:
        headers: of the table; models are numbered to keep columns narrow.
        rows: of the table.
        pairs: number of pairs whose p-values were adjusted together, whether or not they are shown.
    """

    headers: list[str]
    rows: list[list[object]]
    pairs: int


@dataclass(frozen=True, kw_only=True)
class Equivalence:
    """Rows of a table: how probably each model is worse than, equivalent to and better than some references."""

    references: tuple[str, ...]
    rope: float
    rows: list[list[object]]


@dataclass(frozen=True, kw_only=True)
class Comparisons:
    """What the page shows; by metric where it is about one.

    Attributes:
        matrices: of the metrics that at least two models have.
        leaders: the same.
        ranks: rows of a table; by metric of ``matrices``, value and rank.
        pairs: rows of a table of all pairs.
        equivalence: to the leader by AUROC and to the baseline; None without AUROC.
    """

    matrices: dict[str, Matrix]
    leaders: dict[str, Leader]
    ranks: list[list[object]]
    pairs: dict[str, list[list[object]]]
    equivalence: Equivalence | None


def comparisons(results: Results) -> Comparisons:
    """Compare all complete models of a folder with each other and with `metadata`."""
    families = {metric: Pairwise.of(results, metric) for metric in LEADING}
    families = {metric: pairs for metric, pairs in families.items() if len(pairs.models) > 1}
    return Comparisons(
        matrices={metric: matrix(pairs) for metric, pairs in families.items()},
        leaders={metric: found for metric in families if (found := leader(results, metric))},
        ranks=rank_rows(results, families),
        pairs={metric: pair_rows(pairs) for metric, pairs in families.items()},
        equivalence=equivalence(results),
    )


def matrix(pairs: Pairwise, models: Sequence[str] | None = None) -> Matrix:
    """Format the differences between some models, by default all; marks are those of the whole family."""
    shown = pairs.models if models is None else tuple(models)
    rows: list[list[object]] = [
        [i, name, *("" if other == name else marked(pairs, name, other) for other in shown)]
        for i, name in enumerate(shown, 1)
    ]
    return Matrix(headers=["no.", "model", *map(str, range(1, 1 + len(shown)))], rows=rows, pairs=pairs.family)


def short_matrix(results: Results, metric: str) -> Matrix | None:
    """Compare the first models of the leaderboard and the controls, in its order; None with fewer than two models."""
    pairs, first = Pairwise.of(results, metric), results.complete[:SHORT]
    shown = [model.name for model in results.complete if model in first or model.kind is ModelKind.CONTROL]
    return matrix(pairs, [name for name in shown if name in pairs.models]) if len(pairs.models) > 1 else None


def marked(pairs: Pairwise, model: str, other: str) -> str:
    """Format a difference with the mark of what it shows."""
    mark = f" {BETTER}" if pairs.better(model, other) else f" {WORSE}" if pairs.better(other, model) else ""
    return number(pairs.differences[model, other].value, "+.2f") + mark


def rank_rows(results: Results, families: dict[str, Pairwise]) -> list[list[object]]:
    """Each model's value and rank by each metric."""
    found = {metric: ranks(pairs) for metric, pairs in families.items()}
    return [
        [model.name, *(part for m in found for part in (model.estimate(m), found[m].get(model.name, UNDEFINED)))]
        for model in results.complete
    ]


def separation_rows(results: Results) -> Iterator[Row]:
    """Yield the rows of ranks.csv."""
    families = [Pairwise.of(results, metric) for metric in LEADING]
    found = [(pairs, ranks(pairs)) for pairs in families]
    for model in results.complete:
        row: dict[str, object] = {"model": model.name}
        for pairs, bounds in found:
            if rank := bounds.get(model.name):
                better = [other for other in pairs.others(model.name) if pairs.better(other, model.name)]
                values = {"rank_low": rank.low, "rank_high": rank.high, "worse_than": BETWEEN.join(better)}
                row |= {f"{pairs.metric}_{name}": value for name, value in values.items()}
        yield row


def pair_rows(pairs: Pairwise) -> list[list[object]]:
    """Each pair once, the model with the higher value first; the most certain differences first."""
    found = [
        pair for pair, gain in pairs.differences.items() if gain.value > 0 or (gain.value == 0 and pair[0] < pair[1])
    ]
    found.sort(key=lambda pair: (pairs.p_values[pair], pairs.differences[pair].p_value))
    return [
        [*pair, pairs.differences[pair], p_text(pairs.differences[pair].p_value), p_text(pairs.p_values[pair])]
        for pair in found
    ]


def equivalence(results: Results) -> Equivalence | None:
    """Compare each model with the leader by AUROC and with the baseline."""
    first = leader(results, "auroc")
    if first is None:
        return None
    names = dict.fromkeys([first.name, BASELINE])
    references = [found for name in names if (found := results.find(name))]
    return Equivalence(
        references=tuple(model.name for model in references),
        rope=ROPE,
        rows=[
            [model.name, *(p for reference in references for p in _beliefs(model, reference))]
            for model in results.complete
        ],
    )


def _beliefs(model: ModelResults, reference: ModelResults) -> list[str]:
    if model is reference:
        return [""] * 3
    found = as_good_as(model, reference)
    return [number(p, ".2f") for p in (found.worse, found.equivalent, found.better)]
