"""KAUH: names that were typed by hand, three filterings of one patient, and sounds that fit no class."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_corpora import noise, write_kauh, write_sound

from respbench.corpora.catalog import open_corpus
from respbench.corpora.problems import InputError
from respbench.corpora.readers.kauh import SKIPPED, label_of, read_kauh
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut
from respbench.corpora.tasks import for_task


def write(folder: Path, *names: str) -> list[Path]:
    return [write_sound(folder / f"{name}.wav", noise(seed=i)) for i, name in enumerate(names)]


def problems(folder):
    return [problem.text for problem in read_kauh(folder).problems]


def test_a_name_contains_everything(tmp_path):
    (path,) = write(tmp_path, "BP1_Asthma,I E W,P L L,70,M")
    found = read_kauh(tmp_path)
    (clip,) = found.cycles
    assert (clip.path, clip.patient, clip.clip_id, clip.label) == (path, "P1", "BP1", "wheeze")
    assert (clip.begin, clip.end) == (0.0, None)
    expected = {"recording": "P1", "mode": "bell", "diagnosis": "asthma", "location": "P L L", "age": 70.0, "sex": "M"}
    assert clip.meta == expected
    assert (found.skipped, found.problems) == ({}, [])


@pytest.mark.parametrize(
    "name",
    [
        *("EP3_N,N,A R U,40,F", "EP3_N,N,A R U,40,F ", "ep3_n,n,a r u,40,f", "EP 3_ N , N ,A  R U , 40 , F"),
        *(" EP3_N,N, A R U,40,F", "EP03_N,N,A R U ,40.0,F"),
    ],
)
def test_spaces_and_capitals_are_as_they_come(tmp_path, name):
    write(tmp_path, name)
    (clip,) = read_kauh(tmp_path).cycles
    assert (clip.patient, clip.clip_id, clip.label) == ("P3", "EP3", "normal")
    assert [clip.meta[key] for key in ("mode", "location", "age", "sex")] == ["extended", "A R U", 40.0, "F"]


def test_a_diagnosis_may_be_several_words(tmp_path):
    write(tmp_path, "DP7_Heart Failure + Lung Fibrosis ,Crep,P,90,F")
    (clip,) = read_kauh(tmp_path).cycles
    assert (clip.meta["diagnosis"], clip.meta["location"]) == ("heart failure + lung fibrosis", "P")


@pytest.mark.parametrize(
    ("sound", "label"),
    [
        *[("N", "normal"), ("n ", "normal"), ("C", "crackle"), ("I C", "crackle"), ("Crep", "crackle")],
        *[("E W", "wheeze"), ("I E W", "wheeze"), ("I C E W", "both"), ("crep W", "both")],
        *[("I C B", "crackle"), ("Bronchial", ""), ("B", ""), ("I Bronchial", ""), ("Bronchial W", "wheeze")],
    ],
)
def test_every_sound_that_occurs_has_its_class(sound, label):
    assert label_of(sound) == label


WORDS = ("N", "I", "E", "C", "Crep", "W", "B", "Bronchial")


@given(st.lists(st.sampled_from(WORDS), max_size=5), st.randoms(use_true_random=False))
def test_the_class_depends_on_what_occurs_not_on_when_or_in_which_order(words, random):
    def outcome(chosen):
        try:
            return label_of(" ".join(chosen))
        except ValueError:
            return None

    shuffled = random.sample(words, len(words))
    assert outcome(shuffled) == outcome(words)
    label = outcome(words)
    sounds = set(words) - {"I", "E"}
    assert (label is None) == (not sounds or ("N" in sounds and len(sounds) > 1))
    if label is not None:
        assert outcome([*words, "I"]) == label
        assert (label in ("crackle", "both")) == bool(sounds & {"C", "Crep"})
        assert (label in ("wheeze", "both")) == ("W" in sounds)


def test_bronchial_breathing_alone_is_stated_and_listed(tmp_path):
    write(tmp_path / "data", "BP1_N,N,P L L,70,M", "BP2_pneumonia,Bronchial,P R L ,64,M", "DP2_pneumonia,b,P R L,64,M")
    prepared = open_corpus("kauh", tmp_path / "data", cache=tmp_path / "cache")
    assert prepared.facts().skipped == 2
    assert prepared.facts().description.endswith(f"; recordings that yield no clip: 2 {SKIPPED}")
    assert prepared.clips().clip_id.tolist() == ["BP1"]
    assert "DP2" in (prepared.folder / "skipped.csv").read_text()


@pytest.mark.parametrize("seed", range(3))
def test_the_filterings_of_a_recording_never_part(tmp_path, cache, seed):
    write_kauh(tmp_path, patients=12)
    clips = for_task(open_corpus("kauh", tmp_path, cache=cache).clips(), "abnormal")
    assert len(clips) == 36
    assert set(clips.meta["mode"]) == {"bell", "diaphragm", "extended"}
    for fold in LeavePatientsOut(3).split(clips, seed):
        parts = [set(clips.meta["recording"].to_numpy()[rows]) for rows in (fold.train, fold.valid, fold.test)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 12
        for rows in (fold.train, fold.valid, fold.test):
            assert set(np.unique(clips.patient[rows], return_counts=True)[1].tolist()) == {3}


# Faults


@pytest.mark.parametrize(
    "name",
    [
        *("FP1_N,N,P L L,70,M", "B1_N,N,P L L,70,M", "BP1_N,N,P L L,70", "BP1,N,N,P L L,70,M", "BP1_N,,P L L,70,M"),
        *("BP1_N,N,P L L,old,M", "BP1_N,N,P L L,70,X", "BP1_N,N,P L L,70,M,twice", "BPx_N,N,P L L,70,M"),
    ],
)
def test_a_name_that_is_none(tmp_path, name):
    (path, _) = write(tmp_path, name, "BP2_N,N,P L L,70,M")
    expected = f"{path} is not named <B, D or E>P<patient>_<diagnosis>,<sound>,<location>,<age>,<sex>; rename it"
    assert problems(tmp_path) == [expected]


@pytest.mark.parametrize(
    ("sound", "problem"),
    [
        ("Rub", "unknown sound 'RUB' in 'Rub'; use N, C, Crep, W or Bronchial, with I and E for when"),
        ("I X W", "unknown sound 'X' in 'I X W'; use N"),
        ("I E", "'I E' names no sound; use N, or C, Crep, W or Bronchial"),
        ("N W", "'N W' is both normal and not; use N, or C, Crep, W or Bronchial"),
    ],
)
def test_a_sound_that_is_not_understood_is_never_guessed(tmp_path, sound, problem):
    (path, _) = write(tmp_path, f"BP1_N,{sound},P L L,70,M", "BP2_N,N,P L L,70,M")
    (found,) = problems(tmp_path)
    assert found.startswith(f"{path}: {problem}")


def test_the_same_filtering_twice(tmp_path):
    paths = write(tmp_path, "BP1_N,N,P L L,70,M", "BP1_n,N,P L L,70,M")
    assert problems(tmp_path) == [f"{paths[1]}: recording BP1 is also in {paths[0]}; remove one of the two"]
    assert read_kauh(tmp_path).cycles == [], "nothing says which of the two is right"


@pytest.mark.parametrize(("sound", "label"), [("N", "normal"), ("Bronchial", "bronchial")])
def test_filterings_that_contradict_each_other(tmp_path, sound, label):
    paths = write(tmp_path, "BP1_Asthma,E W,P L L,70,M", f"DP1_Asthma,{sound},P L L,70,M")
    first, second = problems(tmp_path)
    assert second == f"{paths[1]} is named {label}, but {paths[0]}, the same recording, wheeze; correct one of the two"
    assert first.startswith(f"{paths[0]} is named wheeze, but {paths[1]}")


def test_all_problems_are_told_at_once(tmp_path):
    write(tmp_path, "BP1_Asthma,E W,P L L,70,M", "DP1_Asthma,C,P L L,70,M", "mine", "BP2_N,Rub,P,70,M")
    assert len(problems(tmp_path)) == 4


def test_a_folder_without_recordings_and_one_without_a_class(tmp_path):
    with pytest.raises(InputError, match=r"holds no .wav file; set DATA to the folder of the KAUH recordings"):
        read_kauh(tmp_path)
    write(tmp_path, "BP1_pneumonia,Bronchial,P,70,M")
    with pytest.raises(InputError, match="holds no recording that is normal or has crackles or wheezes"):
        read_kauh(tmp_path)
