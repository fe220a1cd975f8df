"""Leave one device out: every clip is tested once, by models that met neither its device nor its patient."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from synthetic_corpora import clips_with

from respbench.corpora.choices import LEAVE_DEVICE_OUT, PROTOCOLS
from respbench.corpora.clips import HIDDEN
from respbench.corpora.problems import InputError
from respbench.corpora.protocols import find, find_stored, of_folder
from respbench.corpora.splits.leave_device_out import LeaveDeviceOut
from respbench.corpora.splits.with_unlabeled import WithUnlabeled


def recorded_with(clips, devices):
    return replace(clips, meta=clips.meta.assign(device=devices))


def by_patient(devices, counts=(2, 2)):
    """Patients with clips of each class, all recorded with the patient's device."""
    clips = clips_with([counts] * len(devices))
    return recorded_with(clips, np.repeat(np.array(devices, dtype=object), sum(counts)))


@st.composite
def corpora(draw):
    """Patients who have a device of their own, but some clips of any device."""
    patients = draw(st.integers(4, 16))
    counts = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4)), min_size=patients, max_size=patients))
    clips = clips_with(counts)
    names = [f"device {i}" for i in range(draw(st.integers(2, 4)))]
    own = draw(st.lists(st.sampled_from(names), min_size=patients, max_size=patients))
    device = np.repeat(own, [sum(row) for row in counts])
    for row in draw(st.sets(st.integers(0, len(clips) - 1), max_size=3)):
        device[row] = draw(st.sampled_from(names))
    return recorded_with(clips, device)


@settings(max_examples=25)
@given(corpora(), st.integers(0, 1000), st.randoms(use_true_random=False))
def test_no_device_and_no_patient_is_on_both_sides_and_every_clip_is_tested_once(clips, seed, random):
    try:
        folds = list(LeaveDeviceOut().split(clips, seed))
    except InputError:
        reject()
    device = clips.meta["device"].to_numpy(str)
    assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == list(range(len(clips)))
    for fold, name in zip(folds, np.unique(device), strict=True):
        known = np.concatenate([fold.train, fold.valid])
        assert set(device[fold.test]) == {name}
        assert name not in device[known]
        assert not set(clips.patient[known]) & set(clips.patient[fold.test])
        assert not set(clips.patient[fold.train]) & set(clips.patient[fold.valid])
        assert fold.valid.size
        assert set(clips.label[fold.train]) == set(range(len(clips.classes)))
        # Whoever has no clip of the tested device is trained on, or validated on.
        elsewhere = ~np.isin(clips.patient, clips.patient[fold.test])
        assert sorted(known.tolist()) == np.flatnonzero(elsewhere).tolist()
    order = np.array(random.sample(range(len(clips)), len(clips)))
    for fold, other in zip(folds, LeaveDeviceOut().split(clips.take(order), seed), strict=True):
        for part in ("train", "valid", "test"):
            one, same = (
                ids[rows]
                for ids, rows in zip(
                    (clips.clip_id, clips.clip_id[order]), (getattr(fold, part), getattr(other, part)), strict=True
                )
            )
            assert set(one) == set(same)


def test_a_patient_of_two_devices_is_trained_on_in_neither_fold():
    clips = by_patient(["A"] * 4 + ["B"] * 4)
    device = clips.meta["device"].to_numpy(object)
    device[0] = "B"  # the first clip of the first patient
    first, second = LeaveDeviceOut().split(recorded_with(clips, device), 0)
    both = clips.patient[0]
    for fold in (first, second):
        assert both not in clips.patient[np.concatenate([fold.train, fold.valid])]
    assert np.flatnonzero(clips.patient[first.test] == both).tolist() == [0, 1, 2]
    assert 0 in second.test


def test_the_real_corpus_has_four_devices_and_three_patients_with_two(real_cycles):
    folds = list(LeaveDeviceOut().split(real_cycles, 0))
    assert [len(fold.test) for fold in folds] == [104, 502, 86, 1456]
    left = [set(range(len(real_cycles))) - set(np.concatenate([f.train, f.valid, f.test]).tolist()) for f in folds]
    assert [sorted({str(real_cycles.patient[row]) for row in rows}) for rows in left] == [
        [],
        ["112", "218"],
        ["226"],
        ["112", "218", "226"],
    ]


def test_another_seed_gives_other_validation_patients_and_the_same_tests():
    clips = by_patient(["A"] * 20 + ["B"] * 20)
    one, other = (list(LeaveDeviceOut().split(clips, seed)) for seed in (0, 1))
    assert [fold.test.tolist() for fold in one] == [fold.test.tolist() for fold in other]
    assert [fold.valid.tolist() for fold in one] != [fold.valid.tolist() for fold in other]


def test_a_device_that_lacks_a_class_or_has_one_patient_stays_a_fold():
    clips = by_patient(["A"] * 4 + ["B"] * 4 + ["C"])
    one_class = np.flatnonzero((clips.meta["device"] != "C") | (clips.label == 0))
    *_, last = LeaveDeviceOut().split(clips.take(one_class), 0)
    assert set(clips.take(one_class).label[last.test]) == {0}


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        (clips_with([[2, 2]] * 4), "states no device, so that none can be left out"),
        (by_patient(["A", "A", "B", None]), "clip clip12 states no device, as do 3 others"),
        (by_patient(["A", "A", "B", np.nan]), "clip clip12 states no device"),
        (by_patient(["A", " ", "B", "B"]), "clip clip4 states no device"),
        (by_patient(["A"] * 4), "recorded with one device, A"),
        (by_patient(["A", "A", "B"]), "without the patients of the device A, 1 patient is left"),
        (by_patient(["A", "B", "B"], (2, 0)), "device A, no clip of 'abnormal' is left to train on"),
        (recorded_with(clips_with([[1, 1]] * 3), ["A", "B"] * 3), "device A, 0 patients are left"),
        (recorded_with(clips_with([[1, 1], [1, 0], [0, 1]]), ["A", "A", "B", "B"]), "none to spare for validation"),
    ],
)
def test_what_can_not_be_had_is_explained_in_one_sentence(clips, message):
    with pytest.raises(InputError, match=message) as refusal:
        list(LeaveDeviceOut().split(clips, 0))
    assert "\n" not in str(refusal.value)
    assert "; " in str(refusal.value), "no remedy is named"


def test_the_protocol_is_found_by_its_name_and_takes_its_folds_from_the_corpus():
    protocol = find(LEAVE_DEVICE_OUT)
    assert LEAVE_DEVICE_OUT in PROTOCOLS
    assert find_stored(protocol.name) == of_folder(protocol.name) == of_folder(f"{protocol.name}-of-0f") == protocol
    assert find_stored(f"{protocol.name}-ablation").ablation_of == protocol
    assert (protocol.patient_disjoint, protocol.reshuffles_tests, protocol.warning) == (True, False, "")
    assert (protocol.folds, protocol.count_folds(["A", "B", "A"])) == (None, 2)
    assert find("patients-3fold").count_folds(["A", "B", "A", "C", "D"]) == 3


def test_a_users_unlabeled_clips_of_tested_patients_stay_out():
    clips = by_patient(["A"] * 4 + ["B"] * 4)
    label = clips.label.copy()
    label[::4] = HIDDEN
    splitter = WithUnlabeled(LeaveDeviceOut())
    assert splitter.folds is None
    for fold in splitter.split(replace(clips, label=label), 0):
        assert fold.unlabeled.size
        assert not set(clips.patient[fold.unlabeled]) & set(clips.patient[np.concatenate([fold.test, fold.valid])])
