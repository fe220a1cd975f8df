"""The report on tuning, of made-up studies: gains, choices, values at an edge, and failures."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_results import fail, found_by, made_up_results, report_text, written_text
from made_up_studies import model_of, studied, trial, tune, usual
from sklearn.metrics import roc_auc_score

from respbench.benchmarks.report import checks
from respbench.benchmarks.report.figures.label_efficiency import Panel
from respbench.benchmarks.report.figures.tuning import plan_tuning
from respbench.benchmarks.report.models import model_section
from respbench.benchmarks.report.pages import Report, write_report
from respbench.benchmarks.report.tables import TUNING
from respbench.benchmarks.report.tuning import tuning, tuning_rows
from respbench.benchmarks.statistics.comparisons import Verdict, difference, tuned_pairs
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import LEADING
from respbench.benchmarks.storage.records import FitKey, TrialRecord
from respbench.benchmarks.storage.store import Store
from respbench.benchmarks.tuning.analysis import inner_gain, outer_gains, without_extreme
from respbench.models.spec import ModelKind

STRENGTHS = {
    "prior": 0.0,
    "svm": 0.8,
    "svm-tuned": 1.8,
    "xgboost": 1.2,
    "xgboost-tuned": 0.2,
    "mlp": 0.9,
    "mlp-tuned": 0.9,
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A report with a model that tuning helps, one that it hurts, and one that it leaves as it is; to be read only."""
    store = made_up_results(tmp_path_factory.mktemp("results"), STRENGTHS, twins={"mlp-tuned": "mlp"})
    for model in ("svm-tuned", "xgboost-tuned", "mlp-tuned"):
        tune(store, model, usual)
    return write_report(store, draw=False)


def test_help_harm_and_neither_are_told_apart(written: Report) -> None:
    found = tuning(written.results)
    assert found is not None
    expected = Verdict(better=("svm-tuned",), worse=("xgboost-tuned",), undecided=("mlp-tuned",))
    assert found.verdicts == dict.fromkeys(LEADING, expected)
    assert found.untouched == ["prior"]
    assert set(found.budgets.values()) == {4}
    text = written_text(written.page.parent)
    assert "A study of 4 trials for each repeat and fold; every model has the same budget. Trial 0" in text


def test_before_and_after_are_those_of_the_predictions(written: Report) -> None:
    store = Store(written.page.parent)
    rows = TUNING.read(store.folder)
    for model in ("svm", "xgboost", "mlp"):
        row = rows[f"{model}-tuned"]
        for name, end in ((model, "before"), (f"{model}-tuned", "after")):
            tests = [store.read(key).predictions for key in store.fits() if key.model == name]
            folds = [roc_auc_score(t["label"] == "abnormal", t["abnormal"]) for t in tests]
            assert row[f"auroc_{end}"] == pytest.approx(np.mean(folds), abs=1e-6)
        assert row["auroc_gain"].value == pytest.approx(row["auroc_after"] - row["auroc_before"], abs=1e-6)
        gain = difference(model_of(written.results, f"{model}-tuned"), model_of(written.results, model), "score")
        stored = row["score_gain"]
        assert [stored.low, stored.high] == pytest.approx([gain.low, gain.high], abs=1e-6)


def test_each_outer_fold_is_shown_beside_the_mean(written: Report) -> None:
    store, results = Store(written.page.parent), written.results
    gains = outer_gains(model_of(results, "svm-tuned"), model_of(results, "svm"))
    assert list(gains) == [(seed, fold) for seed in range(2) for fold in range(3)]
    for (seed, fold), gain in gains.items():
        tables = (store.read(FitKey(name, seed, fold)).predictions for name in ("svm-tuned", "svm"))
        after, before = (roc_auc_score(table["label"] == "abnormal", table["abnormal"]) for table in tables)
        assert gain == pytest.approx(after - before)
    found = tuning(results)
    assert found is not None
    shown = [row for row in found.folds if row[0] == "svm-tuned"]
    assert shown[1] == ["svm-tuned", 1, *(f"{gains[1, fold]:+.3f}" for fold in range(3)), shown[1][-1]]
    rest = sorted(gains.values(), key=lambda gain: abs(gain - np.median([*gains.values()])))[:-1]
    assert shown[-1][-1] == f"{np.mean(rest):+.3f}"
    row = TUNING.read(store.folder)["svm-tuned"]
    assert row["auroc_gain_without_extreme_fold"] == pytest.approx(np.mean(rest), abs=1e-6)
    assert np.mean([*gains.values()]) == pytest.approx(row["auroc_gain"].value, abs=1e-6)


