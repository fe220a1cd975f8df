"""The page about training: accuracies, epochs kept, and what picking epochs on the test patients would be worth."""

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_up_results import made_up_results, probabilities, report_text, synthetic_clips
from matplotlib.image import imread
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from respbench.benchmarks.report.figures.curves import LEARNING, plan_curves
from respbench.benchmarks.report.source import Source
from respbench.benchmarks.report.training import training
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.picked import picked_on_test
from respbench.benchmarks.statistics.results import Results
from respbench.benchmarks.storage.picks import PICKED, PickRecord, Picks
from respbench.benchmarks.storage.store import Store

CLIPS = synthetic_clips()


def with_picks(folder: Path, strength: float = 2.0) -> Store:
    """A network and a baseline, two repeats; the picked epoch of the network, number 4, is as good as ``strength``."""
    store = made_up_results(folder, {"cnn": 1.0, "svm": 1.0})
    for key in store.fits():
        record = store.record(key)
        if key.model == "cnn" and record is not None:
            test = CLIPS.take(np.flatnonzero(np.isin(CLIPS.patient, record.test_patients)))
            pick = PickRecord(epoch=4, scores=(0.5,) * 4 + (0.9, 0.6), fit_digest=record.predictions_digest)
            Picks(store).write(key, test, probabilities(test, strength, 7 + key.fold), pick)
    return store


@pytest.fixture(scope="module")
def picked(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return with_picks(tmp_path_factory.mktemp("picked"))


def pooled(store: Store, seed: int) -> list[pd.DataFrame]:
    """The picks of one repeat as they are on the disk, fold by fold."""
    paths = sorted((store.folder / PICKED / "cnn").glob(f"seed{seed}-*.csv.gz"))
    return [pd.read_csv(path) for path in paths]


def test_metrics_of_picks_are_those_of_the_stored_predictions(picked: Store) -> None:
    (found,) = picked_on_test(picked, load_results(picked))
    scores, areas = [], []
    for seed in (0, 1):
        tables = pooled(picked, seed)
        whole = pd.concat(tables)
        decision = np.where(whole["abnormal"] > whole["normal"], "abnormal", "normal")
        scores.append(balanced_accuracy_score(whole["label"], decision))
        areas.append(np.mean([roc_auc_score(table["label"] == "abnormal", table["abnormal"]) for table in tables]))
    for metric, expected in (("score", scores), ("auroc", areas)):
        estimate, gain = found.estimate(metric), found.gain(metric)
        assert estimate.value == pytest.approx(np.mean(expected))
        assert estimate.low < estimate.value < estimate.high
        assert gain.value == pytest.approx(estimate.value - found.honest.value(metric))
        assert gain.low > 0
    assert found.picked == (4,) * 6
    kept = [row["epoch"] for fit in found.honest.fits for row in fit.record.curve if row["kept"]]
    assert found.kept == tuple(kept)
    assert found.same_epoch == kept.count(4) < 6
    assert found.gains == tuple(pytest.approx({4: 0.0, 5: 0.3}.get(epoch, 0.4)) for epoch in kept)


def test_a_repeat_that_lacks_a_pick_is_left_out(tmp_path: Path) -> None:
    store = with_picks(tmp_path)
    results = load_results(store)
    (store.folder / PICKED / "cnn" / "seed0-fold2.json").unlink()
    (found,) = picked_on_test(store, results)
    assert found.flattered.seeds == (1,)
    assert found.honest.seeds == (0, 1)
    assert len(found.kept) == len(found.picked) == 3
    (store.folder / PICKED / "cnn" / "seed1-fold0.json").unlink()
    assert picked_on_test(store, results) == ()


def test_picks_are_marked_and_no_row_of_their_own(picked: Store) -> None:
    results = load_results(picked)
    text = report_text(results, list(plan_curves(results)), picked.folder)
    page = text.partition("Picked on test: not a result")[2]
    (caption,) = re.findall(r"^\*\*Table .*PICKED ON TEST.*$", page, re.MULTILINE)
    assert "had its epoch been picked on the test patients" in caption
    assert "picked epoch is the one that was kept without the test patients" in text
    assert {model.name for model in results.models} == {"cnn", "svm"}
    opening = text.partition("\n# ")[0]
    assert "picked on" not in opening


def test_without_picks_the_page_is_silent_about_them(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"cnn": 1.0}, seeds=1)
    results = load_results(store)
    assert "PICKED" not in report_text(results, list(plan_curves(results)), store.folder)
    found = training(Source(results=results, folder=store.folder))
    assert found is not None
    assert found.picked == []


