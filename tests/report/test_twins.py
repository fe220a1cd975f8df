"""Semi-supervised models beside their supervised twins: what the report says of a gain, a loss, and of neither."""

import io
import itertools
import re
from pathlib import Path

import pandas as pd
import pytest
from made_up_results import curve, fail, made_up_results, semi_supervised
from matplotlib.image import imread
from test_report import change_facts, found_by

from benchmarks.report.figures.curves import draw_curves
from benchmarks.report.leaderboard import leaderboard
from benchmarks.report.page import Report, report_text, write_report
from benchmarks.report.twins import OUTCOMES, TWINS, pairs_of
from benchmarks.statistics.bootstrap import Estimate
from benchmarks.statistics.pairs import words_on
from benchmarks.statistics.results import COMPLETE, difference
from benchmarks.storage.records import FitKey

BUDGET = "patients-3fold-labels10"
STRENGTHS = {"prior": 0.0, "supervised-cnn": 0.8, "equal-cnn": 0.8, "better-cnn": 1.6, "worse-cnn": 0.2}
OF = dict.fromkeys(("equal-cnn", "better-cnn", "worse-cnn"), "supervised-cnn")
SAID = (
    "better than the supervised twin: `better-cnn`; worse than it: `worse-cnn`; "
    "not shown to differ from it: `equal-cnn`."
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A report with a model that gains, one that loses and one that is its twin; to be read only."""
    return write_report(made_up_results(tmp_path_factory.mktemp("results"), STRENGTHS, twins=OF, protocol=BUDGET))


def section(report: Report) -> str:
    return report.page.read_text().partition("## Against the supervised twin")[2].partition("\n## ")[0]


def twins(report: Report) -> pd.DataFrame:
    return pd.read_csv(report.page.parent / TWINS, keep_default_na=False).set_index("model")


def test_gain_loss_and_neither_are_said_in_words(written: Report) -> None:
    for name in ("score", "AUROC", "AUROC within patients"):
        assert f"- On {name}, {SAID}" in section(written)


def test_differences_are_paired_with_the_twin(written: Report) -> None:
    table, results = twins(written), written.results
    assert sorted(table.index) == sorted(OF)
    assert set(table["twin"]) == {"supervised-cnn"}
    assert set(table["paired_fits"]) == {6}
    reference = results.find("supervised-cnn")
    assert reference is not None
    for pair in pairs_of(results):
        for metric in ("score", "auroc", "auroc_within_patients"):
            gain = difference(pair.model, reference, metric)
            stored = [float(table.loc[pair.model.name, f"{metric}{end}"]) for end in ("", "_low", "_high")]
            assert stored == pytest.approx([gain.value, gain.low, gain.high], abs=1e-6)
    assert re.search(r"\| equal-cnn +\| supervised-cnn +\| +6 \|.*\+0\.000 \[\+0\.000, \+0\.000\]", section(written))


def test_every_kind_of_outcome_has_its_word_also_where_there_is_none() -> None:
    nan = float("nan")
    gains = {"a": Estimate(0.1, 0.01, 0.2), "b": Estimate(0.1, 0.0, 0.2), "c": Estimate(nan, nan, nan)}
    assert words_on("AUROC", gains, OUTCOMES) == (
        "On AUROC, better than the supervised twin: `a`; worse than it: none; not shown to differ from it: `b`; "
        "undefined: `c`."
    )


def test_a_twin_that_is_missing_or_incomplete_is_told(tmp_path: Path) -> None:
    of = {"lonely-cnn": "supervised-gru", "half-cnn": "supervised-cnn", "left-mlp": "supervised-mlp"}
    strengths = {"lonely-cnn": 1.0, "half-cnn": 1.0, "supervised-cnn": 0.5, "left-mlp": 1.0}
    store = made_up_results(tmp_path, strengths, twins=of, protocol=BUDGET)
    store.set_aside(FitKey("half-cnn", 0, 0))
    fail(store, "supervised-mlp")
    report = write_report(store)
    text = section(report)
    assert "`lonely-cnn` can't be compared: its twin `supervised-gru` was not run." in text
    assert "`half-cnn` can't be compared: `half-cnn` unfinished: 5 of 6 fits." in text
    assert "`left-mlp` can't be compared: `supervised-mlp` failed: 6 of 6 fits (ValueError: it broke | badly)." in text
    assert "minus twin" not in text
    table = twins(report)
    assert (table["auroc"] == "").all()
    assert COMPLETE not in set(table["status"])
    assert table["paired_fits"].to_dict() == {"half-cnn": 5, "left-mlp": 0, "lonely-cnn": 0}


def test_without_semi_supervised_models_nothing_is_said_of_twins(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"supervised-cnn": 1.0})
    (store.folder / TWINS).write_text("of an earlier run")
    report = write_report(store)
    text = report.page.read_text()
    assert not (store.folder / TWINS).exists()
    assert "twin" not in text
    assert "Unlabeled:" not in text
    assert not list((store.folder / "figures").glob("semi_supervised*"))


def test_facts_of_before_there_were_twins_can_be_read(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"cnn": 1.0})
    path = store.folder / "runs" / "cnn" / "seed0-fold0.json"
    path.write_text(re.sub(r'\n "(twin|unlabeled_clips)": .*', "", path.read_text()))
    assert "twin" not in path.read_text()
    assert load_results(store).models[0].twin == ""
    assert "Unlabeled:" not in write_report(store).page.read_text()


def test_the_unlabeled_are_described(written: Report) -> None:
    assert "- Unlabeled: 96 clips of 12 further patients, whose labels are hidden." in written.page.read_text()
    assert "Kind: semi-supervised. Supervised twin: `supervised-cnn`." in written.page.read_text()


def test_warnings_stand_in_the_section_too(tmp_path: Path) -> None:
    report = write_report(made_up_results(tmp_path, STRENGTHS, twins=OF, protocol=BUDGET, simulated=True))
    said = [line for line in section(report).splitlines() if line.startswith(("**Table", "- "))]
    assert len(said) == 4
    assert all("[SIMULATED]" in line for line in said)
    assert set(twins(report)["warning"]) == {"SIMULATED"}


def test_semi_supervised_curves_have_a_figure_for_each_twin(tmp_path: Path) -> None:
    of = {**OF, "pi-mlp": "supervised-mlp"}
    strengths = {**STRENGTHS, "supervised-mlp": 0.5, "pi-mlp": 0.6}
    results = load_results(made_up_results(tmp_path, strengths, twins=of, protocol=BUDGET, seeds=1))
    figures = draw_curves(results)
    assert figures == draw_curves(results)
    text = report_text(results, figures, tmp_path)
    for name in ("learning_curves", "semi_supervised_curves-supervised-cnn", "semi_supervised_curves-supervised-mlp"):
        assert f"(figures/{name}.png)" in text
    heights = [imread(io.BytesIO(figure.png), format="png").shape[0] for figure in figures.values()]
    assert heights[0] > heights[2], "two twins; three models of one twin, one of the other"
    assert heights[1] > 2 * heights[2]
    assert "known afterwards, never to the model" in figures["semi_supervised_curves-supervised-cnn.png"].caption


def test_curves_are_drawn_whatever_a_method_notes(tmp_path: Path) -> None:
    of = {"pi-cnn": "supervised-cnn"}
    store = made_up_results(tmp_path, {"pi-cnn": 1.0}, twins=of, seeds=1, protocol="patients-2fold-labels10")
    drawn = [draw_curves(load_results(store))]
    for absent in ({"confident_accuracy"}, {"confident", "confident_accuracy", "alpha", "valid_loss", "valid_score"}):
        rows = [{key: row[key] for key in row.keys() - absent} for row in semi_supervised(curve(0))]
        for fit in store.fits():
            change_facts(store, fit, curve=rows)
        drawn.append(draw_curves(load_results(store)))
        assert drawn[-1].keys() == drawn[0].keys()
    assert drawn[0] != drawn[1] != drawn[2]


@pytest.mark.parametrize("told", ["by the parameters", "by the curve"])
def test_on_a_fixed_schedule_the_score_is_noted_and_nothing_chosen(tmp_path: Path, told: str) -> None:
    store = made_up_results(tmp_path, {"cnn": 1.0}, seeds=1)
    boards = []
    for keep, best in (("last", 5), ("loss", 5)) if told == "by the parameters" else (("", 2), ("", 5)):
        rows = [{**row, "kept": int(row["epoch"] == 5)} for row in curve(0, kept=best)]
        for fit in store.fits():
            change_facts(store, fit, curve=rows, parameters={"keep": keep} if keep else {})
        boards.append(load_results(store))
    assert [found_by(results, 3) for results in boards] == [
        "fine",
        "`cnn` kept its last epoch in 3 of 3 fits; more epochs may help",
    ]
    noted, chosen = (draw_curves(results) for results in boards)
    assert noted != chosen, "dots mark the epochs that were chosen, and no others"


def test_tables_are_as_wide_as_their_headings_and_have_captions(written: Report) -> None:
    for above, block in itertools.pairwise(section(written).split("\n\n")):
        if block.startswith("|"):
            assert above.startswith("**Table ")
            assert len({line.count("|") for line in block.splitlines()}) == 1


def test_what_unlabeled_clips_add_is_told_where_a_method_can_do_without(tmp_path: Path) -> None:
    strengths = {"supervised-cnn": 0.5, "planted-cnn": 1.6, "planted-labeled-cnn": 1.0}
    of = dict.fromkeys(("planted-cnn", "planted-labeled-cnn"), "supervised-cnn")
    report = write_report(made_up_results(tmp_path, strengths, twins=of, protocol=BUDGET, seeds=1))
    row = next(
        line for line in section(report).splitlines() if "| planted-labeled-cnn " in line and line.count("|") == 6
    )
    whole, alone = (report.results.find(name) for name in ("planted-cnn", "planted-labeled-cnn"))
    assert whole is not None
    assert alone is not None
    assert row.startswith("| planted-cnn ")
    assert f"{difference(whole, alone, 'auroc').value:+.3f} [" in row


def test_nothing_is_told_of_it_where_there_is_no_such_pair(written: Report) -> None:
    assert "can do without" not in section(written)
