"""The report of a made-up results folder: complete, marked for what it is, and the same every time."""

import gzip
import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_results import (
    STRENGTHS,
    change_predictions,
    change_record,
    curve,
    fail,
    found_by,
    made_up_results,
    written_text,
)

from respbench.benchmarks.report import checks, pages
from respbench.benchmarks.report.index import read_index, write_index
from respbench.benchmarks.report.leaderboard import leaderboard_rows
from respbench.benchmarks.report.markdown import GENERATED, Page
from respbench.benchmarks.report.measured import repeat_rows
from respbench.benchmarks.report.pages import README, Report, write_report
from respbench.benchmarks.report.tables import COSTS, LEADERBOARD
from respbench.benchmarks.statistics.confusion import classification_report
from respbench.benchmarks.statistics.formatting import cell, listed
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import METRICS
from respbench.benchmarks.statistics.status import Completion, Status
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store
from respbench.corpora.digests import digest
from respbench.corpora.facts import CorpusFacts
from respbench.corpora.problems import InputError

FOUR = ("normal", "crackle", "wheeze", "both")
TEMPLATES = Path(checks.__file__).parent / "templates"
PAGES = {
    "comparisons.md",
    "errors.md",
    "metrics.md",
    "subgroups.md",
    "calibration.md",
    "models.md",
    "costs.md",
    "method.md",
}
"""Those of every report."""

