"""Files that a manifest lists: found under names that look the same, and what is said of missing ones."""

import unicodedata

import pytest
from synthetic_corpora import write_manifest

from respbench.corpora.problems import InputError
from respbench.corpora.readers.manifest import read_manifest

ABOUT_PATHS = r"(paths are relative to the manifest, or absolute)"


def files(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def problems(folder, *paths):
    """What is wrong with the files of a manifest, which also lists one that is there."""
    files(folder, "here.wav")
    manifest = write_manifest(folder, "here.wav,p,normal", *[f"{path},p,normal" for path in paths])
    reading = read_manifest(manifest)
    assert [cycle.clip_id for cycle in reading.cycles] == ["here.wav"]
    return {problem.name: problem.text for problem in reading.problems}


def refusal(folder, *paths):
    with pytest.raises(InputError) as error:
        read_manifest(write_manifest(folder, *[f"{path},p,normal" for path in paths]))
    return str(error.value)


@pytest.mark.parametrize(("disk", "listed"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_composed_and_decomposed_names_are_one(tmp_path, disk, listed):
    name = "Zoë/é 1.wav"
    files(tmp_path, unicodedata.normalize(disk, name))
    manifest = write_manifest(tmp_path, f"{unicodedata.normalize(listed, name)},p,normal")
    (cycle,) = read_manifest(manifest).cycles
    assert cycle.path == tmp_path / unicodedata.normalize(disk, name)
    assert cycle.clip_id == name


def test_of_two_names_that_look_the_same_the_exact_one_is_meant(tmp_path):
    names = [unicodedata.normalize(form, "é.wav") for form in ("NFC", "NFD")]
    files(tmp_path, *names)
    for name in names:
        assert read_manifest(write_manifest(tmp_path, f"{name},p,normal")).cycles[0].path.name == name


def test_backslashes_separate_folders(tmp_path):
    files(tmp_path, "s/1.wav")
    (cycle,) = read_manifest(write_manifest(tmp_path, r"s\1.wav,p,normal")).cycles
    assert cycle.path == tmp_path / "s" / "1.wav"


def test_a_missing_file_is_told_with_its_line_and_place(tmp_path):
    said = problems(tmp_path, "no.wav")["no.wav"]
    place = f"{tmp_path}/manifest.csv, line 3: {tmp_path}/no.wav"
    assert said == f"{place} does not exist {ABOUT_PATHS}; correct the path, or restore the file"


def test_a_file_of_nearly_that_name_is_pointed_at(tmp_path):
    files(tmp_path, "A.wav", "b.flac")
    found = problems(tmp_path, "a.wav", "b.wav")
    assert f"{tmp_path}/a.wav does not exist, but A.wav does (" in found["a.wav"]
    assert f"{tmp_path}/b.wav does not exist, but b.flac does (" in found["b.wav"]


def test_a_file_in_the_folder_above_is_pointed_at(tmp_path):
    files(tmp_path, "sounds/1.wav", "tables/here.wav")
    found = problems(tmp_path / "tables", "sounds/1.wav")
    assert f"does not exist, but {tmp_path}/sounds/1.wav does (" in found["sounds/1.wav"]


def test_missing_files_of_a_missing_folder_are_one_problem(tmp_path):
    (said,) = set(problems(tmp_path, *[f"gone/{i}.wav" for i in range(30)]).values())
    place = f"{tmp_path}/manifest.csv, line 3: {tmp_path}/gone"
    assert said.startswith(f"{place} does not exist, in which 30 of the files should be {ABOUT_PATHS}; correct")


def test_when_all_are_missing_it_is_said_once(tmp_path):
    message = refusal(tmp_path, *[f"{i}.wav" for i in range(24)])
    assert message.startswith("1 problem found in the data:\n")
    assert f"{tmp_path}/manifest.csv lists 24 files, and all 24 are missing: is the folder right? " in message
    assert f"{tmp_path}/0.wav does not exist {ABOUT_PATHS}; correct the paths, or move the manifest" in message


@pytest.mark.parametrize(
    ("path", "problem"),
    [("s", "is a folder; list each recording in it"), ("a" * 300, "does not exist"), ("a\0.wav", "does not exist")],
    ids=["a folder", "a long name", "a character NUL"],
)
def test_what_is_no_file_is_refused(tmp_path, path, problem):
    files(tmp_path, "s/1.wav")
    assert problem in next(iter(problems(tmp_path, path).values()))
