"""The user's unlabeled recordings: cut, checked, never mixed with the corpus, and kept from those who are tested."""

import gzip
import json
import shlex
import shutil
import subprocess
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_corpora import clips_with, noise, synthetic_clips, write_segmented, write_sound

from respbench.benchmarks.cli import main
from respbench.benchmarks.storage.identity import splitter_targets
from respbench.corpora import catalog
from respbench.corpora.catalog import open_corpus, open_with_unlabeled
from respbench.corpora.clips import HIDDEN
from respbench.corpora.problems import InputError
from respbench.corpora.protocols import find
from respbench.corpora.readers.audio import read_audio
from respbench.corpora.splits.label_budget import LabelBudget
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut
from respbench.corpora.splits.official import OfficialSplit
from respbench.corpora.splits.with_unlabeled import WithUnlabeled, labeled_rows
from respbench.corpora.tasks import for_task
from respbench.corpora.unlabeled import CLIP, patient_of, read_unlabeled

PROJECT = Path(__file__).resolve().parents[2]

LEARNS = '''"""Learns from unlabeled clips how many there are."""
import numpy as np

UNLABELED = True


class Learns:
    n_parameters = 1

    def fit(self, train, valid, unlabeled=None):
        assert (train.label >= 0).all() and (valid.label >= 0).all()
        assert (unlabeled.label == -1).all() and (unlabeled.sound == -1).all()
        self.share = 1 / (1 + len(unlabeled))
        return self

    def predict_proba(self, clips):
        return np.tile([1 - self.share, self.share], (len(clips), 1))


def build(*, seed):
    return Learns()
'''


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """ICBHI's cut cycles of six patients, and a folder with recordings of all sorts."""
    folder = tmp_path_factory.mktemp("sounds")
    write_segmented(folder / "icbhi", patients=6)
    mine = folder / "mine"
    write_sound(mine / "a.wav", noise(7.0, 100))  # two clips and a rest of 1 s
    stereo = np.column_stack([noise(8.0, seed, 44100) for seed in (101, 102)])
    write_sound(mine / "ward 2" / "b.flac", stereo, 44100)  # two clips and one of 2 s
    write_sound(mine / "103_2b1_Al_mc_Meditron.wav", noise(3.0, 103))
    write_sound(mine / "short.wav", noise(1.4, 104))
    (mine / "notes.txt").write_text("recorded on Monday")
    return folder


@pytest.fixture(scope="module")
def corpus(sounds, cache):
    return open_corpus("icbhi", sounds / "icbhi", cache=cache)


@pytest.fixture(scope="module")
def both(sounds, corpus, cache):
    return open_with_unlabeled(corpus, read_unlabeled(sounds / "mine"), cache=cache)


def own(prepared):
    clips = prepared.clips()
    return clips.take(np.flatnonzero(clips.label == HIDDEN))


# Cutting


def test_recordings_are_cut_into_clips_of_one_length(sounds, both):
    clips = own(both)
    seconds = dict(zip(clips.clip_id.tolist(), clips.seconds.tolist(), strict=True))
    assert seconds == {
        "unlabeled:103_2b1_Al_mc_Meditron.wav@0-3": 3.0,
        "unlabeled:a.wav@0-3": 3.0,
        "unlabeled:a.wav@3-6": 3.0,
        "unlabeled:ward 2/b.flac@0-3": 3.0,
        "unlabeled:ward 2/b.flac@3-6": 3.0,
        "unlabeled:ward 2/b.flac@6-end": 2.0,
    }
    assert clips.rate == 4000
    whole = read_audio(sounds / "mine" / "ward 2" / "b.flac", 4000, 3.0, 6.0)
    np.testing.assert_array_equal(clips.signals[4], whole)


def test_what_is_left_out_is_said(both):
    assert both.facts().description.endswith(
        "; 6 unlabeled clips of up to 3 s from 3 recordings in mine (left out: 1.0 s of rests shorter than 1.5 s, "
        "1 .txt that can't be read as sound, 1 .wav shorter than 1.5 s)"
    )
    listed = pd.read_csv(both.folder / "skipped.csv")
    assert set(listed["recording"]) == {"notes.txt", "short.wav"}