NOTES = Path("notes.md")
MODELS = {**STRENGTHS, "duration": 0.2, "weak": 0.55, "cnn": 1.25}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A report with six models and one that failed; to be read only."""
    store = made_up_results(tmp_path_factory.mktemp("results"), MODELS)
    fail(store, "broken")
    return write_report(store)


@pytest.mark.parametrize(("classes", "protocol"), [(("normal", "abnormal"), "patients-3fold"), (FOUR, "random-3fold")])
def test_outside_validator_finds_no_fault(
    tmp_path: Path, validated: Callable[[Path], str], classes: tuple[str, ...], protocol: str
) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0, "cnn": 0.4}, classes=classes, protocol=protocol)
    fail(store, "broken")
    write_report(store, draw=False)
    assert validated(store.folder).startswith("0 faults; 2 models, 4 model-seeds")


def test_the_page_has_all_its_parts(written: Report) -> None:
    text = written_text(written.page.parent)
    for part in ("192 clips of 24 patients", "4000 Hz", "numpy 2.4", "a made-up processor", "0123456789abcdef"):
        assert part in text
    for part in (*METRICS.values(), *(check.title for check in checks.CHECKS)):
        assert part in text
    for model in MODELS:
        assert f"<summary><b>{model}</b>: complete</summary>" in text
    assert "the model of the row minus the model of the column" in text
    assert "gain over metadata" in text
    pictures = re.findall(r"!\[.{40,}\]\((figures/[\w-]+\.png)\)", text)
    assert sorted(pictures) == sorted(f"figures/{path.name}" for path in (written.page.parent / "figures").iterdir())
    assert len(pictures) == 9
    links = re.findall(r"^- \[.+\]\((\S+\.md)\): .+\.$", written.page.read_text(), re.MULTILINE)
    assert {README, *links} == {path.name for path in written.page.parent.glob("*.md")}
    assert PAGES | {"training.md"} == set(links)


def test_every_table_is_as_wide_as_its_heading_and_has_a_caption(written: Report) -> None:
    text = written_text(written.page.parent)
    assert not re.search(r"[^\n]\n(#|</?details>|!\[|\*\*(Table|Figure))|</details>\n[^\n]", text), "no blank line"
    for above, block in itertools.pairwise(text.split("\n\n")):
        if block.startswith("|"):
            assert above.startswith("**Table "), block
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1, block


def test_no_template_writes_headings_tables_or_figures_itself() -> None:
    """Those of `Page` are numbered and carry the flags; cards and predictions are no pages of a report."""
    others = {"dataset_card.md.j2", "model_cards.md.j2", "predictions.html.j2"}
    templates = sorted(path for path in TEMPLATES.glob("*.j2") if path.name not in others)
    assert len(templates) > 10
    for template in templates:
        assert not re.search(r"^(#|\||!\[|\*\*(Table|Figure)|<summary>)", template.read_text(), re.MULTILINE), template


def test_leaderboard_is_sorted_and_every_interval_holds_its_value(written: Report) -> None:
    rows = LEADERBOARD.read(written.page.parent)
    assert list(rows)[-1] == "broken"
    assert rows["broken"]["status"] == Status(Completion.FAILED, "6 of 6 fits (ValueError: it broke | badly)")
    assert all(rows["broken"][metric] is None for metric in METRICS)
    complete = [row for row in rows.values() if row["status"].complete]
    assert len(complete) == len(MODELS)
    assert sorted((row["score"].value for row in complete), reverse=True) == [row["score"].value for row in complete]
    for row in complete:
        assert all(row[metric].low <= row[metric].value <= row[metric].high for metric in METRICS)


def test_equal_scores_are_sorted_by_name(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"zebra": 0.0, "prior": 0.0, "ape": 0.0}, seeds=1)
    assert [model.name for model in load_results(store).models] == ["ape", "prior", "zebra"]


def test_tables_are_read_as_they_were_written(written: Report) -> None:
    text = (written.page.parent / LEADERBOARD.filename).read_text()
    assert LEADERBOARD.text(LEADERBOARD.read(written.page.parent).values()) == text
    headers = [
        "model",
        *(f"{m}{end}" for m in METRICS for end in ("", "_low", "_high")),
        "repeats",
        "status",
        "warning",
    ]
    assert text.splitlines()[0].split(",") == headers
    assert list(pd.read_csv(written.page.parent / LEADERBOARD.filename)) == headers


@pytest.mark.parametrize("damage", ["model,score\nsvm,0.5\n", "", "swapped", "short"])
def test_a_table_of_other_columns_is_refused(written: Report, tmp_path: Path, damage: str) -> None:
    text = (written.page.parent / LEADERBOARD.filename).read_text()
    changed = {
        "swapped": text.replace("score_low,score_high", "score_high,score_low", 1),
        "short": text + "svm,0.5\n",
    }
    (tmp_path / LEADERBOARD.filename).write_text(changed.get(damage, damage))
    with pytest.raises(InputError, match=re.escape(str(tmp_path / LEADERBOARD.filename))):
        LEADERBOARD.read(tmp_path)


def test_second_writing_is_byte_identical_and_old_figures_and_pages_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With some figures; test_figures.py draws all of them twice."""
    for others in ("plan_comparisons", "plan_subgroups", "plan_calibration"):
        monkeypatch.setattr(pages, others, lambda results: {})
    store = made_up_results(tmp_path, {"svm": 1.0}, seeds=1)
    (store.folder / NOTES).write_text("the user's own")
    write_report(store)
    before = {p: p.read_bytes() for p in store.folder.rglob("*") if p.is_file() and "runs" not in p.parts}
    (store.folder / "figures" / "old.png").write_bytes(b"of an earlier version")
    (store.folder / "tuning.md").write_text(f"# Tuning\n\n{GENERATED} <folder>`.*")
    write_report(store)
    after = {p: p.read_bytes() for p in store.folder.rglob("*") if p.is_file() and "runs" not in p.parts}
    assert before == after
    made = {
        "README.md",
        "report.html",
        "leaderboard.csv",
        "costs.csv",
        "ranks.csv",
        "figures",
        "clips.csv.gz",
        NOTES.name,
    }
    assert {p.relative_to(store.folder).parts[0] for p in after} == made | PAGES


def test_leaderboard_depends_on_nothing_but_predictions(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, seeds=1)
    before = LEADERBOARD.text(leaderboard_rows(load_results(store)))
    for key in store.fits():
        change_record(store, key, fit_seconds=99.0, threads=64, hardware="another", versions={"numpy": "9"})
    assert LEADERBOARD.text(leaderboard_rows(load_results(store))) == before


@pytest.mark.parametrize(
    ("simulated", "protocol", "words"),
    [
        (True, "patients-3fold", ["SIMULATED"]),
        (False, "random-3fold", ["LEAKY"]),
        (True, "random-3fold", ["SIMULATED", "LEAKY"]),
        (False, "patients-3fold", []),
        (False, "official", []),
    ],
)
def test_warnings_accompany_every_number(tmp_path: Path, simulated: bool, protocol: str, words: list[str]) -> None:
    store = made_up_results(tmp_path, simulated=simulated, protocol=protocol, seeds=1)
    check_warnings(store, tmp_path, words)


