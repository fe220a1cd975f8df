"""What changed between two results folders: nothing is called changed that isn't, and noise is not called a change."""

import shutil

import numpy as np
import pytest
from made_up_results import change_predictions, change_record, fail, made_up_results

from respbench.benchmarks.cli import main
from respbench.benchmarks.report.changes import page, summary
from respbench.benchmarks.statistics.changes import changes
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import LEADING, METRICS
from respbench.benchmarks.statistics.multiplicity import holm
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store

STRENGTHS = {"prior": 0.0, "svm": 0.5, "cnn": 0.5, "steady": 1.0}


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    return made_up_results(tmp_path_factory.mktemp("before"), STRENGTHS)


@pytest.fixture(scope="module")
def loaded(before):
    return load_results(before)


@pytest.fixture
def after(before, tmp_path):
    """A copy to be changed."""
    return Store(shutil.copytree(before.folder, tmp_path / "after"))


def found_in(loaded, after):
    found = changes(loaded, load_results(after))
    return found, {change.model: change for change in found.models}


def test_a_copy_is_unchanged_and_nothing_is_written(loaded, before, after):
    files = {path: path.stat().st_mtime_ns for store in (before, after) for path in store.folder.rglob("*")}
    found, models = found_in(loaded, after)
    assert {path: path.stat().st_mtime_ns for store in (before, after) for path in store.folder.rglob("*")} == files
    assert set(models) == set(STRENGTHS)
    assert found.obstacles == found.circumstances == found.only_before == found.only_after == ()
    for change in found.models:
        assert (change.predicted.fits, change.predicted.identical, change.predicted.changed) == (6, True, False)
        assert (change.same_code, change.parameters, dict(change.p_values)) == (True, {}, {})
        assert all(
            gain.value == gain.low == gain.high == 0 for metric, gain in change.gain.items() if np.isfinite(gain.value)
        )
    text = summary(found)
    assert text.count("the same bytes") == text.count("unchanged") == len(STRENGTHS)
    assert "Versions, hardware, threads and the corpus are the same." in page(found, before.folder, after.folder)


def test_what_became_better_is_beyond_noise_and_what_became_no_better_is_not(loaded, before, tmp_path):
    after = made_up_results(tmp_path, {"prior": 0.0, "svm": 3.0, "new": 1.0, "cnn": 0.5})
    fail(after, "steady")
    found, models = found_in(loaded, after)
    assert found.only_after == ("new",)
    assert models["steady"].incomplete.startswith("after: failed: 6 of 6 fits")
    assert models["svm"].beyond_noise.keys() == set(LEADING)
    assert not models["cnn"].beyond_noise
    assert models["svm"].gain["auroc"].value == pytest.approx(
        load_results(after).find("svm").value("auroc") - loaded.find("svm").value("auroc")
    )
    for metric in LEADING:  # prior and steady don't count in the family
        raw = [models[name].gain[metric].p_value for name in ("svm", "cnn")]
        assert [models[name].p_values[metric] for name in ("svm", "cnn")] == pytest.approx(holm(np.array(raw)).tolist())
    assert not models["prior"].p_values
    text, markdown = summary(found), page(found, before.folder, after.folder)
    assert "score higher and AUROC higher, beyond noise" in text
    assert "not beyond noise" in text
    assert "only after: new" in text
    assert "after: failed" in text
    assert all(f"{label[0].upper()}{label[1:]} before and after" in markdown for label in METRICS.values())


def test_rounding_is_no_change_and_one_probability_is(loaded, before, after):
    key = FitKey("svm", 0, 0)
    fit = before.read(key).predictions
    exact = f"{fit['normal'].iloc[0]:.9g}"
    change_predictions(after, key, exact, exact + "1", 1)
    found, models = found_in(loaded, after)
    assert (models["svm"].predicted.same_bytes, models["svm"].predicted.changed) == (5, False)
    assert "equal but for rounding" in summary(found)
    other = Store(shutil.copytree(before.folder, after.folder.with_name("other")))
    row = before.read(key).predictions.iloc[0]
    swap = f"{row['normal']:.9g},{row['abnormal']:.9g}"
    change_predictions(other, key, swap, "0.25,0.75" if row["normal"] > 0.5 else "0.75,0.25", 1)
    _, models = found_in(loaded, other)
    assert models["svm"].predicted.changed
    assert models["svm"].predicted.largest == pytest.approx(
        abs(row["normal"] - (0.25 if row["normal"] > 0.5 else 0.75))
    )
    assert models["svm"].predicted.decided == pytest.approx(1 / (24 * 8 * 2))


def test_parameters_code_and_circumstances_that_differ_are_named(loaded, before, after):
    for key in after.fits():
        changes = {"versions": {"python": "3.12", "numpy": "2.4"}, "hardware": "another machine"}
        if key.model == "cnn":
            changes |= {"parameters": {"C": 2.0, "kernel": "rbf", "extra": 1}, "fingerprint": "other code"}
        change_record(after, key, **changes)
    found, models = found_in(loaded, after)
    assert models["cnn"].parameters == {"C": (1.0, 2.0), "extra": (None, 1)}
    assert [name for name, change in models.items() if not change.same_code] == ["cnn"]
    assert {what: (one, other) for what, one, other in found.circumstances} == {
        "versions": ("python 3.11", "python 3.12"),
        "hardware": ("a made-up processor, 2 cores", "another machine"),
    }
    markdown = page(found, before.folder, after.folder)
    assert "C: 1.0 → 2.0" in markdown
    assert "another identity" in markdown


def test_only_the_repeats_of_both_sides_count(loaded, before, tmp_path):
    longer = made_up_results(tmp_path, {"prior": 0.0, "svm": 0.5}, seeds=3)
    found, models = found_in(loaded, longer)
    assert {change.repeats for change in found.models} == {2}
    assert models["svm"].predicted.only_after == 3
    assert models["svm"].gain["score"].value == 0
    assert "the same bytes, 3 fits only after" in summary(found)
    assert "unchanged on the shared fits" in summary(found)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"protocol": "random-3fold"}, "the protocol is patients-3fold before and random-3fold after"),
        ({"contents": "f" * 16}, "the contents of the corpus made-up differ"),
        ({"classes": ("normal", "crackle", "wheeze", "both")}, "the task is abnormal before and four-class after"),
    ],
)
def test_other_benchmarks_are_not_compared(loaded, before, tmp_path, other, message):
    store = made_up_results(tmp_path, {"prior": 0.0}, seeds=1, **other)
    found, _ = found_in(loaded, store)
    assert f"Nothing can be compared: {message}" in summary(found)
    assert not any(change.gain or change.predicted.fits for change in found.models)
    assert message in page(found, before.folder, store.folder)


def test_the_command_writes_the_page_where_it_is_told(before, after, tmp_path, capsys):
    output = tmp_path / "pages" / "changes.md"
    assert main(["compare", str(before.folder), str(after.folder), "--output", str(output)]) == 0
    assert "unchanged" in capsys.readouterr().out
    assert output.read_text().startswith("# What changed\n")


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_folders_without_fits_are_refused(before, tmp_path, capsys, make):
    make(tmp_path / "empty")
    assert main(["compare", str(before.folder), str(tmp_path / "empty")]) == 2
    message = capsys.readouterr().err
    assert f"{tmp_path / 'empty'} holds no stored fits; name the folder of one report" in message
    assert message.count("\n") == 1


def test_a_file_in_place_of_a_folder_is_refused(before, tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    assert main(["compare", str(before.folder), str(tmp_path / "file")]) == 2
    assert f"{tmp_path / 'file'} is a file; give a folder" in capsys.readouterr().err
