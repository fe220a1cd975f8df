"""Manifests: what a row may hold, and the line of a row that can't be parsed. Here, files may be empty."""

import numpy as np
import pytest
from synthetic_corpora import noise, write_manifest, write_sound

from respbench.corpora.catalog import open_corpus
from respbench.corpora.patients import without_doubtful
from respbench.corpora.problems import InputError
from respbench.corpora.readers.manifest import read_manifest
from respbench.corpora.tasks import for_task


@pytest.fixture(autouse=True)
def files(tmp_path):
    """Files that the manifests of most tests list."""
    for name in ("a.wav", "b.wav", "c.wav", "ok.wav", "ok2.wav", "a, b.wav"):
        (tmp_path / name).touch()


def refusal(manifest):
    """What is said of a manifest of which nothing can be used."""
    with pytest.raises(InputError) as error:
        read_manifest(manifest)
    return str(error.value)


def cycles_of(folder, *rows, header="path,patient,label"):
    reading = read_manifest(write_manifest(folder, *rows, header=header))
    assert not reading.problems
    return reading.cycles


def problems(folder, *rows, header="path,patient,label"):
    """What is wrong with rows of a manifest, each with the name of its clip."""
    found = without_doubtful(read_manifest(write_manifest(folder, *rows, header=header))).problems
    return [(problem.name, problem.text) for problem in found]


def test_paths_are_relative_to_the_manifest_or_absolute(tmp_path):
    (tmp_path / "sounds").mkdir()
    (tmp_path / "b.wav").rename(tmp_path / "sounds" / "b.wav")
    cycles = cycles_of(tmp_path, "sounds/b.wav,p1,normal", f"{tmp_path}/a.wav,p2,wheeze")
    assert [cycle.path for cycle in cycles] == [tmp_path / "sounds" / "b.wav", tmp_path / "a.wav"]


def test_begin_and_end_cut_a_clip_and_name_it(tmp_path):
    rows = ("a.wav,p1,normal,0.5,1.25", "a.wav,p1,wheeze,1.25,", "b.wav,p1,both,,")
    cycles = cycles_of(tmp_path, *rows, header="path,patient,label,begin,end")
    assert [(cycle.begin, cycle.end) for cycle in cycles] == [(0.5, 1.25), (1.25, None), (0.0, None)]
    assert [cycle.clip_id for cycle in cycles] == ["a.wav@0.5-1.25", "a.wav@1.25-end", "b.wav"]


def test_columns_may_have_any_order_and_further_ones_become_metadata(tmp_path):
    manifest = write_manifest(tmp_path, "Littmann,normal,a.wav,p1,,0", header="device,label,path,patient,ward,")
    reading = read_manifest(manifest)
    assert reading.cycles[0].meta == {"device": "Littmann", "ward": ""}
    assert reading.note == "metadata: the columns device, ward; not read: 1 without a name"


def test_a_column_clip_id_names_the_clips(tmp_path):
    cycles = cycles_of(tmp_path, "a.wav,p1,normal,one", "b.wav,p1,normal,", header="path,patient,label,clip_id")
    assert [cycle.clip_id for cycle in cycles] == ["one", "b.wav"]


def test_labels_are_read_in_any_case(tmp_path):
    assert [cycle.label for cycle in cycles_of(tmp_path, "a.wav,p1,Normal", "b.wav,p1,BOTH")] == ["normal", "both"]


@pytest.mark.parametrize("start", ["", "\ufeff", "\n\n"], ids=["plain", "byte-order mark", "blank lines"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("gap", ["", " "])
def test_spreadsheets_write_as_they_like(tmp_path, start, newline, gap):
    path = tmp_path / "m.csv"
    lines = [f"path,{gap}patient,{gap}label{gap}", f'"a, b.wav",{gap}p1,{gap}normal{gap}', ""]
    path.write_bytes((start + newline.join(lines)).encode())
    (cycle,) = read_manifest(path).cycles
    assert (cycle.path.name, cycle.patient, cycle.label, cycle.meta) == ("a, b.wav", "p1", "normal", {})


def opened(folder, patients, labels=None, **columns):
    """The prepared clips of a manifest with these columns."""
    names = [write_sound(folder / f"{i}.wav", noise(seed=i)).name for i in range(len(patients))]
    table = {"path": names, "patient": patients, "label": labels or ["normal"] * len(patients), **columns}
    rows = [",".join(row) for row in zip(*table.values(), strict=True)]
    return open_corpus("manifest", write_manifest(folder, *rows, header=",".join(table)), cache=folder / "cache")


@pytest.mark.parametrize(
    ("patients", "ids"),
    [
        (["007", "8.0", "0"], ["01", "1", "-0"]),
        (["1.50", "1e3", "inf"], ["1e0", "1.00", "inf"]),
        (["True", "False", "yes"], ["null", "N/A", "-"]),
    ],
)
def test_patients_that_look_like_numbers_keep_their_names(tmp_path, patients, ids):
    clips = opened(tmp_path, patients, clip_id=ids).clips()
    assert clips.patient.tolist() == patients
    assert clips.clip_id.tolist() == ids


def test_normal_and_abnormal_make_two_classes(tmp_path):
    clips = opened(tmp_path, ["a", "b"], ["normal", "abnormal"]).clips()
    assert clips.classes == ("normal", "abnormal")
    assert clips.label.tolist() == [0, 1]


def test_four_classes_stay_four_even_where_one_is_absent(tmp_path):
    clips = opened(tmp_path, ["a", "b", "c"], ["both", "normal", "wheeze"]).clips()
    assert clips.classes == ("normal", "crackle", "wheeze", "both")
    assert clips.label.tolist() == [3, 0, 2]
    assert for_task(clips, "abnormal").label.tolist() == [1, 0, 1]


def test_metadata_reach_the_clips_and_the_name_comes_from_the_file(tmp_path):
    prepared = opened(tmp_path, ["a", "b"], device=["Littmann", "NA"], weight=["70.5", ""])
    meta = prepared.clips().meta
    assert meta["device"].tolist() == ["Littmann", "NA"]
    np.testing.assert_array_equal(meta["weight"], [70.5, np.nan])
    assert prepared.facts().name == "manifest"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("a.wav,p1,fine", "unknown label 'fine'; use normal, crackle, wheeze, both, or normal and abnormal"),
        (",p1,normal", "path is empty; fill it in"),
        ("a.wav,,normal", "patient is empty; fill it in"),
        ("a.wav,p1,", "label is empty; fill it in"),
        ("a.wav,p1", "2 fields, but the header has 3 columns"),
        ("a.wav,p1,normal,", "4 fields, but the header has 3 columns"),
        ("ok.wav,p0,normal", "ok.wav is already on line 2; remove one"),
    ],
)
def test_a_bad_row_is_found_by_its_line(tmp_path, row, problem):
    ((name, found),) = problems(tmp_path, "ok.wav,p0,normal", "", row, "ok2.wav,p0,normal")
    assert name == (row.partition(",")[0] or "line 4")
    assert found.startswith(f"{tmp_path}/manifest.csv, line 4: {problem}")


