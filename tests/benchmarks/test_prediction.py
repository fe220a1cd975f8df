"""The parts of `respbench predict`: calibration, windows, and how recordings differ from a corpus."""

import numpy as np
import pytest
from scipy.special import softmax
from synthetic_corpora import clips_with, noise, write_sound

from respbench.benchmarks.prediction.calibration import OutOfFold, brier, calibrate, reliability
from respbench.benchmarks.prediction.differences import Training, differences, measured, trained_on
from respbench.benchmarks.prediction.recordings import WHOLE, Cutting, clips_of, read_recording, windows
from respbench.corpora.clips import HIDDEN


def drawn(logits, seed=0):
    """Labels drawn from the probabilities of these logits."""
    rng = np.random.default_rng(seed)
    return (rng.random((len(logits), 1)) > softmax(logits, axis=1).cumsum(axis=1)).sum(axis=1)


@pytest.mark.parametrize("classes", [2, 4])
def test_calibration_finds_slope_and_biases(classes):
    logits = 1.5 * np.random.default_rng(1).standard_normal((40_000, classes))
    label = drawn(0.5 * logits + np.arange(classes))
    found = calibrate(softmax(logits, axis=1), label)
    assert found.slope == pytest.approx(0.5, abs=0.03)
    np.testing.assert_allclose(found.bias, np.arange(classes), atol=0.08)
    np.testing.assert_allclose(found(softmax(logits, axis=1)), softmax(0.5 * logits + found.bias, axis=1), atol=0.02)


def test_a_model_that_ranks_the_wrong_way_gives_the_base_rate():
    logits = np.random.default_rng(2).standard_normal((3000, 2))
    label = drawn(-logits)
    found = calibrate(softmax(logits, axis=1), label)
    assert found.slope == 0
    np.testing.assert_allclose(found(softmax(logits, axis=1))[:, 1], label.mean(), atol=1e-4)


def test_no_fold_calibrates_itself():
    rng = np.random.default_rng(3)
    logits, fold = rng.standard_normal((400, 2)), np.repeat([0, 1], 200)
    predictions = OutOfFold(
        probabilities=softmax(logits, axis=1), label=drawn(logits), patient=np.arange(400) // 4, fold=fold
    )
    turned = np.where(fold == 0, 1 - predictions.label, predictions.label)
    other = OutOfFold(probabilities=predictions.probabilities, label=turned, patient=predictions.patient, fold=fold)
    before, after = predictions.cross_calibrated(), other.cross_calibrated()
    np.testing.assert_array_equal(before[fold == 0], after[fold == 0])
    assert np.abs(before[fold == 1] - after[fold == 1]).max() > 0.1


def test_reliability_counts_shares_and_varies_over_patients():
    probability = np.repeat([0.2, 0.8], 40)
    event = np.concatenate([np.arange(40) % 4 == 0, np.repeat([True, False], 20)])
    alike = reliability(probability, event, np.arange(80) % 10)
    np.testing.assert_allclose(alike[:, [0, 1, 4]], [[0.2, 0.25, 40], [0.8, 0.5, 40]])
    whole = reliability(probability, event, np.arange(80) // 20)
    assert (alike[:, 2] <= alike[:, 1]).all()
    assert (alike[:, 3] >= alike[:, 1]).all()
    assert whole[1, 3] - whole[1, 2] > alike[1, 3] - alike[1, 2], "clips of a patient count as if independent"


def test_brier_of_known_forecasts():
    assert brier(np.array([[0.25, 0.75], [1.0, 0.0]]), np.array([1, 1])) == pytest.approx((0.0625 + 1) / 2)


@pytest.mark.parametrize(
    ("seconds", "cutting", "begins"),
    [
        (2.0, Cutting(), [0.0]),
        (3.0, Cutting(), [0.0]),
        (6.0, Cutting(), [0.0, 1.5, 3.0]),
        (6.05, Cutting(), [0.0, 1.5, 3.0]),
        (6.5, Cutting(), [0.0, 1.5, 3.0, 3.5]),
        (6.0, Cutting(window=2, hop=2), [0.0, 2.0, 4.0]),
        (0.7, Cutting(window=0.3, hop=0.1), [0.0, 0.1, 0.2, 0.3, 0.4]),
    ],
)
def test_windows_cover_a_recording(seconds, cutting, begins):
    found = windows(seconds, cutting)
    np.testing.assert_allclose([begin for begin, _ in found], begins)
    assert all(end - begin == pytest.approx(min(cutting.seconds, seconds)) for begin, end in found)
    assert all(end <= seconds + 1e-9 for _, end in found)


def test_a_silent_stretch_is_left_out_and_stated(tmp_path):
    sound = noise(12.0)
    sound[4 * 4000 : 8 * 4000] = 0
    write_sound(tmp_path / "gap.wav", sound)
    recording = read_recording(tmp_path / "gap.wav", 4000, Cutting(hop=3))
    assert [begin for begin, _ in recording.spans] == [0.0, 3.0, 6.0, 9.0]
    recording = read_recording(tmp_path / "gap.wav", 4000, Cutting(window=2, hop=2))
    assert [begin for begin, _ in recording.spans] == [0.0, 2.0, 8.0, 10.0]
    assert len(recording.left_out) == 2
    assert "is silent from 4 to 6 s" in recording.left_out[0]


def test_a_cut_cycle_is_one_clip_with_what_its_name_states(tmp_path):
    path = tmp_path / "120_1b1_Al_sc_Meditron_segment_3_0_1.wav"
    write_sound(path, noise(5.0))
    recording = read_recording(path, 4000, Cutting())
    assert recording.cut == WHOLE
    corpus = clips_with(np.array([[1, 1], [1, 1]]))
    clips = clips_of([recording], corpus)
    assert clips.classes == corpus.classes
    assert clips.label.tolist() == [HIDDEN]
    assert recording.stated["patient"] == "120"
    assert recording.stated["device"] == "Meditron"
    other = tmp_path / "65091950_3.9_0_p1_981.wav"  # a recording of SPRSound
    write_sound(other, noise(5.0))
    assert read_recording(other, 4000, Cutting()).stated == {}


def test_a_clip_of_the_corpus_is_recognized_and_what_is_unlike_it_is_stated(tmp_path):
    corpus = clips_with(np.full((6, 2), 4), samples=12_000)
    training = Training.of(corpus)
    write_sound(tmp_path / "own.wav", corpus.signals[0][0], subtype="FLOAT")
    own = read_recording(tmp_path / "own.wav", 4000, Cutting())
    assert "1 of its 1 clips are clips of a, which" in trained_on(own, training, "a")
    assert differences(own, training, "a") == []
    quiet = 1e-4 * np.sin(2 * np.pi * 100 * np.arange(36_000) / 4000)
    write_sound(tmp_path / "new.wav", quiet, subtype="FLOAT")
    new = read_recording(tmp_path / "new.wav", 4000, Cutting(whole=True))
    assert trained_on(new, training, "a") == ""
    stated = " ".join(differences(new, training, "a"))
    for what in ("longer than", "quieter than", "lower in frequency than"):
        assert f"1 of 1 clips are {what} 99 % of the clips of a" in stated
    np.testing.assert_allclose(measured(new.signals, 4000), [[9.0, 20 * np.log10(1e-4 / np.sqrt(2)), 100]], rtol=0.01)