@settings(max_examples=25)
@given(st.floats(0.2, 30.0))
def test_no_sample_is_used_twice(seconds):
    folder = Path(catalog.CACHE) / "lengths"
    path = write_sound(folder / "a.wav", noise(seconds))
    try:
        found = read_unlabeled(folder)
    except InputError:
        assert seconds < CLIP / 2 + 1e-3
        return
    finally:
        path.unlink()
    assert [cycle.begin for cycle in found.cycles] == [i * CLIP for i in range(len(found.cycles))]
    cut = (found.cycles[-1].end or seconds) + found.rests
    assert cut == pytest.approx(seconds, abs=1e-3)
    assert found.rests < CLIP / 2


@pytest.mark.parametrize("ending", ["ogg", "mp3", "aiff", "AU"])
def test_other_kinds_of_files(tmp_path, cache, corpus, ending):
    write_sound(tmp_path / "x" / f"a.{ending}", noise(4.0, 7, 44100), 44100, subtype=None)
    prepared = open_with_unlabeled(corpus, read_unlabeled(tmp_path / "x"), cache=cache)
    assert own(prepared).seconds.tolist() == [pytest.approx(3.0)]


# Beside the corpus


def test_the_corpus_stays_as_it_is(corpus, both):
    clips, plain = both.clips(), corpus.clips()
    labeled = clips.take(labeled_rows(clips))
    for field in ("clip_id", "patient", "label"):
        assert getattr(labeled, field).tolist() == getattr(plain, field).tolist()
    assert labeled.classes == plain.classes
    pd.testing.assert_frame_equal(labeled.meta, plain.meta, check_dtype=False)
    assert all(np.array_equal(a, b) for a, b in zip(labeled, plain, strict=True))


def test_unlabeled_clips_have_no_metadata_but_their_recording(both):
    clips = own(both)
    assert set(clips.meta["recording"]) == {"103_2b1_Al_mc_Meditron.wav", "a.wav", "ward 2/b.flac"}
    assert clips.meta.drop(columns="recording").isna().all(axis=None)
    assert set(clips.patient.tolist()) == {"103", "unlabeled:a.wav", "unlabeled:ward 2/b.flac"}


@pytest.mark.parametrize("task", ["abnormal", "four-class"])
def test_labels_are_hidden_in_every_task(both, task):
    clips = for_task(both.clips(), task)
    assert (clips.label == HIDDEN).sum() == 6
    assert ((clips.label == HIDDEN) == (clips.sound == HIDDEN)).all()


def test_facts_keep_it_apart_from_the_plain_corpus(corpus, both):
    facts, plain = both.facts(), corpus.facts()
    assert facts.fingerprint != plain.fingerprint
    stated = {"name": "icbhi+mine", "description": facts.description, "fingerprint": facts.fingerprint}
    assert facts == replace(plain, **stated, skipped=2, unlabeled_clips=6)


def test_a_corpus_without_recordings_gains_no_column(tmp_path, sounds, cache):
    write_sound(tmp_path / "a.wav", noise(seed=1))
    (tmp_path / "tiny.csv").write_text("path,patient,label\na.wav,p,normal\n")
    prepared = open_corpus("manifest", tmp_path / "tiny.csv", cache=cache)
    clips = open_with_unlabeled(prepared, read_unlabeled(sounds / "mine"), cache=cache).clips()
    assert clips.meta.shape == (7, 0)


@pytest.mark.parametrize(
    ("recording", "patient"),
    [
        ("101_1b1_Al_sc_Meditron.wav", "101"),
        ("101.wav", "101"),
        ("101/morning.wav", "101"),
        ("1011_a.wav", None),
        ("a101.wav", None),
        ("p1-2_a.wav", "p1-2"),
        ("p1-3.wav", "p1"),
        ("x/y.wav", None),
        (unicodedata.normalize("NFD", "José_1.wav"), "José"),
        ("0101/P01.wav", "p1"),
    ],
)
def test_a_file_called_after_a_patient_is_of_that_one(recording, patient):
    assert patient_of(recording, {"101", "p1", "p1-2", "José"}) == patient


