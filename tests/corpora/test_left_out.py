"""What LEAVE_OUT_BAD=1 leaves out: every problem of a file, a row or an event, and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest
from synthetic_corpora import (
    noise,
    write_kauh,
    write_manifest,
    write_recording,
    write_sound,
    write_sprsound_recording,
)

from respbench.benchmarks.cli import main
from respbench.benchmarks.storage.store import Store
from respbench.corpora.catalog import open_corpus
from respbench.corpora.facts import CorpusFacts
from respbench.corpora.prepared.left_out import read_left_out
from respbench.corpora.prepared.prepare import Prepared
from respbench.corpora.problems import InputErrors, Problem

GOOD = "0.0\t1.0\t0\t0\n1.0\t2.0\t1\t0\n"


def opened(corpus: str, data: Path, cache: Path, task: str = "abnormal") -> Prepared:
    """Open a corpus that is refused, without what is bad."""
    with pytest.raises(InputErrors):
        open_corpus(corpus, data, task=task, cache=cache)
    return open_corpus(corpus, data, task=task, cache=cache, leave_out_bad=True)


def left_out(prepared: Prepared) -> set[tuple[str, str]]:
    """Names and patients of what was left out."""
    return {(problem.name, problem.patient) for problem in prepared.left_out()}


def test_icbhi(tmp_path, cache):
    def recording(patient: int, annotation: str | None, place: str = "", seed: int | None = None) -> Path:
        name = f"{patient}_1b1_Al_sc_Meditron"
        return write_recording(tmp_path / place, annotation, name, seed=patient if seed is None else seed)

    def name(patient: int, cycle: int | None = None) -> tuple[str, str]:
        segment = "" if cycle is None else f"_segment_{cycle}"
        return f"{patient}_1b1_Al_sc_Meditron{segment}", str(patient)

    recording(101, GOOD)
    recording(102, "0.0\t1.0\t0\t0\n2.0\t1.5\t0\t0\n1.0\t2.0\t0\t2\nnine\n3.0\t3.9\t1\t1\n")
    recording(103, None)
    recording(104, " \n")
    recording(105, "").with_suffix(".txt").write_bytes(b"\xff\xfe0.0")
    recording(106, GOOD).unlink()
    for i, place in enumerate("ab"):
        recording(107, GOOD, place, seed=200 + i)
        recording(108, f"0.0\t1.0\t{i}\t0\n", place)
        recording(109, GOOD, place)
    write_sound(tmp_path / "mine.wav", noise(seed=300))
    prepared = opened("icbhi", tmp_path, cache)
    kept = [name(101, 1), name(101, 2), name(102, 1), name(102, 5), name(109, 1), name(109, 2)]
    assert sorted(prepared.clips().clip_id.tolist()) == [clip for clip, _ in kept]
    assert left_out(prepared) == {
        *(name(102, cycle) for cycle in (2, 3, 4)),
        *(name(patient) for patient in range(103, 110)),
        ("mine.wav", ""),
    }
    facts = prepared.facts()
    assert (facts.left_out_patients, facts.lost_patients) == (8, 6)
    assert facts.unusable == (
        f"{facts.left_out} clips, recordings or files of 8 known patients left out as unusable (left_out.csv); of 6 "
        "patients, no clip is left"
    )


def test_a_corpus_whose_list_is_damaged_is_prepared_again(tmp_path, cache):
    write_recording(tmp_path, GOOD + "2.0\t1.0\t0\t0\n")
    prepared = opened("icbhi", tmp_path, cache)
    before = left_out(prepared)
    (prepared.folder / "left_out.csv").write_text("name\n")
    assert left_out(opened("icbhi", tmp_path, cache)) == before == {("101_1b1_Al_sc_Meditron_segment_3", "101")}


def test_icbhi_in_segments(tmp_path, cache):
    def segment(patient: int, flags: str, seed: int, place: str = "") -> None:
        write_sound(tmp_path / place / f"{patient}_1b1_Al_sc_Meditron_segment_1_{flags}.wav", noise(seed=seed))

    segment(101, "0_0", 1)
    segment(102, "0_0", 2)
    segment(102, "1_0", 2)  # two labels of one cycle
    segment(103, "1_0", 3, "neg")
    segment(104, "1_0", 4, "a")
    segment(104, "1_0", 4, "b")  # a copy
    write_sound(tmp_path / "105_1b1_Al_sc_Meditron_segment_1.wav", noise(seed=5))
    prepared = opened("icbhi", tmp_path, cache)
    assert {clip[:3] for clip in prepared.clips().clip_id.tolist()} == {"101", "104"}
    names = sorted(name[:3] for name, _ in left_out(prepared))
    assert names == ["102", "103", "104", "105"]


def test_kauh(tmp_path, cache):
    write_kauh(tmp_path, patients=4)
    write_sound(tmp_path / "BP9_Asthma,N,P L L,70,M.wav", noise(seed=1))
    write_sound(tmp_path / "DP9_Asthma,E W,P L L,70,M.wav", noise(seed=2))
    write_sound(tmp_path / "BP8_Asthma,Rub,P L L,70,M.wav", noise(seed=3))
    (tmp_path / "BP7_Asthma,N,P L L,70,M.mp3").write_bytes(b"")
    prepared = opened("kauh", tmp_path, cache)
    assert set(prepared.clips().patient.tolist()) == {"P1", "P2", "P3", "P4"}
    assert left_out(prepared) == {("BP9", "P9"), ("DP9", "P9"), ("BP8_Asthma,Rub,P L L,70,M.wav", "")}
    assert prepared.facts().description.endswith("; other files that were not read: 1 .mp3")


def test_a_recording_with_an_unreadable_event_goes_as_a_whole_where_recordings_are_clips(tmp_path, cache):
    good, bad = ("0", "900", "Normal"), ("900", "800", "Normal")
    for patient, events in ((101, [good]), (102, [good, bad])):
        write_sprsound_recording(tmp_path, events, f"{patient}_1.0_0_p1_1", seed=patient)
    prepared = opened("sprsound", tmp_path, cache, "recording-three-class")
    assert prepared.clips().patient.tolist() == ["101"]
    prepared = opened("sprsound", tmp_path, cache)
    assert prepared.clips().patient.tolist() == ["101", "102"]
    assert left_out(prepared) == {("102_1.0_0_p1_1_event_2", "102")}


# Equal sounds


def equal(folder: Path, *rows: tuple[int, str, str]) -> None:
    """A manifest of (seed of the sound, patient, label), with one file per row."""
    for i, (seed, _, _) in enumerate(rows):
        write_sound(folder / f"{i}.wav", noise(seed=seed))
    write_manifest(folder, *(f"{i}.wav,{patient},{label}" for i, (_, patient, label) in enumerate(rows)))


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ([(1, "p", "normal"), (2, "p", "normal"), (1, "p", "normal")], ["0.wav", "1.wav"]),
        ([(1, "p", "normal"), (2, "p", "normal"), (1, "p", "crackle")], ["1.wav"]),
        ([(1, "p", "normal"), (2, "p", "normal"), (1, "q", "normal")], ["1.wav"]),
        ([(1, "p", "normal"), (2, "p", "normal"), (1, "p", "normal"), (1, "p", "wheeze")], ["1.wav"]),
        ([(1, "p", "normal"), (2, "q", "normal"), (1, "q", "wheeze"), (1, "q", "wheeze")], ["1.wav"]),
    ],
)
def test_of_equal_sounds_one_stays_and_of_contradicting_ones_none(tmp_path, cache, rows, kept):
    equal(tmp_path, *rows)
    prepared = opened("manifest", tmp_path / "manifest.csv", cache)
    clips = prepared.clips()
    assert clips.clip_id.tolist() == kept
    assert "overlap" not in prepared.facts().description, "of clips that are gone"
    assert {name for name, _ in left_out(prepared)} == {f"{i}.wav" for i in range(len(rows))} - {*kept}
    alone = tmp_path / "alone"
    equal(alone, *(rows[int(name[0])] for name in kept))
    expected = open_corpus("manifest", alone / "manifest.csv", cache=cache).clips()
    assert [signal.tobytes() for signal in clips] == [signal.tobytes() for signal in expected]


def test_the_message_about_equal_sounds_says_what_contradicts(tmp_path, cache):
    equal(tmp_path, (1, "Anna", "normal"), (1, "Bert", "normal"), (2, "Carl", "normal"), (2, "Carl", "both"))
    with pytest.raises(InputErrors) as refusal:
        open_corpus("manifest", tmp_path / "manifest.csv", cache=cache)
    remedy = "correct one of the two, or remove both"
    assert refusal.value.problems == [
        f"{tmp_path}/1.wav (1.wav, patient Bert) holds the same sound as {tmp_path}/0.wav (0.wav, patient Anna); "
        f"{remedy}",
        f"{tmp_path}/3.wav (3.wav, both) holds the same sound as {tmp_path}/2.wav (2.wav, normal); {remedy}",
    ]


# Where it is said


def test_what_was_left_out_is_said_by_the_run_and_its_report_and_lies_in_its_folder(tmp_path, capsys):
    for patient in range(101, 107):
        write_recording(tmp_path / "data", GOOD, f"{patient}_1b1_Al_sc_Meditron", seed=patient)
    write_recording(tmp_path / "data", "2.0\t1.0\t0\t0\n", "107_1b1_Al_sc_Meditron", seed=107)
    (tmp_path / "data" / "mine.wav").write_bytes(b"")
    run = ["run", "--corpus", "icbhi", "--data", str(tmp_path / "data"), "--results", str(tmp_path / "results")]
    run += ["--protocol", "patients-2fold", "--models", "prior", "--repeats", "1", "--workers", "1", "--leave-out-bad"]
    assert main(run) == 0
    folder = tmp_path / "results" / "icbhi" / "abnormal" / "patients-2fold"
    sentence = "2 clips, recordings or files of 1 known patient left out as unusable (left_out.csv); of 1 patient, no"
    assert sentence in capsys.readouterr().out.replace("\n", " ")
    assert sentence in (folder / "README.md").read_text()
    assert [problem.name for problem in read_left_out(folder)] == ["107_1b1_Al_sc_Meditron_segment_1", "mine.wav"]


def test_a_report_states_what_the_last_run_knew_of_the_same_clips(tmp_path):
    store, known = Store(tmp_path), CorpusFacts(name="a", description="", simulated=False, rate=4000, fingerprint="b")
    assert store.corpus(known) == known
    store.write_corpus(replace(known, left_out=1), [Problem(name="c", text="is bad")])
    assert store.corpus(known).left_out == len(read_left_out(tmp_path)) == 1
    assert store.corpus(replace(known, fingerprint="d")).left_out == 0
    store.write_corpus(known, [])
    assert store.corpus(known).left_out == len(read_left_out(tmp_path)) == 0
    (tmp_path / "corpus.json").write_text("{")
    assert store.corpus(known) == known
