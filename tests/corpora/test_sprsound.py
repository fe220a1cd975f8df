"""SPRSound: sounds and annotations wherever they lie, one clip an event, and every fault of the files at once."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_corpora import SPRSOUND_FOLDERS, noise, write_sound, write_sprsound, write_sprsound_recording

from corpora.catalog import open_corpus
from corpora.problems import InputError, InputErrors
from corpora.readers.sprsound import LABELS, RECORDING, read_sprsound

EVENTS = [("100", "600", "Normal"), ("700", "1900", "Stridor")]


def problems(folder):
    with pytest.raises(InputErrors) as error:
        read_sprsound(folder)
    return error.value.problems


def one_problem(folder):
    (problem,) = problems(folder)
    return problem


def test_each_event_is_a_clip_between_its_times(tmp_path):
    sound, _ = write_sprsound_recording(tmp_path, EVENTS)
    events, without = read_sprsound(tmp_path)
    assert [(event.begin, event.end, event.label) for event in events] == [(0.1, 0.6, "normal"), (0.7, 1.9, "wheeze")]
    assert [event.clip_id for event in events] == [f"{sound.stem}_event_1", f"{sound.stem}_event_2"]
    assert {event.path for event in events} == {sound}
    assert without == {}


def test_the_name_contains_patient_age_sex_and_place(tmp_path):
    write_sprsound_recording(tmp_path, EVENTS[:1], "65101170_0.4_1_p4_3246")
    ((event,), _) = read_sprsound(tmp_path)
    assert event.patient == "65101170"
    expected = {"recording": "65101170_0.4_1_p4_3246", "event": 1, "location": "Lr", "age": 0.4, "sex": "F"}
    assert event.meta == expected


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        *[("Normal", "normal"), ("Fine Crackle", "crackle"), ("Coarse Crackle", "crackle")],
        *[("Wheeze", "wheeze"), ("Rhonchi", "wheeze"), ("Stridor", "wheeze"), ("Wheeze+Crackle", "both")],
    ],
)
def test_every_type_has_its_class_and_no_id_reveals_it(tmp_path, kind, label):
    write_sprsound_recording(tmp_path, [("0", "500", kind)])
    ((event,), _) = read_sprsound(tmp_path)
    assert event.label == label
    assert event.clip_id == "65101170_0.4_1_p1_3246_event_1"
    assert set(LABELS) >= {kind}


@pytest.mark.parametrize("times", [("100", "600"), (100, 600), ("100.0", 600.0)])
def test_times_are_milliseconds_however_they_are_written(tmp_path, times):
    write_sprsound_recording(tmp_path, [(*times, "Normal")])
    ((event,), _) = read_sprsound(tmp_path)
    assert (event.begin, event.end) == (0.1, 0.6)


def test_sound_and_annotation_are_paired_wherever_they_lie(tmp_path):
    for i, places in enumerate([*SPRSOUND_FOLDERS, ("wav", "json"), (".", ".")]):
        write_sprsound_recording(tmp_path, EVENTS, f"10{i}_2.0_0_p1_{i}", places=places)
    assert len(read_sprsound(tmp_path)[0]) == 10


def test_other_json_files_are_no_annotations(tmp_path):
    write_sprsound_recording(tmp_path, EVENTS)
    (tmp_path / "package.json").write_text("nothing of ours")
    assert len(read_sprsound(tmp_path)[0]) == 2


def test_recordings_without_events_are_stated_and_listed(tmp_path):
    write_sprsound(tmp_path / "data", patients=2)
    write_sprsound_recording(tmp_path / "data", [], "101_1.5_0_p2_98", "Normal", seed=98)
    prepared = open_corpus("sprsound", tmp_path / "data", cache=tmp_path / "cache")
    facts = prepared.facts()
    assert facts.skipped == 2
    assert facts.left_out == 0
    assert facts.description.endswith(
        "; recordings that yield no clip: 1 of poor quality and without events, 1 without events"
    )
    listed = (prepared.folder / "skipped.csv").read_text().splitlines()
    assert listed[0] == "recording,reason"
    assert {line.split(",")[0] for line in listed[1:]} == {"101_1.5_0_p2_98", "101_1.5_0_p2_99"}


def test_a_corpus_whose_recordings_all_have_events_states_none(tmp_path):
    write_sprsound_recording(tmp_path / "data", EVENTS)
    prepared = open_corpus("sprsound", tmp_path / "data", cache=tmp_path / "cache")
    assert prepared.facts().skipped == 0
    assert "make no clip" not in prepared.facts().description
    assert not (prepared.folder / "skipped.csv").exists()


def test_one_more_recording_without_events_is_the_same_corpus_that_states_it(tmp_path):
    write_sprsound_recording(tmp_path / "data", EVENTS)
    before = open_corpus("sprsound", tmp_path / "data", cache=tmp_path / "cache")
    write_sprsound_recording(tmp_path / "data", [], "101_1.5_0_p2_98", "Poor Quality")
    after = open_corpus("sprsound", tmp_path / "data", cache=tmp_path / "cache")
    assert after.facts().skipped == 1
    assert after.facts().fingerprint == before.facts().fingerprint


def test_prepared_clips_are_the_stretches_of_the_recording(tmp_path):
    write_sprsound(tmp_path / "data")
    clips = open_corpus("sprsound", tmp_path / "data", rate=8000, cache=tmp_path / "cache").clips()
    assert np.bincount(clips.label).tolist() == [4, 4, 4, 4]
    assert len(set(clips.patient.tolist())) == 4
    first = clips.clip_id.tolist().index("101_1.5_0_p1_0_event_2")
    np.testing.assert_allclose(clips.signals[first][0], noise(2.0, 0, 8000)[4000:7200], atol=2**-15)


# Faults


def test_a_sound_without_annotation_and_the_reverse(tmp_path):
    sound, annotation = write_sprsound_recording(tmp_path, EVENTS)
    write_sprsound_recording(tmp_path, EVENTS, "7_1.0_0_p1_1")
    annotation.unlink()
    expected = f"{sound} has no annotation {sound.stem}.json; restore it, or move the recording away"
    assert one_problem(tmp_path) == expected
    shutil.move(sound, sound.with_suffix(".mp3"))
    other = next(tmp_path.rglob("7_1.0_0_p1_1.wav"))
    other.unlink()
    write_sprsound_recording(tmp_path, EVENTS, "8_1.0_0_p1_1")
    assert one_problem(tmp_path).endswith("annotates a recording that is not here; restore 7_1.0_0_p1_1.wav")


def test_the_same_recording_or_annotation_twice(tmp_path):
    sound, annotation = write_sprsound_recording(tmp_path, EVENTS)
    again = shutil.copy(sound, tmp_path / sound.name)
    twice = shutil.copy(annotation, tmp_path / annotation.name)
    assert problems(tmp_path) == [
        f"{annotation}: annotation {annotation.name} is also in {twice}; remove one",
        f"{sound}: recording {sound.stem} is also in {again}; remove one of the two",
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("65101170_0.4_2_p1_3246", "65101170_0.4_1_p5_3246", "65101170_0.4_1_3246", "x_0.4_1_p1_3246"),
        *("65101170_young_1_p1_3246", "65101170_0.4_1_p1_3246_b", "٣_0.4_1_p1_3246"),
    ],
)
def test_a_name_that_is_none(tmp_path, name):
    write_sprsound_recording(tmp_path, EVENTS)
    path = write_sound(tmp_path / f"{name}.wav", noise())
    expected = f"{path} is not named <patient>_<age>_<sex 0 or 1>_<location p1 to p4>_<number>; rename it"
    assert one_problem(tmp_path) == expected


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "line 1, is not JSON (Expecting property name enclosed in double quotes); copy it again, or correct it"),
        ("[]", "has no list event_annotation; copy it again, or correct it"),
        ("{}", "has no list event_annotation; copy it again, or correct it"),
        ('{"event_annotation": {}}', "has no list event_annotation; copy it again, or correct it"),
        ('{"event_annotation": ["Normal"]}', "event 1, lacks start, end or type; correct it"),
        ('{"event_annotation": [{"start": "1", "end": "2"}]}', "event 1, lacks start, end or type; correct it"),
    ],
)
def test_an_annotation_that_is_none(tmp_path, content, problem):
    _, annotation = write_sprsound_recording(tmp_path, EVENTS)
    annotation.write_text(content)
    found = one_problem(tmp_path)
    assert found.startswith(str(annotation))
    assert found.endswith(problem)


def test_an_annotation_that_is_no_text(tmp_path):
    _, annotation = write_sprsound_recording(tmp_path, EVENTS)
    annotation.write_bytes(b"\xff\xfe{")
    assert one_problem(tmp_path) == f"{annotation} is not a UTF-8 text file; save it as UTF-8 text"


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (("1", "2", "Cough"), "unknown type 'Cough'; the types are Normal, Fine Crackle, Coarse Crackle, Wheeze, "),
        (("1", "2", None), "unknown type None; the types are"),
        (("1", "2", ["Normal"]), "unknown type ['Normal']; the types are"),
        (("one", "2", "Normal"), "start 'one' and end '2' are not milliseconds; correct them"),
        ((None, "2", "Normal"), "start None and end '2' are not milliseconds; correct them"),
        ((10**400, "2", "Normal"), "start 1"),
        (("2", "2", "Normal"), "start 2 and end 2 are not in order; correct them"),
        (("-1", "2", "Normal"), "start -1 and end 2 are not in order; correct them"),
        (("0", float("nan"), "Normal"), "start 0 and end nan are not in order; correct them"),
        (("0", "inf", "Normal"), "start 0 and end inf are not in order; correct them"),
    ],
)
def test_an_event_that_makes_no_sense_is_found_by_its_number(tmp_path, event, problem):
    _, annotation = write_sprsound_recording(tmp_path, [EVENTS[0], event])
    assert one_problem(tmp_path).startswith(f"{annotation}, event 2: {problem}")


def test_all_problems_are_told_at_once(tmp_path):
    write_sprsound_recording(tmp_path, [("x", "2", "Normal"), ("1", "2", "Cough")])
    write_sound(tmp_path / "mine.wav", noise())
    _, annotation = write_sprsound_recording(tmp_path, EVENTS, "7_1.0_0_p1_1")
    annotation.unlink()
    assert len(problems(tmp_path)) == 4


def test_a_folder_without_recordings_and_one_without_events(tmp_path):
    with pytest.raises(InputError, match=r"holds no .wav file; set DATA to the folder of the SPRSound database"):
        read_sprsound(tmp_path)
    write_sprsound_recording(tmp_path, [], quality="Poor Quality")
    with pytest.raises(InputError, match="no recording has an annotated event"):
        read_sprsound(tmp_path)


numbers = st.integers(0, 10**9)


@given(numbers, st.decimals(0, 18, places=1), st.sampled_from("01"), st.integers(1, 4), numbers)
def test_a_name_is_understood_as_it_was_made(patient, age, sex, place, number):
    match = RECORDING.fullmatch(f"{patient}_{age}_{sex}_p{place}_{number}")
    assert match is not None
    assert (match["patient"], float(match["age"]), match["sex"], match["location"]) == (
        *(str(patient), float(age), sex, f"p{place}"),
    )


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=3), st.lists, max_leaves=4))
def test_whatever_an_annotation_holds_a_problem_is_a_sentence(tmp_path_factory, value):
    folder = tmp_path_factory.getbasetemp() / "any"
    if not folder.exists():
        write_sprsound_recording(folder, EVENTS)
    (annotation,) = folder.rglob("*.json")
    annotation.write_text(json.dumps({"event_annotation": [{"start": value, "end": value, "type": value}]}))
    assert one_problem(folder).startswith(str(annotation))
