"""Every kind of bad input, through the command line: status 2, one sentence that names the file and the mend, no trace.

Each test makes a good corpus, spoils one thing, and runs the command that a user would.
"""

import errno
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_up_corpora import (
    noise,
    write_kauh,
    write_manifest,
    write_recording,
    write_segmented,
    write_sound,
    write_sprsound_recording,
)

from benchmarks.cli import main
from corpora import catalog, prepare

BAD = "120_1b1_Al_sc_Meditron_segment_1_0_0.wav"


class Command:
    """Runs respbench on a folder of its own, and checks what every refusal has in common."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.sounds = folder / "sounds"
        self.cache = folder / "cache"
        self.results = folder / "results"
        self.capsys = capsys

    def __call__(self, name: str, *more: str, corpus: str = "icbhi", data: Path | None = None) -> tuple[int, str]:
        arguments = [name, "--corpus", corpus, "--data", str(data or self.sounds), "--results", str(self.results)]
        status = main([*arguments, *more])
        return status, self.capsys.readouterr().err

    def accepts(self) -> None:
        """The same command on sounds that nothing is wrong with."""
        assert self("prepare") == (0, "")

    def refuses(self, *more: str, name: str = "prepare", corpus: str = "icbhi", data: Path | None = None) -> str:
        """The one message of a refusal."""
        before = finished(self.cache)
        status, message = self(name, *more, corpus=corpus, data=data)
        assert status == 2
        assert message.startswith("respbench: ")
        assert message.count("respbench: ") == 1
        assert "Traceback" not in message
        if "found in the data" in message:
            assert message.startswith("respbench: 1 problem found in the data:\n- ")
            assert len(message.strip().splitlines()) == 3
        else:
            assert len(message.strip().splitlines()) == 1
        assert name == "run" or finished(self.cache) == before
        assert not list(self.cache.rglob(".*")), "something half-written is left"
        assert not [path for path in self.results.rglob("*") if path.is_file()]
        return message


def finished(cache: Path) -> set[str]:
    """The prepared corpora in a cache."""
    return {path.parent.name for path in cache.glob("corpora/*/corpus.json")}


@pytest.fixture
def respbench(tmp_path, monkeypatch, capsys) -> Command:
    """The command, on a segmented corpus of four patients with four cycles each."""
    command = Command(tmp_path, capsys)
    monkeypatch.setattr(catalog, "CACHE", command.cache)
    write_segmented(command.sounds)
    return command


def spoil(respbench: Command, sound: np.ndarray | None = None, content: bytes | None = None, name: str = BAD) -> Path:
    """Add one bad file."""
    path = respbench.sounds / name
    if sound is not None:
        write_sound(path, sound, subtype="FLOAT" if name.endswith("wav") else "PCM_16")
    if content is not None:
        path.write_bytes(content)
    return path


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    return path


def test_good_sounds_are_accepted(respbench):
    respbench.accepts()


# What a sound file can be


def test_truncated_wav(respbench):
    path = cut(spoil(respbench, noise()), 0.6)
    message = respbench.refuses()
    assert f"{path} is truncated: " in message
    assert "bytes of sound are missing; copy it again" in message


def test_wav_truncated_in_its_header(respbench):
    path = spoil(respbench, noise())
    path.write_bytes(path.read_bytes()[:30])
    assert f"{path} is truncated: it ends before its sound begins; copy it again" in respbench.refuses()


def test_truncated_flac(respbench):
    path = cut(spoil(respbench, noise(), name=BAD.replace(".wav", ".flac")), 0.6)
    message = respbench.refuses()
    assert f"{path} is not audio, is damaged or cut short" in message
    assert "copy or export it again" in message


def test_flac_that_does_not_say_how_long_it_is(respbench):
    path = spoil(respbench, noise(), name=BAD.replace(".wav", ".flac"))
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # STREAMINFO's 36 bits of "total samples", RFC 9639, section 8.2
    content[22:26] = bytes(4)
    path.write_bytes(content)
    assert f"{path} does not say how long it is, having been streamed; export it again" in respbench.refuses()


def test_empty_wav(respbench):
    path = spoil(respbench, content=b"")
    assert f"{path} is empty (0 bytes); copy or export it again" in respbench.refuses()


def test_wav_without_samples(respbench):
    path = spoil(respbench, np.zeros(0))
    assert f"{path} holds no samples; record or export it again" in respbench.refuses()


def test_text_file_named_wav(respbench):
    path = spoil(respbench, content=b"this is no sound\n" * 20)
    assert f"{path} is not audio, is damaged or cut short (Format not recognised); copy or" in respbench.refuses()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_samples(respbench, value):
    sound = noise()
    sound[7] = value
    path = spoil(respbench, sound)
    assert f"{path} holds NaN or infinite samples; export it again, or leave it out" in respbench.refuses()


def test_clip_of_20_ms(respbench):
    path = spoil(respbench, noise(0.02))
    assert f"{path} lasts 0.02 s, less than 0.1 s; correct the annotation" in respbench.refuses()


@pytest.mark.parametrize("level", [0.0, 0.25])
def test_silent_clip(respbench, level):
    path = spoil(respbench, np.full(2000, level))
    assert f"{path} is silent (every sample is the same); leave it out" in respbench.refuses()


def test_file_that_may_not_be_read(respbench, monkeypatch):
    path = spoil(respbench, noise())
    reading = Path.open

    def forbidden(self, *arguments, **options):
        if self == path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        return reading(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", forbidden)
    assert f"{path} can't be read (Permission denied); check its permissions" in respbench.refuses()


def test_bad_files_are_left_out_where_the_user_wants_it(respbench):
    cut(spoil(respbench, noise()), 0.6)
    assert "--leave-out-bad (LEAVE_OUT_BAD=1 for make)" in respbench.refuses()
    assert main(["prepare", "--corpus", "icbhi", "--data", str(respbench.sounds), "--leave-out-bad"]) == 0
    out = respbench.capsys.readouterr().out
    assert "16 clips of 4 patients" in out
    assert "1 clips were left out; see" in out


# Annotations


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
    assert f"{path}: '103,URTI,old' has 3 fields instead of 2; correct it" in original.refuses()


# Duplicates and contradictions


def test_same_cycle_twice(respbench):
    paths = [spoil(respbench, noise(seed=90 + i), name=f"{place}/{BAD}") for i, place in enumerate("ab")]
    message = respbench.refuses()
    assert f"{paths[1]}: cycle {BAD.removesuffix('_0_0.wav')} is also in {paths[0]}; remove one of the two" in message


def test_same_cycle_with_two_labels(respbench):
    paths = [spoil(respbench, noise(seed=90)), spoil(respbench, noise(seed=91), name=BAD.replace("0_0.", "1_0."))]
    assert f"{paths[1]}: cycle {BAD.removesuffix('_0_0.wav')} is also in {paths[0]}" in respbench.refuses()


def test_same_sound_under_two_names(respbench):
    one, other = spoil(respbench, noise(seed=90)), spoil(respbench, noise(seed=90), name=BAD.replace("120", "121"))
    message = respbench.refuses()
    assert f"{other} (121_1b1_Al_sc_Meditron_segment_1) holds the same sound as {one}" in message
    assert "; remove one" in message


def test_same_recording_twice(original):
    paths = [write_recording(original.sounds / place, "0.0\t1.0\t0\t0\n") for place in "ab"]
    paths[1].with_suffix(".txt").unlink()
    assert f"{paths[1]}: recording {paths[1].stem} is also in {paths[0]}; remove one" in original.refuses()


def test_same_annotation_twice(original):
    path = write_recording(original.sounds / "a", "0.0\t1.0\t0\t0\n").with_suffix(".txt")
    other = original.sounds / "b" / path.name
    other.parent.mkdir()
    other.write_text("0.0\t1.0\t1\t1\n")
    assert f"{other}: annotation {path.name} is also in {path}; remove one" in original.refuses()


@pytest.mark.parametrize(("folder", "flags", "label"), [("pos", "0_0", "normal"), ("neg", "1_0", "crackle")])
def test_folder_that_contradicts_the_name(respbench, folder, flags, label):
    path = spoil(respbench, noise(), name=f"{folder}/{BAD.replace('0_0', flags)}")
    assert f"{path} lies in {folder}/, but its name says {label}; correct one of the two" in respbench.refuses()


def test_segment_named_unlike_the_others(respbench):
    path = spoil(respbench, noise(), name="120_1b1_Al_sc_Meditron_segment_1_2_0.wav")
    message = respbench.refuses()
    assert f"{path} is not named <recording>_segment_<number>_<crackle>_<wheeze>; rename it" in message


def test_both_layouts_at_once(respbench):
    write_recording(respbench.sounds, "0.0\t1.0\t0\t0\n")
    message = respbench.refuses()
    assert f"{respbench.sounds} holds 1 whole recordings and 16 cut cycles" in message
    assert "set DATA to the folder of one of the two" in message


# Labels, patients and classes


def test_unknown_label(respbench):
    manifest = write_manifest(respbench.sounds, "a.wav,p1,rhonchus")
    message = respbench.refuses(corpus="manifest", data=manifest)
    assert f"{manifest}, line 2: unknown label 'rhonchus'; use normal, crackle, wheeze, both" in message


def test_labels_of_two_kinds(respbench):
    rows = [f"{write_sound(respbench.sounds / f'{i}.wav', noise(seed=i)).name},p{i}" for i in range(2)]
    manifest = write_manifest(respbench.sounds, f"{rows[0]},abnormal", f"{rows[1]},wheeze")
    assert "use one kind of label for all" in respbench.refuses(corpus="manifest", data=manifest)


def test_clip_missing(respbench):
    manifest = write_manifest(respbench.sounds, "no.wav,p1,normal")
    message = respbench.refuses(corpus="manifest", data=manifest)
    assert f"{respbench.sounds}/no.wav does not exist; restore it, or leave it out" in message


def test_clip_that_begins_after_its_file(respbench):
    path = write_sound(respbench.sounds / "a.wav", noise())
    manifest = write_manifest(respbench.sounds, "a.wav,p1,normal,7", header="path,patient,label,begin")
    message = respbench.refuses(corpus="manifest", data=manifest)
    assert f"{path} lasts 0.500 s, but an annotation begins at 7.0 s; correct the annotation" in message


def run_refused(respbench: Command, *more: str) -> str:
    message = respbench.refuses("--models", "prior", "--workers", "1", *more, name="run")
    assert not list(respbench.results.rglob("*")), "a refused run leaves folders behind"
    return message


def test_one_patient(respbench):
    shutil.rmtree(respbench.sounds)
    write_segmented(respbench.sounds, patients=1)
    message = run_refused(respbench)
    assert "the corpus has 1 patient, too few for 5 folds by patient" in message
    assert "; add patients, or choose fewer folds" in message


def test_class_that_some_fold_lacks(respbench):
    shutil.rmtree(respbench.sounds)
    write_segmented(respbench.sounds, patients=6)
    for path in list(respbench.sounds.rglob("*_1_1.wav"))[:4]:
        path.unlink()
    message = run_refused(respbench, "--task", "four-class")
    assert "class 'both' occurs in 2 patients only, so that not each of 5 folds can test it; choose fewer" in message


def test_task_that_the_labels_do_not_allow(respbench):
    rows = [f"{write_sound(respbench.sounds / f'{i}.wav', noise(seed=i)).name},p{i},abnormal" for i in range(6)]
    manifest = write_manifest(respbench.sounds, *rows)
    more = ("--models", "prior", "--workers", "1", "--task", "four-class")
    message = respbench.refuses(*more, name="run", corpus="manifest", data=manifest)
    assert "the corpus is labelled normal and abnormal only; label its clips normal, crackle" in message


def test_official_split_without_its_file(respbench):
    message = run_refused(respbench, "--protocol", "official")
    assert "put ICBHI_challenge_train_test.txt beside the recordings, or choose the protocol patients-5fold" in message


def test_random_split_of_few_clips(respbench):
    message = run_refused(respbench, "--protocol", "random-5fold", "--task", "four-class")
    assert "class 'normal' has 4 clips only, too few for 5 folds; choose fewer folds" in message


@pytest.mark.parametrize("family", ["patients", "random"])
def test_one_fold(respbench, family):
    message = run_refused(respbench, "--protocol", f"{family}-1fold")
    assert "a cross-validation needs at least 2 folds, not 1; choose more" in message


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--task", "unknown task 'nonsense'; choose from abnormal, four-class"),
        (
            "--protocol",
            "unknown protocol 'nonsense'; choose patients-5fold, patients-5fold-labels10 (or 100, 50, 25, 5)",
        ),
        ("--models", "unknown model 'nonsense'; choose from prior, metadata"),
        ("--model", "nonsense does not exist; give the path of a model file"),
    ],
)
def test_unknown_name(respbench, option, message):
    assert message in run_refused(respbench, option, "nonsense")


def test_budget_that_is_not_on_offer(respbench):
    message = run_refused(respbench, "--protocol", "patients-5fold-labels20")
    assert "a label budget of 20 % is not on offer; choose one of 5, 10, 25, 50, 100 %" in message


def test_budget_too_small_for_every_class(respbench):
    shutil.rmtree(respbench.sounds)
    write_segmented(respbench.sounds, patients=16, each=1)
    message = run_refused(respbench, "--protocol", "patients-2fold-labels5", "--task", "four-class")
    assert "a fold has 3 labelled of 8 training patients, who can't have every class and spare one" in message
    assert "; choose a larger budget" in message


@pytest.mark.parametrize("name", ["prepare", "run"])
def test_unknown_corpus(respbench, name):
    message = respbench.refuses(name=name, corpus="nonsense")
    assert "unknown corpus 'nonsense'; choose from simulated, icbhi, sprsound, kauh, manifest" in message


@pytest.mark.parametrize("rate", ["999", "16001"])
def test_rate_that_is_not_on_offer(respbench, rate):
    assert f"an analysis rate of {rate} Hz is not on offer; choose one from 4000 to" in respbench.refuses(
        "--rate", rate
    )


# Corpora that were recorded elsewhere, and two corpora at once


@pytest.mark.parametrize(
    ("corpus", "needed"),
    [
        ("sprsound", "<folder of the SPRSound database>; it is at github.com/"),
        ("kauh", "<folder of the KAUH recordings>; they are at doi.org/"),
        ("manifest", "<csv file>; its columns are path, patient, label"),
    ],
)
def test_corpus_that_was_not_told_where_it_lies(capsys, corpus, needed):
    assert main(["prepare", "--corpus", corpus]) == 2
    assert f"respbench: CORPUS={corpus} needs DATA={needed}" in capsys.readouterr().err


def test_manifest_called_like_a_corpus(respbench):
    path = write_manifest(respbench.sounds, "a.wav,p,normal").rename(respbench.sounds / "kauh.csv")
    message = respbench.refuses(corpus="manifest", data=path)
    assert f"{path} is called like the corpus kauh, and so would its results be; rename it" in message


def test_bad_event_of_sprsound(respbench, tmp_path):
    _, annotation = write_sprsound_recording(tmp_path / "s", [("0", "900", "Normal"), ("0", "700", "Cough")])
    message = respbench.refuses(corpus="sprsound", data=tmp_path / "s")
    assert f"{annotation}, event 2: unknown type 'Cough'; the types are Normal, Fine Crackle" in message


def test_event_of_sprsound_after_the_end_of_its_recording(respbench, tmp_path):
    sound, _ = write_sprsound_recording(tmp_path / "s", [("0", "900", "Normal"), ("2500", "2900", "Normal")])
    message = respbench.refuses(corpus="sprsound", data=tmp_path / "s")
    assert f"{sound} lasts 2.000 s, but an annotation reaches from 2.5 to 2.9 s; correct" in message


def test_bad_name_of_kauh(respbench, tmp_path):
    path = write_sound(tmp_path / "k" / "BP1_N,Rub,P L L,70,M.wav", noise())
    message = respbench.refuses(corpus="kauh", data=tmp_path / "k")
    assert f"{path}: unknown sound 'RUB' in 'Rub'; use N, C, Crep, W or Bronchial" in message


CROSS = ("--protocol", "cross-corpus")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (CROSS, "the protocol cross-corpus needs a second corpus; name it with --other, and where it lies with"),
        ((*CROSS, "--other-data", "x"), "the protocol cross-corpus needs a second corpus; name it with --other"),
        ((*CROSS, "--other", "icbhi"), "icbhi can't be trained on and tested at once by cross-corpus; choose two"),
        ((*CROSS, "--other", "kauh"), "OTHER=kauh needs OTHER_DATA=<folder of the KAUH recordings>"),
        ((*CROSS, "--other", "nonsense"), "unknown corpus 'nonsense'; choose from simulated"),
        ((*CROSS, "--other", "simulated", "--other-data", "x"), "OTHER=simulated takes no OTHER_DATA; leave it"),
        ((*CROSS, "--other", "kauh", "--other-data", "nowhere"), "nowhere is not a folder; set DATA to the folder"),
        (("--other", "kauh"), "a second corpus goes with the protocol cross-corpus only, not with patients-5fold"),
        (("--other-data", "x"), "a second corpus goes with the protocol cross-corpus only, not with patients-5fold"),
        (("--protocol", "cross-corpus-from-kauh"), "cross-corpus-from-kauh is the name of a results folder; set"),
    ],
)
def test_second_corpus_that_is_missing_or_too_many(respbench, more, message):
    assert message in run_refused(respbench, *more)


def test_ablation_of_two_corpora(respbench):
    message = respbench.refuses(*CROSS, name="ablate")
    assert "the protocol cross-corpus needs two corpora, which `respbench run` takes" in message


def test_two_manifests_of_one_name(respbench, tmp_path):
    paths = []
    for i, folder in enumerate((tmp_path / "one", tmp_path / "two")):
        name = write_sound(folder / "a.wav", noise(seed=i)).name
        paths.append(write_manifest(folder, f"{name},p,normal"))
    more = (*CROSS, "--other", "manifest", "--other-data", str(paths[1]), "--models", "prior")
    message = respbench.refuses(*more, name="run", corpus="manifest", data=paths[0])
    assert "both corpora are called manifest, so that nobody could tell which was trained on" in message


def test_one_direction_that_can_not_be_had_stops_both(respbench, tmp_path):
    write_kauh(tmp_path / "k", patients=3)
    other = (*CROSS, "--other", "kauh", "--other-data", str(tmp_path / "k"), "--task", "four-class")
    message = run_refused(respbench, *other)
    assert "the corpus kauh holds no clip of 'both', which can then neither be learned nor tested; choose" in message


def test_two_corpora_that_share_a_sound(respbench, tmp_path):
    path = next(respbench.sounds.rglob("*.wav"))
    other = (*CROSS, "--other", "manifest", "--other-data", str(write_manifest(tmp_path, f"{path},p,normal")))
    message = run_refused(respbench, *other)
    assert "holds the same sound as clip" in message
    assert "so that a model would be tested on what it was trained on; choose corpora that have no" in message


# Folders and disks


def test_missing_folder(respbench):
    shutil.rmtree(respbench.sounds)
    assert f"{respbench.sounds} is not a folder; set DATA to the folder that holds" in respbench.refuses()


def test_file_in_place_of_a_folder(respbench):
    path = next(respbench.sounds.rglob("*.wav"))
    assert f"{path} is not a folder; set DATA to the folder that holds the recordings" in respbench.refuses(data=path)


def test_database_that_was_not_fetched(respbench, tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "ICBHI_FOLDER", tmp_path / "nowhere")
    assert main(["prepare", "--corpus", "icbhi"]) == 2
    error = respbench.capsys.readouterr().err
    assert f"{tmp_path}/nowhere does not exist; fetch it with `make data`, or set DATA to your copy" in error


def test_folder_without_sounds(respbench, tmp_path):
    (tmp_path / "empty").mkdir()
    message = respbench.refuses(data=tmp_path / "empty")
    assert f"{tmp_path}/empty holds no .wav or .flac file; set DATA to the folder" in message


def test_folder_that_may_not_be_read(respbench, monkeypatch):
    """Permissions don't bind root, who runs many a CI."""
    scan = os.scandir

    def forbidden(path):
        if str(path).endswith("pos"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    assert f"{respbench.sounds}/pos can't be read (Permission denied); check its permissions" in respbench.refuses()


def test_cache_that_is_a_file(respbench):
    respbench.cache.write_text("")
    message = respbench.refuses()
    assert f"{respbench.cache}/corpora can't be written (Not a directory); free some space or check" in message


@pytest.mark.parametrize("step", ["_write_header", "_write_table"])
def test_full_disk(respbench, monkeypatch, step):
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(prepare, step, full)
        message = respbench.refuses()
    assert f"{respbench.cache}/corpora can't be written (No space left on device); free some space" in message
    respbench.accepts()


def test_disk_quota_reached_while_writing(respbench):
    """A limit on the size of files stops a real write halfway, on any system and without being root."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        message = respbench.refuses()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert f"{respbench.cache}/corpora can't be written (File too large); free some space" in message
    respbench.accepts()


APART = ("unshare", "--mount", "--map-root-user", "sh", "-c")
"""A shell whose mounts nobody else sees and that are gone when it ends."""

ON_A_SMALL_DISK = f"""
mkdir -p "$RESPBENCH_CACHE" && mount -t tmpfs -o size=SIZE none "$RESPBENCH_CACHE" || exit 99
{sys.executable} -m benchmarks prepare --corpus icbhi --data "$1" || echo "status $?"
find "$RESPBENCH_CACHE" -mindepth 2 -not -name '*.lock'
"""


def small_disks_are_to_be_had() -> bool:
    """Linux, and the right to mount: as root, or where namespaces are open to users."""
    trial = [*APART, "mount -t tmpfs none /mnt"]
    return shutil.which("unshare") is not None and subprocess.run(trial, capture_output=True).returncode == 0


if small_disks_are_to_be_had():

    @pytest.mark.parametrize("size", ["16k", "96k"])
    def test_full_disk_for_real(respbench, size):
        environment = {**os.environ, "RESPBENCH_CACHE": str(respbench.cache)}
        command = [*APART, ON_A_SMALL_DISK.replace("SIZE", size), "sh", str(respbench.sounds)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        expected = f"respbench: {respbench.cache}/corpora can't be written (No space left on device); free some space"
        assert ended.stderr.startswith(expected)
        assert "Traceback" not in ended.stderr
        assert ended.stdout.splitlines()[-1] == "status 2", "something half-written is left"


def test_several_problems_are_told_at_once(respbench):
    bad = [spoil(respbench, content=b"", name=BAD.replace("120", str(120 + i))) for i in range(3)]
    status, message = respbench("prepare")
    assert status == 2
    assert message.startswith("respbench: 3 problems found in the data:\n")
    assert all(f"- {path} is empty" in message for path in bad)


def test_a_sound_of_one_bit_of_noise_is_no_silence(respbench):
    sound = np.zeros(2000, dtype=np.int16)
    sound[100] = 1
    soundfile.write(respbench.sounds / BAD, sound, 4000)
    respbench.accepts()
