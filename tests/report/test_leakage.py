"""The page about leakage: gaps between two folders are paired by repeat and patient, and need the same patients."""

import numpy as np
import pytest
from made_up_results import fail, made_up_results

from respbench.benchmarks.report.leakage import leakage
from respbench.benchmarks.report.pages import report_pages
from respbench.benchmarks.report.source import Source
from respbench.benchmarks.statistics.intervals import interval, leave_one_out
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import LEADING, evaluate, evaluate_leading
from respbench.corpora.protocols import find, find_stored, trained_on, trained_with

APART = {"prior": 0.0, "svm": 0.5, "cnn": 0.5, "only-apart": 1.0}
MIXED = {"prior": 0.0, "svm": 1.5, "cnn": 1.0, "only-mixed": 1.0}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Three repeats with patients apart, two with patients mixed."""
    root = tmp_path_factory.mktemp("results")
    stores = made_up_results(root, APART, seeds=3), made_up_results(root, MIXED, protocol="random-3fold")
    fail(stores[1], "broken")
    return stores


@pytest.fixture(scope="module")
def loaded(folders):
    return [load_results(store) for store in folders]


def test_gaps_are_those_of_the_shared_repeats_and_the_same_seen_from_both_sides(folders, loaded):
    apart, mixed = loaded
    here, there = (leakage(one, store.folder) for one, store in zip(loaded, folders, strict=True))
    assert {leak.model: leak for leak in here.leaks} == {leak.model: leak for leak in there.leaks}
    assert (here.apart, here.mixed) == (there.apart, there.mixed) == ("patients-3fold", "random-3fold")
    assert set(here.absent) == {"only-apart", "only-mixed", "broken"}
    assert [leak.model for leak in here.leaks] == [m.name for m in apart.models if m.name in {"prior", "svm", "cnn"}]
    for leak in here.leaks:
        old, new = apart.find(leak.model), mixed.find(leak.model)
        assert leak.repeats == 2
        for metric in LEADING:
            assert leak.apart[metric].value == np.mean(old.values[metric][:2, 0])
            assert leak.mixed[metric].value == np.mean(new.values[metric][:, 0])
            assert leak.gap[metric].value == pytest.approx(leak.mixed[metric].value - leak.apart[metric].value)
    by_name = {leak.model: leak.gap["auroc"] for leak in here.leaks}
    assert by_name["svm"].low > 0
    assert (by_name["prior"].low, by_name["prior"].high) == (0, 0)
    assert here.highest("auroc").model == "svm"
    assert here.lowest("auroc").model == "prior"


def test_the_gap_of_a_patient_left_out_leaves_the_patient_out_on_both_sides(folders, loaded):
    apart, mixed = (results.find("svm") for results in loaded)
    gap = next(leak.gap["auroc"] for leak in leakage(loaded[0], folders[0].folder).leaks if leak.model == "svm")
    expected = interval(mixed.values["auroc"] - apart.values["auroc"][:2], "plain")
    assert (gap.low, gap.high) == pytest.approx((expected.low, expected.high))


def test_the_short_evaluation_agrees_with_the_long_one(loaded):
    predictions = loaded[0].find("svm").predictions[0]
    weights = leave_one_out(24)
    short, long = (function(predictions, weights) for function in (evaluate_leading, evaluate))
    assert set(short) == set(LEADING)
    for metric in LEADING:
        assert np.array_equal(short[metric], long[metric])


def test_the_page_marks_what_leaks(folders, loaded):
    pages = report_pages(Source(results=loaded[0], folder=folders[0].folder))
    assert pages["leakage.md"].count("(LEAKY)") >= 2
    assert "Not complete under both protocols:" in pages["leakage.md"]
    assert "leakage.md" in pages["README.md"]


def test_there_is_no_page_without_the_same_patients_repeats_and_models(tmp_path):
    alone = made_up_results(tmp_path / "alone", {"svm": 1.0}, seeds=1)
    assert leakage(load_results(alone), alone.folder) is None
    for name, change in (("corpus", {"contents": "f" * 16}), ("models", {"strengths": {"other": 1.0}})):
        store = made_up_results(tmp_path / name, {"svm": 1.0}, seeds=1)
        other = {"strengths": {"svm": 1.0}, "seeds": 1, "protocol": "random-3fold"}
        made_up_results(tmp_path / name, **{**other, **change})
        assert leakage(load_results(store), store.folder) is None
    later = made_up_results(tmp_path / "repeats", {"svm": 1.0}, seeds=2)
    made_up_results(tmp_path / "repeats", {"svm": 1.0}, seeds=1, protocol="random-3fold")
    for path in later.folder.glob("runs/*/seed0-*"):
        path.unlink()
    assert leakage(load_results(later), later.folder) is None


def test_which_protocols_are_counterparts():
    assert find("patients-5fold").counterpart == "random-5fold"
    assert find("random-4fold").counterpart == "patients-4fold"
    for protocol in map(find, ("official", "patients-5fold-labels10", "patients-leave-device-out")):
        assert protocol.counterpart == ""
    assert find_stored("patients-5fold-ablation").counterpart == ""
    assert trained_on("icbhi").counterpart == trained_with("icbhi").counterpart == ""
