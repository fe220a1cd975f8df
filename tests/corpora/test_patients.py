"""Patients: one spelling each, and no clip whose patient is in doubt."""

import shutil
import unicodedata
from pathlib import Path

import pytest
from synthetic_corpora import noise, write_manifest, write_sound

from respbench.corpora.catalog import open_corpus
from respbench.corpora.cycles import UNLABELED, Cycle
from respbench.corpora.patients import confused_with, shared_sounds, spelling, without_doubtful
from respbench.corpora.problems import InputError
from respbench.corpora.readers.reading import Reading


def clip(patient, line, begin=0.0, end=None, path="/a.wav", label="normal"):
    """A clip on a line of a manifest."""
    row = f"/m.csv, line {line}"
    return Cycle(path=Path(path), clip_id=f"c{line}", patient=patient, label=label, begin=begin, end=end, row=row)


def checked(*patients):
    """What remains of a corpus with one clip of each patient."""
    return without_doubtful(Reading(cycles=[clip(patient, line) for line, patient in enumerate(patients, 2)]))


@pytest.mark.parametrize(
    "written",
    [unicodedata.normalize("NFD", "José B"), "José\u00a0B", " José   B\t", "Jo\u200bsé B\ufeff", "José\u202fB"],
    ids=["NFD", "non-breaking space", "spaces", "zero width", "narrow space"],
)
def test_a_name_has_one_spelling(written):
    assert spelling(written) == "José B"


MIXED = "case, leading zeros, a '.0' at the end or look-alike characters"


@pytest.mark.parametrize(
    ("first", "other", "difference"),
    [
        ("007", "7", "leading zeros"),
        ("P01", "P1", "leading zeros"),
        ("7", "7.0", "a '.0' at the end"),
        ("Anna", "ANNA", "case"),
        ("p-07", "P-7.0", MIXED),
        ("P-1", "P\u20111", MIXED),
        ("P1", "\uff30\uff11", MIXED),
    ],
)
def test_names_that_may_be_one_patient_are_refused(first, other, difference):
    reading = checked(first, "b", other)
    assert [cycle.patient for cycle in reading.cycles] == ["b"]
    said = f"/m.csv, line 2: patient {first!r} differs from {other!r} (line 4) only in {difference}, so that one person"
    assert [problem.name for problem in reading.problems] == ["c2", "c4"]
    assert all(problem.text.startswith(said) for problem in reading.problems)


def test_names_that_differ_otherwise_are_patients_of_their_own():
    names = ["1", "10", "100", "1.5", "p1", "p10", "p1-2", "Ana", "Anna", "NaN1", "Nana"]
    assert [cycle.patient for cycle in checked(*names).cycles] == names


@pytest.mark.parametrize("name", ["nan", "NA", "None", "?", "n/a", "NULL", "unknown", "-", ""])
def test_a_name_that_says_nothing_is_refused(name):
    reading = checked("a", name, "b")
    assert [cycle.patient for cycle in reading.cycles] == ["a", "b"]
    assert reading.problems[0].text.startswith(f"/m.csv, line 3: patient {name!r} is no name; state who was recorded")


def test_a_name_is_found_among_those_it_may_mean():
    assert confused_with("101.0", ["102", "101"]) == "101"
    assert confused_with("101", ["101", "102"]) is None


def shared(*clips):
    return list(shared_sounds(clips, {Path("/a.wav"): "same", Path("/copy.wav"): "same", Path("/b.wav"): "other"}))


def test_no_sound_belongs_to_two_patients():
    assert shared(clip("a", 2), clip("b", 3, 1, 2)) == ["c2", "c3"]
    assert shared(clip("a", 2, 0, 1), clip("b", 3, 0.9, 2)) == ["c2", "c3"]
    assert shared(clip("a", 2, 0, 9), clip("a", 3, 1, 2), clip("b", 4, 3, 4), clip("b", 5, 9, 10)) == ["c2", "c4"]
    assert shared(clip("a", 2, 1, 2), clip("b", 3, 0, 1), clip("b", 4, 2, None)) == []
    assert shared(clip("a", 2, 0, 1), clip("a", 3, 0.5, 2), clip("b", 4, path="/b.wav")) == []
    assert shared(clip("a", 2, 0, 1), clip("b", 3, 0.9, 2, "/copy.wav")) == ["c2", "c3"]
    assert shared(clip("a", 2), clip("b", 3, 1, label=UNLABELED)) == []


def test_a_copy_of_a_file_belongs_to_its_patient(tmp_path):
    write_sound(tmp_path / "a.wav", noise(2))
    shutil.copy(tmp_path / "a.wav", tmp_path / "copy.wav")
    rows = ("a.wav,p,normal,0,1", "copy.wav,q,wheeze,0.5,2", "a.wav,p,both,1,2")
    manifest = write_manifest(tmp_path, *rows, header="path,patient,label,begin,end")
    with pytest.raises(InputError, match=r"line 2: this sound of patient p is also that of patient q \(line 3\); corr"):
        open_corpus("manifest", manifest, cache=tmp_path / "cache")


def test_patients_of_every_corpus_are_checked(tmp_path):
    for i, name in enumerate(("007", "7")):
        write_sound(tmp_path / f"{name}_1b1_Al_sc_Meditron_segment_1_0_0.wav", noise(seed=i))
    with pytest.raises(InputError, match=r"patient '007' differs from '7' \(/.*/7_1b1.*wav\) only in leading zeros"):
        open_corpus("icbhi", tmp_path, cache=tmp_path / "cache")
