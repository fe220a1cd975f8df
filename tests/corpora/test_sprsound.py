"""SPRSound: sounds and annotations wherever they lie, one clip an event, and every fault of the files at once."""

import json
import shutil

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from synthetic_corpora import SPRSOUND_FOLDERS, noise, write_sound, write_sprsound, write_sprsound_recording

from respbench.corpora.catalog import open_corpus
from respbench.corpora.cycles import FOUR_CLASSES
from respbench.corpora.problems import InputError, InputErrors
from respbench.corpora.readers.sprsound import EVENTS as TYPES
from respbench.corpora.readers.sprsound import RECORDINGS, implied_label, read_sprsound
from respbench.corpora.readers.sprsound_files import RECORDING
from respbench.corpora.tasks import for_task

EVENTS = [("100", "600", "Normal"), ("700", "1900", "Stridor")]


def problems(folder):
    return [problem.text for problem in read_sprsound(folder).problems]


def one_problem(folder):
    (problem,) = problems(folder)
    return problem


def test_each_event_is_a_clip_between_its_times(tmp_path):
    sound, _ = write_sprsound_recording(tmp_path, EVENTS)
    reading = read_sprsound(tmp_path)
    events = reading.cycles
    assert [(event.begin, event.end, event.label) for event in events] == [(0.1, 0.6, "normal"), (0.7, 1.9, "stridor")]
    assert [event.clip_id for event in events] == [f"{sound.stem}_event_1", f"{sound.stem}_event_2"]
    assert {event.path for event in events} == {sound}
    assert (reading.skipped, reading.others, reading.problems) == ({}, {}, [])


def test_the_name_contains_patient_age_sex_and_place(tmp_path):
    write_sprsound_recording(tmp_path, EVENTS[:1], "65101170_0.4_1_p4_3246")
    (event,) = read_sprsound(tmp_path).cycles
    assert event.patient == "65101170"
    expected = {"recording": "65101170_0.4_1_p4_3246", "event": 1, "location": "Lr", "age": 0.4, "sex": "F"}
    expected["official"] = "train"
    assert event.meta == expected


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        *[("Normal", "normal"), ("Fine Crackle", "crackle"), ("Coarse Crackle", "crackle")],
        *[("Wheeze", "wheeze"), ("Rhonchi", "wheeze"), ("Stridor", "wheeze"), ("Wheeze+Crackle", "both")],
    ],
)
def test_every_type_has_its_class_and_no_id_reveals_it(tmp_path, kind, label):
    write_sprsound_recording(tmp_path / "data", [("0", "500", kind)])
    (event,) = read_sprsound(tmp_path / "data").cycles
    assert event.label == kind.lower() == TYPES[kind]
    assert event.clip_id == "65101170_0.4_1_p1_3246_event_1"
    clips = open_corpus("sprsound", tmp_path / "data", cache=tmp_path / "cache").clips()
    for task, expected in (("seven-class", kind.lower()), ("four-class", label), ("abnormal", "abnormal")):
        labeled = for_task(clips, task)
        assert labeled.classes[labeled.label[0]] == (label if label == "normal" else expected)
        assert FOUR_CLASSES[labeled.sound[0]] == label


@pytest.mark.parametrize("times", [("100", "600"), (100, 600), ("100.0", 600.0)])
def test_times_are_milliseconds_however_they_are_written(tmp_path, times):
    write_sprsound_recording(tmp_path, [(*times, "Normal")])
    (event,) = read_sprsound(tmp_path).cycles
    assert (event.begin, event.end) == (0.1, 0.6)


def test_sound_and_annotation_are_paired_wherever_they_lie(tmp_path):
    for i, places in enumerate([*SPRSOUND_FOLDERS, ("wav", "json"), (".", ".")]):
        write_sprsound_recording(tmp_path, EVENTS, f"10{i}_2.0_0_p1_{i}", places=places)
    assert len(read_sprsound(tmp_path).cycles) == 10