# Folds


@settings(max_examples=20)
@given(st.integers(0, 50), st.sampled_from([LeavePatientsOut(3), LabelBudget(25, 3)]), st.randoms())
def test_labeled_clips_are_dealt_as_without_the_others(seed, splitter, random):
    clips = synthetic_clips(patients=15)
    known = sorted(set(clips.patient.tolist()))
    extra = synthetic_clips(patients=8, seed=1)
    patient = np.array([f"unlabeled:{name}" if name > "p003" else known[int(name[1:])] for name in extra.patient])
    ids = np.array([f"own{i}" for i in range(len(extra))])
    extra = replace(extra.hide_labels(), patient=patient, clip_id=ids)
    mixed = joined(clips, extra)
    order = list(range(len(mixed)))
    random.shuffle(order)
    mixed = mixed.take(np.array(order))
    try:
        plain = list(splitter.split(mixed.take(labeled_rows(mixed)), seed))
    except InputError:
        return
    for with_own, fold in zip(WithUnlabeled(splitter).split(mixed, seed), plain, strict=True):
        for part in ("train", "valid", "test"):
            rows = labeled_rows(mixed)[getattr(fold, part)]
            assert np.array_equal(getattr(with_own, part), rows)
        hidden = mixed.label[with_own.unlabeled] == HIDDEN
        assert np.array_equal(with_own.unlabeled[~hidden], labeled_rows(mixed)[fold.unlabeled])
        unseen = set(mixed.patient[np.concatenate([with_own.valid, with_own.test])].tolist())
        expected = [
            i for i, name in enumerate(mixed.patient.tolist()) if mixed.label[i] == HIDDEN and name not in unseen
        ]
        assert with_own.unlabeled[hidden].tolist() == expected


def joined(one, other):
    return replace(
        one,
        signals=[*one.signals, *other.signals],
        label=np.concatenate([one.label, other.label]),
        patient=np.concatenate([one.patient, other.patient]),
        clip_id=np.concatenate([one.clip_id, other.clip_id]),
        meta=pd.concat([one.meta, other.meta], ignore_index=True),
        sound=np.concatenate([one.sound, other.sound]),
        overlap=np.concatenate([one.overlap, other.overlap]),
    )


def test_a_patients_own_recording_is_never_learned_from_where_the_patient_is_tested(both):
    clips, tested = for_task(both.clips(), "abnormal"), 0
    for fold in WithUnlabeled(LeavePatientsOut(3)).split(clips, 0):
        unseen = set(clips.patient[np.concatenate([fold.valid, fold.test])].tolist())
        tested += "103" in unseen
        assert ("103" in set(clips.patient[fold.unlabeled].tolist())) == ("103" not in unseen)
        assert len(fold.unlabeled) == 5 + ("103" not in unseen)
    assert tested


def test_the_code_of_both_splitters_is_in_the_identity():
    assert splitter_targets(LeavePatientsOut()) == ["corpora.splits.leave_patients_out:LeavePatientsOut"]
    budget = splitter_targets(WithUnlabeled(LabelBudget(10)))
    assert budget == [
        "corpora.splits.with_unlabeled:WithUnlabeled",
        "corpora.splits.label_budget:LabelBudget",
    ]
    assert repr(WithUnlabeled(LabelBudget(10))) == "WithUnlabeled(splitter=LabelBudget(percent=10, folds=5))"
    assert WithUnlabeled(LabelBudget(10, 3)).folds == 3
    assert WithUnlabeled(OfficialSplit()).folds == 1


# What can't be used


def with_bad_file(folder, content=None, sound=None, name="bad.wav"):
    write_sound(folder / "good.wav", noise(3.0, 500))
    path = folder / name
    if sound is not None:
        write_sound(path, sound)
    if content is not None:
        path.write_bytes(content)
    return path


