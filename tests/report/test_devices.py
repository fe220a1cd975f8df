"""The page about devices left out: each device by itself, with its own patients."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_results import found_by, probabilities, record_of, synthetic_clips
from sklearn.metrics import roc_auc_score

from respbench.benchmarks.report.checks import class_without_clips, devices_of_few_patients
from respbench.benchmarks.report.devices import auroc_on, devices
from respbench.benchmarks.report.pages import report_pages
from respbench.benchmarks.report.source import Source
from respbench.benchmarks.statistics.intervals import interval
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store
from respbench.corpora.choices import LEAVE_DEVICE_OUT

NAMES = np.array(["Alpha", "Beta", "Gamma"])
OWNERS = np.array([0] * 14 + [1] * 7 + [2] * 3)
"""The device of each of the 24 patients."""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Two repeats of two models; Gamma recorded no abnormal clip, and the first patient has clips of two devices."""
    clips = synthetic_clips()
    device = np.repeat(OWNERS, 8)
    device[0] = 1
    clips = replace(clips, label=np.where(device == 2, 0, clips.label), meta=clips.meta.assign(device=NAMES[device]))
    store = Store(tmp_path_factory.mktemp("results") / "made-up" / "abnormal" / LEAVE_DEVICE_OUT)
    store.write_clips(clips)
    for model, strength in (("prior", 0.0), ("svm", 1.0)):
        for seed in range(2):
            for fold in range(3):
                test, key = np.flatnonzero(device == fold), FitKey(model, seed, fold)
                tested = clips.take(test)
                record = record_of(clips, key, test, False, LEAVE_DEVICE_OUT)
                store.write(key, tested, probabilities(tested, strength, 10 * seed + fold), record)
    return store


def test_each_device_has_the_auroc_of_its_own_clips(store):
    results = load_results(store)
    found = devices(results)
    assert [(d.name, d.patients, sum(d.clips.values())) for d in found.devices] == [
        ("Alpha", 14, 111),
        ("Beta", 8, 57),
        ("Gamma", 3, 24),
    ]
    assert [d.lacking for d in found.devices] == [(), (), ("abnormal",)]
    assert found.few == ("Beta", "Gamma")
    (row,) = (row for row in found.rows if row[0] == "svm")
    for fold, value in enumerate(row[1:3]):
        areas = []
        for seed in range(2):
            table = store.read(FitKey("svm", seed, fold)).predictions
            areas.append(roc_auc_score(table["label"] == "abnormal", table["abnormal"]))
        assert value.value == pytest.approx(np.mean(areas))
        assert value.low < value.value < value.high
    assert np.isnan(row[3].value)
    assert row[4].value == pytest.approx(np.mean([row[1].value, row[2].value]))


def test_the_interval_is_over_the_patients_of_the_device(store):
    tables = [store.read(FitKey("svm", seed, 1)).predictions for seed in range(2)]
    everyone = sorted(tables[0]["patient"].unique())
    assert len(everyone) == 8
    areas = np.array(
        [
            [
                roc_auc_score(kept["label"] == "abnormal", kept["abnormal"])
                for kept in (table[table["patient"] != left_out] for left_out in (None, *everyone))
            ]
            for table in tables
        ]
    )
    found, expected = auroc_on(load_results(store).find("svm"), 1), interval(areas, "logit")
    assert (found.low, found.high, found.df) == pytest.approx((expected.low, expected.high, expected.df))


def test_the_page_and_the_checks_name_what_is_lacking(store):
    results = load_results(store)
    pages = report_pages(Source(results=results, folder=store.folder))
    page = pages["devices.md"]
    assert "Fewer than 10 patients: `Beta` and `Gamma`." in page
    assert "`Gamma` recorded no clip of `abnormal`" in page
    assert found_by(results, devices_of_few_patients) == [
        {"device": "Beta", "count": 8},
        {"device": "Gamma", "count": 3},
    ]
    folds = [finding["fold"] for finding in found_by(results, class_without_clips)]
    assert folds == ["seed0-fold2 (the device Gamma)", "seed1-fold2 (the device Gamma)"]
    assert "other validation patients" in pages["method.md"]


def test_a_model_that_lacks_a_device_is_unfinished(store, tmp_path):
    keys = [FitKey("svm", 0, fold) for fold in range(2)]
    partial = Store(tmp_path / LEAVE_DEVICE_OUT)
    for key in keys:
        partial.copy_fit(store, key, LEAVE_DEVICE_OUT)
    (partial.folder / "clips.csv.gz").write_bytes((store.folder / "clips.csv.gz").read_bytes())
    (model,) = load_results(partial).models
    assert not model.complete
    assert str(model.status) == "unfinished: 2 of 3 fits"