def test_other_json_files_are_no_annotations(tmp_path):
    write_sprsound_recording(tmp_path, EVENTS)
    (tmp_path / "package.json").write_text("nothing of ours")
    assert len(read_sprsound(tmp_path).cycles) == 2


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
    assert np.bincount(clips.label).tolist() == [4, 4, 0, 0, 0, 4, 4]
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
    assert problems(tmp_path) == []
    assert read_sprsound(tmp_path).others == {"copies of recordings": 1}
    again.write_bytes(b"other")
    remedy = "with other content; remove one of the two, or set DATA to a folder that holds one"
    assert one_problem(tmp_path) == f"{again}: recording {sound.stem} is also in {sound}, {remedy}"
    twice.write_text('{"event_annotation": []}')
    assert one_problem(tmp_path) == f"{twice}: annotation {sound.stem} is also in {annotation}, {remedy}"


@pytest.mark.parametrize(
    "name",
    [
        *("65101170_0.4_2_p1_3246", "65101170_0.4_1_p9_3246", "65101170_0.4_1_3246", "x_0.4_1_p1_3246"),
        *("65101170_young_1_p1_3246", "65101170_0.4_1_p1_9_b", "٣_0.4_1_p1_3246"),
    ],
)
def test_a_name_that_is_none(tmp_path, name):
    write_sprsound_recording(tmp_path, EVENTS)
    path = write_sound(tmp_path / "train2022_wav" / f"{name}.wav", noise())
    expected = f"{path} is not named <patient>_<age>_<sex 0 or 1>_<location p1 to p8>_<number>; rename it"
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
        (("1", "2", "Cough"), "unknown type 'Cough'; the types are Normal, Rhonchi, Wheeze, "),
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


@pytest.mark.parametrize("quality", ["cas", ["CAS"], {}])
def test_an_unknown_label_of_a_recording(tmp_path, quality):
    _, annotation = write_sprsound_recording(tmp_path, EVENTS, quality=quality)
    assert one_problem(tmp_path) == (
        f"{annotation}: unknown record_annotation {quality!r}; it is one of Normal, CAS, DAS, CAS & DAS, Poor Quality: "
        "correct it"
    )


def test_all_problems_are_told_at_once(tmp_path):
    write_sprsound_recording(tmp_path, [("x", "2", "Normal"), ("1", "2", "Cough")])
    write_sound(tmp_path / "train2022_wav" / "mine.wav", noise())
    _, annotation = write_sprsound_recording(tmp_path, EVENTS, "7_1.0_0_p1_1")
    annotation.unlink()
    assert len(problems(tmp_path)) == 4


def test_a_folder_without_recordings_and_one_without_events(tmp_path):
    with pytest.raises(InputError, match=r"holds no recording .*; set DATA to the folder of the SPRSound database"):
        read_sprsound(tmp_path)
    write_sprsound_recording(tmp_path, [], quality="Poor Quality")
    with pytest.raises(InputError, match="no recording has an annotated event"):
        read_sprsound(tmp_path)


# The folder as it is distributed, with what lies beside it


def write_clutter(folder):
    """Cut events, a notebook, tables and texts, as they lie beside SPRSound on somebody's disk."""
    names = [path.stem for path in sorted(folder.rglob("*.json"))]
    for i, name in enumerate(names):
        write_sound(folder / "clip" / f"{name}_{i}.wav", noise(seed=1000 + i))
        write_sound(folder / "clip" / f"normal_{i}.wav", noise(seed=2000 + i))
    write_sound(folder / "train2022_wav" / f"{names[0]}_filtered.wav", noise(seed=3000))
    for name in ("look.ipynb", "Patient Summary/summary.csv", "README.md", "LICENSE", "train2022_json/overlap.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")


def test_what_is_no_recording_is_counted_by_kind_in_one_sentence(tmp_path):
    write_sprsound(tmp_path / "data")
    alone = open_corpus("sprsound", tmp_path / "data", cache=tmp_path / "cache").facts()
    recordings = len(list((tmp_path / "data").rglob("*.wav")))
    write_clutter(tmp_path / "data")
    beside = open_corpus("sprsound", tmp_path / "data", cache=tmp_path / "cache").facts()
    assert beside.fingerprint == alone.fingerprint
    assert beside.description == alone.description + (
        f"; other files that were not read: 1 .csv, 1 .ipynb, 1 .json, 1 .md, {2 * recordings} .wav in clip, "
        "1 .wav in train2022_wav, 1 without an extension"
    )