def refusal(corpus, folder, cache):
    with pytest.raises(InputError) as refused:
        open_with_unlabeled(corpus, read_unlabeled(folder), cache=cache)
    message = str(refused.value)
    assert message.startswith("1 problem found in the data:\n- ")
    assert "--leave-out-bad (LEAVE_OUT_BAD=1 for make)" in message
    kept = open_with_unlabeled(corpus, read_unlabeled(folder), cache=cache, leave_out_bad=True)
    assert {name.partition("@")[0] for name in own(kept).clip_id.tolist()} == {"unlabeled:good.wav"}
    assert kept.facts().left_out == len(pd.read_csv(kept.folder / "left_out.csv")) > 0
    return message


def test_empty_file(tmp_path, corpus, cache):
    path = with_bad_file(tmp_path, b"")
    assert f"{path} is empty (0 bytes); copy or export it again" in refusal(corpus, tmp_path, cache)


def test_truncated_file(tmp_path, corpus, cache):
    path = with_bad_file(tmp_path, sound=noise(20.0, 1))
    path.write_bytes(path.read_bytes()[:100_000])
    assert f"{path} is truncated: " in refusal(corpus, tmp_path, cache)


def test_silent_file(tmp_path, corpus, cache):
    path = with_bad_file(tmp_path, sound=np.zeros(3 * 4000))
    assert f"{path} is silent from 0.0 to 3.0 s" in refusal(corpus, tmp_path, cache)


def test_file_without_samples(tmp_path, corpus, cache):
    path = with_bad_file(tmp_path, sound=np.zeros(0))
    assert f"{path} holds no samples" in refusal(corpus, tmp_path, cache)


def test_text_named_like_a_sound(tmp_path, corpus, cache):
    path = with_bad_file(tmp_path, b"this is no sound\n" * 20, name="bad.mp3")
    assert f"{path} is not audio, is damaged or cut short" in refusal(corpus, tmp_path, cache)


def test_one_sound_twice(tmp_path, corpus, cache):
    path = with_bad_file(tmp_path, sound=noise(3.0, 500), name="worse.wav")
    assert f"{path} (unlabeled:worse.wav@0-3) holds the same sound as " in refusal(corpus, tmp_path, cache)


@pytest.mark.parametrize("seconds", [2.0, 3.0, 4.0, 7.0])
def test_a_clip_of_the_corpus(tmp_path, cache, seconds):
    """Whether it is as short as an unlabeled clip or longer: whatever its name."""
    write_sound(tmp_path / "c" / "a.wav", noise(seconds, 1))
    (tmp_path / "c" / "tiny.csv").write_text("path,patient,label\na.wav,p,normal\n")
    tiny = open_corpus("manifest", tmp_path / "c" / "tiny.csv", cache=cache)
    path = with_bad_file(tmp_path / "x")
    shutil.copy(tmp_path / "c" / "a.wav", path)
    message = refusal(tiny, tmp_path / "x", cache)
    assert f"{path} holds the same sound as clip a.wav of the corpus, which may be tested; remove the file" in message


def test_a_folder_without_sound(tmp_path):
    write_sound(tmp_path / "short.wav", noise(1.0))
    (tmp_path / "breath.m4a").touch()
    expected = r"no sound of at least 1.5 s .*, but 1 .m4a that can't be read as sound, 1 .wav shorter than 1.5 s; set"
    with pytest.raises(InputError, match=expected):
        read_unlabeled(tmp_path)


def test_no_folder(tmp_path):
    with pytest.raises(InputError, match="nowhere is not a folder; set UNLABELED to a folder that holds recordings"):
        read_unlabeled(tmp_path / "nowhere")


def test_other_recordings_of_the_patients_are_theirs(corpus, sounds, tmp_path, cache):
    for i, path in enumerate((sounds / "icbhi").rglob("*.wav")):
        write_sound(tmp_path / path.name, noise(2.0, 900 + i))
    prepared = open_with_unlabeled(corpus, read_unlabeled(tmp_path), cache=cache)
    assert sorted(own(prepared).patient.tolist()) == sorted(corpus.clips().patient.tolist())


# Through the command line


