"""Manifests of text files of samples: columns, units, rates, clocks, and what is wrong with them."""

import numpy as np
import pytest

from respbench.corpora.catalog import open_corpus
from respbench.corpora.problems import InputError
from respbench.corpora.windows import Windows

RATE = 50


def movement(seconds=4.0, channels=3, rate=RATE, seed=0):
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate)) / rate
    tones = np.sin(2 * np.pi * rng.uniform(0.5, 3, channels) * times[:, None] + rng.uniform(0, 6, channels))
    return 9.81 + tones


def write(path, values, header="", delimiter=","):
    np.savetxt(path, values, delimiter=delimiter, header=header, comments="", fmt="%.6f")


def manifest(folder, rows, columns="path,subject,label,rate"):
    path = folder / "study.csv"
    path.write_text("\n".join([columns, *rows]) + "\n")
    return path


@pytest.fixture
def study(tmp_path):
    for number in range(4):
        write(tmp_path / f"{number}.csv", movement(seed=number), "ax,ay,az")
    return tmp_path


ROWS = [f"{number}.csv,s{number // 2},{'walk' if number % 2 else 'sit'},50" for number in range(4)]


def opened(folder, rows=ROWS, columns="path,subject,label,rate", **options):
    return open_corpus("series", manifest(folder, rows, columns), cache=folder / "cache", **options)


def test_files_become_clips_of_their_channels(study):
    prepared = opened(study)
    clips, facts = prepared.clips(), prepared.facts()
    assert (facts.name, facts.channels, facts.unit, facts.person) == ("study", ("ax", "ay", "az"), "", "subject")
    assert (clips.rate, clips.classes, clips.patient.tolist()) == (50, ("sit", "walk"), ["s0", "s0", "s1", "s1"])
    for number in range(4):
        np.testing.assert_allclose(clips.signals[number], movement(seed=number).T, atol=1e-5)
    assert clips.meta["recording"].tolist() == [f"{number}.csv" for number in range(4)]


@pytest.mark.parametrize(("delimiter", "header"), [(" ", ""), ("\t", "ax\tay\taz"), (";", ""), (",", "")])
def test_any_usual_table_is_read_alike(study, delimiter, header):
    write(study / "1.csv", movement(seed=1), header, delimiter)
    write(study / "0.csv", movement(seed=0), "", delimiter)
    clips = opened(study).clips()
    np.testing.assert_allclose(clips.signals[1], movement(seed=1).T, atol=1e-5)


def test_columns_scale_and_unit_are_those_of_a_row(study):
    columns = "path,subject,label,rate,columns,scale,unit,device"
    rows = [f"{row},{'az ax' if i else '3 1'},9.80665,m/s²,phone{i}" for i, row in enumerate(ROWS)]
    prepared = opened(study, rows, columns)
    assert (prepared.facts().channels, prepared.facts().unit) == (("az", "ax"), "m/s²")
    assert "az, ax in m/s²" in prepared.facts().description
    clips = prepared.clips()
    np.testing.assert_allclose(clips.signals[2], movement(seed=2)[:, [2, 0]].T * 9.80665, rtol=1e-6)
    assert clips.meta["device"].tolist() == ["phone0", "phone1", "phone2", "phone3"]


def test_columns_in_another_order_are_found_by_their_names(study):
    write(study / "3.csv", movement(seed=3)[:, [1, 2, 0]], "ay,az,ax")
    np.testing.assert_allclose(opened(study).clips().signals[3], movement(seed=3).T, atol=1e-5)


def test_one_channel_is_stored_flat(study):
    clips = opened(study, [f"{row},2" for row in ROWS], "path,subject,label,rate,columns").clips()
    np.testing.assert_allclose(clips.signals[2], movement(seed=2)[:, 1][None], atol=1e-5)
    assert np.load(clips.signals.folder / "signals.npy", mmap_mode="r").ndim == 1


