"""ICBHI 2017 in both of its layouts, every encoding of its sounds, and the agreement of the two on real recordings."""

import numpy as np
import pytest
from scipy.signal import fftconvolve, firwin
from synthetic_corpora import noise, tone, write_recording, write_segmented, write_sound

from respbench.corpora.catalog import open_corpus
from respbench.corpora.prepared.prepare import prepare_files
from respbench.corpora.readers.audio import read_audio
from respbench.corpora.readers.icbhi import read_icbhi

ANNOTATION = "0.1\t1.0\t0\t0\n1.0\t1.5\t1\t0\n\n1.5\t2.5\t0\t1\n2.5\t4.0\t1\t1\n"


def first(folder):
    """The first cycle's metadata."""
    return read_icbhi(folder).cycles[0].meta


def test_original_layout_is_cut_along_its_annotation(tmp_path):
    write_recording(tmp_path, ANNOTATION)
    cycles = read_icbhi(tmp_path).cycles
    assert [(cycle.begin, cycle.end) for cycle in cycles] == [(0.1, 1.0), (1.0, 1.5), (1.5, 2.5), (2.5, 4.0)]
    assert [cycle.label for cycle in cycles] == ["normal", "crackle", "wheeze", "both"]


def test_cycles_are_numbered_from_one(tmp_path):
    write_recording(tmp_path, ANNOTATION)
    assert [cycle.clip_id for cycle in read_icbhi(tmp_path).cycles] == [
        f"101_1b1_Al_sc_Meditron_segment_{number}" for number in (1, 2, 3, 4)
    ]


def test_segmented_layout_is_read_from_its_names(tmp_path):
    paths = write_segmented(tmp_path, patients=1)
    cycles = {cycle.path: cycle for cycle in read_icbhi(tmp_path).cycles}
    assert [cycles[path].label for path in paths] == ["normal", "crackle", "wheeze", "both"]
    assert [cycles[path].meta["cycle"] for path in paths] == [1, 2, 3, 4]
    assert {(cycle.begin, cycle.end) for cycle in cycles.values()} == {(0.0, None)}


def test_ids_do_not_reveal_the_label(tmp_path):
    for name in ("101_1b1_Al_sc_Meditron_segment_7_0_0", "102_1b1_Al_sc_Meditron_segment_7_1_1"):
        write_sound(tmp_path / f"{name}.wav", noise())
    ids = [cycle.clip_id for cycle in read_icbhi(tmp_path).cycles]
    assert ids == ["101_1b1_Al_sc_Meditron_segment_7", "102_1b1_Al_sc_Meditron_segment_7"]


def test_name_contains_patient_location_mode_and_device(tmp_path):
    write_recording(tmp_path, ANNOTATION, name="226_1b1_Pl_sc_LittC2SE")
    (cycle, *_) = read_icbhi(tmp_path).cycles
    assert cycle.patient == "226"
    expected = {"recording": "226_1b1_Pl_sc_LittC2SE", "location": "Pl", "mode": "sc", "device": "LittC2SE", "cycle": 1}
    assert cycle.meta == expected


def test_files_are_found_at_any_depth_and_what_macos_leaves_behind_is_no_data(tmp_path):
    recording = write_recording(tmp_path / "a" / "b", ANNOTATION)
    (recording.parent / f"._{recording.name}").write_bytes(b"resource fork")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / recording.name).write_bytes(b"resource fork")
    assert len(read_icbhi(tmp_path).cycles) == 4


def test_a_linked_folder_is_not_skipped(tmp_path):
    write_recording(tmp_path / "elsewhere", ANNOTATION)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert len(read_icbhi(tmp_path / "data").cycles) == 4


def test_suffixes_are_read_in_any_case(tmp_path):
    recording = write_recording(tmp_path, ANNOTATION)
    recording.rename(recording.with_suffix(".WAV"))
    assert len(read_icbhi(tmp_path).cycles) == 4


@pytest.mark.parametrize("above", [False, True])
def test_companion_files_are_joined_from_the_folder_or_the_one_above(tmp_path, above):
    folder = tmp_path / "sounds"
    write_recording(folder, ANNOTATION)
    beside = tmp_path if above else folder
    (beside / "demographic_info.txt").write_text("\n101 3 F NA 19 99\n")
    (beside / "patient_diagnosis.csv").write_text("ID,CLASS\n101,URTI\n")
    (beside / "ICBHI_challenge_train_test.txt").write_text("101_1b1_Al_sc_Meditron\ttest\n")
    meta = first(folder)
    assert (meta["age"], meta["sex"], meta["diagnosis"], meta["official"]) == (3.0, "F", "URTI", "test")
    assert meta["bmi"] == pytest.approx(19 / 0.99**2)