@pytest.mark.parametrize(
    ("gains", "rest"), [([-0.25, 0.0, 0.01, -0.01, 0.0], 0.0), ([0.1, np.nan, 0.3], 0.3), ([0.1], np.nan)]
)
def test_one_fold_that_makes_the_mean_is_left_out(gains: list[float], rest: float) -> None:
    assert without_extreme(gains) == pytest.approx(rest, nan_ok=True)


def test_nothing_is_concluded_from_one_repeat(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 0.2, "svm-tuned": 2.5}, seeds=1)
    tune(store, "svm-tuned", usual)
    results = load_results(store)
    assert tuned_pairs(results)[0].gain("auroc").excludes_zero
    found = tuning(results)
    assert found is not None
    assert set(found.verdicts.values()) == {Verdict()}
    text = report_text(results, [], tmp_path)
    assert "Of one repeat nothing is concluded" in text
    assert "better after tuning" not in text


def test_where_every_study_keeps_the_defaults_nothing_is_compared(tmp_path: Path) -> None:
    results = studied(tmp_path, lambda n: [trial(0, 0.6), trial(1, 0.5)])
    found = tuning(results)
    assert found is not None
    assert found.kept == ["svm-tuned"]
    assert set(found.verdicts.values()) == {Verdict()}
    text = report_text(results, [], tmp_path)
    assert "All studies of `svm-tuned` kept the defaults" in text
    assert "after tuning: none" not in text


def test_choices_of_earlier_versions_are_marked(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0, "svm-tuned": 1.2}, seeds=1)
    tune(store, "svm-tuned", usual, confirmed=False)
    results = load_results(store)
    assert np.isnan(inner_gain(model_of(results, "svm-tuned")).fresh)
    text = report_text(results, [], tmp_path)
    assert "Chosen by an earlier version, by the trials' values alone: `svm-tuned`." in text


def test_studies_are_counted(written: Report) -> None:
    row = TUNING.read(written.page.parent)["svm-tuned"]
    counts = ("untuned", "studies", "trials", "complete", "pruned", "failed", "defaults_chosen", "status")
    assert [row[name] for name in counts] == ["svm", 6, 4, 24, 0, 0, 1, "complete"]
    assert row["found_gain"] == pytest.approx((-0.2 + 5 * 0.1) / 6)
    assert row["fresh_gain"] == pytest.approx((-0.1 + 5 * 0.05) / 6)
    found = tuning(written.results)
    assert found is not None
    expected = ["svm-tuned", 6, 4, "24 / 0 / 0", "2.000", "+0.050", "+0.025", "0.007", "1 of 6"]
    assert [study for study in found.studies if study[0] == "svm-tuned"] == [expected]


def test_the_section_of_a_model_shows_what_each_study_chose(written: Report) -> None:
    section = model_section(written.results, model_of(written.results, "svm-tuned"))
    assert section.studies is not None
    assert section.studies.names == ["C", "depth", "images"]
    gain = [2, "-0.100", "0.007"]
    assert section.studies.chosen[0] == [0, 0, *gain, "defaults", "0.900", "default", "default", "default"]
    gain = [2, "+0.050", "0.007"]
    assert section.studies.chosen[-1] == [1, 2, *gain, 2, "0.700", "1", 5, "resized"]
    assert section.studies.importances == []
    assert model_section(written.results, model_of(written.results, "svm")).tuned_as == ["svm-tuned"]
    text = written_text(written.page.parent)
    pages = {name: text.partition(f"<summary><b>{name}</b>")[2].partition("</details>")[0] for name in STRENGTHS}
    assert "Tuned: `svm`, with the parameters that a study chose for each of 6 fits" in pages["svm-tuned"]
    assert "Which parameters matter is unknown" in pages["svm-tuned"]
    assert "These are its defaults; tuned, it is `svm-tuned`." in pages["svm"]
    assert "Not tuned." in pages["prior"]


