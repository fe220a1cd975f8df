"""The opening of a report says who leads, by how much, and no more than the paired differences show."""

from dataclasses import replace
from pathlib import Path

import pytest
from made_up_results import made_up_results, report_text, written_text

from respbench.benchmarks.report.answer import Flattery, answer
from respbench.benchmarks.report.pages import README, write_report
from respbench.benchmarks.statistics.intervals import Estimate
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.results import Results

STRENGTHS = {"prior": 0.0, "metadata": 0.5, "svm": 1.5, "twin-of-svm": 1.5, "weak": 0.45}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return load_results(made_up_results(tmp_path_factory.mktemp("results"), STRENGTHS))


def test_the_leader_is_compared_with_the_next_model_and_the_control(results: Results) -> None:
    found = answer(results, Flattery())
    leader, second, *_ = results.complete
    assert found.leader is leader
    assert found.next is not None
    assert found.next.other == second.name
    assert found.next.differences == {metric: leader.minus(second, metric) for metric in ("score", "auroc")}
    assert found.control is not None
    assert found.control.other == "metadata"
    assert found.pairs == 5 * 4 / 2
    assert {second.name} <= set(found.not_separated)
    assert {"prior", "weak", "metadata"} == set(found.above)
    assert found.clips is not None
    assert (found.clips.total, round(found.clips.effective)) == (192, 24)


def test_the_paragraph_names_the_shorter_list(results: Results, tmp_path: Path) -> None:
    text = report_text(results, [], tmp_path)
    leader, second, *_ = results.complete
    paragraph = next(block for block in text.split("\n\n") if block.startswith(f"**`{leader.name}` has the highest"))
    assert f"Minus `{second.name}`, the next: score +0.0" in paragraph
    assert "Minus `metadata`, the control without audio: score +0." in paragraph
    assert f"its score is not separated from that of `{second.name}`, and shown to be above" in paragraph
    assert "192 clips of 24 patients, whose unequal shares count like 24 equal ones" in paragraph
    two = report_text(replace(results, models=results.complete[:2]), [], tmp_path)
    assert "Adjusted for all" not in two.partition("| model")[0]
    alone = report_text(replace(results, models=results.complete[:1]), [], tmp_path)
    assert f"**`{leader.name}`, the only model, has the score: 0." in alone
    one = report_text(replace(results, models=results.complete[-1:]), [], tmp_path).partition("**Table")[0]
    assert "Minus" not in one
    assert "pairs" not in one


def test_what_mistakes_would_report_is_in_italics_and_no_row_of_its_own(results: Results) -> None:
    found = answer(results, Flattery(leaky={"svm": Estimate(0.9876, 0.9, 1.0)}))
    assert found.headers[-1] == "*LEAKY: AUROC*"
    assert {row[0]: row[-1] for row in found.table} == dict.fromkeys(STRENGTHS, "") | {"svm": "*0.988*"}
    assert not any("PICKED" in header for header in found.headers)
    assert len(answer(results, Flattery()).headers) == len(found.headers) - 1


def test_the_leaky_column_comes_from_the_folder_beside(tmp_path: Path) -> None:
    mixed = made_up_results(tmp_path, {"svm": 2.0}, protocol="random-3fold", seeds=1)
    apart = made_up_results(tmp_path, {"svm": 1.0, "prior": 0.0}, seeds=1)
    shown = f"*{load_results(mixed).models[0].value('auroc'):.3f}*"
    write_report(apart, draw=False)
    readme = (apart.folder / README).read_text(encoding="utf-8")
    (row,) = [line for line in readme.splitlines() if line.startswith("| svm ")]
    assert row.rstrip("| ").endswith(shown)
    write_report(mixed, draw=False)
    assert "*LEAKY: AUROC*" not in written_text(mixed.folder)
