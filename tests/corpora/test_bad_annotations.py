"""Annotations that are missing, malformed, doubled, or don't fit their recording."""

import shutil

import pytest
from bad_input import Command
from synthetic_corpora import noise, write_recording, write_sound


@pytest.fixture
def original(respbench, tmp_path) -> Command:
    """The command, on one good recording in the original layout."""
    shutil.rmtree(respbench.sounds)
    write_recording(respbench.sounds, "0.0\t1.0\t0\t0\n1.0\t2.0\t1\t0\n", name="103_1b1_Al_sc_Meditron", seed=3)
    return respbench


def test_good_recordings_are_accepted(original):
    write_recording(original.sounds, "0.0\t1.0\t0\t0\n")
    original.accepts()


def test_annotation_beyond_the_end(original):
    path = write_recording(original.sounds, "0.0\t1.0\t0\t0\n3.0\t4.5\t1\t0\n")
    message = original.refuses()
    assert f"{path} lasts 4.000 s, but an annotation reaches from 3.0 to 4.5 s; correct the annotation" in message


def test_annotation_of_20_ms(original):
    path = write_recording(original.sounds, "1.0\t1.02\t0\t0\n")
    assert f"{path} lasts 0.02 s from 1.0 to 1.02 s, less than 0.1 s; correct the annotation" in original.refuses()


def test_annotation_missing(original):
    path = write_recording(original.sounds, None)
    assert f"{path} has no annotation {path.stem}.txt; restore it, or move the recording away" in original.refuses()


def test_recording_missing(original):
    path = write_recording(original.sounds, "0.0\t1.0\t0\t0\n")
    path.unlink()
    annotation = path.with_suffix(".txt")
    message = original.refuses()
    assert f"{annotation} annotates a recording that is not here; restore {path.name}" in message


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1.0\t2.0\t0", "'1.0 2.0 0' is not 'begin end crackle wheeze'; correct it"),
        ("1.0\ttwo\t0\t0", "'1.0 two 0 0' is not 'begin end crackle wheeze'; correct it"),
        ("2.0\t1.0\t0\t0", "begin 2.0 and end 1.0 are not in order; correct them"),
        ("-1.0\t1.0\t0\t0", "begin -1.0 and end 1.0 are not in order; correct them"),
        ("nan\t1.0\t0\t0", "begin nan and end 1.0 are not in order; correct them"),
        ("1.0\tinf\t0\t0", "begin 1.0 and end inf are not in order; correct them"),
        ("1.0\t2.0\t0\t2", "unknown label '0 2', each must be 0 or 1; correct it"),
    ],
)
def test_annotation_line_malformed(original, line, problem):
    path = write_recording(original.sounds, f"0.0\t1.0\t0\t0\n{line}\n")
    assert f"{path.with_suffix('.txt')}, line 2: {problem}" in original.refuses()


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_annotation_empty(original, content):
    path = write_recording(original.sounds, content)
    assert f"{path.with_suffix('.txt')} annotates no cycle; restore it" in original.refuses()


def test_annotation_that_is_no_text(original):
    path = write_recording(original.sounds, "").with_suffix(".txt")
    path.write_bytes(b"\xff\xfe0.0\t1.0")
    assert f"{path} is not a UTF-8 text file; save it as UTF-8 text" in original.refuses()


def test_recording_named_unlike_the_others(original):
    path = write_sound(original.sounds / "my recording.wav", noise())
    assert f"{path} is not named <patient>_<index>_<location>_<mode>_<device>; rename it" in original.refuses()


def test_companion_file_that_is_malformed(original):
    path = original.sounds / "patient_diagnosis.csv"
    path.write_text("ID,CLASS\n103,URTI,old\n")
    assert f"{path}, line 2: '103,URTI,old' has 3 fields instead of 2; correct it" in original.refuses()


def test_same_recording_twice(original):
    paths = [write_recording(original.sounds / place, "0.0\t1.0\t0\t0\n") for place in "ab"]
    paths[1].with_suffix(".txt").unlink()
    assert f"{paths[1]}: recording {paths[1].stem} is also in {paths[0]}; remove one" in original.refuses()


def test_same_annotation_twice(original):
    path = write_recording(original.sounds / "a", "0.0\t1.0\t0\t0\n").with_suffix(".txt")
    other = original.sounds / "b" / path.name
    other.parent.mkdir()
    other.write_text("0.0\t1.0\t1\t1\n")
    assert f"{other}: annotation {path.stem} is also in {path}; remove one" in original.refuses()
