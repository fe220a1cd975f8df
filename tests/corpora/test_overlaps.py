"""Clips that overlap in one recording: no fold parts them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold
from synthetic_corpora import noise, synthetic_clips, write_manifest, write_sound

from respbench.benchmarks.execution.jobs import folds_of
from respbench.corpora.catalog import open_corpus
from respbench.corpora.cycles import Cycle
from respbench.corpora.overlaps import with_overlaps
from respbench.corpora.problems import InputError
from respbench.corpora.protocols import find
from respbench.corpora.splits.random_clips import RandomClips


def groups(*spans: tuple[float, float | None], paths: tuple[str, ...] = ()) -> list[str]:
    """The group of each clip of one file, or of those with these paths; c.wav is a copy of a.wav."""
    places = paths or ("a.wav",) * len(spans)
    cycles = [
        Cycle(path=Path(path), clip_id=str(i), patient="p", label="normal", begin=begin, end=end)
        for i, (path, (begin, end)) in enumerate(zip(places, spans, strict=True))
    ]
    return [
        one.overlap for one in with_overlaps(cycles, {Path(f"{name}.wav"): name.replace("c", "a") for name in "abc"})
    ]


def test_what_overlaps_is_of_one_group():
    assert groups((0, 1), (1, 2), (2, None)) == ["", "", ""], "to touch is not to overlap"
    assert groups((0, 1), (0.9, 2), (1.9, 3), (3, 4)) == ["0", "0", "0", ""], "directly or through others"
    assert groups((5, 6), (0, None), (7, 8)) == ["0", "0", "0"]
    assert groups((0, 2), (1, 3), paths=("a.wav", "b.wav")) == ["", ""]
    assert groups((0, 2), (1, 3), paths=("a.wav", "c.wav")) == ["0", "0"], "a copy is the same recording"


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=12))
def test_clips_of_different_groups_share_no_sound(spans):
    names = groups(*((begin, begin + length) for begin, length in spans))
    for i, (begin, length) in enumerate(spans):
        for j, (other, others_length) in enumerate(spans[:i]):
            if begin < other + others_length and other < begin + length:
                assert names[i] == names[j] != ""


@pytest.mark.parametrize("seed", range(3))
def test_random_folds_keep_groups_together_and_test_every_clip_once(seed):
    clips = synthetic_clips(patients=10, clips_each=12)
    overlap = np.array([f"g{i // 3}" if i % 7 else "" for i in range(len(clips))])
    clips = replace(clips, overlap=overlap)
    tested: list[int] = []
    for fold in RandomClips(5).split(clips, seed):
        parts = [set(overlap[rows].tolist()) - {""} for rows in (fold.train, fold.valid, fold.test)]
        assert sum(map(len, parts)) == len(set.union(*parts))
        assert sorted(np.concatenate([fold.train, fold.valid, fold.test]).tolist()) == list(range(len(clips)))
        tested += fold.test.tolist()
    assert sorted(tested) == list(range(len(clips)))


def test_without_overlaps_folds_are_those_of_scikit_learn():
    clips = synthetic_clips(classes=4)
    tests = [fold.test for fold in RandomClips(5).split(clips, 7)]
    expected = StratifiedKFold(5, shuffle=True, random_state=7).split(np.zeros(len(clips)), clips.label)
    assert all(np.array_equal(one, other) for one, (_, other) in zip(tests, expected, strict=True))


def test_overlaps_are_stated_and_survive_on_the_disk_and_a_split_that_parts_them_is_refused(tmp_path, cache):
    rows = []
    for i in range(12):
        write_sound(tmp_path / f"{i}.wav", noise(2.0, seed=i))
        label, part = ("normal", "wheeze")[i % 2], ("train", "test")[i > 7]
        rows.append(f"{i}.wav,p{i},{label},0,1,{part}")
    rows += ["3.wav,p3,normal,0.5,1.5,test", "4.wav,p4,normal,1,2,train"]
    manifest = write_manifest(tmp_path, *rows, header="path,patient,label,begin,end,official")
    prepared = open_corpus("manifest", manifest, cache=cache)
    said = "; 2 clips overlap others of the same recording, from which no protocol parts them"
    assert prepared.facts().description.endswith(said)
    assert open_corpus("manifest", manifest, cache=cache).facts() == prepared.facts(), "found prepared"
    clips = prepared.clips()
    assert clips.overlap.tolist() == ["3.wav@0-1" if i in (3, 12) else "" for i in range(14)]
    assert list(clips.meta.columns) == ["official"]
    assert folds_of(prepared, "abnormal", find("random-2fold"), 0)
    with pytest.raises(InputError, match=r"clips 3.wav@0-1 and 3.wav@0.5-1.5 overlap in one recording.*two parts"):
        folds_of(prepared, "abnormal", find("official"), 0)
