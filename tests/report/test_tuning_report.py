"""The report on tuning: what it gained, what was chosen, what lies at an edge, and what failed; made-up studies."""

import itertools
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_up_results import fail, made_up_results
from made_up_studies import entry_of, studied, trial, tune, usual
from sklearn.metrics import roc_auc_score
from test_report import change_facts, found_by

from benchmarks.report.figures.label_efficiency import Panel
from benchmarks.report.figures.tuning import draw_tuning
from benchmarks.report.leaderboard import leaderboard
from benchmarks.report.markdown import Page
from benchmarks.report.page import Report, report_text, write_report
from benchmarks.report.tuning import TUNING, add_tuning, tuning_csv
from benchmarks.report.twins import add_twins
from benchmarks.statistics.results import Results, difference
from benchmarks.storage.records import FitKey
from benchmarks.storage.store import Store
from benchmarks.tuning.analysis import inner_auroc, tuned_models

STRENGTHS = {
    "prior": 0.0,
    "svm": 0.8,
    "svm-tuned": 1.8,
    "xgboost": 1.2,
    "xgboost-tuned": 0.2,
    "mlp": 0.9,
    "mlp-tuned": 0.9,
}
EDGES, MET, TERMS = 12, 13, 11
"""Numbers of checks."""


def section(results: Results) -> str:
    page = Page(results.flags)
    add_tuning(page, results, draw_tuning(results))
    return str(page)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A report with a model that tuning helps, one that it hurts, and one that it leaves as it is; to be read only."""
    store = made_up_results(tmp_path_factory.mktemp("results"), STRENGTHS, twins={"mlp-tuned": "mlp"})
    for model in ("svm-tuned", "xgboost-tuned", "mlp-tuned"):
        tune(store, model, usual)
    return write_report(store)


def table(report: Report) -> pd.DataFrame:
    return pd.read_csv(report.page.parent / TUNING, keep_default_na=False).set_index("model")


def test_help_harm_and_neither_are_said_in_words(written: Report) -> None:
    text = written.page.read_text()
    said = "better after tuning: `svm-tuned`; worse after it: `xgboost-tuned`; not shown to differ: `mlp-tuned`."
    for name in ("score", "AUROC"):
        assert f"- On {name}, {said}" in text
    assert text.index("\n## Leaderboard") < text.index("\n## Tuning") < text.index("\n## Which differences are real?")
    assert "\n- Not tuned: `prior`.\n" in text
    assert "A study of 4 trials for each seed and fold; every model has the same budget." in text


def test_before_and_after_are_those_of_the_predictions(written: Report) -> None:
    stored = Store(written.page.parent)
    for model in ("svm", "xgboost", "mlp"):
        row = table(written).loc[f"{model}-tuned"]
        for name, end in ((model, "before"), (f"{model}-tuned", "after")):
            tests = [stored.read(fit).predictions for fit in stored.fits() if fit.model == name]
            folds = [roc_auc_score(t["label"] == "abnormal", t["abnormal"]) for t in tests]
            assert row[f"auroc_{end}"] == pytest.approx(np.mean(folds), abs=1e-6)
        assert row["auroc_gain"] == pytest.approx(row["auroc_after"] - row["auroc_before"], abs=1e-6)
        assert row["auroc_gain_low"] <= row["auroc_gain"] <= row["auroc_gain_high"]
        before, after = (entry_of(written.results, name) for name in (model, f"{model}-tuned"))
        gain = difference(after, before, "score")
        assert [row["score_gain_low"], row["score_gain_high"]] == pytest.approx([gain.low, gain.high], abs=1e-6)


def test_studies_are_counted(written: Report) -> None:
    row = table(written).loc["svm-tuned"]
    assert row[["untuned", "studies", "trials", "defaults_chosen", "status"]].tolist() == ["svm", 6, 4, 1, "complete"]
    assert row[["complete", "pruned", "failed"]].tolist() == [24, 0, 0]
    assert row["inner_auroc_before"] == pytest.approx((0.9 + 5 * 0.6) / 6)
    assert row["inner_auroc_after"] == pytest.approx((0.9 + 5 * 0.7) / 6)
    pattern = r"\| svm-tuned +\| +6 \| +4 \| +24 / 0 / 0 \| +1 of 6 \| +2\.000 \| +0\.650 \| +0\.733 \| +\+0\.083 \| +"
    gain = difference(entry_of(written.results, "svm-tuned"), entry_of(written.results, "svm"), "auroc").value
    assert re.search(pattern + re.escape(f"{gain:+.3f}"), written.page.read_text())


def test_the_page_of_a_model_says_what_each_study_chose(written: Report) -> None:
    text = written.page.read_text()
    page = text.partition("<summary><b>svm-tuned</b>")[2].partition("</details>")[0]
    assert "Tuned: `svm`, with the best parameters of a study for each of 6 fits" in page
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("|")]
    assert ["seed", "fold", "chosen trial", "inner AUROC", "C", "depth", "images"] in rows
    assert ["0", "0", "defaults", "0.900", "default", "default", "default"] in rows
    assert ["1", "2", "2", "0.700", "1", "5", "resized"] in rows
    assert "can't be told" in page
    untuned = text.partition("<summary><b>svm</b>")[2].partition("</details>")[0]
    assert "These are its defaults; tuned, it is `svm-tuned`." in untuned
    assert "Not tuned." in text.partition("<summary><b>prior</b>")[2].partition("</details>")[0]


def test_tables_are_as_wide_as_their_headings_and_have_captions(written: Report) -> None:
    for above, block in itertools.pairwise(section(written.results).split("\n\n")):
        if block.startswith("|"):
            assert above.startswith("**Table ")
            assert len({line.count("|") for line in block.splitlines()}) == 1


def test_same_results_same_bytes_whatever_the_seconds(written: Report) -> None:
    store = Store(written.page.parent)
    figure = draw_tuning(load_results(store))["tuning.png"]
    assert figure.png == (store.folder / "figures" / "tuning.png").read_bytes()
    assert f"**Figure 3.** {figure.caption}" in written.page.read_text()
    shorter = [
        replace(e, stored=tuple(replace(s, facts=s.facts | {"tune_seconds": 0.1}) for s in e.stored))
        for e in written.results.models
    ]
    assert tuning_csv(replace(written.results, entries=tuple(shorter))) == (store.folder / TUNING).read_text()


def test_warnings_stand_in_the_section_too(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0, "svm-tuned": 1.2}, simulated=True, seeds=1)
    tune(store, "svm-tuned", usual)
    results = load_results(store)
    said = [line for line in section(results).splitlines() if re.match(r"##|\*\*(Table|Figure)|- On ", line)]
    assert len(said) == 6
    assert all("[SIMULATED]" in line for line in said)
    assert ",SIMULATED\n" in tuning_csv(results)


def test_without_tuned_models_nothing_is_said_of_tuning(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0}, seeds=1)
    (store.folder / TUNING).write_text("of an earlier run")
    text = write_report(store).page.read_text()
    assert not (store.folder / TUNING).exists()
    assert not (store.folder / "figures" / "tuning.png").exists()
    assert "## Tuning" not in text
    assert "Not tuned." in text
    assert [found_by(load_results(store), number) for number in (EDGES, MET)] == ["fine", "fine"]


def test_what_cannot_be_compared_is_told(tmp_path: Path) -> None:
    strengths = {"prior": 0.0, "lonely-tuned": 1.0, "half": 1.0, "half-tuned": 1.0, "left-tuned": 1.0, "broken": 1.0}
    store = made_up_results(tmp_path, strengths)
    for model in ("lonely-tuned", "half-tuned", "left-tuned"):
        tune(store, model, usual)
    store.set_aside(FitKey("half-tuned", 1, 2))
    for model in ("left", "broken-tuned"):
        fail(store, model)
    results = load_results(store)
    text = section(results)
    lonely = "`lonely-tuned` can't be compared: `lonely`, the same with its default parameters, was not run."
    assert lonely in text
    assert "`half-tuned` can't be compared: `half-tuned` unfinished: 5 of 6 fits." in text
    assert "`left-tuned` can't be compared: `left` failed: 6 of 6 fits (ValueError: it broke \\| badly)." in text
    assert "`broken-tuned` can't be compared: `broken-tuned` failed: 6 of 6 fits" in text
    assert "after - before" not in text
    assert re.search(r"\| lonely-tuned .* n/a \|\n", text)
    assert not draw_tuning(results)
    (store.folder / TUNING).write_text(tuning_csv(results))
    rows = pd.read_csv(store.folder / TUNING, keep_default_na=False).set_index("model")
    assert (rows[["auroc_before", "auroc_after", "auroc_gain_low", "score_gain"]] == "").all(axis=None)
    assert rows["studies"].to_dict() == {"lonely-tuned": 6, "left-tuned": 6, "broken-tuned": 0, "half-tuned": 5}
    assert rows.loc["half-tuned", "status"] == "`half-tuned` unfinished: 5 of 6 fits"
    assert "<b>broken-tuned</b>: failed: 6 of 6" in report_text(results, {}, store.folder)


def test_a_folder_whose_tuned_models_all_failed_has_a_report(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0}, seeds=1)
    fail(store, "svm-tuned", seeds=1)
    text = write_report(store).page.read_text()
    assert "`svm-tuned` can't be compared: `svm-tuned` failed: 3 of 3 fits" in text
    assert "complete / pruned / failed" not in text


def test_failed_trials_are_not_silent(tmp_path: Path) -> None:
    def study(n: int) -> list[dict[str, Any]]:
        faults = [
            trial(1, None, error="ValueError: too | wide"),
            trial(2, None, error="ValueError: later"),
            trial(3, None, error="the worker died", retryable=True) if n == 5 else trial(3, None, state="pruned"),
        ]
        return [trial(0, 0.6), *(faults if n else []), *([] if n else [trial(i, 0.5) for i in (1, 2, 3)])]

    results = studied(tmp_path, study)
    text = section(results)
    assert "- `svm-tuned`: 10 of 24 trials failed; the first of them: ValueError: too \\| wide\n" in text
    assert "- `svm-tuned`: 1 of 24 trials were kept from being done, and are counted as failed; the same" in text
    assert "The first of them: the worker died" in text
    assert "| 9 / 4 / 11 |" in re.sub(" +", " ", text)
    sound = section(studied(tmp_path / "sound", usual))
    assert "trials failed" not in sound
    assert "kept from being done" not in sound


def test_where_no_defaults_were_finished_there_is_no_inner_gain(tmp_path: Path) -> None:
    results = studied(tmp_path, lambda n: [trial(0, None, error="it failed"), trial(1, 0.5)], seeds=1)
    assert np.isnan(inner_auroc(entry_of(results, "svm-tuned"))).all()
    assert re.search(r"\| 0 of 3 \| 2\.000 \| n/a \| n/a \| n/a \| [-+]0\.", re.sub(" +", " ", section(results)))
    assert draw_tuning(results)


def test_a_trial_that_met_a_tested_patient_is_found(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0, "svm-tuned": 1.2})
    fits = sorted(fit for fit in store.fits() if fit.model == "svm-tuned")
    tests = [set(store.read(fit).predictions["patient"]) for fit in fits]
    everyone = set.union(*tests)
    tune(store, "svm-tuned", lambda n: [trial(0, 0.6, patients=sorted(everyone - tests[n])), trial(1, 0.7)])
    assert found_by(load_results(store), MET) == "fine"
    met = {0: [min(tests[0])], 4: sorted(everyone)}
    tune(store, "svm-tuned", lambda n: [trial(0, 0.6), trial(1, 0.5, patients=met.get(n, []))])
    assert found_by(load_results(store), MET) == (
        "`svm-tuned`: trials met patients whom their fit tests in 2 of 6 studies"
    )


def test_different_budgets_are_told(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0, "svm-tuned": 1.2, "mlp": 1.0, "mlp-tuned": 0.3}, seeds=1)
    tune(store, "svm-tuned", usual)
    tune(store, "mlp-tuned", usual)
    assert found_by(load_results(store), TERMS) == "fine"
    tune(store, "mlp-tuned", lambda n: usual(n)[:3])
    results = load_results(store)
    assert found_by(results, TERMS) == "the models were tuned with 2 different numbers of trials"
    assert (
        "**The budgets differ, so that the gains can't be compared: trials a study: `svm-tuned` 4, `mlp-tuned` 3.**"
        in (section(results))
    )
    assert "same budget" not in section(results)


def test_the_kind_of_a_tuned_model_is_that_of_the_model(written: Report) -> None:
    assert entry_of(written.results, "svm-tuned").kind == "baseline"
    assert [tuned.model.model for tuned in tuned_models(written.results)] == [
        entry.name for entry in written.results.models if entry.name.endswith("-tuned")
    ]
    best = written.results.best_baseline()
    assert best is not None
    assert best.model == "svm-tuned"
    assert "Each model minus `svm-tuned` (the baseline or control with the highest AUROC)" in written.page.read_text()


def test_beside_its_twin_a_tuned_model_is_told_to_be_tuned(tmp_path: Path) -> None:
    of = {"vat-cnn": "supervised-cnn", "vat-cnn-tuned": "supervised-cnn"}
    strengths = {"supervised-cnn": 0.8, "vat-cnn": 1.0, "vat-cnn-tuned": 1.2}
    store = made_up_results(tmp_path, strengths, twins=of, protocol="patients-3fold-labels10", seeds=1)
    said = []
    for _ in range(2):
        page = Page()
        add_twins(page, load_results(store))
        said.append("Tuned, unlike the twin, which has its default parameters: `vat-cnn-tuned`." in str(page))
        for fold in range(3):
            change_facts(store, FitKey("vat-cnn-tuned", 0, fold), untuned="vat-cnn", chosen_trial=0, trials=usual(0))
    assert said == [False, True]


def test_a_tuned_method_has_one_name_over_all_backbones() -> None:
    names = [
        Panel(f"supervised-{backbone}", {}, {}).method(f"vat-{backbone}{end}")
        for backbone in ("cnn", "cnn-gru")
        for end in ("", "-tuned")
    ]
    assert names == ["vat", "vat-tuned"] * 2