def test_a_patient_on_both_sides_of_a_published_split_is_named_with_every_number(tmp_path: Path) -> None:
    """Computed from the stored fits; without one of this suite, it is unknown."""
    store = made_up_results(tmp_path, protocol="official", seeds=1)
    assert load_results(store).patient_disjoint
    for key in store.fits():
        change_record(store, key, train_patients=("101", "999"))
    check_warnings(store, tmp_path, ["NOT PATIENT-DISJOINT"])
    results = load_results(store)
    assert (results.shared_patients, results.patient_disjoint) == (("101",), False)
    assert "**NOT PATIENT-DISJOINT: patient 101 is trained on and tested, so that" in written_text(store.folder)
    assert "`NOT PATIENT-DISJOINT` are published splits" in (tmp_path / README).read_text()
    for key in store.fits():
        change_record(store, key, kind="from outside", train_patients=())
    results = load_results(store)
    assert (results.flags, results.patient_disjoint) == (("PERHAPS NOT PATIENT-DISJOINT",), False)


def check_warnings(store: Store, results: Path, words: list[str]) -> None:
    """Check that these words accompany every number of a report, and no others do."""
    report = write_report(store, draw=False)
    text = written_text(report.page.parent)
    places = re.findall(r"^(?:\*\*(?:Table|Figure) |#+ |<summary>|!\[Figure|- On ).*$", text, re.MULTILINE)
    assert len(places) > 20
    for word in ("SIMULATED", "LEAKY", "NOT PATIENT-DISJOINT"):
        assert {word in place for place in [*places, str(report.summary).splitlines()[0]]} == {word in words}
        for table in (LEADERBOARD, COSTS):
            assert {word in row["warning"] for row in table.read(store.folder).values()} == {word in words}
    assert ("[!WARNING]" in text) == bool(words)
    (line,) = read_index(results).benchmarks
    assert line.warning == "; ".join(words)
    assert all(("(" + line.warning + ")" in number) == bool(words) for number in line.cells[1:4:2])
    assert all(word in write_index(results).read_text().splitlines()[-1] for word in words)


def test_index_lists_every_report_the_trustworthy_first(tmp_path: Path) -> None:
    assert "no report yet" in write_index(tmp_path).read_text()
    for kind in ({"protocol": "random-3fold"}, {"simulated": True, "classes": FOUR}, {}):
        write_report(made_up_results(tmp_path, {"svm": 1.0, "cnn": 0.2}, seeds=1, **kind), draw=False)
    lines = read_index(tmp_path).benchmarks
    places = ["made-up/abnormal/patients-3fold", "made-up/abnormal/random-3fold", "made-up/four-class/patients-3fold"]
    assert [line.place.as_posix() for line in lines] == places
    assert {line.best[metric][0] for line in lines for metric in ("score", "auroc")} == {"svm"}
    assert [re.findall(r"\((\S+)/README.md\)", row)[0] for row in write_index(tmp_path).read_text().splitlines()[-3:]]


def test_incomplete_models_have_a_status_and_no_numbers(tmp_path: Path) -> None:
    store = made_up_results(tmp_path)
    store.set_aside(FitKey("svm", 1, 2))
    (store.folder / "runs" / "metadata" / "seed0-fold0.json").unlink()
    store.write_failure(FitKey("metadata", 0, 0), "Traceback\nRuntimeError: no")
    text = written_text(write_report(store, draw=False).page.parent)
    rows = LEADERBOARD.read(store.folder)
    assert {model: row["status"] for model, row in rows.items()} == {
        "prior": Status(Completion.COMPLETE),
        "metadata": Status(Completion.FAILED, "1 of 6 fits (RuntimeError: no)"),
        "svm": Status(Completion.UNFINISHED, "5 of 6 fits"),
    }
    assert rows["svm"]["score"] is None
    assert "seed0-fold0 failed: RuntimeError: no" in text


def test_a_fold_that_no_model_has_counts_as_missing(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0})
    for seed in range(2):
        store.set_aside(FitKey("svm", seed, 2))
    report = write_report(store)
    assert [model.status for model in report.results.models] == [Status(Completion.UNFINISHED, "4 of 6 fits")]
    assert not list((store.folder / "figures").glob("*.png"))
    assert "n/a" in str(report.summary)


def test_a_fit_that_failed_on_repetition_is_not_taken_from_before(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0, "cnn": 0.5})
    store.write_failure(FitKey("cnn", 0, 0), "Traceback\nRuntimeError: no")
    assert load_results(store).models[-1].status == Status(Completion.FAILED, "1 of 6 fits (RuntimeError: no)")


