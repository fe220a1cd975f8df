"""The page over the label budgets of a corpus and task, from one budget to many."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_up_results import made_up_results
from matplotlib.image import imread

from benchmarks.report.index import reports_below
from benchmarks.report.label_efficiency import PAGE, budget_of, write_label_efficiency
from benchmarks.report.leaderboard import cell, leaderboard, leaderboard_csv
from benchmarks.report.page import write_index, write_report
from benchmarks.report.twins import TWINS, twins_csv
from benchmarks.storage.records import FitKey
from benchmarks.storage.store import Store

OF = {"fixmatch-cnn": "supervised-cnn", "vat-cnn": "supervised-cnn", "fixmatch-mlp": "supervised-mlp"}
MODELS = {"svm": 1.0, "supervised-cnn": 0.8, "fixmatch-cnn": 1.6, "vat-cnn": 0.8}
FIGURE = Path("figures", "label-efficiency-patients-3fold.png")


def budget(results: Path, percent: int, models: dict[str, float] | None = None, **kind: Any) -> Store:
    """Results of one budget, and what its report leaves for the page."""
    models = MODELS if models is None else models
    protocol = f"patients-3fold-labels{percent}"
    store = made_up_results(results, models, protocol=protocol, twins=OF, seeds=1, **kind)
    report(store)
    return store


def report(store: Store) -> None:
    """As `write_report`, without the figures, which take seconds."""
    results = load_results(store)
    (store.folder / "leaderboard.csv").write_text(leaderboard_text(results))
    (store.folder / TWINS).write_text(twins_csv(results) or "model\n")
    write_label_efficiency(store.folder.parent)


def page_of(store: Store) -> str:
    return (store.folder.parent / PAGE).read_text()


def tables(text: str) -> list[pd.DataFrame]:
    """Every table of a page, by its first column."""
    found = []
    for block in text.split("\n\n"):
        if block.startswith("|"):
            rows = [[part.strip() for part in line.strip("|").split("|")] for line in block.splitlines()]
            found.append(pd.DataFrame(rows[2:], columns=rows[0]).set_index(rows[0][0]))
    return found


def test_one_budget_is_enough_for_a_page(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, MODELS, protocol="patients-3fold-labels10", twins=OF)
    results = write_report(store).results
    text = page_of(store)
    assert "Not run: 5 %, 25 %, 50 %, 100 %." in text
    budgets, score, score_gain, auroc, auroc_gain = tables(text)
    assert budgets.loc["10 %"].to_list()[:5] == ["4", "2", "12", "2", "4 of 4 complete"]
    for metric, table in (("score", score), ("auroc", auroc)):
        assert list(table.index) == ["supervised-cnn", "fixmatch-cnn", "vat-cnn", "svm"]
        for entry in results.models:
            assert table.loc[entry.name, "10 %"] == cell(entry.estimate(metric))
    for table in (score_gain, auroc_gain):
        assert list(table.index) == ["fixmatch-cnn", "vat-cnn"]
        assert table.loc["vat-cnn", "10 %"] == "+0.000 [+0.000, +0.000]"
        assert re.match(r"\+0\.\d+ \[\+0", table.loc["fixmatch-cnn", "10 %"])
    for name in ("score", "AUROC"):
        said = f"- On {name}, with 10 %, better than the supervised twin: `fixmatch-cnn`; worse than it: none; "
        assert f"{said}not shown to differ from it: `vat-cnn`." in text
    assert (store.folder.parent / FIGURE).exists()
    assert f"]({FIGURE.as_posix()})" in text


def test_three_budgets_stand_side_by_side_fewest_labels_first(tmp_path: Path) -> None:
    budget(tmp_path, 100)
    narrow = imread(io.BytesIO((tmp_path / "made-up" / "abnormal" / FIGURE).read_bytes()), format="png").shape[1]
    budget(tmp_path, 25, {**MODELS, "supervised-mlp": 0.5, "fixmatch-mlp": 0.7})
    last = budget(tmp_path, 5, {"supervised-cnn": 0.2, "fixmatch-cnn": 0.9})
    last.set_aside(FitKey("fixmatch-cnn", 0, 0))
    report(last)
    text = page_of(last)
    assert "Not run: 10 %, 50 %." in text
    _, _, _, auroc, gain = tables(text)
    assert list(auroc.columns) == list(gain.columns) == ["twin", "5 %", "25 %", "100 %"]
    assert list(auroc.index) == [
        "supervised-cnn",
        "fixmatch-cnn",
        "vat-cnn",
        "supervised-mlp",
        "fixmatch-mlp",
        "svm",
    ]
    for table in (auroc, gain):
        assert list(table.loc["fixmatch-mlp", ["5 %", "100 %"]]) == ["not run", "not run"]
        assert table.loc["fixmatch-cnn", "5 %"] == "unfinished"
        assert table.loc["vat-cnn", "5 %"] == "not run"
    assert auroc.loc["supervised-cnn", "5 %"] < auroc.loc["supervised-cnn", "100 %"]
    assert imread(io.BytesIO((last.folder.parent / FIGURE).read_bytes()), format="png").shape[1] > narrow


def test_differences_come_from_the_report_of_the_budget(tmp_path: Path) -> None:
    store = budget(tmp_path, 10)
    path = store.folder / "twins.csv"
    table = pd.read_csv(path).set_index("model")
    table.loc["vat-cnn", ["auroc", "auroc_low", "auroc_high"]] = [-0.25, -0.5, -0.125]
    table.to_csv(path)
    write_label_efficiency(store.folder.parent)
    assert "-0.250 [-0.500, -0.125]" in page_of(store)
    assert "On AUROC, with 10 %, better than the supervised twin: `fixmatch-cnn`; worse than it: `vat-cnn`;" in page_of(
        store
    )


def test_budgets_of_different_corpora_are_not_mixed(tmp_path: Path) -> None:
    first = budget(tmp_path, 10)
    assert (first.folder.parent / FIGURE).exists()
    budget(tmp_path, 25, contents="fedcba9876543210")
    text = page_of(first)
    assert "can't be compared: they were run on different contents of the corpus" in text
    assert "10 % `0123456789abcdef`, 25 % `fedcba9876543210`" in text
    assert len(tables(text)) == 1, "what was run, and no number"
    assert not (first.folder.parent / FIGURE).exists(), "the figure of before shows what can't be compared"


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_numbers_are_marked_wherever_they_stand(tmp_path: Path, simulated: bool) -> None:
    text = page_of(budget(tmp_path, 10, simulated=simulated))
    places = re.findall(r"^(?:\*\*(?:Table|Figure) |#+ |- On |!\[Figure).*$", text, re.MULTILINE)
    assert len(places) > 10
    assert {"SIMULATED" in place for place in places} == {simulated}
    assert ("[!WARNING]" in text) == simulated


def test_the_page_is_the_same_every_time_and_in_every_order(tmp_path: Path) -> None:
    made = []
    for name, order in (("a", (10, 25)), ("b", (25, 10))):
        for percent in order:
            folder = budget(tmp_path / name, percent).folder.parent
        made.append([(folder / file).read_bytes() for file in (PAGE, FIGURE)])
    assert made[0] == made[1]


def test_folds_of_another_number_stand_apart(tmp_path: Path) -> None:
    budget(tmp_path, 10)
    other = made_up_results(tmp_path, {"svm": 1.0}, protocol="patients-2fold-labels25", seeds=1)
    report(other)
    text = page_of(other)
    assert text.index("## Budgets of `patients-2fold`") < text.index("## Budgets of `patients-3fold`")
    assert "minus its supervised twin" not in text.partition("`patients-3fold`")[0], "no twin was run there"
    assert [figure.name for figure in other.folder.parent.glob("figures/*")] == [FIGURE.name]


def test_without_a_budget_there_is_no_page(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0}, seeds=1)
    write_report(store)
    assert not (store.folder.parent / PAGE).exists()
    assert "abel efficiency" not in write_index(tmp_path).read_text()
    (store.folder.parent / PAGE).write_text("of an earlier run")
    write_label_efficiency(store.folder.parent)
    assert not (store.folder.parent / PAGE).exists()


def test_only_folders_of_budgets_are_budgets() -> None:
    assert budget_of(Path("patients-5fold-labels10"))
    for name in ("patients-5fold", "patients-5fold-labels10-ablation", "patients-5fold-labels10-of-0a1b", "official"):
        assert budget_of(Path(name)) is None


def test_a_budget_without_stored_fits_is_not_taken_for_the_same_corpus(tmp_path: Path) -> None:
    store = budget(tmp_path, 10)
    for path in budget(tmp_path, 25).folder.glob("runs/*/*.json"):
        path.write_text(json.dumps({}))
    write_label_efficiency(store.folder.parent)
    assert "25 % `unknown`" in page_of(store)


def test_the_index_links_the_page_and_lists_repeated_draws_apart(tmp_path: Path) -> None:
    budget(tmp_path, 10)
    budget(tmp_path, 5)
    budget(tmp_path / "ten-draws", 10)
    simulated = tmp_path / "ten-draws" / "simulated" / "abnormal" / "patients-3fold"
    simulated.mkdir(parents=True)
    (simulated / "leaderboard.csv").write_text("not to be read")
    text = write_index(tmp_path).read_text()
    above, _, below = text.partition("## Results of their own")
    rows = [line.split("](")[0] for line in above.splitlines() if line.startswith("| [")]
    assert rows == ["| [made-up · abnormal · patients-3fold-labels5", "| [made-up · abnormal · patients-3fold-labels10"]
    assert "- [made-up · abnormal](made-up/abnormal/label-efficiency.md)" in above
    assert "- [ten-draws · made-up · abnormal](ten-draws/made-up/abnormal/label-efficiency.md)" in above
    assert re.findall(r"\| \[(.*?)\]\((.*?)\)", below) == [
        (
            "ten-draws · made-up · abnormal · patients-3fold-labels10",
            "ten-draws/made-up/abnormal/patients-3fold-labels10/README.md",
        )
    ]
    assert len(reports_below(tmp_path)) == 3
