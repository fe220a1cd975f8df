"""The simulated corpus: acoustics measured on what it generates, its people, and what it is calibrated to show."""

from collections.abc import Iterable
from dataclasses import replace

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.simulated.acoustics import COARSE_CRACKLE, FINE_CRACKLE, breath_color, crackle, wheeze
from respbench.corpora.simulated.patients import draw_patient
from respbench.corpora.simulated.simulation import Simulation, simulate

FAST = 48_000  # Hz, for measuring waveforms finely


@pytest.fixture(scope="module")
def default() -> Clips:
    return simulate(Simulation())


@pytest.fixture(scope="module")
def easy() -> Clips:
    return simulate(Simulation(patients=40, difficulty=0.0))


def same_clips(one: Clips, other: Clips) -> bool:
    return (
        len(one) == len(other)
        and all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))
        and one.label.tolist() == other.label.tolist()
        and one.clip_id.tolist() == other.clip_id.tolist()
        and one.meta.equals(other.meta)
    )


# --- acoustics, measured -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [FINE_CRACKLE, COARSE_CRACKLE], ids=["fine", "coarse"])
@pytest.mark.parametrize("offset", [0.0, 0.7 / FAST])
def test_crackle_has_its_initial_deflection_width_and_two_cycle_duration(kind: tuple[float, float], offset: float):
    wave = crackle(FAST, *kind, offset)
    loud = np.flatnonzero(np.abs(wave) > 1e-9)
    crossings = np.flatnonzero(np.diff(np.sign(wave[loud])) != 0) + loud[0]
    onset = loud[0] - 1
    assert wave[loud[0]] > 0, "the first deflection is upward"
    assert len(crossings) == 3, "two full cycles cross zero three times between their ends"
    assert (crossings[0] + 0.5 - onset) / FAST == pytest.approx(kind[0], abs=2 / FAST)
    assert (loud[-1] + 1 - onset) / FAST == pytest.approx(kind[1], abs=2 / FAST)
    assert np.max(np.abs(wave)) == 1.0


def test_patients_crackles_are_fine_or_coarse():
    rng = np.random.default_rng(1)
    shapes = np.array([draw_patient("crackle", 1, 1, 1.0, rng).crackles.shape for _ in range(200)]) * 1e3
    fine = shapes[:, 1] < 7.3
    assert 0.35 < fine.mean() < 0.65
    assert np.all((shapes[fine, 0] > 0.5) & (shapes[fine, 0] < 1.0))
    assert np.all((shapes[~fine, 0] > 1.1) & (shapes[~fine, 0] < 2.2))
    assert np.all((shapes[~fine, 1] >= 7.5) & (shapes[~fine, 1] < 14.1))