@pytest.mark.parametrize(
    ("line", "age", "sex", "bmi"),
    [
        ("101 70 M 33 NA NA", 70, "M", 33),
        ("101 70 M 33 80 170", 70, "M", 33),
        ("101 0.75 F NA 9.8 73", 0.75, "F", 9.8 / 0.73**2),
        ("101 NA NA NA NA NA", np.nan, "", np.nan),
        ("101 5 F NA 20 NA", 5, "F", np.nan),
        ("101 5 F NA 20 0", 5, "F", np.nan),
    ],
)
def test_body_mass_index_is_the_adults_or_from_weight_and_height(tmp_path, line, age, sex, bmi):
    write_recording(tmp_path, ANNOTATION)
    (tmp_path / "demographic_info.txt").write_text(line)
    meta = first(tmp_path)
    assert meta["sex"] == sex
    np.testing.assert_allclose([meta["age"], meta["bmi"]], [age, bmi])


def test_a_patient_whom_the_companion_files_pass_over_has_gaps(tmp_path):
    write_recording(tmp_path, ANNOTATION)
    (tmp_path / "patient_diagnosis.csv").write_text("ID,CLASS\n102,COPD\n")
    (tmp_path / "ICBHI_challenge_train_test.txt").write_text("102_1b1_Al_sc_Meditron\ttest\n")
    meta = first(tmp_path)
    assert (meta["diagnosis"], meta["official"]) == ("", "")
    assert "age" not in meta


def test_official_side_is_found_although_the_device_differs(tmp_path):
    write_recording(tmp_path, ANNOTATION, name="226_1b1_Pl_sc_LittC2SE")
    (tmp_path / "ICBHI_challenge_train_test.txt").write_text("226_1b1_Pl_sc_Meditron\ttrain\n")
    assert first(tmp_path)["official"] == "train"


STEP = {"PCM_U8": 2**-7, "PCM_16": 2**-15, "PCM_24": 2**-23, "PCM_32": 2**-31, "FLOAT": 2**-24}
"""Amplitude of one unit of an encoding, full scale = 1; the sound itself becomes float32."""


@pytest.mark.parametrize("subtype", STEP)
def test_every_depth_is_read_to_its_last_bit(tmp_path, subtype):
    sound = noise()
    path = write_sound(tmp_path / "a.wav", sound, subtype=subtype)
    np.testing.assert_allclose(read_audio(path, 4000)[0], sound, atol=STEP[subtype] + 2**-24)


def test_flac_is_read_like_wav_in_the_segmented_layout(tmp_path):
    name = "101_1b1_Al_sc_Meditron_segment_1_1_0"
    path = write_sound(tmp_path / f"{name}.flac", noise())
    (cycle,) = read_icbhi(tmp_path).cycles
    assert (cycle.label, cycle.path) == ("crackle", path)
    wav = write_sound(tmp_path / f"{name}.wav", noise())
    np.testing.assert_allclose(read_audio(path, 4000), read_audio(wav, 4000), atol=2**-15)


def test_channels_are_averaged(tmp_path):
    left, right = noise(seed=1), noise(seed=2)
    path = write_sound(tmp_path / "a.wav", np.stack([left, right], axis=1), subtype="FLOAT")
    signal = read_audio(path, 4000)
    assert signal.shape == (1, 2000)
    assert signal.dtype == np.float32
    np.testing.assert_allclose(signal[0], (left + right) / 2, atol=1e-7)


def test_a_stretch_is_the_samples_between_its_times(tmp_path):
    path = write_sound(tmp_path / "a.wav", noise(2.0), subtype="FLOAT")
    np.testing.assert_array_equal(read_audio(path, 4000, 0.5, 1.25), read_audio(path, 4000)[:, 2000:5000])


def test_an_annotation_that_ends_a_moment_after_the_file_is_cut_there(tmp_path):
    path = write_sound(tmp_path / "a.wav", noise(2.0))
    assert read_audio(path, 4000, 1.0, 2.05).shape == (1, 4000)


