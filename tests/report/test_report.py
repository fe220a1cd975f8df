"""The report of a made-up results folder: complete, honest about what it is, and the same every time."""

import gzip
import io
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_results import STRENGTHS, curve, fail, made_up_results

from benchmarks.report.checks import CHECKS, results_of_checks
from benchmarks.report.comparisons import METADATA_SENTENCE
from benchmarks.report.leaderboard import costs_csv, leaderboard, leaderboard_csv, summary
from benchmarks.report.markdown import Page, listed
from benchmarks.report.models import classification_report
from benchmarks.report.page import Report, write_index, write_report
from benchmarks.statistics.metrics import DEFINITIONS, METRICS
from benchmarks.statistics.results import METADATA, Results, difference
from benchmarks.storage.records import FitKey
from benchmarks.storage.store import Store
from corpora.digests import digest
from corpora.problems import InputError

FOUR = ("normal", "crackle", "wheeze", "both")
VALIDATOR = Path(__file__).resolve().parents[3] / "shared" / "tools" / "validate_results.py"
MODELS = {**STRENGTHS, "duration": 0.2, "deaf": 0.55, "cnn": 1.25}


def read_csv(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text), keep_default_na=False).set_index("model")


def change_facts(store: Store, fit: FitKey, **changes: object) -> None:
    path = store.folder / "runs" / fit.model / f"{fit.stem}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def change_predictions(store: Store, fit: FitKey, find: str, replace: str) -> None:
    """Edit the predictions and, unlike a careless hand, the digest too."""
    path = store.folder / "runs" / fit.model / f"{fit.stem}.csv.gz"
    text = gzip.decompress(path.read_bytes()).decode().replace(find, replace)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    change_facts(store, fit, predictions_digest=digest([text]))