@pytest.mark.parametrize("pitch", [120.0, 480.0, 900.0])
@pytest.mark.parametrize("seconds", [0.12, 0.5])
def test_wheeze_has_its_pitch_duration_and_harmonics(pitch: float, seconds: float):
    rate = 4000
    wave = wheeze(rate, seconds, pitch, 0.0, 10.0, np.zeros(4))
    power = np.abs(np.fft.rfft(wave, 1 << 16)) ** 2
    frequencies = np.fft.rfftfreq(1 << 16, 1 / rate)
    assert frequencies[np.argmax(power)] == pytest.approx(pitch, rel=0.02)
    assert len(wave) / rate == pytest.approx(seconds, abs=1 / rate)
    second = power[np.argmin(np.abs(frequencies - 2 * pitch))] / power.max()
    assert 10 * np.log10(second) == pytest.approx(-10.0, abs=1.0)
    middle = wave[len(wave) // 4 : -len(wave) // 4]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(1.0, abs=0.1)


def test_wheeze_pitch_drifts_slowly_and_harmonics_do_not_fold():
    wave = wheeze(4000, 1.0, 700.0, 0.2, 6.0, np.zeros(4))
    frequencies, _, spectrum = signal.spectrogram(wave, 4000, nperseg=512, noverlap=384)
    track = frequencies[np.argmax(spectrum, axis=0)]
    assert track[2] < 670 < 730 < track[-3]
    assert np.max(np.abs(np.diff(track[1:-1]))) <= 2 * frequencies[1]
    # Partials at 1400 Hz and, were it not left out, 2100 Hz, which would appear at 1900 Hz.
    assert spectrum[(frequencies > 1600)].max() < 1e-3 * spectrum.max()


def test_breath_noise_has_the_published_slope_and_unit_level():
    frequencies = np.linspace(0.0, 2000.0, 8001)
    color = breath_color(frequencies, 170.0, 4.0, 14.0)
    fall = 20 * np.log10(np.interp(700.0, frequencies, color) / np.interp(1400.0, frequencies, color))
    assert fall == pytest.approx(14.0, abs=0.7)
    assert np.mean(color**2) == pytest.approx(1.0, rel=0.05)


def band(clip: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    filtered: NDArray[np.float64] = signal.sosfilt(
        signal.butter(4, (250.0, 1000.0), "bandpass", fs=rate, output="sos"), clip[0]
    )
    return filtered


def test_wheezes_in_the_corpus_are_lines_of_a_wheeze_pitch(easy: Clips):
    pitches = []
    for i in np.flatnonzero(easy.label == easy.classes.index("wheeze")):
        frequencies, power = signal.welch(easy.signals[i][0], easy.rate, nperseg=1024)
        searched = power * (frequencies > 350.0)
        pitches.append(frequencies[np.argmax(searched)])
    pitches = np.array(pitches)
    # At difficulty 0, high wheezes lie at 480 Hz and the harmonics of low ones at multiples of 150 Hz.
    assert np.mean(np.abs(pitches / 480.0 - 1.0) < 0.25) > 0.6
    assert np.all(pitches < 1000.0)


def test_crackles_in_the_corpus_are_short_and_inspiratory(easy: Clips):
    def peakedness(i: int) -> float:
        wave = band(easy.signals[i], easy.rate)
        return float(np.max(np.abs(wave)) / np.std(wave))

    crackles = np.flatnonzero(easy.label == easy.classes.index("crackle"))
    normal = np.flatnonzero(easy.label == easy.classes.index("normal"))
    truth = np.r_[np.ones(len(crackles)), np.zeros(len(normal))]
    assert roc_auc_score(truth, [peakedness(i) for i in [*crackles, *normal]]) > 0.9
    places = [np.argmax(np.abs(band(easy.signals[i], easy.rate))) / easy.signals[i].shape[1] for i in crackles]
    assert np.mean(np.array(places) < 0.5) > 0.85


# --- the corpus ----------------------------------------------------------------------------------------------------


def test_same_parameters_give_the_same_bytes():
    small = Simulation(patients=5)
    assert same_clips(simulate(small), simulate(small))


def test_another_seed_gives_other_clips():
    small = Simulation(patients=2, clips_per_patient=2)
    assert not same_clips(simulate(small), simulate(replace(small, seed=1)))


def test_a_patient_does_not_depend_on_how_many_there_are(default: Clips):
    few = simulate(Simulation(patients=5))
    assert same_clips(few, default.take(np.arange(len(few))))


def test_difficulty_and_rate_change_the_sound_and_not_the_people(default: Clips):
    for other in (simulate(Simulation(patients=5, difficulty=1.7)), simulate(Simulation(patients=5), rate=8000)):
        assert other.label.tolist() == default.label[: len(other)].tolist()
        assert other.meta.equals(default.meta.iloc[: len(other)])
        assert not np.array_equal(other.signals[0], default.signals[0])


def test_classes_are_balanced_like_icbhi_and_occur_in_many_patients(default: Clips):
    assert default.classes == ("normal", "crackle", "wheeze", "both")
    shares = np.bincount(default.label, minlength=4) / len(default)
    assert shares == pytest.approx([0.53, 0.27, 0.13, 0.07], abs=0.05)
    having = [len(set(default.patient[default.label == label])) for label in range(4)]
    assert min(having[:3]) >= 20
    assert having[3] >= 12
    first = default.take(np.flatnonzero(default.patient < "sim030"))
    assert all(len(set(first.patient[first.label == label])) >= 6 for label in range(4))


def test_patients_range_from_always_normal_to_mostly_abnormal(default: Clips):
    abnormal = np.array([(default.label[default.patient == name] > 0).mean() for name in np.unique(default.patient)])
    assert np.mean(abnormal == 0.0) > 0.15
    assert np.mean(abnormal > 0.7) > 0.2
    assert np.mean((abnormal > 0.2) & (abnormal < 0.8)) > 0.2


def test_neither_names_nor_metadata_reveal_a_clips_label(default: Clips):
    assert list(default.meta.columns) == ["recording", "location", "device", "mode", "age", "sex", "bmi"]
    for name in np.unique(default.patient):
        own = default.patient == name
        assert default.clip_id[own].tolist() == [f"{name}_{k:02d}" for k in range(10)]
        # Whatever the labels, the first five clips are one recording and the others the next.
        assert len(set(default.meta["recording"][own][:5])) == len(set(default.meta["recording"][own][5:])) == 1
        assert all(default.meta[column][own].nunique() == 1 for column in ("device", "mode", "age", "sex", "bmi"))
    assert set(default.meta["location"]) == {"Tc", "Al", "Ar", "Pl", "Pr", "Ll", "Lr"}


@settings(max_examples=10)
@given(
    parameters=st.builds(
        Simulation,
        patients=st.integers(2, 5),
        clips_per_patient=st.integers(1, 7),
        difficulty=st.floats(0.0, 6.0),
        seed=st.integers(0, 2**40),
    ),
    rate=st.sampled_from([4000, 8000, 11025]),
)
def test_any_valid_parameters_give_a_sound_corpus(parameters: Simulation, rate: int):
    clips = simulate(parameters, rate)
    assert len(clips) == parameters.patients * parameters.clips_per_patient
    assert len(set(clips.patient)) == parameters.patients
    assert clips.rate == rate
    assert np.all((clips.seconds >= 0.9 - 1 / rate) & (clips.seconds <= 9.0 + 1 / rate))
    for clip in clips:
        assert clip.dtype == np.float32
        assert clip.ndim == 2
        assert clip.shape[0] == 1
        assert np.all(np.isfinite(clip))
        assert 0.0 < np.max(np.abs(clip)) <= 1.0
        assert np.array_equal(clip, np.round(clip * 32768) / 32768), "on the 16-bit grid"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"patients": 1}, "at least 2 patients, not 1"),
        ({"clips_per_patient": 0}, "at least 1 clip, not 0"),
        ({"difficulty": -0.5}, "0 or more, not -0.5"),
        ({"difficulty": float("nan")}, "0 or more, not nan"),
        ({"difficulty": float("inf")}, "0 or more, not inf"),
        ({"seed": -1}, "0 or more, not -1"),
    ],
)
def test_invalid_parameters_are_refused_in_one_sentence(change: dict[str, float], complaint: str):
    with pytest.raises(InputError, match=complaint):
        simulate(Simulation(**{"patients": 2, **change}))


