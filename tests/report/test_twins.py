"""Semi-supervised models beside their supervised twins: gains, losses, and neither."""

import io
import re
from pathlib import Path

import pytest
from made_up_results import (
    change_record,
    curve,
    fail,
    found_by,
    made_up_results,
    report_text,
    semi_supervised,
    written_text,
)
from made_up_studies import usual
from matplotlib.image import imread

from respbench.benchmarks.report import checks
from respbench.benchmarks.report.figures.curves import plan_curves
from respbench.benchmarks.report.pages import Report, write_report
from respbench.benchmarks.report.tables import TWINS
from respbench.benchmarks.report.twins import twin_rows, twins
from respbench.benchmarks.statistics.comparisons import Verdict, difference, twin_pairs
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import COMPARED
from respbench.benchmarks.storage.records import FitKey

BUDGET = "patients-3fold-labels10"
STRENGTHS = {"prior": 0.0, "supervised-cnn": 0.8, "equal-cnn": 0.8, "better-cnn": 1.6, "worse-cnn": 0.2}
OF = dict.fromkeys(("equal-cnn", "better-cnn", "worse-cnn"), "supervised-cnn")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A report with a model that gains, one that loses and one that equals its twin; to be read only."""
    store = made_up_results(tmp_path_factory.mktemp("results"), STRENGTHS, twins=OF, protocol=BUDGET)
    return write_report(store, draw=False)


def section(report: Report) -> str:
    return written_text(report.page.parent).partition("## Against the supervised twin")[2].partition("\n## ")[0]


def test_gain_loss_and_neither_are_told_apart(written: Report) -> None:
    found = twins(written.results)
    assert found is not None
    expected = Verdict(better=("better-cnn",), worse=("worse-cnn",), undecided=("equal-cnn",))
    assert found.verdicts == dict.fromkeys(COMPARED, expected)
    assert found.labeled == []
    assert "better than the supervised twin: `better-cnn`; worse than it: `worse-cnn`; not shown" in section(written)


def test_differences_are_paired_with_the_twin(written: Report) -> None:
    rows = TWINS.read(written.page.parent)
    reference = written.results.find("supervised-cnn")
    assert reference is not None
    assert set(rows) == set(OF)
    for pair in twin_pairs(written.results):
        row = rows[pair.model.name]
        assert (row["twin"], row["paired_fits"], row["status"]) == ("supervised-cnn", 6, "complete")
        for metric in COMPARED:
            gain = difference(pair.model, reference, metric)
            assert vars(row[metric]) == pytest.approx(vars(gain), abs=1e-6)
            assert row[metric].p_value == pytest.approx(gain.p_value, rel=1e-3)
    equal = rows["equal-cnn"]["auroc"]
    assert (equal.value, equal.low, equal.high, equal.p_value) == (0, 0, 0, 1)


def test_a_twin_that_is_missing_or_incomplete_is_named(tmp_path: Path) -> None:
    of = {"lonely-cnn": "supervised-gru", "half-cnn": "supervised-cnn", "left-mlp": "supervised-mlp"}
    strengths = {"lonely-cnn": 1.0, "half-cnn": 1.0, "supervised-cnn": 0.5, "left-mlp": 1.0}
    store = made_up_results(tmp_path, strengths, twins=of, protocol=BUDGET)
    store.set_aside(FitKey("half-cnn", 0, 0))
    fail(store, "supervised-mlp")
    report = write_report(store, draw=False)
    found = twins(report.results)
    assert found is not None
    assert found.rows == []
    assert found.obstacles == {
        "lonely-cnn": "its twin `supervised-gru` was not run",
        "half-cnn": "`half-cnn` unfinished: 5 of 6 fits",
        "left-mlp": "`supervised-mlp` failed: 6 of 6 fits (ValueError: it broke | badly)",
    }
    rows = TWINS.read(store.folder)
    assert {name: (row["paired_fits"], row["auroc"], row["status"]) for name, row in rows.items()} == {
        name: (fits, None, found.obstacles[name])
        for name, fits in {"half-cnn": 5, "left-mlp": 0, "lonely-cnn": 0}.items()
    }
    assert all(f"`{name}` can't be compared: {why}." in section(report) for name, why in found.obstacles.items())


def test_without_semi_supervised_models_there_is_no_section(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"supervised-cnn": 1.0}, seeds=1)
    (store.folder / TWINS.filename).write_text("of an earlier run")
    report = write_report(store, draw=False)
    assert not (store.folder / TWINS.filename).exists()
    assert twins(report.results) is None
    assert "twin" not in written_text(report.page.parent)
    assert "Unlabeled:" not in written_text(report.page.parent)


def test_the_unlabeled_are_described(written: Report) -> None:
    assert "- Unlabeled: 96 clips of 12 further patients, whose labels are hidden." in written_text(written.page.parent)
    assert "Kind: semi-supervised. Supervised twin: `supervised-cnn`." in written_text(written.page.parent)


def test_warnings_accompany_the_section(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, STRENGTHS, twins=OF, protocol=BUDGET, simulated=True, seeds=1)
    report = write_report(store, draw=False)
    flagged = [line for line in section(report).splitlines() if line.startswith(("**Table", "- "))]
    assert len(flagged) == 4
    assert all("[SIMULATED]" in line for line in flagged)
    assert {row["warning"] for row in TWINS.read(store.folder).values()} == {"SIMULATED"}


def test_each_twin_has_a_figure_of_its_semi_supervised_models(tmp_path: Path) -> None:
    of = {"pi-cnn": "supervised-cnn", "vat-cnn": "supervised-cnn", "pi-mlp": "supervised-mlp"}
    strengths = {"supervised-cnn": 0.5, "pi-cnn": 0.6, "vat-cnn": 0.7, "supervised-mlp": 0.5, "pi-mlp": 0.6}
    results = load_results(made_up_results(tmp_path, strengths, twins=of, protocol="patients-2fold-labels10", seeds=1))
    drawings = plan_curves(results)
    cnn, mlp = (f"semi_supervised_curves-supervised-{backbone}.png" for backbone in ("cnn", "mlp"))
    assert list(drawings) == ["learning_curves.png", cnn, mlp]
    images = {name: draw() for name, draw in drawings.items()}
    assert images[mlp] == drawings[mlp]()
    heights = {name: imread(io.BytesIO(png), format="png").shape[0] for name, png in images.items()}
    assert heights[cnn] > 1.5 * heights[mlp], "two models, and one"
    text = report_text(results, drawings, tmp_path)
    assert all(f"(figures/{name})" in text for name in drawings)


def test_curves_are_drawn_whatever_a_method_records(tmp_path: Path) -> None:
    of = {"pi-cnn": "supervised-cnn"}
    store = made_up_results(tmp_path, {"pi-cnn": 1.0}, twins=of, seeds=1, protocol="patients-2fold-labels10")
    drawn = []
    for absent in (set(), {"confident_accuracy"}, {"confident", "confident_accuracy", "alpha", "valid_score"}):
        rows = [{key: row[key] for key in row.keys() - absent} for row in semi_supervised(curve(0))]
        for key in store.fits():
            change_record(store, key, curve=tuple(rows))
        (draw,) = plan_curves(load_results(store)).values()
        drawn.append(draw())
    assert len(set(drawn)) == 3


@pytest.mark.parametrize("decided", ["by the parameters", "by the curve"])
def test_on_a_fixed_schedule_the_score_is_recorded_and_nothing_chosen(tmp_path: Path, decided: str) -> None:
    store = made_up_results(tmp_path, {"cnn": 1.0}, seeds=1)
    found, drawn = [], []
    for keep, best in (("last", 5), ("loss", 5)) if decided == "by the parameters" else (("", 2), ("", 5)):
        rows = tuple({**row, "kept": int(row["epoch"] == 5)} for row in curve(0, kept=best))
        for key in store.fits():
            change_record(store, key, curve=rows, parameters={"keep": keep} if keep else {})
        results = load_results(store)
        found.append([(one["edge"], one["count"]) for one in found_by(results, checks.epoch_at_the_edge)])
        drawn.append(plan_curves(results)["learning_curves.png"]())
    assert found == [[], [("last", 3)]]
    assert drawn[0] != drawn[1], "dots mark the epochs that were chosen, and no others"


def test_what_unlabeled_clips_add_is_shown_where_a_method_can_do_without(tmp_path: Path) -> None:
    strengths = {"supervised-cnn": 0.5, "planted-cnn": 1.6, "planted-labeled-cnn": 1.0}
    of = dict.fromkeys(("planted-cnn", "planted-labeled-cnn"), "supervised-cnn")
    results = load_results(made_up_results(tmp_path, strengths, twins=of, protocol=BUDGET, seeds=1))
    whole, alone = (results.find(name) for name in ("planted-cnn", "planted-labeled-cnn"))
    assert whole is not None
    assert alone is not None
    found = twins(results)
    assert found is not None
    gains = [difference(whole, alone, metric) for metric in COMPARED]
    assert found.labeled == [["planted-cnn", "planted-labeled-cnn", *gains]]
    assert "a method that can do without them" in report_text(results, [], tmp_path)


def test_beside_its_twin_a_tuned_model_is_marked(tmp_path: Path) -> None:
    of = {"vat-cnn": "supervised-cnn", "vat-cnn-tuned": "supervised-cnn"}
    strengths = {"supervised-cnn": 0.8, "vat-cnn": 1.0, "vat-cnn-tuned": 1.2}
    store = made_up_results(tmp_path, strengths, twins=of, protocol=BUDGET, seeds=1)
    before = twins(load_results(store))
    for fold in range(3):
        key = FitKey("vat-cnn-tuned", 0, fold)
        change_record(store, key, untuned="vat-cnn", chosen_trial=0, trials=tuple(usual(0)))
    after = twins(load_results(store))
    assert before is not None
    assert after is not None
    assert (before.tuned, after.tuned) == ([], ["vat-cnn-tuned"])
    assert list(twin_rows(load_results(store)))
    assert re.search("Tuned, unlike the twin.*`vat-cnn-tuned`", report_text(load_results(store), [], tmp_path))


def test_every_network_is_compared_with_the_classical_model_to_beat(tmp_path: Path) -> None:
    strengths = {**STRENGTHS, "svm-adventitious": 0.5}
    results = load_results(made_up_results(tmp_path, strengths, twins=OF, protocol=BUDGET))
    reference = results.find("svm-adventitious")
    assert reference is not None
    found = twins(results)
    assert found is not None
    *_, last = found.rows
    values = [reference.estimate(metric) for metric in COMPARED]
    assert last == ["svm-adventitious", "", 6, values[0], "", values[1], "", "", values[2], ""]
    assert {str(row[0]) for row in found.against} == {*OF, "supervised-cnn"}
    for name, *numbers in found.against:
        model = results.find(str(name))
        assert model is not None
        gains = [difference(model, reference, metric) for metric in COMPARED]
        assert numbers[::2] == [model.estimate(metric) for metric in COMPARED]
        assert numbers[1::2] == gains
    assert "better-cnn" in found.against_verdicts["auroc"].better
    text = report_text(results, [], tmp_path)
    assert "better than `svm-adventitious`: `better-cnn`" in text
    assert "the classical model that it has to beat" in text


def test_without_the_classical_model_nothing_is_compared_with_it(written: Report) -> None:
    found = twins(written.results)
    assert found is not None
    assert (found.against, found.against_verdicts) == ([], {})
    assert len(found.rows) == len(OF)
    assert "svm-adventitious" not in section(written)
