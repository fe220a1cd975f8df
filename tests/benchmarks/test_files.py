"""Atomic writes: whatever stops one, the old file stays whole and nothing else is left. Reads of what others wrote."""

import errno
import gzip
import os
from pathlib import Path

import pytest
from made_up_results import made_up_results

from respbench.benchmarks.storage.feature_costs import FEATURE_COSTS, read_feature_costs
from respbench.benchmarks.storage.files import CannotWrite, write_atomically
from respbench.benchmarks.storage.records import FitKey
from respbench.corpora.bounded import decompress_bounded, read_bounded
from respbench.corpora.problems import InputError


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()])
def test_a_write_that_is_stopped_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    path = tmp_path / "seed0-fold0.json"
    path.write_bytes(b"old")

    def stop(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(os, step, stop)
    with pytest.raises(CannotWrite if isinstance(error, OSError) else KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


def test_a_device_or_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    """As root, ``--output /dev/null`` would otherwise replace the device for every program."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place in (pipe, tmp_path):
        with pytest.raises(CannotWrite, match="is no file, and would be replaced by one; choose another place"):
            write_atomically(place, b"new")
    assert pipe.is_fifo()


def test_the_content_is_on_the_disk_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, steps = tmp_path / "below" / "seed0-fold0.json", []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (steps.append("fsync"), fsync(file)))
    monkeypatch.setattr(os, "replace", lambda *paths: (steps.append("replace"), replace(*paths)))
    write_atomically(path, b"new")
    assert steps == ["fsync", "replace"]
    assert path.read_bytes() == b"new"


def test_what_unpacks_to_more_than_is_allowed_is_not_unpacked() -> None:
    """A bomb of a thousand times its size; the limit is tested before the rest is unpacked."""
    assert decompress_bounded(gzip.compress(bytes(1000)), 1000) == bytes(1000)
    for content in (gzip.compress(bytes(10**6)), gzip.compress(bytes(600)) * 2):
        with pytest.raises(ValueError, match="more than"):
            decompress_bounded(content, 1000)
    with pytest.raises(ValueError, match="more than"):
        read_bounded(Path("/dev/zero"), 1000)


@pytest.mark.parametrize(
    "content", ['{"parameters": ' + "[" * 100_000, '{"a":' * 100_000, "[]", "\0", '{"seed": 1e999}']
)
def test_a_record_of_others_that_is_none_is_as_good_as_absent(tmp_path: Path, content: str) -> None:
    store = made_up_results(tmp_path, {"prior": 0.0}, seeds=1)
    key = FitKey("prior", 0, 0)
    (store.folder / "runs/prior/seed0-fold0.json").write_text(content)
    (store.folder / FEATURE_COSTS).write_text(content)
    assert store.record(key) is None
    assert not store.has(key, "")
    with pytest.raises(InputError, match="don't belong together"):
        store.read(key)
    with pytest.raises(InputError, match="is damaged"):
        read_feature_costs(store.folder)
