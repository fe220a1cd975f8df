"""Preparing a corpus: done once, whole or not at all, by one process at a time, and named after its content."""

import pickle
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from synthetic_corpora import noise, synthetic_clips, write_segmented, write_sound

from respbench.corpora import clips as clips_module
from respbench.corpora import measurement
from respbench.corpora.cycles import FOUR_CLASSES
from respbench.corpora.facts import CorpusFacts
from respbench.corpora.prepared import prepare
from respbench.corpora.prepared.prepare import prepare_clips, prepare_files
from respbench.corpora.problems import InputError, InputErrors
from respbench.corpora.readers.icbhi import read_icbhi

NAME = "odd[1] name*"
"""Manifests are called as their users like, and the name goes into that of a folder."""

APART = """
import os, signal, sys, time
from pathlib import Path
from respbench.corpora import measurement
from respbench.corpora.prepared import prepare
from respbench.corpora.readers.icbhi import read_icbhi

folder, cache, log, name, kill_at = sys.argv[1:]
decode = measurement.read_audio

def watched(*arguments):
    with Path(log).open("a") as file:
        file.write("x")
    if len(Path(log).read_text()) == int(kill_at):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02)
    return decode(*arguments)

measurement.read_audio = watched
print(prepare.prepare_files(read_icbhi(Path(folder)).cycles, name, 4000, Path(cache), description="").folder)
"""
"""Prepare a corpus in a process of its own, slowly; write an x per decoded clip, and die at one on request."""


def prepared(folder, cache, rate=4000, **options):
    return prepare_files(read_icbhi(folder).cycles, NAME, rate, cache, description="synthetic", **options)


def apart(folder, cache, log, kill_at=0):
    arguments = [sys.executable, "-c", APART, folder, cache, log, NAME, str(kill_at)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def left_behind(cache):
    """What lies in the cache besides locks."""
    return sorted(path.name for path in (cache / "corpora").iterdir() if path.suffix != ".lock")


@pytest.fixture
def sounds(tmp_path):
    write_segmented(tmp_path / "sounds")
    return tmp_path / "sounds"


@pytest.fixture
def decoded(monkeypatch):
    """The files that were decoded, in order."""
    paths: list[Path] = []
    decode = measurement.read_audio

    def watched(path, *arguments):
        paths.append(path)
        return decode(path, *arguments)

    monkeypatch.setattr(measurement, "read_audio", watched)
    return paths


def test_clips_come_back_as_they_were_read(sounds, tmp_path):
    corpus = prepared(sounds, tmp_path)
    clips = corpus.clips()
    for i, cycle in enumerate(read_icbhi(sounds).cycles):
        assert clips.clip_id[i] == cycle.clip_id
        assert clips.patient[i] == cycle.patient
        assert clips.classes[clips.label[i]] == cycle.label
        assert clips.meta.loc[i, "recording"] == cycle.meta["recording"]
        np.testing.assert_array_equal(clips.signals[i][0], soundfile.read(cycle.path, dtype="float32")[0])
    assert clips.rate == 4000
    assert clips.seconds.tolist() == [0.5] * 16
    assert not {"label", "patient", "clip_id"} & set(clips.meta)


def test_facts_say_what_the_corpus_is(sounds, tmp_path):
    facts = prepared(sounds, tmp_path).facts()
    assert facts.fingerprint
    expected = CorpusFacts(name=NAME, description="synthetic", simulated=False, rate=4000, classes=FOUR_CLASSES)
    assert facts == replace(expected, fingerprint=facts.fingerprint)


def test_files_are_decoded_once_and_found_again(sounds, tmp_path, decoded):
    once, again = prepared(sounds, tmp_path), prepared(sounds, tmp_path)
    assert once == again
    assert len(decoded) == 16


def test_a_folder_that_moved_is_found_again(sounds, tmp_path, decoded):
    once = prepared(sounds, tmp_path)
    moved = shutil.move(sounds, tmp_path / "another place")
    assert prepared(moved, tmp_path) == once
    assert len(decoded) == 16


def change_a_sample(sounds):
    path = next(sounds.rglob("*.wav"))
    sound, rate = soundfile.read(path, dtype="int16")
    sound[-1] += 1
    soundfile.write(path, sound, rate)


def change_a_label(sounds):
    path = next(sounds.rglob("*_1_1.wav"))
    path.rename(path.with_name(path.name.replace("_1_1.wav", "_1_0.wav")))


def change_a_patient(sounds):
    path = next(sounds.rglob("*.wav"))
    path.rename(path.with_name("9" + path.name))


def change_the_metadata(sounds):
    (sounds / "demographic_info.txt").write_text("101 3 F NA 19 99\n")


def touch_only(sounds):
    for path in sounds.rglob("*.wav"):
        path.touch()


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (change_a_sample, False),
        (change_a_label, False),
        (change_a_patient, False),
        (change_the_metadata, False),
        (touch_only, True),
    ],
)
def test_fingerprint_changes_with_the_content_only(sounds, tmp_path, change, same):
    before = prepared(sounds, tmp_path).facts().fingerprint
    change(sounds)
    assert (prepared(sounds, tmp_path).facts().fingerprint == before) is same