@pytest.mark.parametrize("rate", [4000, 8000, 16000])
@pytest.mark.parametrize("native", [4000, 8000, 44100])
def test_a_tone_keeps_pitch_and_loudness_at_any_rate(tmp_path, native, rate):
    path = write_sound(tmp_path / "a.wav", tone(440, 2.0, native), native, "FLOAT")
    signal = read_audio(path, rate)[0]
    assert len(signal) == 2 * rate
    middle = slice(rate // 2, 3 * rate // 2)
    np.testing.assert_allclose(signal[middle], tone(440, 2.0, rate)[middle], atol=1e-4)


@pytest.mark.parametrize("native", [8000, 44100])
@pytest.mark.parametrize("frequency", [2200, 2500, 3500])
def test_a_tone_above_the_new_nyquist_frequency_vanishes(tmp_path, native, frequency):
    path = write_sound(tmp_path / "a.wav", tone(frequency, 2.0, native), native, "FLOAT")
    middle = read_audio(path, 4000)[0, 2000:6000]
    loudness = 20 * np.log10(np.sqrt(np.mean(middle**2)) / (0.5 / np.sqrt(2)))
    assert loudness < -60


@pytest.mark.parametrize(("native", "subtype"), [(44100, "PCM_24"), (8000, "PCM_16"), (4000, "PCM_U8")])
def test_a_cut_cycle_equals_the_same_cycle_in_a_file_of_its_own(tmp_path, native, subtype):
    sound = noise(3.0, rate=native)
    whole = write_sound(tmp_path / "whole.wav", sound, native, subtype)
    part = write_sound(tmp_path / "part.wav", sound[native : 2 * native], native, subtype)
    np.testing.assert_array_equal(read_audio(whole, 4000, 1.0, 2.0), read_audio(part, 4000))


def test_both_layouts_of_the_same_breaths_give_the_same_clips(tmp_path):
    recording = write_recording(tmp_path / "original", ANNOTATION)
    for cycle in read_icbhi(tmp_path / "original").cycles:
        crackle, wheeze = int(cycle.label in {"crackle", "both"}), int(cycle.label in {"wheeze", "both"})
        name = f"{recording.stem}_segment_{cycle.meta['cycle']}_{crackle}_{wheeze}.wav"
        write_sound(tmp_path / "segmented" / name, read_audio(recording, 4000, cycle.begin, cycle.end)[0])
    original, segmented = (
        prepare_files(read_icbhi(tmp_path / layout).cycles, "icbhi", 4000, tmp_path / "cache", description="").clips()
        for layout in ("original", "segmented")
    )
    assert original.clip_id.tolist() == segmented.clip_id.tolist()
    assert original.label.tolist() == segmented.label.tolist()
    assert original.meta.equals(segmented.meta)
    assert all(np.array_equal(a, b) for a, b in zip(original, segmented, strict=True))


def test_the_real_cycles_are_those_that_the_data_describe(real_cycles):
    assert len(real_cycles) == 2148
    assert len(set(real_cycles.patient.tolist())) == 84
    assert np.bincount(real_cycles.label).tolist() == [1436, 323, 294, 95]
    assert (real_cycles.meta["mode"] == "sc").sum() == 1969
    assert 1.4 < real_cycles.seconds.sum() / 3600 < 1.6
    assert 0.2 <= real_cycles.seconds.min() < real_cycles.seconds.max() < 16.3
    assert not real_cycles.meta["diagnosis"].isna().any()


def test_cutting_the_real_recordings_gives_the_segmented_files(real_data, real_cycles, cache):
    """The 26 whole recordings, cut and resampled here, against the files that someone else cut and resampled.

    Where that someone's resampling overshot full scale, the cycle was scaled down to fit 16 bits, as is done here too
    before the two are compared. What remains is the rounding to 16 bits, and the resamplers' roll-off near 2 kHz.
    """
    whole = open_corpus("icbhi", real_data / "ICBHI_final_database", cache=cache).clips()
    row = {clip: i for i, clip in enumerate(real_cycles.clip_id.tolist())}
    below_1700_hz = firwin(401, 1700, fs=4000)
    errors = []
    for i, clip in enumerate(whole.clip_id.tolist()):
        ours, theirs = whole.signals[i][0], real_cycles.signals[row[clip]][0]
        assert whole.label[i] == real_cycles.label[row[clip]]
        assert len(ours) == len(theirs)
        difference, reference = (
            fftconvolve(signal, below_1700_hz, "same")
            for signal in (ours / max(1.0, np.abs(ours).max()) - theirs, theirs)
        )
        errors.append(np.sqrt(np.mean(difference**2) / np.mean(reference**2)))
    assert len(errors) == 220
    assert whole.meta["recording"].nunique() == 26
    assert max(errors) < 0.004
    assert np.median(errors) < 0.0003


def test_the_two_real_layouts_give_the_same_facts_about_a_recording(real_data, real_cycles, cache):
    whole = open_corpus("icbhi", real_data / "ICBHI_final_database", cache=cache).clips()
    columns = ["recording", "cycle", "location", "mode", "device", "age", "sex", "bmi", "diagnosis", "official"]
    ours, theirs = (
        clips.meta[columns].set_index(clips.clip_id).loc[whole.clip_id.tolist()] for clips in (whole, real_cycles)
    )
    assert ours.equals(theirs)