def test_spans_and_windows_name_their_file_as_the_trial(study):
    rows = ["0.csv,s0,sit,50,0,2", "0.csv,s0,walk,50,2,4", "1.csv,s1,sit,50,,"]
    prepared = opened(study, rows, "path,subject,label,rate,begin,end", windows=Windows(seconds=1.0, hop=1.0))
    clips = prepared.clips()
    assert clips.clip_id.tolist()[:3] == ["0.csv@0-2@0-1", "0.csv@0-2@1-2", "0.csv@2-4@0-1"]
    assert clips.meta["recording"].tolist() == ["0.csv"] * 4 + ["1.csv"] * 4
    np.testing.assert_allclose(clips.signals[3], movement()[150:200].T, atol=1e-5)
    assert prepared.facts().name == "study-1s-every-1s"


def test_files_of_other_rates_are_resampled_to_the_lowest(study):
    for number in range(4):
        write(study / f"{number}.csv", movement(rate=75 if number == 3 else 50, seed=number), "ax,ay,az")
    prepared = opened(study, [*ROWS[:3], ROWS[3].replace(",50", ",75")])
    clips = prepared.clips()
    assert "resampled from 50, 75 Hz" in prepared.facts().description
    assert clips.rate == 50
    np.testing.assert_allclose(clips.signals[3], movement(seed=3).T, atol=0.02)


def timed(folder, times, rows=ROWS):
    for number in range(4):
        write(folder / f"{number}.csv", np.column_stack([times, movement(seed=number)]), "t,ax,ay,az")
    return opened(folder, [f"{row},t" for row in rows], "path,subject,label,rate,time")


def test_a_clock_that_jitters_is_regular_enough(study):
    times = (np.arange(200) + np.random.default_rng(0).uniform(-0.2, 0.2, 200)) / RATE
    prepared = timed(study, 1e6 + times)
    assert prepared.facts().channels == ("ax", "ay", "az")
    np.testing.assert_allclose(prepared.clips().signals[3], movement(seed=3).T, atol=1e-5)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (np.arange(200) / RATE + (np.arange(200) >= 60), r"a gap of 1.02 s behind line 61, not 0.02 s"),
        (np.arange(200) / RATE + (np.arange(200) >= 60) + (np.arange(200) >= 90), r"2 gaps, the first of 1.02 s"),
        ((np.arange(200) - 0.9 * (np.arange(200) == 60)) / RATE, r"irregular clock: .* behind line 61 comes 0.002 s"),
        (np.arange(200) / 48, r"a clock of 48 Hz instead of the stated 50 Hz"),
        (np.arange(200) * 20.0, r"a clock of 0.05 Hz instead of the stated 50 Hz; correct the rate \(times are in s\)"),
    ],
)
def test_gaps_and_irregular_clocks_are_named(study, times, message):
    with pytest.raises(InputError, match=message):
        timed(study, times)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("4.csv,s1,walk", "line 6: 3 fields, but the header has 4 columns"),
        ("4.csv,,walk,50", "line 6: subject is empty"),
        ("9.csv,s1,walk,50", "line 6: .*9.csv does not exist"),
        ("4.csv,s1,nan,50", "line 6: label 'nan' is what programs write for an empty cell"),
        ("bad.csv,s1,walk,50", "bad.csv, line 2, has 2 columns instead of 3"),
        ("nan.csv,s1,walk,50", "nan.csv, line 2: 'nan' is no finite number"),
        ("two.csv,s1,walk,50", r"two.csv has 2 channels instead of 3 \(ax, ay, az\)"),
        ("4.csv,s1,walk,0", "line 6: rate 0 is no sampling rate"),
        ("4.csv,s1,walk,fast", "line 6: rate 'fast' is no number"),
        ("4.csv,s1,Sit,50", "label 'Sit' differs from 'sit' in case alone"),
        ("4.csv,s1,label,50", "label 'label' is the name of a column"),
        ("1.csv,s0,walk,50", "line 6: 1.csv is already on line 3; remove one"),
        ("ms.csv,s1,walk,50", "ms.csv holds 1.7e\\+12, more than any sensor measures"),
        ("a\0b.csv,s1,walk,50", "line 6: .*ab.csv does not exist"),
        ("copy.csv,s0,walk,50", r"copy.csv\) holds the same series as .*1.csv"),
    ],
)
def test_bad_rows_are_named_and_left_out_on_request(study, row, message):
    (study / "bad.csv").write_text("1,2,3\n1,2\n" * 40)
    (study / "nan.csv").write_text("1,2,3\n1,nan,3\n" * 40)
    write(study / "4.csv", movement(seed=4))
    write(study / "two.csv", movement(channels=2))
    write(study / "copy.csv", movement(seed=1))
    write(study / "ms.csv", np.column_stack([1.7e12 + np.arange(200), movement(channels=2)]), "ax,ay,az")
    rows = [*ROWS, row]
    with pytest.raises(InputError, match=message):
        opened(study, rows)
    assert opened(study, rows, leave_out_bad=True).facts().left_out == 1


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (ROWS, "path,subject,label", "has no column rate"),
        (ROWS, "path,who,label,rate", "has no column subject"),
        ([f"{row},x" for row in ROWS], "path,subject,label,rate,patient", "two columns subject and patient"),
        ([f"{row},x" for row in ROWS], "path,subject,label,rate,rate", "two columns rate"),
        ([f"{row},0" for row in ROWS], "path,subject,label,rate,Begin", "column 'Begin'.*rename 'Begin' to begin"),
        ([f"{row},0" for row in ROWS], "path,subject,label,rate,start", "rename 'start' to begin"),
        ([f"{row},2" for row in ROWS], "path,subject,label,rate,Scale", "rename 'Scale' to scale"),
        ([row.replace(",", ";") for row in ROWS], "path;subject;label;rate", "separate them by commas"),
        (ROWS, "path,participant,label,rate", "rename 'participant' to subject"),
        (ROWS, "path,subject,label,fs", "rename 'fs' to rate"),
        ([], "path,subject,label,rate", "lists no trials"),
        ([f"no{row}" for row in ROWS], "path,subject,label,rate", "lists 4 files, and all 4 are missing"),
        ([row.replace("walk", "sit") for row in ROWS], "path,subject,label,rate", "labels every trial 'sit'"),
    ],
)
def test_bad_manifests_are_refused(study, rows, columns, message):
    with pytest.raises(InputError, match=message):
        opened(study, rows, columns)