def test_what_is_stated_about_a_corpus_is_updated_and_decodes_nothing_again(sounds, tmp_path, decoded):
    before = prepared(sounds, tmp_path, skipped={"a.wav": "too short"})
    old, clips = before.facts(), len(decoded)
    again = prepare_files(
        read_icbhi(sounds).cycles, NAME, 4000, tmp_path, description="reworded", skipped={"b.wav": "bad"}
    )
    assert again.folder == before.folder
    assert len(decoded) == clips
    assert again.facts() == replace(old, description="reworded")
    assert list(pd.read_csv(again.folder / "skipped.csv")["recording"]) == ["b.wav"]
    assert prepared(sounds, tmp_path).facts() == replace(old, skipped=0)
    assert not (again.folder / "skipped.csv").exists()


def test_fingerprint_does_not_depend_on_the_name(sounds, tmp_path):
    one, other = (
        prepare_files(read_icbhi(sounds).cycles, name, 4000, tmp_path, description="") for name in ("one", "other")
    )
    assert one.facts().fingerprint == other.facts().fingerprint


def test_fingerprint_changes_with_the_rate(sounds, tmp_path):
    fingerprints = {prepared(sounds, tmp_path, rate).facts().fingerprint for rate in (2000, 4000, 8000)}
    assert len(fingerprints) == 3


def test_fingerprint_is_the_same_in_another_cache(sounds, tmp_path):
    one, other = (prepared(sounds, tmp_path / place).facts() for place in ("one", "other"))
    assert one == other


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError, MemoryError])
def test_an_interrupted_preparation_leaves_nothing(sounds, tmp_path, monkeypatch, decoded, interruption):
    with monkeypatch.context() as patch:
        patch.setattr(prepare, "_write_table", lambda *arguments: (_ for _ in ()).throw(interruption))
        with pytest.raises(interruption):
            prepared(sounds, tmp_path)
    assert len(decoded) == 16
    assert left_behind(tmp_path) == []
    assert len(prepared(sounds, tmp_path).clips()) == 16


def test_a_killed_preparation_is_not_taken_for_finished_and_cleaned_up(sounds, tmp_path, decoded):
    with apart(sounds, tmp_path, tmp_path / "log", kill_at=3) as killed:
        assert killed.wait() == -signal.SIGKILL
    (unfinished,) = left_behind(tmp_path)
    assert unfinished.startswith(".")
    corpus = prepared(sounds, tmp_path)
    assert len(decoded) == 16
    assert left_behind(tmp_path) == [corpus.folder.name]


