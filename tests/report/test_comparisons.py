"""The page of comparisons: matrices, ranks, equivalence, and what models add to metadata."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_results import KINDS, STRENGTHS, made_up_results, report_text

from respbench.benchmarks.report.answer import Flattery, answer
from respbench.benchmarks.report.comparisons import BETTER, WORSE, comparisons, matrix, short_matrix
from respbench.benchmarks.report.figures.comparisons import plan_comparisons
from respbench.benchmarks.report.metadata_control import added
from respbench.benchmarks.statistics.comparisons import Verdict, verdict
from respbench.benchmarks.statistics.intervals import Difference
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metadata_control import gain_of
from respbench.benchmarks.statistics.metrics import LEADING
from respbench.benchmarks.statistics.pairwise import Pairwise, ranks
from respbench.benchmarks.statistics.results import METADATA, Results

STRONG = {**STRENGTHS, "duration": 0.2, "weak": 0.01, "xgboost": 4.0, "cnn": 1.25}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Three controls and four models that use audio; `xgboost` is far ahead."""
    return load_results(made_up_results(tmp_path_factory.mktemp("results"), STRONG))


def without(results: Results, *names: str) -> Results:
    """The results without some models."""
    return replace(results, models=tuple(model for model in results.models if model.name not in names))


def test_the_matrix_is_antisymmetric_and_marks_what_is_separated(results: Results) -> None:
    pairs = Pairwise.of(results, "auroc")
    found = matrix(pairs)
    cells = {(row[1], other): cell for row in found.rows for other, cell in zip(pairs.models, row[2:], strict=True)}
    assert found.headers == ["no.", "model", *(str(1 + i) for i in range(len(STRONG)))]
    opposite = str.maketrans({"+": "-", "-": "+", BETTER: WORSE, WORSE: BETTER})
    for (model, other), cell in cells.items():
        assert cell == str(cells[other, model]).translate(opposite)
        assert (cell == "") == (model == other)
        if model != other:
            assert (BETTER in str(cell)) == pairs.better(model, other)
    assert BETTER in str(cells["xgboost", "prior"])
    assert WORSE in str(cells["svm", "xgboost"])


def test_a_short_matrix_has_the_first_models_and_the_controls_with_the_marks_of_the_whole_family(
    results: Results,
) -> None:
    many = replace(
        results,
        models=(
            *(model for model in results.models if model.name not in KINDS),
            *(replace(results.models[0], name=f"copy{i}") for i in range(8)),
            *(model for model in results.models if model.name in KINDS),
        ),
    )
    short = short_matrix(many, "auroc")
    assert short is not None
    shown = [row[1] for row in short.rows]
    assert len(shown) == 8 + 3
    assert {"prior", "duration", "metadata"} < set(shown)
    assert "copy7" not in shown
    pairs = Pairwise.of(many, "auroc")
    assert short == matrix(pairs, [str(name) for name in shown])
    assert short.pairs == pairs.family == 15 * 14 / 2


def test_the_page_shows_leader_ranks_and_all_pairs_once(results: Results) -> None:
    found = comparisons(results)
    assert list(found.matrices) == list(found.leaders) == list(found.pairs) == list(LEADING)
    assert [row[0] for row in found.ranks] == [model.name for model in results.complete]
    assert found.ranks[0][0] == "xgboost"
    assert [str(cell) for cell in found.ranks[0][2::2]] == ["1", "1"]
    for rows in found.pairs.values():
        assert len({frozenset(row[:2]) for row in rows}) == len(rows) == 21
        assert all(row[2].value >= 0 for row in rows)


def test_models_are_as_good_as_the_leader_and_the_baseline(results: Results) -> None:
    found = comparisons(results).equivalence
    assert found is not None
    assert found.references == ("xgboost", "svm")
    rows = {str(row[0]): row[1:] for row in found.rows}
    assert rows["xgboost"] == ["", "", "", "0.00", "0.01", "0.99"]
    for row in rows.values():
        assert sum(float(str(p)) for p in row if p) == pytest.approx(sum(bool(p) for p in row) / 3, abs=0.03)
    only = comparisons(without(results, "xgboost", "cnn", "metadata")).equivalence
    assert only is not None
    assert only.references == ("svm",)