@pytest.mark.parametrize("rate", [0, 3999, 48_001])
def test_rates_that_cannot_hold_the_sounds_are_refused(rate: int):
    with pytest.raises(InputError, match=f"4000 to 48000 Hz, not {rate} Hz"):
        simulate(Simulation(patients=2), rate)


# --- calibration: what the corpus is there to show -----------------------------------------------------------------


def mfcc_statistics(clips: Clips) -> NDArray[np.float64]:
    rows = []
    for clip in clips:
        frames = librosa.feature.mfcc(y=clip[0], sr=clips.rate, n_mfcc=20, n_fft=512, hop_length=128, n_mels=64)
        rows.append(np.r_[frames.mean(axis=1), frames.std(axis=1)])
    return np.array(rows)


Folds = Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]]


def apart(clips: Clips, seed: int) -> Folds:
    splitter = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
    return splitter.split(clips.label, clips.label > 0, clips.patient)


def mixed(clips: Clips, seed: int) -> Folds:
    return StratifiedKFold(5, shuffle=True, random_state=seed).split(clips.label, clips.label > 0)


def mean_auroc(table: NDArray[np.float64], clips: Clips, folds: Folds, model: Pipeline) -> float:
    abnormal = clips.label > 0
    scores = []
    for train, test in folds:
        model.fit(table[train], abnormal[train])
        scores.append(roc_auc_score(abnormal[test], model.decision_function(table[test])))
    return float(np.mean(scores))


def svm() -> Pipeline:
    return make_pipeline(StandardScaler(), SVC(class_weight="balanced"))


def test_random_split_flatters_and_metadata_alone_predict_a_little(default: Clips):
    table = mfcc_statistics(default)
    where = OneHotEncoder(sparse_output=False).fit_transform(default.meta[["device", "location"]])
    metadata = np.c_[where, default.seconds]
    logistic = make_pipeline(StandardScaler(), LogisticRegression())
    new = mean_auroc(table, default, apart(default, 0), svm())
    known = mean_auroc(table, default, mixed(default, 0), svm())
    silent = mean_auroc(metadata, default, apart(default, 0), logistic)
    assert 0.68 < new < 0.82
    assert known - new > 0.05
    assert 0.53 < silent < new - 0.05


def test_easy_corpus_is_solved_for_new_patients_and_hard_one_is_not(easy: Clips):
    assert mean_auroc(mfcc_statistics(easy), easy, apart(easy, 0), svm()) > 0.95
    hard = simulate(Simulation(patients=40, difficulty=2.0))
    assert mean_auroc(mfcc_statistics(hard), hard, apart(hard, 0), svm()) < 0.70