@pytest.mark.parametrize("status", [Status(Completion.COMPLETE), Status(Completion.FAILED, "1 of 2 fits (a: b)")])
def test_a_status_is_read_as_it_was_written(status: Status) -> None:
    assert Status.parse(str(status)) == status


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fingerprint": "other code"}, "svm come from different code"),
        ({"corpus": "other"}, "different contents of the corpus"),
        ({"task": "four-class"}, "mixes task"),
        ({"protocol": "random-3fold"}, "mixes protocol"),
        ({"classes": ("abnormal", "normal")}, "mixes classes"),
    ],
)
def test_mixtures_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    store, key = made_up_results(tmp_path, seeds=1), FitKey("svm", 0, 2)
    if "corpus" in changes:
        corpus: CorpusFacts = store.read(key).record.corpus
        changes = {"corpus": replace(corpus, fingerprint="other")}
    change_record(store, key, **changes)
    with pytest.raises(InputError, match=message):
        load_results(store)


def test_models_tested_on_other_clips_are_refused(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, seeds=1)
    change_predictions(store, FitKey("svm", 0, 2), "clip0", "clap0")
    with pytest.raises(InputError, match="tested on different clips in seed0-fold2"):
        load_results(store)


def test_edited_predictions_are_refused(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, seeds=1)
    path = store.folder / "runs" / "svm" / "seed0-fold0.csv.gz"
    text = gzip.decompress(path.read_bytes()).decode().replace(",abnormal,", ",normal,", 1)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    with pytest.raises(InputError, match="don't belong together"):
        load_results(store)


def test_an_empty_folder_and_one_of_failures_only_are_explained(tmp_path: Path) -> None:
    store = Store(tmp_path / "a" / "abnormal" / "patients-3fold")
    with pytest.raises(InputError, match="has no finished fit; run the benchmark"):
        load_results(store)
    fail(store, "svm")
    with pytest.raises(InputError, match="it broke"):
        load_results(store)


def test_sound_results_pass_their_checks(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"prior": 0.0, "svm": 1.0, "cnn": 0.8}, seeds=3)
    for key in store.fits():
        if key.model == "cnn":
            change_record(store, key, curve=tuple(curve(0, kept=3)))
    assert [check.findings for check in checks.run_checks(load_results(store))] == [()] * len(checks.CHECKS)


def test_checks_find_what_is_wrong(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"prior": 0.0, "one-class": 0.0, "wrong": -1.5, "leak": 2.5, "cnn": 1.0})
    fail(store, "broken")
    for key in store.fits():
        change_record(store, key, curve=tuple(curve(0, kept=5)) if key.model == "cnn" else ())
    everyone = tuple(f"{100 + i}" for i in range(24))
    change_record(store, FitKey("cnn", 0, 0), train_patients=everyone, threads=2)
    results = load_results(store)
    assert {finding["model"] for finding in found_by(results, checks.not_above_prior)} == {"one-class", "wrong"}
    assert [finding["model"] for finding in found_by(results, checks.lacking_fits)] == ["broken"]
    (edge,) = found_by(results, checks.epoch_at_the_edge)
    assert (edge["model"], edge["edge"], edge["count"], edge["of"]) == ("cnn", "last", 6, 6)
    (leak,) = found_by(results, checks.too_good)
    assert leak["model"] == "leak"
    assert leak["auroc"] > checks.TOO_GOOD
    assert found_by(results, checks.one_class_only) == [{"model": "one-class", "count": 6, "of": 6}]
    assert found_by(results, checks.shared_patients) == [{"model": "cnn", "count": 1}]
    assert [finding["model"] for finding in found_by(results, checks.below_chance)] == ["wrong"]
    assert [finding["count"] for finding in found_by(results, checks.too_little_evidence)] == [2]
    assert found_by(results, checks.unequal_machines) == [{"count": 2, "what": "numbers of threads"}]
    assert found_by(results, checks.class_without_clips) == []


