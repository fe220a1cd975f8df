"""Sound files that can't be used, and names that contradict each other."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bad_input import BAD, cut, spoil
from synthetic_corpora import noise, write_recording

from respbench.benchmarks.cli import main


def test_good_sounds_are_accepted(respbench):
    respbench.accepts()


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
    assert f"{path} has no length in its header, as if streamed; export it again" in respbench.refuses()


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
    assert (
        "1 clip, recording or file of 1 known patient left out as unusable (left_out.csv); of 1 patient, no clip is"
        in out
    )


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
    expected = (
        f"{other} (121_1b1_Al_sc_Meditron_segment_1, patient 121) holds the same sound as {one} "
        "(120_1b1_Al_sc_Meditron_segment_1, patient 120); correct one of the two, or remove both"
    )
    assert expected in message


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