def test_the_section_about_metadata_groups_models_by_what_is_shown(results: Results) -> None:
    found = added(results)
    assert [row[0] for row in found.rows] == ["xgboost", "svm", "cnn", "weak"]
    assert "weak" not in found.gains
    assert found.open == ("weak",)
    assert found.gains["xgboost"].low > 0
    assert found.has_metadata
    assert not found.undefined
    alone = added(without(results, METADATA))
    assert not alone.has_metadata
    assert not alone.gains
    assert "xgboost" in alone.within["auroc_within_strata"]


def test_the_page_has_a_sentence_for_every_outcome(results: Results, tmp_path: Path) -> None:
    text = report_text(results, list(plan_comparisons(results)), tmp_path)
    assert "`xgboost` has the highest value; its rank is 1." in text
    assert "It is shown to be better than every other model." in text
    assert "Together with `metadata`, ranks better than `metadata` alone, gain in AUROC: `xgboost` +0." in text
    assert (
        "Ranks clips of the same device, location, mode and fifth of the durations better than chance: `xgboost`"
        in text
    )
    assert "- Open: `weak`." in text
    assert text.count("figures/differences-auroc.png") == 1
    text = report_text(without(results, METADATA, "xgboost"), [], tmp_path)
    assert "gains over it are unknown" in text
    assert "Not separated from it: " in text
    assert "figures/differences" not in text
    text = report_text(without(results, *(set(STRONG) - {"prior"})), [], tmp_path)
    assert "there is nothing to compare" in text
    assert "No model that uses audio is complete." in text


def test_the_opening_has_ranks_and_what_the_leader_adds_to_metadata(results: Results) -> None:
    found = answer(results, Flattery())
    place = found.headers.index("rank")
    expected = ranks(Pairwise.of(results, "score"))
    assert {row[0]: row[place] for row in found.table} == expected
    leader, metadata = results.find("xgboost"), results.find(METADATA)
    assert leader is not None
    assert found.gain == gain_of(leader, metadata, len(results.patients))
    assert np.isnan(answer(without(results, METADATA), Flattery()).gain.value)


def test_a_figure_is_drawn_for_each_metric_and_none_for_a_single_model(results: Results) -> None:
    drawings = plan_comparisons(results)
    assert list(drawings) == ["differences-score.png", "differences-auroc.png"]
    first, again = (drawings["differences-auroc.png"]() for _ in range(2))
    assert first == again
    assert first.startswith(b"\x89PNG")
    assert plan_comparisons(without(results, *(set(STRONG) - {"svm"}))) == {}


def test_four_classes_and_one_fold_are_reported(tmp_path: Path) -> None:
    classes = ("normal", "crackle", "wheeze", "both")
    four = load_results(made_up_results(tmp_path / "four", {"metadata": 0.5, "svm": 2.0}, seeds=1, classes=classes))
    assert added(four).gains["svm"].low > 0
    assert "Abnormal, of whatever kind, against normal." in report_text(four, [], tmp_path)


def test_differences_are_grouped_by_p_values_that_are_adjusted_for_their_number() -> None:
    def gain(standard_errors: float) -> Difference:
        value = 0.1 * np.sign(standard_errors)
        return Difference(value, value - 1, value + 1, se=0.1 / abs(standard_errors), df=30)

    nan = Difference(*[float("nan")] * 3)
    many = {"a": gain(4), "b": gain(2.2), "c": nan, "d": gain(-4), "e": gain(1), "f": gain(-1)}
    assert gain(2.2).p_value < 0.05
    assert verdict(many) == Verdict(better=("a",), worse=("d",), undecided=("b", "e", "f"), undefined=("c",))
    assert verdict({"b": gain(2.2)}) == Verdict(better=("b",))
