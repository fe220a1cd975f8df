"""Folders that can't be read, and disks that are full."""

import errno
import os
import resource
import shutil
import subprocess
import sys

import pytest

from respbench.benchmarks.cli import main
from respbench.corpora import catalog
from respbench.corpora.prepared import prepare


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


@pytest.mark.parametrize("step", ["write_kept_signals", "_write_table"])
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
"""A shell with private mounts, which are gone when it ends."""

ON_A_SMALL_DISK = f"""
mkdir -p "$RESPBENCH_CACHE" && mount -t tmpfs -o size=96k none "$RESPBENCH_CACHE" || exit 99
{sys.executable} -m respbench prepare --corpus icbhi --data "$1" || echo "status $?"
find "$RESPBENCH_CACHE" -mindepth 2 -not -name '*.lock'
"""


def small_disks_are_to_be_had() -> bool:
    """Linux, and the right to mount: as root, or where namespaces are open to users."""
    trial = [*APART, "mount -t tmpfs none /mnt"]
    return shutil.which("unshare") is not None and subprocess.run(trial, capture_output=True).returncode == 0


if small_disks_are_to_be_had():

    def test_full_disk_for_real(respbench):
        environment = {**os.environ, "RESPBENCH_CACHE": str(respbench.cache)}
        command = [*APART, ON_A_SMALL_DISK, "sh", str(respbench.sounds)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        expected = f"respbench: {respbench.cache}/corpora can't be written (No space left on device); free some space"
        assert ended.stderr.startswith(expected)
        assert "Traceback" not in ended.stderr
        assert ended.stdout.splitlines()[-1] == "status 2", "something half-written is left"