def test_same_results_same_bytes_whatever_the_seconds(written: Report) -> None:
    (draw,) = plan_tuning(written.results).values()
    assert draw() == draw()
    faster = [
        replace(m, fits=tuple(replace(f, record=replace(f.record, tune_seconds=0.1)) for f in m.fits))
        for m in written.results.models
    ]
    text = TUNING.text(tuning_rows(replace(written.results, models=tuple(faster))))
    assert text == (written.page.parent / TUNING.filename).read_text()


def test_warnings_accompany_the_section(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0, "svm-tuned": 1.2}, simulated=True, seeds=1)
    tune(store, "svm-tuned", usual)
    results = load_results(store)
    text = report_text(results, plan_tuning(results), tmp_path)
    section = text[text.index("## Tuning") :].partition("\n## ")[0]
    flagged = [line for line in section.splitlines() if re.match(r"##|\*\*(Table|Figure)|- On ", line)]
    assert len(flagged) == 5
    assert all("[SIMULATED]" in line for line in flagged)
    assert [row["warning"] for row in tuning_rows(results)] == ["SIMULATED"]


def test_without_tuned_models_there_is_no_section(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0}, seeds=1)
    (store.folder / TUNING.filename).write_text("of an earlier run")
    report = write_report(store, draw=False)
    assert not (store.folder / TUNING.filename).exists()
    assert tuning(report.results) is None
    assert plan_tuning(report.results) == {}
    assert "## Tuning" not in written_text(report.page.parent)
    for check in (checks.best_at_the_edge, checks.trials_on_tested):
        assert found_by(report.results, check) == []


def test_what_cannot_be_compared_is_named(tmp_path: Path) -> None:
    strengths = {"prior": 0.0, "lonely-tuned": 1.0, "half": 1.0, "half-tuned": 1.0, "left-tuned": 1.0, "broken": 1.0}
    store = made_up_results(tmp_path, strengths)
    for model in ("lonely-tuned", "half-tuned", "left-tuned"):
        tune(store, model, usual)
    store.set_aside(FitKey("half-tuned", 1, 2))
    for model in ("left", "broken-tuned"):
        fail(store, model)
    results = load_results(store)
    found = tuning(results)
    assert found is not None
    assert found.rows == []
    assert found.obstacles == {
        "lonely-tuned": "`lonely`, the same with its default parameters, was not run",
        "half-tuned": "`half-tuned` unfinished: 5 of 6 fits",
        "left-tuned": "`left` failed: 6 of 6 fits (ValueError: it broke | badly)",
    }
    assert "broken-tuned" not in found.untouched
    assert not plan_tuning(results)
    TUNING.write(store.folder, tuning_rows(results))
    rows = TUNING.read(store.folder)
    assert {name: row["studies"] for name, row in rows.items()} == {"lonely-tuned": 6, "left-tuned": 6, "half-tuned": 5}
    for row in rows.values():
        assert row["status"] == found.obstacles[row["model"]]
        assert np.isnan([row["auroc_before"], row["auroc_after"]]).all()
        assert row["auroc_gain"] is row["score_gain"] is None
    text = report_text(results, [], store.folder)
    assert "`left-tuned` can't be compared: `left` failed: 6 of 6 fits (ValueError: it broke \\| badly)." in text
    assert "<b>broken-tuned</b>: failed: 6 of 6" in text


def test_a_folder_whose_tuned_models_all_failed_has_a_report(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0}, seeds=1)
    fail(store, "svm-tuned", seeds=1)
    text = written_text(write_report(store, draw=False).page.parent)
    assert "<b>svm-tuned</b>: failed: 3 of 3 fits" in text
    assert "complete / pruned / failed" not in text


