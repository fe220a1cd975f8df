"""Splitters where no class is ``normal``: parts may lack classes, and what can't be learned is found and stated."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from synthetic_corpora import clips_with

from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.protocols import find, find_stored, of_folder
from respbench.corpora.splits.balance import validation_patients
from respbench.corpora.splits.folds import shared_patients, unlearned, unlearned_sentence

ACTIVITIES = ("eat", "pour", "sit", "walk")
TABLE = [[2, 4, 9, 9], *([0, 3, 2, 3] for _ in range(3)), *([0, 0, 2, 2] for _ in range(5)), [0, 0, 0, 3]]
"""Clips by patient and activity: one patient alone has eaten."""


def activities() -> Clips:
    return replace(clips_with(TABLE), classes=ACTIVITIES)


@pytest.mark.parametrize(("name", "folds"), [("patients-5fold", 5), ("leave-one-subject-out", len(TABLE))])
def test_every_patient_is_tested_once_and_a_class_of_one_patient_is_found_to_be_unlearned(name: str, folds: int):
    clips, protocol = activities(), find(name)
    found = list(protocol.splitter.split(clips, 0))
    assert len(found) == folds == protocol.count_folds(clips.patient.tolist())
    assert sorted(np.concatenate([fold.test for fold in found]).tolist()) == list(range(len(clips)))
    assert shared_patients(clips, found) == ()
    assert all(len(fold.valid) and len(fold.train) for fold in found)
    eaten = str(clips.patient[0])
    assert unlearned(clips, found) == {"eat": (2, (eaten,))}
    assert f"eat (2 clips of {eaten})" in unlearned_sentence(unlearned(clips, found))
    assert unlearned_sentence({}) == ""


def test_leaving_one_out_tests_each_patient_alone_and_trains_on_others():
    clips = activities()
    for name, fold in zip(
        np.unique(clips.patient), find("leave-one-subject-out").splitter.split(clips, 1), strict=True
    ):
        assert set(clips.patient[fold.test]) == {name}
        others = [set(clips.patient[rows].tolist()) for rows in (fold.train, fold.valid)]
        assert not others[0] & others[1]
        assert others[0] | others[1] == set(clips.patient.tolist()) - {name}


def test_leaving_one_out_keeps_every_class_in_training_where_one_is_normal():
    clips = clips_with([[2, 2]] * 4)
    folds = list(find("leave-one-subject-out").splitter.split(clips, 0))
    assert all(set(clips.label[fold.train]) == {0, 1} for fold in folds)
    for table, message in (([[2, 2]] * 2, "2 patients, too few"), ([[2, 2], [2, 0], [2, 0]], "in one patient only")):
        with pytest.raises(InputError, match=message):
            list(find("leave-one-subject-out").splitter.split(clips_with(table), 0))


def test_subjects_are_another_name_of_patients():
    assert find("subjects-5fold") == find("patients-5fold")
    assert find("subjects-5fold-labels10") == find("patients-5fold-labels10")
    one = find("leave-one-subject-out")
    assert find_stored(one.name) == of_folder(one.name) == one
    assert (one.patient_disjoint, one.reshuffles_tests, one.folds, one.divided_by) == (True, False, None, "patient")


def test_few_labels_go_to_patients_who_may_lack_classes():
    clips = activities()
    for fold in find("patients-5fold-labels10").splitter.split(clips, 0):
        parts = [set(clips.patient[rows].tolist()) for rows in (fold.train, fold.valid, fold.unlabeled, fold.test)]
        assert len(parts[0] | parts[1]) == 3
        assert all(parts)
        assert sum(map(len, parts)) == len(TABLE)


def test_the_validation_patient_of_last_resort_costs_fewest_classes_then_fewest_clips():
    counts = np.array([[4, 0, 4], [0, 3, 3], [0, 3, 2]])
    assert validation_patients(counts[:2], np.random.default_rng(0), True).tolist() == [False, True]
    assert validation_patients(counts, np.random.default_rng(0), True).sum() == 1
    with pytest.raises(InputError, match="none to spare"):
        validation_patients(counts[:2], np.random.default_rng(0))


def test_random_folds_part_no_recording_and_take_classes_with_few_clips():
    clips = activities()
    recording = np.arange(len(clips)) // 2
    clips = replace(clips, meta=pd.DataFrame({"recording": np.char.mod("r%d", recording)}))
    folds = list(find("random-5fold").splitter.split(clips, 0))
    assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == list(range(len(clips)))
    for fold in folds:
        parts = [set(recording[rows].tolist()) for rows in (fold.train, fold.valid, fold.test)]
        assert all(parts)
        assert sum(map(len, parts)) == len(set(recording.tolist()))
    assert shared_patients(clips, folds)
    with pytest.raises(InputError, match="4 recordings, too few for 5 folds"):
        list(find("random-5fold").splitter.split(clips.take(np.arange(8)), 0))