def found_by(results: Results, number: int) -> str:
    return str(results_of_checks(results)[number - 1][2])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A report with five models and one that failed; to be read only."""
    store = made_up_results(tmp_path_factory.mktemp("results"), MODELS)
    fail(store, "broken")
    return write_report(store)


@pytest.mark.parametrize(("classes", "protocol"), [(("normal", "abnormal"), "patients-3fold"), (FOUR, "random-3fold")])
def test_outside_validator_finds_no_fault(tmp_path: Path, classes: tuple[str, ...], protocol: str) -> None:
    if not VALIDATOR.exists():
        pytest.skip(f"needs {VALIDATOR}, which lies outside the repository")
    store = made_up_results(tmp_path, {"svm": 1.0, "cnn": 0.4}, classes=classes, protocol=protocol)
    fail(store, "broken")
    write_report(store)
    checked = subprocess.run([sys.executable, VALIDATOR, store.folder], capture_output=True, text=True, check=False)
    assert checked.stdout.startswith("0 faults; 2 models, 4 model-seeds"), checked.stdout + checked.stderr


def test_report_has_all_its_parts(written: Report) -> None:
    text = written.page.read_text()
    for part in ("respbench report", "patients-3fold", "192 clips of 24 patients", "4000 Hz", "Spread over seeds"):
        assert part in text
    for part in (*DEFINITIONS.values(), *CHECKS, "numpy 2.4", "a made-up processor", "0123456789abcdef"):
        assert part in text
    for model in MODELS:
        assert f"<summary><b>{model}</b>: complete</summary>" in text
        assert f"`{model}`, classification report" in text
        assert f"`{model}`, confusion matrix" in text
    assert "failed: 6 of 6 fits (ValueError: it broke \\| badly)" in text
    assert "Each model minus `svm`" in text
    assert "Each model minus `metadata`" in text
    assert "Each model minus `prior`" in text
    pictures = re.findall(r"!\[.{40,}\]\((figures/\w+\.png)\)", text)
    assert sorted(pictures) == [
        f"figures/{name}.png" for name in ("confusion", "leaderboard", "learning_curves", "roc")
    ]
    assert all((written.page.parent / picture).exists() for picture in pictures)


def test_every_table_is_as_wide_as_its_heading(written: Report) -> None:
    for block in written.page.read_text().split("\n\n"):
        if block.startswith("|"):
            bars = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(bars) == 1, block


def test_noise_and_deafness_are_said_in_words(written: Report) -> None:
    text, results = written.page.read_text(), written.results
    metadata = results.find(METADATA)
    assert metadata is not None
    for entry in results.complete:
        beyond = difference(entry, metadata, "auroc").low > 0
        assert (f"`{entry.name}` {METADATA_SENTENCE}" in text) == (entry.kind != "control" and not beyond)
    assert f"`deaf` {METADATA_SENTENCE}" in text
    assert f"`svm` {METADATA_SENTENCE}" not in text
    assert re.search(r"On score, `(cnn|svm)` \(first in the table\) is not shown to be better than `(cnn|svm)`", text)


def test_without_metadata_the_report_says_what_it_cannot_say(tmp_path: Path) -> None:
    text = write_report(made_up_results(tmp_path, {"svm": 1.0})).page.read_text()
    assert "can't say what the sound adds" in text
    assert "nothing to compare" in text


def test_leaderboard_is_sorted_and_every_interval_holds_its_value(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {**MODELS, "svm2": 1.2})
    fail(store, "aaa")
    table = read_csv(leaderboard_text(load_results(store)))
    assert list(table.columns[:3]) == ["score", "score_low", "score_high"]
    assert list(table.columns) == [
        *(f"{m}{end}" for m in METRICS for end in ("", "_low", "_high")),
        "status",
        "warning",
    ]
    assert table.index[-1] == "aaa"
    assert set(table.loc["aaa"].drop("status")) == {""}
    numbers = table.iloc[:-1, :-2].astype(float)
    assert (numbers["score"].diff().dropna() <= 0).all()
    for metric in METRICS:
        assert (numbers[f"{metric}_low"] <= numbers[metric]).all()
        assert (numbers[metric] <= numbers[f"{metric}_high"]).all()


def test_equal_scores_are_sorted_by_name(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"zebra": 0.0, "prior": 0.0, "ape": 0.0})
    assert [entry.name for entry in load_results(store).models] == ["ape", "prior", "zebra"]


def test_second_writing_is_byte_identical_and_old_figures_go(tmp_path: Path) -> None:
    store = made_up_results(tmp_path)
    write_report(store)
    made = ("README.md", "leaderboard.csv", "costs.csv", "figures", "clips.csv.gz")
    before = {p: p.read_bytes() for p in store.folder.rglob("*") if p.is_file() and "runs" not in p.parts}
    (store.folder / "figures" / "old.png").write_bytes(b"of an earlier version")
    write_report(store)
    after = {p: p.read_bytes() for p in store.folder.rglob("*") if p.is_file() and "runs" not in p.parts}
    assert before == after
    assert {p.relative_to(store.folder).parts[0] for p in after} == set(made)


def test_leaderboard_depends_on_nothing_but_predictions(tmp_path: Path) -> None:
    store = made_up_results(tmp_path)
    before = leaderboard_text(load_results(store))
    for fit in store.fits():
        change_facts(store, fit, fit_seconds=99.0, threads=64, hardware="another", versions={"numpy": "9"})
    assert leaderboard_text(load_results(store)) == before


@pytest.mark.parametrize(
    ("simulated", "protocol", "words"),
    [
        (True, "patients-3fold", ["SIMULATED"]),
        (False, "random-3fold", ["LEAKY"]),
        (True, "random-3fold", ["SIMULATED", "LEAKY"]),
        (False, "patients-3fold", []),
        (False, "official", ["NOT PATIENT-DISJOINT"]),
    ],
)
def test_warnings_stand_wherever_a_number_stands(
    tmp_path: Path, simulated: bool, protocol: str, words: list[str]
) -> None:
    store = made_up_results(tmp_path, simulated=simulated, protocol=protocol)
    report = write_report(store)
    text = report.page.read_text()
    places = re.findall(r"^(?:\*\*(?:Table|Figure) |#+ |<summary>|!\[Figure).*$", text, re.MULTILINE)
    assert len(places) > 20
    tables = text.split("\n\n")
    for above, block in itertools.pairwise(tables):
        if block.startswith("|"):
            assert above in places, "a table without a caption"
    for word in ("SIMULATED", "LEAKY", "NOT PATIENT-DISJOINT"):
        for place in [*places, summary(report.results).splitlines()[0]]:
            assert (word in place) == (word in words), place
        for table in (leaderboard_text(report.results), costs_csv(report.results)):
            assert all((word in warning) == (word in words) for warning in read_csv(table)["warning"])
    assert ("[!WARNING]" in text) == bool(words)
    index = write_index(tmp_path).read_text().splitlines()[-1]
    assert all(word in index for word in words)
    assert ("(" + "; ".join(words) + ")" in index) == bool(words), "the number itself must carry the warning"


def test_index_lists_every_report_the_trustworthy_first(tmp_path: Path) -> None:
    assert "no report yet" in write_index(tmp_path).read_text()
    for kind in ({"protocol": "random-3fold"}, {"simulated": True, "classes": FOUR}, {}):
        write_report(made_up_results(tmp_path, {"svm": 1.0, "cnn": 0.2}, **kind))
    rows = [line for line in write_index(tmp_path).read_text().splitlines() if line.startswith("| [")]
    assert [row.split("](")[0][3:] for row in rows] == [
        "made-up · abnormal · patients-3fold",
        "made-up · abnormal · random-3fold",
        "made-up · four-class · patients-3fold",
    ]
    assert all("svm" in row for row in rows)


def test_incomplete_models_have_a_status_and_no_numbers(tmp_path: Path) -> None:
    store = made_up_results(tmp_path)
    store.set_aside(FitKey("svm", 1, 2))
    (store.folder / "runs" / "metadata" / "seed0-fold0.json").unlink()
    store.write_failure(FitKey("metadata", 0, 0), "Traceback\nRuntimeError: no")
    table = read_csv(leaderboard_text(load_results(store)))
    assert table["status"].to_dict() == {
        "prior": "complete",
        "metadata": "failed: 1 of 6 fits (RuntimeError: no)",
        "svm": "unfinished: 5 of 6 fits",
    }
    assert table.loc["svm", "score"] == ""
    text = write_report(store).page.read_text()
    assert "`svm` unfinished: 5 of 6 fits" in text
    assert "seed0-fold0 failed: RuntimeError: no" in text


def test_a_fold_that_no_model_has_counts_as_missing(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0})
    for seed in range(2):
        store.set_aside(FitKey("svm", seed, 2))
    report = write_report(store)
    assert [entry.status for entry in report.results.models] == ["unfinished: 4 of 6 fits"]
    assert not list((store.folder / "figures").glob("*.png"))
    assert "n/a" in str(report.summary)


def test_a_fit_that_failed_on_repetition_is_not_taken_from_before(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0, "cnn": 0.5})
    store.write_failure(FitKey("cnn", 0, 0), "Traceback\nRuntimeError: no")
    assert load_results(store).models[-1].status == "failed: 1 of 6 fits (RuntimeError: no)"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fingerprint": "other code"}, "svm come from different code"),
        ({"corpus": {"fingerprint": "other"}}, "different contents of the corpus"),
        ({"task": "four-class"}, "mixes task"),
        ({"protocol": "random-3fold"}, "mixes protocol"),
        ({"classes": ["abnormal", "normal"]}, "mixes classes"),
    ],
)
def test_mixtures_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    store = made_up_results(tmp_path)
    change_facts(store, FitKey("svm", 1, 2), **changes)
    with pytest.raises(InputError, match=message):
        write_report(store)


def test_models_tested_on_other_clips_are_refused(tmp_path: Path) -> None:
    store = made_up_results(tmp_path)
    change_predictions(store, FitKey("svm", 1, 2), "clip0", "clap0")
    with pytest.raises(InputError, match="tested on different clips in seed1-fold2"):
        write_report(store)


def test_edited_predictions_are_refused(tmp_path: Path) -> None:
    store = made_up_results(tmp_path)
    path = store.folder / "runs" / "svm" / "seed0-fold0.csv.gz"
    text = gzip.decompress(path.read_bytes()).decode().replace(",abnormal,", ",normal,", 1)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    with pytest.raises(InputError, match="don't belong together"):
        write_report(store)


def test_an_empty_folder_and_one_of_failures_only_are_explained(tmp_path: Path) -> None:
    store = Store(tmp_path / "a" / "abnormal" / "patients-3fold")
    with pytest.raises(InputError, match="has no finished fit; run the benchmark"):
        write_report(store)
    fail(store, "svm")
    with pytest.raises(InputError, match="it broke"):
        write_report(store)


def test_sound_results_pass_their_checks(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"prior": 0.0, "svm": 1.0, "cnn": 0.8}, seeds=3)
    for fit in store.fits():
        if fit.model == "cnn":
            change_facts(store, fit, curve=curve(0, kept=3))
    assert [row[2] for row in results_of_checks(load_results(store))] == ["fine"] * len(CHECKS)


def test_checks_find_what_is_wrong(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"prior": 0.0, "one-class": 0.0, "wrong": -1.5, "leak": 2.5, "cnn": 1.0})
    fail(store, "broken")
    for fit in store.fits():
        change_facts(store, fit, curve=curve(0, kept=5) if fit.model == "cnn" else [])
    change_facts(store, FitKey("cnn", 0, 0), train_patients=[f"{100 + i}" for i in range(24)], threads=2)
    results = load_results(store)
    assert "`one-class` is not shown to be above `prior`" in found_by(results, 1)
    assert "`broken` failed: 6 of 6 fits" in found_by(results, 2)
    assert found_by(results, 3) == "`cnn` kept its last epoch in 6 of 6 fits; more epochs may help"
    assert found_by(results, 5).startswith("`leak` has AUROC 0.9")
    assert found_by(results, 6) == "`one-class` gives all clips one class in 6 of 6 fits"
    assert found_by(results, 7) == "`cnn` was tested on patients it had met in 1 fits"
    assert found_by(results, 8).startswith("`wrong` has AUROC 0.0")
    assert "only 2 seeds" in found_by(results, 10)
    assert found_by(results, 11) == "the fits were made with 2 different numbers of threads"


def test_checks_find_a_fold_without_a_class_and_a_model_that_knows_only_people(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"prior": 0.0, "svm": 1.0})
    for model in ("prior", "svm"):
        change_predictions(store, FitKey(model, 0, 1), ",abnormal,", ",normal,")
        # The header is changed as well: put its column name back.
        path = store.folder / "runs" / model / "seed0-fold1.csv.gz"
        change_predictions(store, FitKey(model, 0, 1), "label,normal,normal", "label,normal,abnormal")
        assert b"abnormal" in gzip.decompress(path.read_bytes()).splitlines()[0]
    results = load_results(store)
    assert found_by(results, 4) == "seed0-fold1 tests no clip of abnormal, and is left out of the AUROC"


def test_a_model_that_knows_only_people_is_found_out(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"prior": 0.0, "svm": 1.0})
    for fit in store.fits():
        if fit.model == "svm":
            table = store.read(fit).predictions
            share = (table["label"] == "abnormal").groupby(table["patient"]).transform("mean")
            path = store.folder / "runs" / "svm" / f"{fit.stem}.csv.gz"
            text = table.assign(abnormal=share, normal=1 - share).to_csv(index=False)
            path.write_bytes(gzip.compress(text.encode(), mtime=0))
            change_facts(store, fit, predictions_digest=digest([text]))
    results = load_results(store)
    assert "`svm` is above chance, but within patients not shown to be (0.500 [0.500, 0.500])" in found_by(results, 9)


def test_costs_are_means_over_fits(tmp_path: Path) -> None:
    store = made_up_results(tmp_path)
    fail(store, "broken")
    table = read_csv(costs_csv(load_results(store)))
    assert table.loc["svm"].to_dict() == {
        "fit_seconds": "2.500",
        "tune_seconds": "0.000",
        "predict_ms_per_clip": f"{1000 * 6 * 0.25 / (2 * 192):.4f}",
        "parameters": "1234",
        "peak_mb": "322",
        "threads": "1",
        "hardware": "a made-up processor, 2 cores",
        "warning": "",
    }
    assert set(table.loc["broken"]) == {""}


def test_classification_report_agrees_with_the_leaderboard(tmp_path: Path) -> None:
    entry = load_results(made_up_results(tmp_path, {"svm": 1.0})).models[0]
    report = classification_report(entry)
    assert report[:, 2].mean() == pytest.approx(entry.estimate("macro_f1").value, abs=1e-12)
    assert report[0, 1] == pytest.approx(entry.estimate("specificity").value, abs=1e-12)
    assert report[:, 3].sum() == 192


def test_summary_fits_a_terminal_and_shows_failures(written: Report) -> None:
    text = str(written.summary)
    assert text == summary(written.results)
    assert "failed: 6 of 6 fits" in text
    assert max(len(line) for line in text.splitlines()) <= 90


def test_nothing_in_a_cell_can_break_a_table() -> None:
    page = Page()
    page.table("Odd.", ["a", "b"], [["x | y\nz", "<b>"]])
    page.table("Empty.", ["a", "b"], [])
    assert "x \\| y z" in str(page)
    assert "&lt;b>" in str(page)
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "none",
        "`a`",
        "`a` and `b`",
        "`a`, `b` and `c`",
    ]


def test_spread_over_seeds_is_the_deviation_of_the_seeds(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0})
    text = write_report(store).page.read_text()
    each = []
    for seed in (0, 1):
        table = pd.concat([store.read(FitKey("svm", seed, fold)).predictions for fold in range(3)])
        right = (table["abnormal"] > 0.5) == (table["label"] == "abnormal")
        each.append(right.groupby(table["label"]).mean().mean())
    assert re.search(rf"\| svm +\| +{np.std(each, ddof=1):.3f} \| +{min(each):.3f} to {max(each):.3f} \|", text)
    one = write_report(made_up_results(tmp_path / "one", {"svm": 1.0}, seeds=1)).page.read_text()
    assert "Only one seed was run" in one