def test_a_copy_of_a_recording_makes_no_folder_of_recordings(tmp_path):
    write_sprsound(tmp_path)
    write_clutter(tmp_path)
    before = read_sprsound(tmp_path)
    recording = next((tmp_path / "train2022_wav").glob("101_*_0.wav"))
    shutil.copy(recording, tmp_path / "clip" / recording.name)
    beside = read_sprsound(tmp_path)
    assert (beside.problems, before.problems) == ([], [])
    assert beside.others == {**before.others, "copies of recordings": 1}


def test_misnamed_files_and_lonely_ones_are_left_out_on_request(tmp_path):
    write_sprsound(tmp_path / "data")
    write_clutter(tmp_path / "data")
    expected = open_corpus("sprsound", tmp_path / "data", cache=tmp_path / "cache").clips()
    sound, annotation = write_sprsound_recording(tmp_path / "data", EVENTS, "9_1.0_0_p9_1", seed=90)
    _, lonely = write_sprsound_recording(tmp_path / "data", EVENTS, "9_1.0_0_p1_2", seed=91)
    next((tmp_path / "data").rglob("9_1.0_0_p1_2.wav")).unlink()
    stray = annotation.with_stem("9_1.0_0_p0_3")
    shutil.copy(lonely, stray)
    with pytest.raises(InputErrors) as error:
        open_corpus("sprsound", tmp_path / "data", cache=tmp_path / "cache")
    assert [str(path) in "".join(error.value.problems) for path in (sound, lonely, stray)] == [True] * 3
    prepared = open_corpus("sprsound", tmp_path / "data", cache=tmp_path / "cache", leave_out_bad=True)
    assert prepared.clips().clip_id.tolist() == expected.clip_id.tolist()
    assert prepared.facts().left_out == 3
    listed = (prepared.folder / "left_out.csv").read_text().splitlines()[1:]
    assert sorted(line.split(",")[0] for line in listed) == sorted(
        ["9_1.0_0_p1_2", *(str(path.relative_to(tmp_path / "data")) for path in (sound, stray))]
    )


@pytest.mark.parametrize("rule", ["clutter", "misnamed", "lonely"])
def test_every_file_is_a_clip_skipped_left_out_or_counted(tmp_path, rule):
    write_sprsound(tmp_path)
    if rule == "clutter":
        write_clutter(tmp_path)
    elif rule == "misnamed":
        for path in list(tmp_path.rglob("101_*")):
            path.rename(path.with_stem(f"copy of {path.stem}"))
    else:
        for path in list(tmp_path.rglob("*.json"))[::2]:
            path.unlink()
    found = read_sprsound(tmp_path)
    paired = {cycle.meta["recording"] for cycle in found.cycles} | found.skipped.keys()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    named = [path for path in files if path.stem in paired]
    assert len(named) == 2 * len(paired)
    assert len(named) + len(found.problems) + sum(found.others.values()) == len(files)


def test_wav_and_flac_are_read_alike_and_one_of_each_is_a_problem(tmp_path):
    sound, _ = write_sprsound_recording(tmp_path / "wav", EVENTS)
    samples, rate = soundfile.read(sound)
    flac, _ = write_sprsound_recording(tmp_path / "flac", EVENTS)
    flac.unlink()
    write_sound(flac.with_suffix(".flac"), samples, rate)
    one, other = (open_corpus("sprsound", tmp_path / kind, cache=tmp_path / "cache") for kind in ("wav", "flac"))
    assert one.facts().fingerprint == other.facts().fingerprint
    shutil.copy(sound, flac)
    assert f"recording {sound.stem} is also in {flac}, with other content" in one_problem(tmp_path / "flac")


