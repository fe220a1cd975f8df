"""The table that travels: what it refuses, and that a row stays one row whatever is taken from it."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_corpora import clips_with, synthetic_clips

from respbench.corpora.clips import HIDDEN, StoredSignals
from respbench.corpora.prepared.signal_files import write_signals
from respbench.corpora.problems import InputError, InputErrors
from respbench.corpora.tasks import for_task

CLIPS = synthetic_clips(patients=6, clips_each=5, classes=4)


@pytest.fixture
def stored(tmp_path):
    """Four clips of 3, 1, 2 and 4 samples in one file: 0 1 2 | 3 | 4 5 | 6 7 8 9."""
    np.save(tmp_path / "signals.npy", np.arange(10, dtype=np.float32))
    np.save(tmp_path / "offsets.npy", np.array([0, 3, 4, 6, 10]))
    return StoredSignals(tmp_path, np.arange(4))


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_signals_come_back_with_their_channels(tmp_path, channels):
    signals = [np.random.default_rng(n).standard_normal((channels, n)).astype(np.float32) for n in (3, 1, 6)]
    write_signals(tmp_path, signals)
    stored = StoredSignals(tmp_path, np.arange(3))
    assert stored.lengths.tolist() == [3, 1, 6]
    for row in (2, 0, 1):
        np.testing.assert_array_equal(stored[row], signals[row])
        np.testing.assert_array_equal(stored.take(np.array([row]))[0], signals[row])


def same_row(clips, row, of_clips, of_row):
    return (
        np.array_equal(clips.signals[row], of_clips.signals[of_row])
        and clips.label[row] == of_clips.label[of_row]
        and clips.patient[row] == of_clips.patient[of_row]
        and clips.clip_id[row] == of_clips.clip_id[of_row]
        and clips.meta.iloc[row].equals(of_clips.meta.iloc[of_row])
        and clips.sound[row] == of_clips.sound[of_row]
    )


def test_fields_of_different_length_are_refused():
    with pytest.raises(InputError, match="different lengths"):
        replace(CLIPS, patient=CLIPS.patient[:-1])


def test_a_clip_that_occurs_twice_is_refused_by_name():
    with pytest.raises(InputError, match="clip clip0 occurs twice"):
        replace(CLIPS, clip_id=np.array(["clip0", *CLIPS.clip_id[:-1]]))


@pytest.mark.parametrize("label", [-2, 4])
def test_a_label_outside_the_classes_is_refused(label):
    with pytest.raises(InputError, match="index into the 4 classes"):
        replace(CLIPS, label=np.array([label, *CLIPS.label[1:]]))


def test_clips_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CLIPS.rate = 8000


@given(st.lists(st.integers(0, len(CLIPS) - 1), unique=True))
def test_what_is_taken_keeps_its_rows_whole(index):
    for clips in (CLIPS, for_task(CLIPS, "abnormal")):
        taken = clips.take(np.array(index, dtype=np.int64))
        assert len(taken) == len(index)
        assert all(same_row(taken, row, clips, of_row) for row, of_row in enumerate(index))


def test_taking_from_what_was_taken_counts_in_the_latter():
    outer, inner = np.array([7, 3, 11, 2]), np.array([2, 0])
    taken = CLIPS.take(outer).take(inner)
    assert taken.clip_id.tolist() == CLIPS.clip_id[outer[inner]].tolist()
    assert taken.meta["row"].tolist() == outer[inner].tolist()
    assert taken.meta.index.tolist() == [0, 1]


def test_hidden_labels_are_gone_and_the_rest_stays():
    hidden = for_task(CLIPS, "abnormal").hide_labels()
    assert set(hidden.label.tolist()) == set(hidden.sound.tolist()) == {HIDDEN}
    assert CLIPS.label.min() >= 0
    assert hidden.patient is CLIPS.patient
    assert hidden.clip_id is CLIPS.clip_id


def test_iterating_gives_every_signal_in_order():
    assert all(np.array_equal(a, b) for a, b in zip(CLIPS, CLIPS.signals, strict=True))


def test_seconds_are_samples_over_the_rate():
    assert replace(CLIPS, rate=16).seconds.tolist() == [8 / 16] * len(CLIPS)


def test_stored_signals_are_cut_at_their_offsets(stored):
    assert [signal.tolist() for signal in stored] == [[[0, 1, 2]], [[3]], [[4, 5]], [[6, 7, 8, 9]]]
    assert stored.lengths.tolist() == [3, 1, 2, 4]


def test_stored_signals_are_sliced_and_taken_without_copies(stored):
    taken = stored.take(np.array([3, 1]))
    assert [signal.tolist() for signal in taken] == [[[6, 7, 8, 9]], [[3]]]
    assert taken.lengths.tolist() == [4, 1]
    assert [signal.tolist() for signal in taken.take(np.array([0]))] == [[[6, 7, 8, 9]]]
    assert [signal.tolist() for signal in stored[1:3]] == [[[3]], [[4, 5]]]
    assert isinstance(taken[0].base.base, np.memmap) or isinstance(taken[0], np.memmap)


def test_the_whole_of_taken_signals_is_the_corpus(stored):
    assert stored.take(np.array([2])).whole().lengths.tolist() == [3, 1, 2, 4]


def test_stored_signals_can_not_be_overwritten(stored):
    with pytest.raises(ValueError, match="read-only"):
        stored[0][0, 0] = 1


def test_any_crackle_or_wheeze_is_abnormal():
    clips = clips_with([[1, 1, 1, 1]])
    two = for_task(clips, "abnormal")
    assert two.classes == ("normal", "abnormal")
    assert two.label.tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize("task", ["abnormal", "four-class"])
def test_hidden_labels_stay_hidden_in_every_task(task):
    hidden = for_task(CLIPS.hide_labels(), task)
    assert hidden.label.max() == hidden.sound.max() == HIDDEN
    assert for_task(CLIPS, task).hide_labels().sound.max() == HIDDEN


@pytest.mark.parametrize(("clips", "task"), [(CLIPS, "four-class"), (clips_with([[2, 1]]), "abnormal")])
def test_a_task_that_the_corpus_is_labeled_for_changes_nothing(clips, task):
    same = for_task(clips, task)
    names = [field.name for field in dataclasses.fields(clips) if field.name != "sound"]
    assert len(names) == 9
    assert all(getattr(same, name) is getattr(clips, name) for name in names)


def test_crackle_and_wheeze_are_told_apart_whatever_the_task():
    clips = clips_with([[1, 1, 1, 1]])
    assert set(clips.sound.tolist()) == {HIDDEN}  # no corpus has labeled it yet
    for task in ("abnormal", "four-class"):
        assert for_task(clips, task).sound.tolist() == [0, 1, 2, 3]
    again = for_task(for_task(clips, "abnormal"), "abnormal")
    assert again.sound.tolist() == [0, 1, 2, 3]
    assert again.take(np.array([2, 0])).sound.tolist() == [2, 0]


def test_a_corpus_of_two_classes_has_no_task_four_class():
    assert set(for_task(clips_with([[2, 2]]), "abnormal").sound.tolist()) == {HIDDEN}


def test_sounds_of_another_length_are_refused():
    with pytest.raises(InputError, match="different lengths"):
        replace(CLIPS, sound=np.zeros(len(CLIPS) - 1, dtype=np.int64))


def test_two_classes_can_not_be_made_four():
    with pytest.raises(InputError, match="labeled normal and abnormal only"):
        for_task(clips_with([[1, 1]]), "four-class")


def test_an_unknown_task_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="unknown task 'copd'; choose from abnormal, four-class"):
        for_task(CLIPS, "copd")


def test_many_problems_are_counted_and_the_first_twenty_shown():
    text = str(InputErrors([f"file {i} is bad" for i in range(25)], "Correct them."))
    assert text.startswith("25 problems found in the data:\n- file 0 is bad\n")
    assert text.endswith("- file 19 is bad\n- … and 5 more\nCorrect them.")