def test_two_processes_prepare_it_once(sounds, tmp_path):
    log = tmp_path / "log"
    with apart(sounds, tmp_path, log) as one, apart(sounds, tmp_path, log) as other:
        folders = {process.communicate()[0].strip() for process in (one, other)}
    assert folders == {str(prepared(sounds, tmp_path).folder)}
    assert log.read_text() == "x" * 16


def test_clips_are_cheap_to_send_to_another_process(sounds, tmp_path):
    clips = prepared(sounds, tmp_path).clips()
    sent = pickle.dumps(clips.take(np.arange(12)).hide_labels())
    assert len(sent) < sum(signal.nbytes for signal in clips) / 10
    clips_module._open_flat.cache_clear()
    received = pickle.loads(sent)
    assert all(np.array_equal(a, b) for a, b in zip(received, clips.take(np.arange(12)), strict=True))


def test_bad_files_are_left_out_on_request_and_listed(sounds, tmp_path):
    good = write_sound(sounds / "110_1b1_Al_sc_Meditron_segment_1_0_0.wav", noise(seed=99))
    bad = write_sound(sounds / "110_1b1_Al_sc_Meditron_segment_2_0_0.wav", np.zeros(2000))
    shutil.copy(good, sounds / "111_1b1_Al_sc_Meditron_segment_1_0_0.wav")
    with pytest.raises(InputErrors) as refusal:
        prepared(sounds, tmp_path)
    assert len(refusal.value.problems) == 2
    assert "--leave-out-bad" in str(refusal.value)
    corpus = prepared(sounds, tmp_path, leave_out_bad=True)
    assert len(corpus.clips()) == 16
    assert corpus.facts().left_out == 3
    listed = pd.read_csv(corpus.folder / "left_out.csv").set_index("name")["problem"]
    clips = ("110_1b1_Al_sc_Meditron_segment_2", "111_1b1_Al_sc_Meditron_segment_1", "110_1b1_Al_sc_Meditron_segment_1")
    assert tuple(listed.index) == clips
    assert listed.iloc[0].startswith(f"{bad} is silent")
    assert "holds the same sound as" in listed.iloc[1]


def test_nothing_left_out_leaves_no_list(sounds, tmp_path):
    corpus = prepared(sounds, tmp_path, leave_out_bad=True)
    assert corpus.facts().left_out == 0
    assert not (corpus.folder / "left_out.csv").exists()


def test_a_corpus_of_bad_files_only_is_refused(tmp_path):
    write_sound(tmp_path / "sounds" / "110_1b1_Al_sc_Meditron_segment_2_0_0.wav", np.zeros(2000))
    with pytest.raises(InputError, match="no clip of the corpus can be used"):
        prepared(tmp_path / "sounds", tmp_path, leave_out_bad=True)
    assert left_behind(tmp_path) == []


def test_progress_is_told_from_none_to_all(sounds, tmp_path):
    steps: list[tuple[str, int, int]] = []
    prepared(sounds, tmp_path, progress=lambda *step: steps.append(step))
    assert steps == [("decoding", 0, 16), ("decoding", 16, 16)]


def test_generated_clips_are_stored_once_for_each_set_of_parameters(tmp_path):
    calls: list[str] = []

    def corpus(parameters):
        def make():
            calls.append(parameters)
            return synthetic_clips(seed=len(parameters))

        return prepare_clips(
            make,
            "synthetic",
            4000,
            parameters,
            "corpora.simulated.simulation:simulate",
            tmp_path,
            "synthetic",
        )

    stored, _, other = corpus("a"), corpus("a"), corpus("bb")
    assert calls == ["a", "bb"]
    assert stored.facts().simulated is True
    assert stored.facts().fingerprint != other.facts().fingerprint
    for ours, theirs in zip(stored.clips(), synthetic_clips(seed=1), strict=True):
        np.testing.assert_array_equal(ours, theirs)
