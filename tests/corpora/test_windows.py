"""Windows of trials: every sample is in one, none crosses a trial, and no splitter parts the windows of a trial."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respbench.corpora.clips import Clips
from respbench.corpora.cycles import Cycle
from respbench.corpora.problems import InputError
from respbench.corpora.protocols import find
from respbench.corpora.windows import WHOLE, Windows

RATE = 20

TRIALS = st.lists(st.integers(1, 90), min_size=1, max_size=3)
"""Samples of each trial."""


def rows_of(lengths):
    """Trials whose samples are numbered through, in two channels."""
    ends = np.cumsum(lengths)
    for number, (length, end) in enumerate(zip(lengths, ends.tolist(), strict=True)):
        signal = np.arange(end - length, end, dtype=np.float32)
        cycle = Cycle(path=Path("x"), clip_id=f"trial{number}", patient="p", label="walk", meta={"sex": "F"})
        yield cycle, np.stack([signal, -signal])


@settings(max_examples=50, deadline=None, database=None, derandomize=True)
@given(lengths=TRIALS, size=st.integers(1, 40), share=st.floats(0.05, 1))
def test_windows_cover_each_trial_and_cross_none(lengths, size, share):
    seconds = size / RATE
    windows = Windows(seconds=seconds, hop=share * seconds)
    step = max(1, round(share * size))
    starts = np.concatenate([[0], np.cumsum(lengths)])
    cut = list(windows.cut(rows_of(lengths), RATE))
    for number, length in enumerate(lengths):
        own = [(cycle, signal) for cycle, signal in cut if cycle.meta["recording"] == f"trial{number}"]
        begins = [int(signal[0, 0]) - starts[number] for _, signal in own]
        assert {signal.shape for _, signal in own} == {(2, min(size, length))}
        samples = np.concatenate([signal[0] for _, signal in own])
        np.testing.assert_array_equal(np.unique(samples), np.arange(starts[number], starts[number + 1]))
        windows_of_trial = np.stack([signal for _, signal in own])
        assert (np.diff(windows_of_trial[:, 0]) == 1).all()
        assert (windows_of_trial[:, 1] == -windows_of_trial[:, 0]).all()
        assert [cycle.meta["begin"] for cycle, _ in own] == [round(begin / RATE, 3) for begin in begins]
        last = max(length - size, 0)
        assert begins == [*range(0, last, step), last]
    assert sum(len(signal[0]) for _, signal in cut) >= sum(lengths)
    assert len({cycle.clip_id for cycle, _ in cut}) == len(cut)


def test_whole_trials_are_left_as_they_are():
    rows = list(rows_of([5, 7]))
    for (before, signal), (after, same) in zip(rows, WHOLE.cut(rows, RATE), strict=True):
        assert before is after
        assert signal is same


def test_the_hop_is_half_a_window_unless_stated():
    assert Windows(seconds=1.0).begins(50, RATE) == [0, 10, 20, 30]
    assert Windows(seconds=1.0, hop=1.0).begins(50, RATE) == [0, 20, 30]


@pytest.mark.parametrize(
    ("seconds", "hop", "message"),
    [(0.0, 1.0, "set WINDOW, too"), (1.0, 1.5, "would lose samples"), (float("inf"), 1.0, "would lose samples")],
)
def test_bad_windows_are_refused(seconds, hop, message):
    with pytest.raises(InputError, match=message):
        Windows(seconds=seconds, hop=hop)


@pytest.mark.parametrize(
    "protocol", ["subjects-2fold", "subjects-2fold-labels50", "leave-one-subject-out", "random-2fold"]
)
@pytest.mark.parametrize("classes", [("sit", "walk"), ("limping", "normal")])
def test_no_splitter_parts_a_trial(protocol, classes):
    lengths = [30 + i for i in range(32)]
    cut = [cycle for cycle, _ in Windows(seconds=1.0).cut(rows_of(lengths), RATE)]
    trial = np.array([int(str(cycle.meta["recording"]).removeprefix("trial")) for cycle in cut])
    clips = Clips(
        signals=[np.zeros((2, RATE), dtype=np.float32)] * len(cut),
        rate=RATE,
        label=trial % 2,
        patient=(trial // 4).astype(np.str_),
        clip_id=np.array([cycle.clip_id for cycle in cut]),
        classes=classes,
        meta=pd.DataFrame([cycle.meta for cycle in cut]),
        modality="motion",
    )
    folds = list(find(protocol).splitter.split(clips, 0))
    for fold in folds:
        parts = [set(trial[rows].tolist()) for rows in (fold.train, fold.valid, fold.test, fold.unlabeled)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == len(lengths)
    assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == list(range(len(clips)))