def test_the_table_of_epochs(tmp_path: Path) -> None:
    """Six epochs each; accuracy at the epoch that was kept, where it was recorded."""
    results = load_results(made_up_results(tmp_path, {"cnn": 1.0, "svm": 1.0}, seeds=1))
    found = training(Source(results=results, folder=tmp_path))
    assert found is not None
    (row,) = found.epochs
    kept = [line["epoch"] for fit in results.fits for line in fit.record.curve if line["kept"]]
    share = np.mean([1 - 0.4 * 0.8**epoch for epoch in kept])
    assert row == ["cnn", "best on validation patients", "6", f"{np.median(kept):g}", f"{share:.3f}", "0.750"]
    old = training(Source(results=without(results, "train_accuracy", "valid_accuracy"), folder=tmp_path))
    assert old is not None
    assert old.epochs[0][-2:] == ["n/a", "n/a"]
    no_network = replace(results, models=tuple(model for model in results.models if model.name == "svm"))
    assert training(Source(results=no_network, folder=tmp_path)) is None


def test_curves_without_accuracy_are_drawn_without_its_panel(tmp_path: Path) -> None:
    results = load_results(made_up_results(tmp_path, {"cnn": 1.0}, seeds=1))
    widths = [
        imread(io.BytesIO(plan_curves(one)[LEARNING]()), format="png").shape[1]
        for one in (results, without(results, "train_accuracy", "valid_accuracy"))
    ]
    assert widths[0] > widths[1]


def test_coverage_and_accuracy_of_pseudo_labels_by_epoch(tmp_path: Path) -> None:
    strengths = {"supervised-cnn": 0.5, "pi-cnn": 0.6}
    store = made_up_results(
        tmp_path, strengths, twins={"pi-cnn": "supervised-cnn"}, seeds=1, protocol="patients-2fold-labels10"
    )
    results = load_results(store)
    found = training(Source(results=results, folder=store.folder))
    assert found is not None
    assert found.shown == (0, 1, 2, 4, 5)
    (row,) = found.pseudo_labels
    model = results.find("pi-cnn")
    assert model is not None
    assert row[:2] == ["pi-cnn", "0.00 (n/a)"]
    for epoch, cell in zip(found.shown[1:], row[2:], strict=True):
        lines = [line for fit in model.fits for line in fit.record.curve if line["epoch"] == epoch]
        coverage, right = (np.mean([line[key] for line in lines]) for key in ("confident", "confident_accuracy"))
        assert cell == f"{coverage:.2f} ({right:.2f})"
    assert "Coverage of the pseudo-labels by epoch" in report_text(results, [], store.folder)
    unsure = training(Source(results=without(results, "confident_accuracy"), folder=store.folder))
    assert unsure is not None
    assert all(str(cell).endswith(" (n/a)") for cell in unsure.pseudo_labels[0][1:])
    silent = training(Source(results=without(results, "confident"), folder=store.folder))
    assert silent is not None
    assert (silent.pseudo_labels, silent.shown) == ([], ())
    assert "Coverage of the pseudo-labels" not in report_text(without(results, "confident"), [], store.folder)


def without(results: Results, *columns: str) -> Results:
    """The same as from a version that recorded less."""

    def older(fit: Any) -> Any:
        curve = tuple({key: value for key, value in row.items() if key not in columns} for row in fit.record.curve)
        return replace(fit, record=replace(fit.record, curve=curve))

    return replace(results, models=tuple(replace(m, fits=tuple(map(older, m.fits))) for m in results.models))
