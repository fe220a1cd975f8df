"""Features of a prepared corpus are computed once, survive damage and concurrency, and never exceed their space."""

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from filelock import FileLock

from respbench.corpora.clips import Clips, StoredSignals
from respbench.corpora.problems import InputError
from respbench.features import cache
from respbench.features.cache import cached, key
from respbench.features.handcrafted import Handcrafted

RATE = 4000


@dataclass(frozen=True)
class Loudness:
    """(clips, 2): mean square, and the number of torch threads; adds a line to ``log`` each time it runs."""

    log: Path
    power: int = 2

    def __call__(self, signals, rate):
        with self.log.open("a") as file:
            file.write(f"{len(signals)}\n")
        rows = [[(signal.astype(np.float64) ** self.power).mean(), torch.get_num_threads()] for signal in signals]
        return np.array(rows, dtype=np.float32).reshape(-1, 2)

    @property
    def runs(self):
        return self.log.read_text().count("\n") if self.log.exists() else 0


def prepare(folder, n=7):
    """A prepared corpus of ``n`` clips of noise."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(500, 3000, n)
    folder.mkdir()
    np.save(folder / "signals.npy", rng.standard_normal(lengths.sum()).astype(np.float32))
    np.save(folder / "offsets.npy", np.concatenate([[0], np.cumsum(lengths)]))
    names = np.array([f"clip{i}" for i in range(n)])
    return Clips(
        signals=StoredSignals(folder, np.arange(n)),
        rate=RATE,
        label=np.zeros(n, dtype=np.int64),
        patient=names,
        clip_id=names,
        classes=("normal", "abnormal"),
        meta=pd.DataFrame(index=range(n)),
    )


@pytest.fixture
def clips(tmp_path):
    return prepare(tmp_path / "corpus")


@pytest.fixture
def loudness(tmp_path):
    return Loudness(tmp_path / "log")


def stored(clips, pattern="*.npy"):
    return sorted((clips.signals.folder / "features").glob(pattern))


def test_real_features_have_the_rows_of_their_clips(clips):
    index = np.array([5, 0, 5, 3])
    extractor = Handcrafted(series=("rms", "spectral_centroid"))
    some = replace(clips.take(np.array([5, 0, 4, 3])), clip_id=np.array(list("abcd")))
    np.testing.assert_array_equal(cached(extractor, some), extractor(some.signals, RATE))
    again = cached(extractor, clips)
    np.testing.assert_allclose(again[index], extractor([clips.signals[i] for i in index.tolist()], RATE), rtol=1e-6)
    assert again.flags.writeable
    assert len(stored(clips)) == 1


def test_computed_once_for_all_clips(clips, loudness):
    first = cached(loudness, clips.take(np.array([2])))
    np.testing.assert_array_equal(cached(loudness, clips)[2:3], first)
    assert loudness.runs == 1
    assert loudness.log.read_text() == "7\n"


def test_clips_in_memory_are_computed_directly(clips, loudness):
    loose = replace(clips, signals=list(clips.signals))
    np.testing.assert_array_equal(cached(loudness, loose), cached(loudness, clips))
    cached(loudness, loose)
    assert loudness.runs == 3
    assert cached(loudness, loose.take(np.array([], dtype=np.int64))).shape == (0, 2)


def test_the_key_changes_with_parameters_rate_and_code(clips, loudness, tmp_path, monkeypatch):
    keys = {key(loudness, RATE), key(loudness, 8000), key(replace(loudness, power=4), RATE)}
    monkeypatch.setattr(cache, "code_identity", lambda target: "other code")
    assert len({*keys, key(loudness, RATE)}) == 4
    assert key(loudness, RATE).startswith("loudness-")
    assert cached(replace(loudness, power=4), clips)[0, 0] != cached(loudness, clips)[0, 0]


def test_many_clips_go_in_chunks_under_one_thread(clips, loudness, monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", 3)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        matrix = cached(loudness, clips)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert loudness.log.read_text() == "3\n3\n1\n"
    np.testing.assert_array_equal(matrix[:, 1], 1)
    np.testing.assert_array_equal(matrix[:, 0], loudness(clips.signals, RATE)[:, 0])


DAMAGE = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-4]),
    "header only": lambda path: path.write_bytes(path.read_bytes()[:40]),
    "empty": lambda path: path.write_bytes(b""),
    "garbage": lambda path: path.write_bytes(b"no matrix" * 50),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "too few rows": lambda path: np.save(path, np.zeros((3, 2), dtype=np.float32)),
    "another type": lambda path: np.save(path, np.zeros((7, 2))),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_computed_again(clips, loudness, damage):
    before = cached(loudness, clips)
    DAMAGE[damage](stored(clips)[0])
    np.testing.assert_array_equal(cached(loudness, clips), before)
    np.testing.assert_array_equal(cached(loudness, clips), before)
    assert loudness.runs == 2


HOLD = """
import sys
from pathlib import Path
from filelock import FileLock
lock, computed, place = map(Path, sys.argv[1:])
lock.parent.mkdir()
with FileLock(lock):
    print("held", flush=True)
    sys.stdin.readline()
    computed.rename(place)
