"""Subgroups of a results folder, and on how many patients a number rests."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_results import CLIPS, PATIENTS, made_up_results, synthetic_clips
from sklearn.metrics import roc_auc_score

from respbench.benchmarks.report.figures.subgroups import plan_subgroups
from respbench.benchmarks.report.subgroups import MARK, subgroup_page
from respbench.benchmarks.statistics.effective import effective_size, effective_sizes
from respbench.benchmarks.statistics.forecasting import forecasts_by
from respbench.benchmarks.statistics.intervals import Estimate
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import Predictions
from respbench.benchmarks.statistics.results import Results
from respbench.benchmarks.statistics.subgroups import measured_subgroups, size, sounds, subgroups
from respbench.benchmarks.storage.store import Store
from respbench.corpora.clips import Clips

FOUR = ("normal", "crackle", "wheeze", "both")
ROOT = Path(__file__).resolve().parents[2]


def described(**columns: object) -> Clips:
    return replace(synthetic_clips(), meta=pd.DataFrame(columns, index=range(PATIENTS * CLIPS)))


def results_of(
    folder: Path,
    clips: Clips,
    strengths: dict[str, float] | None = None,
    classes: tuple[str, ...] = ("normal", "abnormal"),
) -> Results:
    store = made_up_results(folder, strengths, classes=classes)
    store.write_clips(clips)
    return load_results(store)


def by_patient(values: Sequence[str]) -> np.ndarray:
    """A value per patient, repeated for each of the clips."""
    return np.repeat(np.array(values, dtype=object), CLIPS)


def test_columns_of_few_values_divide_the_clips_and_each_clip_is_in_one_subgroup() -> None:
    table = pd.DataFrame(
        {
            "device": ["a", "b", "", "a"] * 10,
            "location": [str(i) for i in range(40)],
            "sex": ["F"] * 40,
            "age": [5.99, 6.0, np.nan, 80.0] * 10,
            "native_rate": [4000.0, 44100.0, np.nan, 4000.0] * 10,
            "seconds": np.linspace(1, 5, 40),
        }
    )
    found = subgroups(table, np.arange(40) < 36)
    assert [(one.by, one.value) for one in found] == [
        *(("device", value) for value in ("a", "b", "unknown")),
        *(("age (years)", value) for value in ("under 6", "6 to 17", "65 and over", "unknown")),
        *(("native rate", value) for value in ("4000 Hz", "44100 Hz", "unknown")),
        *(("cycle length", value) for value in ("up to 1.9 s", "up to 2.8 s", "up to 3.7 s", "over 3.7 s")),
    ]
    for by in {one.by for one in found}:
        members = np.sum([one.member for one in found if one.by == by], axis=0)
        np.testing.assert_array_equal(members, np.arange(40) < 36)


def test_few_patients_have_no_interval_and_a_mark(tmp_path: Path) -> None:
    clips = described(device=by_patient(["rare"] * 4 + ["usual"] * (PATIENTS - 4)))
    page = subgroup_page(results_of(tmp_path, clips), {})
    assert page is not None
    rows = {row[1]: row for row in page.rows if row[0] == "device"}
    assert rows["rare"][2:4] == [4, 4 * CLIPS]
    assert all(str(value).endswith(MARK) for value in rows["rare"][5:])
    assert all(isinstance(value, Estimate) and value.low < value.high for value in rows["usual"][5:])
    assert page.models == ("svm", "metadata")


def test_patients_with_one_kind_of_clip_are_few_however_many_they_are(tmp_path: Path) -> None:
    results = results_of(tmp_path, synthetic_clips())
    everyone = forecasts_by(results, results.complete[0]).forecasts[0]
    assert not size(everyone).few
    assert size(replace(everyone, abnormal=everyone.abnormal & (everyone.patient < 4))).few
    assert size(replace(everyone, abnormal=everyone.abnormal | (everyone.patient >= 4))).few


@pytest.mark.parametrize("classes", [("normal", "abnormal"), FOUR])
def test_auroc_in_a_subgroup_is_over_its_pairs_within_folds(tmp_path: Path, classes: tuple[str, ...]) -> None:
    sound = synthetic_clips(classes)
    sexes = by_patient(["F", "M"] * (PATIENTS // 2))
    results = results_of(tmp_path, replace(sound, meta=pd.DataFrame({"sex": sexes})), {"svm": 0.8}, classes=classes)
    assert results.clips is not None
    measured = measured_subgroups(results.clips, {"svm": forecasts_by(results, results.complete[0])})
    (found,) = [one for one in measured if one.subgroup.value == "F"]
    expected = []
    for predictions in results.complete[0].predictions.values():
        assert predictions.clip is not None
        right = pairs = 0.0
        for fold in range(3):
            rows = (predictions.fold == fold) & (sexes[predictions.clip] == "F")
            abnormal, p = predictions.label[rows] > 0, 1 - predictions.probabilities[rows, 0]
            count = abnormal.sum() * (~abnormal).sum()
            right, pairs = right + count * roc_auc_score(abnormal, p), pairs + count
        expected.append(right / pairs)
    assert found.auroc["svm"].value == pytest.approx(np.mean(expected), abs=1e-9)
    assert found.auroc["svm"].low < found.auroc["svm"].value < found.auroc["svm"].high
    assert found.size.patients == PATIENTS // 2


def test_a_corpus_without_columns_names_them_and_one_without_sounds_has_no_such_table(tmp_path: Path) -> None:
    results = results_of(tmp_path, described())
    page = subgroup_page(results, {})
    assert page is not None
    assert {row[0] for row in page.rows} <= {"cycle length"}
    assert page.absent == ("sex", "age", "native sampling rate")
    assert (page.sounds, page.by_sound) == ({}, [])
    assert [row[0] for row in page.macro] == [model.name for model in results.complete]
    assert subgroup_page(replace(results, clips=None), {}) is None
    assert plan_subgroups(replace(results, clips=None)) == {}


def test_each_kind_of_sound_is_compared_with_the_normal_clips(tmp_path: Path) -> None:
    clips = synthetic_clips()
    kind = np.where(clips.label == 0, 0, 1 + np.arange(len(clips)) % 3)
    results = results_of(tmp_path, replace(clips, sound=kind))
    page = subgroup_page(results, {})
    assert page is not None
    assert {name: clips for name, (clips, _) in page.sounds.items()} == {
        name: int((kind == number).sum()) for number, name in enumerate(FOUR) if number
    }
    assert results.clips is not None
    members = {one.value: one.member for one in sounds(results.clips, np.ones(len(clips), dtype=bool))}
    np.testing.assert_array_equal(members["wheeze"], (kind == 0) | (kind == 2))
    assert [row[0] for row in page.by_sound] == ["svm", "metadata"]
    assert {len(row) for row in page.by_sound} == {7}


def test_effective_size_is_the_number_of_patients_if_all_have_as_many() -> None:
    even = effective_size(np.array([4.0] * 10 + [0.0] * 5))
    assert (even.total, even.patients, even.largest) == (40, 10, 0.5)
    assert even.effective == pytest.approx(10)
    uneven = effective_size(np.array([90.0] + [1.0] * 10))
    assert uneven.effective == pytest.approx(100**2 / (90**2 + 10))
    assert uneven.largest == pytest.approx(0.94)
    assert np.isnan(effective_size(np.zeros(3)).effective)


def test_pairs_within_patients_rest_on_those_who_have_both_kinds_of_clips() -> None:
    label, patient = np.array([0, 1, 1, 0, 0, 1]), np.array([0, 0, 0, 1, 1, 2])
    p = np.full((6, 2), 0.5)
    sizes = effective_sizes(Predictions(label, p, patient, patient, ("normal", "abnormal")), 3)
    assert [one.total for one in sizes.values()] == [6, 3, 2]
    assert [one.patients for one in sizes.values()] == [3, 2, 1]


def test_the_committed_results_rest_on_few_patients() -> None:
    """What an audit counted: five patients hold 22 % of the clips and 49 % of the pairs within patients."""
    clips = Store(ROOT / "results" / "icbhi" / "abnormal" / "patients-5fold").clips()
    assert clips is not None
    names, patient = np.unique(clips["patient"], return_inverse=True)
    label = (clips["label"] != "normal").to_numpy().astype(np.int64)
    p = np.full((len(label), 2), 0.5)
    sizes = list(effective_sizes(Predictions(label, p, patient, patient, ("normal", "abnormal")), len(names)).values())
    assert [round(one.effective) for one in sizes] == [43, 25, 14]
    assert [round(100 * one.largest) for one in sizes] == [23, 31, 49]
