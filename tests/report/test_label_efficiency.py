"""The page over the label budgets of a corpus and task, from one budget to many."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from made_up_results import made_up_results
from matplotlib.image import imread

from respbench.benchmarks.report.folders import link, report_folders
from respbench.benchmarks.report.index import read_index, write_index
from respbench.benchmarks.report.label_efficiency import PAGE, Family, budget_of, read_families, write_label_efficiency
from respbench.benchmarks.report.pages import write_report
from respbench.benchmarks.report.tables import LEADERBOARD, TWINS
from respbench.benchmarks.statistics.comparisons import Verdict
from respbench.benchmarks.statistics.intervals import Difference, Estimate
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store

OF = {"fixmatch-cnn": "supervised-cnn", "vat-cnn": "supervised-cnn", "fixmatch-mlp": "supervised-mlp"}
MODELS = {"svm": 1.0, "supervised-cnn": 0.8, "fixmatch-cnn": 1.6, "vat-cnn": 0.8}
FIGURE = Path("figures", "label-efficiency-patients-3fold.png")


def budget(results: Path, percent: int, models: dict[str, float] | None = None, **kind: Any) -> Store:
    """A report of one budget, without figures."""
    protocol = f"patients-3fold-labels{percent}"
    store = made_up_results(results, models or MODELS, protocol=protocol, twins=OF, seeds=1, **kind)
    write_report(store, draw=False)
    return store


def family_of(store: Store) -> Family:
    (family,) = read_families(store.folder.parent)
    return family


def page_of(store: Store) -> str:
    return (store.folder.parent / PAGE).read_text()


def test_one_budget_is_enough_for_a_page(tmp_path: Path) -> None:
    store = budget(tmp_path, 10)
    family = family_of(store)
    assert family.not_run == ["5 %", "25 %", "50 %", "100 %"]
    assert family.budgets[0].row[:6] == ["10 %", "4", "2", "12", 1, "4 of 4 complete"]
    rows, twins = LEADERBOARD.read(store.folder), TWINS.read(store.folder)
    for metric in ("score", "auroc"):
        values = {row[0]: row[1:] for row in family.values(metric)}
        assert list(values) == ["supervised-cnn", "fixmatch-cnn", "vat-cnn", "svm"]
        assert all(values[model][1] == rows[model][metric] for model in rows)
        assert family.gains(metric) == [
            [model, "supervised-cnn", twins[model][metric]] for model in ("fixmatch-cnn", "vat-cnn")
        ]
        assert family.verdicts(metric) == {10: Verdict(better=("fixmatch-cnn",), undecided=("vat-cnn",))}
    assert page_of(store).count("with 10 %, better than the supervised twin: `fixmatch-cnn`; worse than it: none;") == 2
    assert f"]({FIGURE.as_posix()})" in page_of(store)


def test_budgets_are_side_by_side_fewest_labels_first(tmp_path: Path) -> None:
    budget(tmp_path, 100)
    write_label_efficiency(tmp_path / "made-up" / "abnormal")
    narrow = imread(io.BytesIO((tmp_path / "made-up" / "abnormal" / FIGURE).read_bytes()), format="png").shape[1]
    budget(tmp_path, 25, {**MODELS, "supervised-mlp": 0.5, "fixmatch-mlp": 0.7})
    last = budget(tmp_path, 5, {"supervised-cnn": 0.2, "fixmatch-cnn": 0.9})
    last.set_aside(FitKey("fixmatch-cnn", 0, 0))
    write_report(last, draw=False)
    write_label_efficiency(last.folder.parent)
    family = family_of(last)
    assert [one.percent for one in family.budgets] == [5, 25, 100]
    assert family.not_run == ["10 %", "50 %"]
    assert family.models == [
        "supervised-cnn",
        "fixmatch-cnn",
        "vat-cnn",
        "supervised-mlp",
        "fixmatch-mlp",
        "svm",
    ]
    for rows in (family.values("auroc"), family.gains("auroc")):
        found = {row[0]: row[2:] for row in rows}
        assert found["fixmatch-mlp"][::2] == ["not run", "not run"]
        assert found["fixmatch-cnn"][0] == "unfinished"
        assert found["vat-cnn"][0] == "not run"
    few, _, many = family.values("auroc")[0][2:]
    assert isinstance(few, Estimate)
    assert isinstance(many, Estimate)
    assert few.value < many.value
    assert imread(io.BytesIO((last.folder.parent / FIGURE).read_bytes()), format="png").shape[1] > narrow


def test_differences_come_from_the_report_of_the_budget(tmp_path: Path) -> None:
    store = budget(tmp_path, 10)
    rows = TWINS.read(store.folder)
    rows["vat-cnn"]["auroc"] = Difference(-0.25, -0.5, -0.125, se=0.09, df=20)
    TWINS.write(store.folder, rows.values())
    write_label_efficiency(store.folder.parent, draw=False)
    assert "-0.250 [-0.500, -0.125]" in page_of(store)
    assert family_of(store).verdicts("auroc") == {10: Verdict(better=("fixmatch-cnn",), worse=("vat-cnn",))}


def test_budgets_of_different_corpora_are_not_mixed(tmp_path: Path) -> None:
    first = budget(tmp_path, 10)
    (first.folder.parent / "figures").mkdir()
    (first.folder.parent / FIGURE).write_bytes(b"of an earlier report")
    budget(tmp_path, 25, contents="fedcba9876543210")
    write_label_efficiency(first.folder.parent)
    assert not family_of(first).comparable
    text = page_of(first)
    assert "10 % `0123456789abcdef`, 25 % `fedcba9876543210`" in text
    assert text.count("**Table") == 1, "what was run, and no number"
    assert not (first.folder.parent / FIGURE).exists()


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_numbers_are_marked_everywhere(tmp_path: Path, simulated: bool) -> None:
    text = page_of(budget(tmp_path, 10, simulated=simulated))
    places = re.findall(r"^(?:\*\*(?:Table|Figure) |#+ |- On |!\[Figure).*$", text, re.MULTILINE)
    assert len(places) > 10
    assert {"SIMULATED" in place for place in places} == {simulated}
    assert ("[!WARNING]" in text) == simulated


def test_the_page_is_the_same_in_every_order(tmp_path: Path) -> None:
    made = []
    for name, order in (("a", (10, 25)), ("b", (25, 10))):
        stores = [budget(tmp_path / name, percent) for percent in order]
        made.append(page_of(stores[0]))
    assert made[0] == made[1]


def test_another_number_of_folds_is_another_family(tmp_path: Path) -> None:
    budget(tmp_path, 10)
    other = made_up_results(tmp_path, {"svm": 1.0}, protocol="patients-2fold-labels25", seeds=1)
    write_report(other, draw=False)
    families = read_families(other.folder.parent)
    assert [(one.protocol, bool(one.figure), bool(one.twin_of)) for one in families] == [
        ("patients-2fold", False, False),
        ("patients-3fold", True, True),
    ]


def test_without_a_budget_there_is_no_page(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0}, seeds=1)
    write_report(store, draw=False)
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
    write_label_efficiency(store.folder.parent, draw=False)
    assert not family_of(store).comparable
    assert "25 % `unknown`" in page_of(store)


def test_the_index_links_the_page_and_lists_repeated_draws_apart(tmp_path: Path) -> None:
    budget(tmp_path, 10)
    budget(tmp_path, 5)
    budget(tmp_path / "ten-draws", 10)
    simulated = tmp_path / "ten-draws" / "simulated" / "abnormal" / "patients-3fold"
    simulated.mkdir(parents=True)
    (simulated / LEADERBOARD.filename).write_text("not to be read")
    index = read_index(tmp_path)
    place = Path("made-up", "abnormal")
    assert [line.place for line in index.benchmarks] == [place / f"patients-3fold-labels{n}" for n in (5, 10)]
    assert [line.place for line in index.repeated] == ["ten-draws" / place / "patients-3fold-labels10"]
    assert index.budgets == [link(place, PAGE), link("ten-draws" / place, PAGE)]
    text = write_index(tmp_path).read_text()
    assert "- [made-up · abnormal](made-up/abnormal/label-efficiency.md)" in text
    assert text.index("## Results of their own") < text.index(
        "[ten-draws · made-up · abnormal · patients-3fold-labels10]"
    )
    assert len(report_folders(tmp_path)) == 3