@pytest.mark.parametrize(("row", "what"), [("ok.wav,p1,normal", "patient"), ("ok.wav,p0,wheeze", "label")])
def test_neither_of_two_rows_that_contradict_each_other_is_used(tmp_path, row, what):
    rows = ("ok.wav,p0,normal", row, "ok2.wav,p0,normal")
    said = f"{tmp_path}/manifest.csv, line 3: ok.wav is already on line 2 with another {what}; correct one of them"
    assert problems(tmp_path, *rows) == [("ok.wav", said)] * 2
    assert [cycle.clip_id for cycle in read_manifest(write_manifest(tmp_path, *rows)).cycles] == ["ok2.wav"]


@pytest.mark.parametrize(
    ("begin", "end", "problem"),
    [
        ("x", "", "begin 'x' is not a number of seconds"),
        ("-1", "", "begin '-1' is not a time in the file"),
        ("", "inf", "end 'inf' is not a time in the file"),
        ("nan", "", "begin 'nan' is not a time in the file"),
        ("2", "1", "end 1 is not after begin"),
        ("", "0", "end 0 is not after begin"),
        ("1_0", "", "begin '1_0' is not a number of seconds"),
    ],
)
def test_a_time_that_makes_no_sense_is_found_by_its_line(tmp_path, begin, end, problem):
    manifest = write_manifest(tmp_path, f"a.wav,p1,normal,{begin},{end}", header="path,patient,label,begin,end")
    assert f"line 2: {problem}" in refusal(manifest)


def test_all_bad_rows_are_told_at_once(tmp_path):
    message = refusal(write_manifest(tmp_path, "a.wav,p1,fine", "none.wav,p1,normal", "c.wav,,normal"))
    assert message.startswith("3 problems found in the data:")
    assert "line 2: unknown label" in message
    assert "line 4: patient is empty" in message
    assert f"line 3: {tmp_path}/none.wav does not exist" in message


def test_bad_rows_may_be_left_out(tmp_path):
    write_sound(tmp_path / "a.wav", noise())
    manifest = write_manifest(tmp_path, "a.wav,p1,normal", "b.wav,p1,fine", "c.wav,,normal", "no.wav,p1,both")
    with pytest.raises(InputError, match="3 problems found in the data"):
        open_corpus("manifest", manifest, cache=tmp_path / "cache")
    prepared = open_corpus("manifest", manifest, cache=tmp_path / "cache", leave_out_bad=True)
    assert prepared.clips().clip_id.tolist() == ["a.wav"]
    assert prepared.facts().left_out == 3


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            b"path,label\na.wav,normal\n",
            "has no column patient; its columns are path, label: name at least path, patient, label",
        ),
        (b"path;patient;label\na.wav;p1;normal\n", "its columns are path;patient;label: separate them by commas"),
        (b"path,Subject,label\na.wav,p1,normal\n", "its columns are path, Subject, label: rename 'Subject' to patient"),
        (b"paths,patient,label\na.wav,p1,normal\n", "rename 'paths' to path"),
        (b"path,patient,label\n", "lists no clips; add one row per clip"),
        (b"path,patient,label,label\na.wav,p1,normal,normal\n", "has two columns label"),
        (b"", "is empty; its first line must name at least path, patient, label"),
        (b"path,patient,label\n\xff\xfe,p1,normal\n", "is not a UTF-8 text file; save it as UTF-8"),
        (b'path,patient,label\n"a.wav,p1,normal\n', "line 2, is not CSV (unexpected end of data); correct it"),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path, content, problem):
    manifest = tmp_path / "m.csv"
    manifest.write_bytes(content)
    assert refusal(manifest).startswith(str(manifest))
    assert problem in refusal(manifest)


def test_a_missing_manifest_and_a_folder_in_its_place_are_refused(tmp_path):
    assert "no.csv does not exist; set DATA to the CSV file" in refusal(tmp_path / "no.csv")
    assert "is a folder; set DATA to the CSV file" in refusal(tmp_path)


def test_a_manifest_corpus_needs_to_be_told_its_manifest(tmp_path):
    with pytest.raises(InputError, match="needs DATA=<csv file>"):
        open_corpus("manifest", cache=tmp_path)