@pytest.mark.parametrize(
    ("cells", "columns", "message"),
    [
        ("ax aq", "columns", r"has no column aq \(it has ax, ay, az\)"),
        ("4", "columns", "has no column 4"),
        ("ax ax", "columns", "columns names ax twice"),
        ("t", "time", "has no column t"),
        ("0", "scale", "scale 0 makes every sample 0"),
        ("9", "end", "lasts 4.000 s, but a row of the manifest reaches from 0 s to 9 s"),
    ],
)
def test_bad_cells_are_named(study, cells, columns, message):
    with pytest.raises(InputError, match=message):
        opened(study, [f"{ROWS[0]},", f"{ROWS[1]},{cells}", f"{ROWS[2]},"], f"path,subject,label,rate,{columns}")


def test_one_unit_for_all(study):
    with pytest.raises(InputError, match=r"unit 'g' is not 'm/s²', that of 0\.csv; scale to one unit"):
        opened(study, [f"{ROWS[0]},m/s²", f"{ROWS[1]},g", f"{ROWS[2]},m/s²"], "path,subject,label,rate,unit")


def test_people_and_columns_have_one_spelling(study):
    rows = [row.replace("s0", name) for row, name in zip(ROWS, ("J\u00f6rg", "Jo\u0308rg", "", ""), strict=True)]
    prepared = opened(study, [f"{row},left" for row in rows], "Path,Subject,Label,Rate,hand")
    assert set(prepared.clips().patient) == {"J\u00f6rg", "s1"}
    assert "metadata: the column hand" in prepared.facts().description


def test_neither_of_two_rows_that_contradict_each_other_is_used(study):
    rows = [*ROWS, ROWS[0].replace("sit", "walk")]
    with pytest.raises(InputError, match=r"line 6: 0\.csv is already on line 2 with another label"):
        opened(study, rows)
    prepared = opened(study, rows, leave_out_bad=True)
    assert (prepared.facts().left_out, len(prepared.clips()), prepared.facts().left_out_patients) == (2, 3, 1)