"""


def test_processes_share_the_chunks(clips, loudness, tmp_path, monkeypatch):
    """Another process holds the lock of the middle chunk until this one has computed the others and waits for it."""
    monkeypatch.setattr(cache, "CHUNK", 3)
    expected = cached(loudness, clips)
    place = stored(clips)[0]
    np.save(tmp_path / "middle.npy", expected[3:6])
    place.unlink()
    loudness.log.write_text("")
    middle = place.with_suffix(".parts") / "1.npy"
    command = [sys.executable, "-c", HOLD, str(middle.with_suffix(".lock")), str(tmp_path / "middle.npy"), str(middle)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    class Lock(FileLock):
        def __enter__(self):
            if Path(self.lock_file).parent != middle.parent:  # all chunks were tried
                assert sorted(path.name for path in middle.parent.glob("*.npy")) == ["0.npy", "2.npy"]
                print("go on", file=other.stdin, flush=True)
            return super().__enter__()

    monkeypatch.setattr(cache, "FileLock", Lock)
    with other:
        assert other.stdout.readline() == "held\n"
        found = cached(loudness, clips)
    assert other.returncode == 0
    assert loudness.log.read_text() == "3\n1\n"
    np.testing.assert_array_equal(found, expected)
    assert not stored(clips, "*.parts")


def test_an_interrupted_computation_goes_on_where_it_stopped(clips, loudness, monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", 3)
    expected = loudness(clips.signals, RATE)
    loudness.log.write_text("")
    whole = type(loudness).__call__

    def interrupted(self, signals, rate):
        if len(signals) == 1:
            raise KeyboardInterrupt
        return whole(self, signals, rate)

    monkeypatch.setattr(type(loudness), "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cached(loudness, clips)
    monkeypatch.setattr(type(loudness), "__call__", whole)
    np.testing.assert_array_equal(cached(loudness, clips)[:, 0], expected[:, 0])
    assert loudness.log.read_text() == "3\n3\n1\n"


def test_a_full_disk_is_reported_and_leaves_nothing(clips, loudness):
    cached(loudness, clips)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, limit[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            cached(replace(loudness, power=4), clips)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert not stored(clips, "*.tmp")
    assert len(stored(clips)) == 1
    assert cached(replace(loudness, power=4), clips).shape == (7, 2)


def test_a_failing_extractor_leaves_nothing(clips, loudness):
    with pytest.raises(FileNotFoundError):
        cached(replace(loudness, log=Path("/nowhere/log")), clips)
    assert not stored(clips)
    assert not stored(clips, "*.tmp")


@dataclass(frozen=True)
class Short:
    """Drops a clip."""

    def __call__(self, signals, rate):
        return np.zeros((len(signals) - 1, 2), dtype=np.float32)


def test_an_extractor_that_loses_clips_is_refused(clips):
    with pytest.raises(ValueError, match=r"Short\(\) made 6 rows of 7 clips"):
        cached(Short(), clips)
    assert not stored(clips)


def test_the_least_recently_used_are_deleted(clips, loudness, monkeypatch):
    extractors = [replace(loudness, power=power) for power in (2, 4, 6)]
    files = [clips.signals.folder / "features" / f"{key(extractor, RATE)}.npy" for extractor in extractors]
    cached(extractors[0], clips)
    held = np.load(files[0], mmap_mode="r")
    size = files[0].stat().st_size
    cached(extractors[1], clips)
    for age, file in zip((200, 100), files, strict=False):
        os.utime(file, (time.time() - age, time.time() - age))
    cached(extractors[0], clips)  # read, and so used later than the second
    monkeypatch.setenv("RESPBENCH_CACHE_GB", str(2.5 * size / 2**30))
    cached(extractors[2], clips)
    assert stored(clips) == sorted([files[0], files[2]])
    monkeypatch.setenv("RESPBENCH_CACHE_GB", "1e-9")
    cached(extractors[1], clips)
    assert stored(clips) == [files[1]]
    np.testing.assert_array_equal(held, cached(extractors[0], clips))


def test_files_of_killed_processes_are_deleted(clips, loudness):
    cached(loudness, clips)
    folder = clips.signals.folder / "features"
    for name, age in (("old.tmp", 7200), ("young.tmp", 60)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - age, time.time() - age))
    cached(replace(loudness, power=4), clips)
    assert [path.name for path in stored(clips, "*.tmp")] == ["young.tmp"]


@pytest.mark.parametrize("limit", ["much", "0", "-1", "nan"])
def test_a_limit_that_is_no_size_is_refused(clips, loudness, monkeypatch, limit):
    monkeypatch.setenv("RESPBENCH_CACHE_GB", limit)
    with pytest.raises(InputError, match="RESPBENCH_CACHE_GB must be a number of GiB above 0"):
        cached(loudness, clips)
    assert loudness.runs == 0