@pytest.mark.parametrize(
    ("simulated", "protocol", "found"),
    [
        (False, "patients-3fold", True),
        (False, "patients-3fold-ablation", True),
        (True, "patients-3fold", False),
        (False, "random-3fold", False),
    ],
)
def test_too_good_an_auroc_of_unseen_real_patients_is_a_leak_until_shown_otherwise(
    tmp_path: Path, simulated: bool, protocol: str, found: bool
) -> None:
    results = load_results(made_up_results(tmp_path, {"leak": 2.5}, simulated=simulated, protocol=protocol, seeds=1))
    assert bool(found_by(results, checks.too_good)) == found


def test_a_fold_without_a_class_is_found(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"prior": 0.0, "svm": 1.0}, seeds=1)
    for model in ("prior", "svm"):
        key = FitKey(model, 0, 1)
        change_predictions(store, key, ",abnormal,", ",normal,")
        change_predictions(store, key, "label,normal,normal", "label,normal,abnormal")  # the header
    expected = [{"fold": "seed0-fold1", "label": "abnormal"}]
    assert found_by(load_results(store), checks.class_without_clips) == expected


def test_a_model_that_recognizes_patients_only_is_found(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"prior": 0.0, "svm": 1.0}, seeds=1)
    for key in store.fits():
        if key.model == "svm":
            table = store.read(key).predictions
            share = (table["label"] == "abnormal").groupby(table["patient"]).transform("mean")
            text = table.assign(abnormal=share, normal=1 - share).to_csv(index=False)
            path = store.folder / "runs" / "svm" / f"{key.stem}.csv.gz"
            path.write_bytes(gzip.compress(text.encode(), mtime=0))
            change_record(store, key, predictions_digest=digest([text]))
    (finding,) = found_by(load_results(store), checks.only_between_patients)
    assert finding["model"] == "svm"
    assert cell(finding["within"]) == "0.500 [0.500, 0.500]"


def test_costs_are_medians_over_fits(written: Report) -> None:
    rows = COSTS.read(written.page.parent)
    assert rows["svm"] == {
        "model": "svm",
        "fit_seconds": 2.5,
        "tune_seconds": 0.0,
        "features_ms_per_clip": pytest.approx(np.nan, nan_ok=True),
        "predict_ms_per_clip": round(1000 * 6 * 0.25 / (2 * 192), 4),
        "cold_ms_per_clip": pytest.approx(np.nan, nan_ok=True),
        "parameters": 1234,
        "peak_mb": 322.0,
        "threads": "1",
        "hardware": "a made-up processor, 2 cores",
        "features_hardware": "",
        "warning": "",
    }
    assert rows["broken"]["parameters"] is None
    assert np.isnan(rows["broken"]["fit_seconds"])


def test_classification_report_agrees_with_the_leaderboard(written: Report) -> None:
    model = written.results.models[0]
    report = classification_report(model)
    assert report[:, 2].mean() == pytest.approx(model.value("macro_f1"), abs=1e-12)
    assert report[0, 1] == pytest.approx(model.value("specificity"), abs=1e-12)
    assert report[:, 3].sum() == 192


def test_summary_fits_a_terminal_and_shows_failures(written: Report) -> None:
    text = str(written.summary)
    assert "failed: 6 of 6 fits" in text
    assert max(len(line) for line in text.splitlines()) <= 90


def test_nothing_in_a_cell_can_break_a_table() -> None:
    page = Page()
    table = page.table("Odd.", ["a", "b"], [["x | y\nz", "<b>"]]) + page.table("Empty.", ["a", "b"], [])
    assert "x \\| y z" in table
    assert "&lt;b>" in table
    assert "**Table 2.** Empty." in table
    names = ([], ["a"], ["a", "b"], ["a", "b", "c"])
    assert [listed(some) for some in names] == ["none", "`a`", "`a` and `b`", "`a`, `b` and `c`"]


def test_spread_over_repeats_is_the_deviation_of_the_seeds(written: Report, tmp_path: Path) -> None:
    store = Store(written.page.parent)
    each = []
    for seed in (0, 1):
        table = pd.concat([store.read(FitKey("svm", seed, fold)).predictions for fold in range(3)])
        right = (table["abnormal"] > 0.5) == (table["label"] == "abnormal")
        each.append(right.groupby(table["label"]).mean().mean())
    (row,) = [row for row in repeat_rows(written.results) if row[0] == "svm"]
    assert row[1:4] == [2, f"{np.std(each, ddof=1):.3f}", f"{min(each):.3f} to {max(each):.3f}"]
    assert repeat_rows(load_results(made_up_results(tmp_path, {"svm": 1.0}, seeds=1))) == []
