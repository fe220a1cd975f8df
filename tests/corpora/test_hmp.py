"""The HMP dataset: names, codes, metadata that don't give the label away, and what is wrong with files."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from respbench.corpora.catalog import open_corpus
from respbench.corpora.problems import InputError
from respbench.corpora.readers.hmp import TRIALS, read_hmp
from respbench.corpora.tasks import for_task
from respbench.corpora.windows import Windows

REAL = Path(os.environ.get("RESPBENCH_DATA", "")) / "hmp"

NAME = "Accelerometer-2011-03-24-10-24-{:02d}-{}-{}.txt"


def write_trial(folder, second, activity="walk", subject="f1", samples=40, text=None):
    path = folder / activity.capitalize() / NAME.format(second, activity, subject)
    path.parent.mkdir(parents=True, exist_ok=True)
    codes = np.random.default_rng(second).integers(0, 64, (samples, 3))
    path.write_text(text or "\n".join(" ".join(f"{code:02d}" for code in row) for row in codes) + "\n")
    return path


@pytest.fixture
def dataset(tmp_path):
    folder = tmp_path / "hmp"
    for second in range(6):
        write_trial(folder, second, ("walk", "comb_hair")[second % 2], f"m{second // 2 + 1}", samples=40 + second)
    (folder / "MANUAL.txt").write_text("Manual")
    write_trial(folder / "Climb_stairs_MODEL", 0, "climb_stairs").rename(
        folder / "Climb_stairs_MODEL" / NAME.format(9, "climb_stairs", "f1")
    )
    return folder


def test_trials_become_clips_in_metres_per_second_squared(dataset, tmp_path):
    prepared = open_corpus("hmp", dataset, cache=tmp_path)
    clips, facts = prepared.clips(), prepared.facts()
    assert (facts.modality, facts.channels, facts.unit, facts.person) == ("motion", ("x", "y", "z"), "m/s²", "subject")
    assert clips.rate == 32
    assert clips.modality == "motion"
    assert clips.classes == ("comb_hair", "walk")
    assert [signal.shape for signal in clips] == [(3, 41), (3, 43), (3, 45), (3, 40), (3, 42), (3, 44)]
    codes = np.loadtxt(dataset / "Walk" / NAME.format(0, "walk", "m1"))
    np.testing.assert_allclose(clips.signals[3], (-1.5 + codes.T / 63 * 3) * 9.80665, rtol=1e-6)
    assert clips.take(np.array([3])).signals[0].tobytes() == clips.signals[3].tobytes()
    assert "A PART of the dataset: 6 of 839 trials" in facts.description
    assert "1 trials in folders *_MODEL" in facts.description
    assert for_task(clips, "activity") is clips


def test_nothing_but_the_label_names_the_activity(dataset, tmp_path):
    clips = open_corpus("hmp", dataset, cache=tmp_path).clips()
    assert clips.clip_id[3] == clips.meta["recording"][3] == "m1-2011-03-24-10-24-00"
    assert clips.meta["start"][3] == "2011-03-24T10:24:00"
    assert clips.meta["sex"].tolist() == ["M"] * 6
    text = " ".join([*clips.clip_id, clips.meta.to_csv()])
    assert not any(activity in text for activity in TRIALS)


def test_windows_have_a_name_and_results_of_their_own(dataset, tmp_path):
    prepared = open_corpus("hmp", dataset, windows=Windows(seconds=0.5), cache=tmp_path)
    clips = prepared.clips()
    assert prepared.facts().name == "hmp-0.5s-every-0.25s"
    assert {signal.shape for signal in clips} == {(3, 16)}
    trial = clips.meta["recording"].to_numpy(np.str_)
    for name in np.unique(trial):
        assert len(set(clips.label[trial == name])) == len(set(clips.patient[trial == name])) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3\n4 5\n" * 20, "line 2, has 2 columns instead of 3"),
        ("1 2 3\n4 x 6\n" * 20, "line 2: 'x' is no finite number"),
        ("1 2 3\n4 64 6\n" * 20, "sample 2, holds 64, which is no code from 0 to 63"),
        ("1 2\n" * 40, "has 2 columns instead of x, y, z"),
        ("1 2 3\n3 2 1\n" * 4, "lasts 0.25 s, less than 0.5 s"),
        ("1 2 3\n" * 40, "as if the sensor had stopped"),
        ("\n\n", "holds no samples"),
    ],
)
def test_bad_files_are_named_and_left_out_on_request(dataset, tmp_path, text, message):
    write_trial(dataset, 30, text=text)
    with pytest.raises(InputError, match=message):
        open_corpus("hmp", dataset, cache=tmp_path)
    prepared = open_corpus("hmp", dataset, leave_out_bad=True, cache=tmp_path)
    assert len(prepared.clips()) == 6
    assert prepared.facts().left_out == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Accelerometer-2011-03-24-walk-f1.txt", "is not named Accelerometer-"),
        (NAME.format(30, "fly", "f1"), "the activity 'fly'"),
        (NAME.format(30, "comb_hair", "f1"), "lies in a folder of walk"),
        (NAME.format(0, "walk", "m1").replace("walk", "WALK"), "are of the same subject and second"),
    ],
)
def test_bad_names_are_refused(dataset, tmp_path, name, message):
    path = write_trial(dataset, 30)
    path.rename(path.with_name(name))
    with pytest.raises(InputError, match=message):
        open_corpus("hmp", dataset, cache=tmp_path)


@pytest.mark.parametrize(("activity", "kept"), [("walk", 6), ("comb_hair", 5)])
def test_of_doubles_a_copy_goes_and_of_contradicting_ones_both(dataset, tmp_path, activity, kept):
    write_trial(
        dataset / "again", 0, activity, "m1", text=(dataset / "Walk" / NAME.format(0, "walk", "m1")).read_text()
    )
    (dataset / "displayTrial.m").write_text("")
    with pytest.raises(InputError, match="are of the same subject and second"):
        open_corpus("hmp", dataset, cache=tmp_path)
    prepared = open_corpus("hmp", dataset, leave_out_bad=True, cache=tmp_path)
    assert len(prepared.clips()) == kept
    assert {problem.patient for problem in prepared.left_out()} == {"m1"}
    assert "other files that were not read: 1 .m" in prepared.facts().description


@pytest.mark.parametrize("windows", [Windows(seconds=0.01), Windows(seconds=2, hop=0.001)])
def test_windows_of_less_than_samples_are_refused(dataset, tmp_path, windows):
    with pytest.raises(InputError, match=r"at 32 Hz, samples are 0\.0312 s apart"):
        open_corpus("hmp", dataset, windows=windows, cache=tmp_path)


def test_a_folder_without_trials_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no trial"):
        read_hmp(tmp_path)


@pytest.mark.parametrize(("task", "modality"), [("abnormal", "motion"), ("activity", "sound")])
def test_tasks_go_with_their_kind_of_corpus(dataset, tmp_path, task, modality):
    clips = replace(open_corpus("hmp", dataset, cache=tmp_path).clips(), modality=modality)
    with pytest.raises(InputError, match=f"the task {task} doesn't go with this corpus"):
        for_task(clips, task)


def test_the_sampling_rate_is_the_dataset_s(dataset, tmp_path):
    with pytest.raises(InputError, match="its own sampling rate"):
        open_corpus("hmp", dataset, rate=4000, cache=tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason="needs the HMP dataset (RESPBENCH_DATA)")
def test_the_real_dataset_is_whole():
    reading = read_hmp(REAL)
    assert len(reading.cycles) == 839
    assert len({cycle.patient for cycle in reading.cycles}) == 16
    assert reading.classes == tuple(TRIALS)
    assert not reading.problems
    assert not reading.note