def test_failed_trials_are_not_silent(tmp_path: Path) -> None:
    def study(n: int) -> list[TrialRecord]:
        faults = [
            trial(1, None, error="ValueError: too | wide"),
            trial(2, None, error="ValueError: later"),
            trial(3, None, error="the worker died", retryable=True) if n == 5 else trial(3, None, state="pruned"),
        ]
        return [trial(0, 0.6), *(faults if n else [trial(i, 0.5) for i in (1, 2, 3)])]

    results = studied(tmp_path, study)
    found = tuning(results)
    assert found is not None
    assert found.studies[0][3] == "9 / 4 / 11"
    text = report_text(results, [], tmp_path)
    assert "- `svm-tuned`: 10 of 24 trials failed; the first of them: ValueError: too \\| wide\n" in text
    assert "- `svm-tuned`: 1 of 24 trials were interrupted" in text
    assert "The first of them: the worker died" in text
    sound = report_text(studied(tmp_path / "sound", usual, seeds=1), [], tmp_path)
    assert "trials failed" not in sound
    assert "trials were interrupted" not in sound


def test_where_no_defaults_were_finished_there_is_no_inner_gain(tmp_path: Path) -> None:
    results = studied(tmp_path, lambda n: [trial(0, None, error="it failed"), trial(1, 0.5)], seeds=1)
    gain = inner_gain(model_of(results, "svm-tuned"))
    assert np.isnan([gain.found, gain.fresh, gain.error]).all()
    found = tuning(results)
    assert found is not None
    assert found.studies[0][4:9] == ["2.000", "n/a", "n/a", "n/a", "0 of 3"]
    (draw,) = plan_tuning(results).values()
    assert draw()


def test_a_trial_that_used_a_tested_patient_is_found(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0, "svm-tuned": 1.2})
    keys = sorted(key for key in store.fits() if key.model == "svm-tuned")
    tests = [set(store.read(key).predictions["patient"]) for key in keys]
    everyone = set.union(*tests)
    tune(store, "svm-tuned", lambda n: [trial(0, 0.6, patients=tuple(everyone - tests[n])), trial(1, 0.7)])
    assert found_by(load_results(store), checks.trials_on_tested) == []
    used = {0: (min(tests[0]),), 4: tuple(everyone)}
    tune(store, "svm-tuned", lambda n: [trial(0, 0.6), trial(1, 0.5, patients=used.get(n, ()))])
    expected = [{"model": "svm-tuned", "count": 2, "of": 6}]
    assert found_by(load_results(store), checks.trials_on_tested) == expected


def test_different_budgets_are_named(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0, "svm-tuned": 1.2, "mlp": 1.0, "mlp-tuned": 0.3}, seeds=1)
    tune(store, "svm-tuned", usual)
    tune(store, "mlp-tuned", usual)
    assert found_by(load_results(store), checks.unequal_machines) == []
    tune(store, "mlp-tuned", lambda n: usual(n)[:3])
    results = load_results(store)
    assert found_by(results, checks.unequal_machines) == [{"count": 2, "what": "numbers of tuning trials"}]
    text = report_text(results, [], tmp_path)
    assert "**The budgets differ, so that the gains can't be compared: trials per study: `svm-tuned` 4, `mlp-t" in text
    assert "same budget" not in text


def test_the_kind_of_a_tuned_model_is_that_of_the_model(written: Report) -> None:
    assert model_of(written.results, "svm-tuned").kind is ModelKind.BASELINE
    tuned = [pair.model.name for pair in tuned_pairs(written.results)]
    assert tuned == [model.name for model in written.results.models if model.name.endswith("-tuned")]


def test_a_tuned_method_has_one_name_over_all_backbones() -> None:
    names = [
        Panel(f"supervised-{backbone}", {}, {}).method(f"vat-{backbone}{end}")
        for backbone in ("cnn", "cnn-gru")
        for end in ("", "-tuned")
    ]
    assert names == ["vat", "vat-tuned"] * 2