@pytest.mark.parametrize(
    ("annotations", "part"),
    [
        *[("train2022_json", "train"), ("train_json", "train"), ("test2022_json/inter_test_json", "inter")],
        *[("test_json/intra_test_json", "intra"), ("BioCAS2022/test2022_json/intra_test_json", "intra")],
        *[("Classification/train_classification_json", "train"), ("json", ""), ("Detection/train_detection_json", "")],
        *[("Classification/test_classification_json/2022/inter_test_json", "inter"), ("test2023_json", "test2023")],
        *[("BioCAS2025/json", "test2025"), ("train2022_json/inter_test_json", "inter"), (".", "")],
    ],
)
def test_the_part_is_that_of_the_annotations_folder(tmp_path, annotations, part):
    write_sprsound_recording(tmp_path, EVENTS[:1], places=("test2022_wav", annotations))
    (event,) = read_sprsound(tmp_path).cycles
    assert event.meta.get("official", "") == part


def test_the_part_is_that_of_a_list(tmp_path):
    write_sprsound_recording(tmp_path, EVENTS[:1], "1_1.0_0_p1_1")
    write_sprsound_recording(tmp_path, EVENTS[:1], "1_1.0_0_p1_2", seed=2)
    (tmp_path / "official.csv").write_text("recording,part\n1_1.0_0_p1_1.wav,intra\n")
    assert [event.meta["official"] for event in read_sprsound(tmp_path).cycles] == ["intra", "train"]
    (tmp_path / "official.csv").write_text("recording,part\n1_1.0_0_p1_1,dev\n")
    with pytest.raises(InputError, match=r"official.csv, line 2: unknown part 'dev'; the parts are train"):
        read_sprsound(tmp_path)


def test_a_recording_in_two_parts_is_a_problem(tmp_path):
    for places in SPRSOUND_FOLDERS[:2]:
        write_sprsound_recording(tmp_path, EVENTS, places=places)
    assert one_problem(tmp_path).endswith("is in the parts intra and train; remove all but one")


# Whole recordings


def test_whole_recordings_are_labeled_as_annotated(tmp_path):
    for i, quality in enumerate(RECORDINGS):
        write_sprsound_recording(tmp_path / "data", EVENTS[:1], f"{i}_1.0_0_p5_{i}", quality, seed=i)
    prepared = open_corpus("sprsound", tmp_path / "data", task="recording-five-class", cache=tmp_path / "cache")
    clips = for_task(prepared.clips(), "recording-five-class")
    assert [clips.classes[label] for label in clips.label] == ["normal", "CAS", "DAS", "CAS & DAS", "poor quality"]
    assert clips.seconds.tolist() == [2.0] * 5
    three = for_task(prepared.clips(), "recording-three-class")
    assert [three.classes[label] for label in three.label] == ["normal", *["adventitious"] * 3, "poor quality"]
    assert "4 of 5 are annotated otherwise than their events imply" in prepared.facts().description
    with pytest.raises(InputError, match="open the corpus for this task"):
        for_task(prepared.clips(), "abnormal")


@given(st.sets(st.sampled_from(sorted(TYPES.values()))))
def test_the_rule_of_whole_recordings(events):
    continuous = events & {"rhonchi", "wheeze", "stridor", "wheeze+crackle"}
    discontinuous = events & {"coarse crackle", "fine crackle", "wheeze+crackle"}
    label = implied_label(events)
    assert ("CAS" in label, "DAS" in label) == (bool(continuous), bool(discontinuous))
    assert (label == "poor quality") == (not events)


def test_recordings_without_an_annotation_of_the_whole(tmp_path):
    _, annotation = write_sprsound_recording(tmp_path, EVENTS)
    annotation.write_text('{"event_annotation": []}')
    with pytest.raises(InputError, match="no annotation labels its whole recording"):
        read_sprsound(tmp_path, recordings=True)
    write_sprsound_recording(tmp_path, EVENTS, "1_1.0_0_p1_1", "DAS")
    found = read_sprsound(tmp_path, recordings=True)
    assert len(found.cycles) == 1
    assert set(found.skipped.values()) == {"without an annotation of the whole recording"}


def test_only_sprsound_has_whole_recordings():
    with pytest.raises(InputError, match="the corpus simulated has no labels of whole recordings"):
        open_corpus("simulated", task="recording-five-class")


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