def respbench(sounds, results, *more, unlabeled="mine"):
    data = ("--corpus", "icbhi", "--data", str(sounds / "icbhi"), "--unlabeled", str(sounds / unlabeled))
    return main(["run", *data, "--results", str(results), "--workers", "0", "--seeds", "1", *more])


@pytest.mark.parametrize("protocol", ["patients-3fold", "patients-2fold-labels100"])
def test_a_run_learns_from_them_and_reports_the_corpus_alone(tmp_path, sounds, corpus, capsys, protocol):
    model = tmp_path / "learns.py"
    model.write_text(LEARNS)
    options = ("--protocol", protocol, "--models", "prior,metadata", "--model", str(model))
    assert respbench(sounds, tmp_path / "results", *options) == 0
    assert "6 unlabeled clips of up to 3 s from 3 recordings in mine" in capsys.readouterr().out.replace("\n", " ")
    folder = tmp_path / "results" / "icbhi+mine" / "abnormal" / protocol
    listed = gzip.decompress((folder / "clips.csv.gz").read_bytes()).decode()
    assert len(listed.splitlines()) == 1 + len(corpus.clips())
    assert "unlabeled" not in listed
    for path in (folder / "runs" / "learns").glob("*.json"):
        facts = json.loads(path.read_text())
        unseen = {*facts["valid_patients"], *facts["test_patients"]}
        theirs = {"unlabeled:a.wav", "unlabeled:ward 2/b.flac", *({"103"} - unseen)}
        assert set(facts["unlabeled_patients"]) == theirs
        assert facts["unlabeled_clips"] == 5 + ("103" not in unseen)
        assert facts["corpus"]["name"] == "icbhi+mine"
        table = pd.read_csv(path.with_suffix(".csv.gz"))
        assert table["abnormal"].iloc[0] == pytest.approx(1 / (1 + facts["unlabeled_clips"]))
    # Of the models that don't learn from them, nothing changes.
    assert main(["report", str(folder)]) == 0


def test_without_a_model_that_learns_from_them_nothing_is_decoded(tmp_path, sounds, capsys, monkeypatch):
    monkeypatch.setattr(catalog, "CACHE", tmp_path / "cache")
    assert respbench(sounds, tmp_path / "results", "--models", "prior,svm") == 2
    printed = capsys.readouterr().err
    assert "none of the models learns from unlabeled clips; name one that does with --models" in printed
    assert not (tmp_path / "cache").exists()


def test_not_with_two_corpora(tmp_path, sounds, capsys):
    options = ("--protocol", "cross-corpus", "--other", "kauh", "--other-data", "x")
    assert respbench(sounds, tmp_path / "results", *options) == 2
    assert "unlabeled recordings go with every protocol but cross-corpus; leave out --unl" in capsys.readouterr().err


def test_a_missing_folder_is_noticed_before_anything_is_decoded(tmp_path, sounds, capsys, monkeypatch):
    monkeypatch.setattr(catalog, "CACHE", tmp_path / "cache")
    model = tmp_path / "learns.py"
    model.write_text(LEARNS)
    options = ("--models", "prior", "--model", str(model))
    assert respbench(sounds, tmp_path / "results", *options, unlabeled="nowhere") == 2
    assert "nowhere is not a folder; set UNLABELED" in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()


def test_make_hands_the_folder_over():
    command = ["make", "--dry-run", "--no-print-directory", "benchmark", "UNLABELED=a b"]
    printed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    words = shlex.split(next(line for line in printed.replace("\\\n", " ").splitlines() if "respbench run" in line))
    assert words[words.index("--unlabeled") + 1] == "a b"


def test_budgets_hold_for_the_corpus_and_own_clips_come_on_top():
    clips = clips_with([[3, 3]] * 12)
    extra = replace(clips_with([[2, 0]] * 2).hide_labels(), patient=np.array(["u1", "u1", "u2", "u2"]))
    extra = replace(extra, clip_id=np.array([f"own{i}" for i in range(4)]))
    (fold, *_) = WithUnlabeled(find("patients-3fold-labels50").splitter).split(joined(clips, extra), 0)
    assert len(set(joined(clips, extra).patient[fold.unlabeled].tolist())) == 4 + 2
