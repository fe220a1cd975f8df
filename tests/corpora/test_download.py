"""`make data` against a small server on loopback that fails in every way we could think of."""

import errno
import io
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from loopback_site import ARCHIVE, HIDDEN, NOTES, STALL, Handler, Home, Site, quiet, small_files, wav, zipped

from respbench.corpora.download import fetch as fetching
from respbench.corpora.download.fetch import PAUSES, fetch
from respbench.corpora.download.icbhi import download_icbhi, locked
from respbench.corpora.download.unpack import PIECE, unpack
from respbench.corpora.problems import InputError, InputErrors


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "*")
    site = Site()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"site": site})) as server:
        site.url = f"http://127.0.0.1:{server.server_address[1]}/database.zip"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield site
        site.released.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def home(tmp_path: Path, site: Site) -> Home:
    return Home(tmp_path, site)


def test_a_clean_fetch_and_then_no_request_at_all(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert home.get() == home.folder
    assert home.holds_all()
    shown = capsys.readouterr().out
    for words in (
        "fetching: 100 %",
        "unpacking: 100 %",
        "3 recordings of 2 patients",
        "icbhi.zip: deleted",
        "official",
    ):
        assert words in shown
    home.get()
    assert home.site.log == [(None, 200)]
    assert "complete" in capsys.readouterr().out


@pytest.mark.parametrize("etag", ['"one"', 'W/"weak"', None])
def test_a_dropped_connection_goes_on_where_it_broke(home: Home, etag: str | None) -> None:
    home.site.etag, home.site.faults = etag, ["drop"]
    home.get()
    assert home.holds_all()
    assert home.site.log == [(None, 200), (f"bytes={STALL}-", 206)]
    assert home.site.conditions == [None, '"one"' if etag == '"one"' else None]
    assert home.waits == [PAUSES[0]]


@pytest.mark.parametrize("fault", ["500", "503", "429"])
def test_a_server_in_trouble_is_asked_again(home: Home, fault: str) -> None:
    home.site.faults = [fault, fault]
    home.get()
    assert home.holds_all()
    assert home.waits == list(PAUSES[:2])


def test_ctrl_c_keeps_the_part(home: Home) -> None:
    def interrupt(done: int, total: int | None) -> None:
        if done >= STALL:
            raise KeyboardInterrupt

    home.folder.parent.mkdir()
    with pytest.raises(KeyboardInterrupt):
        fetch(home.site.url, home.archive, interrupt)
    assert home.part.stat().st_size == STALL
    home.get()
    assert home.holds_all()
    assert home.site.log[1:] == [(f"bytes={STALL}-", 206)]


def test_sigkill_in_the_middle_then_resume(home: Home) -> None:
    home.site.faults = ["stall"]
    code = "import sys; from pathlib import Path; from respbench.corpora.download.icbhi import download_icbhi as get; "
    arguments = [sys.executable, "-c", code + "get(Path(sys.argv[1]), sys.argv[2])", str(home.folder), home.site.url]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as running:
        deadline = time.monotonic() + 20
        while not (home.part.exists() and home.part.stat().st_size >= STALL) and time.monotonic() < deadline:
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
    home.site.released.set()
    kept = home.part.stat().st_size
    assert kept == STALL
    home.get()
    assert home.holds_all()
    assert home.site.log[1:] == [(f"bytes={kept}-", 206)]


def test_a_server_without_ranges_starts_over(home: Home) -> None:
    home.site.ranges, home.site.faults = False, ["drop"]
    home.get()
    assert home.holds_all()
    assert [status for _, status in home.site.log] == [200, 200]


def test_a_server_that_goes_on_elsewhere_starts_over(home: Home) -> None:
    home.site.faults = ["drop", "elsewhere"]
    home.get()
    assert home.holds_all()
    assert [status for _, status in home.site.log] == [200, 206, 200]


def test_a_server_that_always_starts_over_and_breaks_off_is_given_up(home: Home) -> None:
    home.site.ranges, home.site.faults = False, ["drop"] * 100
    home.refuses("could not be fetched", "run the same command again", str(home.part))
    assert home.waits == list(PAUSES)
    assert home.part.stat().st_size == STALL


@pytest.mark.parametrize("etag", ['"two"', None])
def test_a_file_that_changes_on_the_server_is_fetched_anew(home: Home, etag: str | None) -> None:
    home.folder.parent.mkdir()
    home.site.body, home.site.faults, home.site.etag = zipped({"old": wav(9, 9)}), ["drop", "404"], etag and '"one"'
    with pytest.raises(InputError):
        fetch(home.site.url, home.archive, quiet, home.waits.append)
    home.site.body, home.site.etag = ARCHIVE, etag
    home.get()
    assert home.holds_all()


def test_another_address_is_another_file(home: Home) -> None:
    home.site.faults = ["drop", "404"]
    home.refuses("404")
    home.site.url += "?mirror"
    home.get()
    assert home.site.log[2:] == [(None, 200)]


@pytest.mark.parametrize("size", [len(ARCHIVE), None])
def test_a_part_that_is_already_complete(home: Home, size: int | None) -> None:
    home.folder.parent.mkdir()  # a run that is killed between the last byte and the rename leaves this
    home.part.write_bytes(ARCHIVE)
    memory = {"url": home.site.url, "validator": home.site.etag, "size": size}
    home.part.with_name("icbhi.zip.part.json").write_text(json.dumps(memory))
    home.get()
    assert home.holds_all()
    assert home.site.log == ([] if size else [(f"bytes={len(ARCHIVE)}-", 416)])


def test_a_wrong_length_is_ignored(home: Home) -> None:
    home.site.ranges, home.site.faults = False, ["wrong length"] * 100
    home.refuses("the connection ended after", "run the same command again")
    home.site.ranges, home.site.faults = True, []
    home.get()
    assert home.holds_all()


@pytest.mark.parametrize("fault", ["", "unknown length"])
def test_a_server_that_sends_without_end(home: Home, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.setattr(fetching, "LARGEST", PIECE)
    home.site.faults = [fault]
    home.refuses("which no archive of sound has; delete", str(home.part))
    assert home.part.stat().st_size <= 2 * PIECE
    assert home.waits == []


def test_what_no_retry_can_correct_is_reported_at_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.site.faults = ["404"]
    home.refuses("404", str(home.archive))
    home.site.faults = ["html"]
    home.refuses("web page")
    for url in ("file:///etc/passwd", "http://127.0.0.1:port/", "nonsense"):
        with pytest.raises(InputError, match="address"):
            download_icbhi(home.folder, url)

    def refuse(*args: object, **kwargs: object) -> None:
        raise URLError(ssl.SSLCertVerificationError("unable to get local issuer certificate"))

    monkeypatch.setattr(fetching, "urlopen", refuse)
    monkeypatch.setattr(ssl.SSLCertVerificationError, "verify_message", "no issuer", raising=False)
    home.refuses("certificate", "browser", str(home.archive))
    assert home.waits == []


def test_no_server_at_all(home: Home) -> None:
    home.site.url = "http://127.0.0.1:9/database.zip"  # the discard port: nothing listens there
    home.refuses("no connection")
    assert home.waits == list(PAUSES)


def test_a_flipped_byte_is_found_and_repaired(home: Home) -> None:
    at = ARCHIVE.index(b"102_1b1_Ar_sc_LittC2SE.wav") + 1000
    home.site.body = ARCHIVE[:at] + bytes([ARCHIVE[at] ^ 1]) + ARCHIVE[at + 1 :]
    home.refuses("damaged", str(home.archive), "delete it")
    home.site.body = ARCHIVE
    home.refuses("damaged")  # the archive that has arrived is not thrown away behind the user's back
    home.archive.unlink()
    home.get()
    assert home.holds_all()


@pytest.mark.parametrize("body", [ARCHIVE[:-100], ARCHIVE[: PIECE // 2], b"", b"<!DOCTYPE html><p>Gone"])
def test_an_archive_that_is_none(home: Home, body: bytes) -> None:
    home.site.body = body
    home.refuses(str(home.archive), "delete it and run the same command again")


@pytest.mark.parametrize("top", ["", "a/", "a/b/"])
def test_the_folders_around_the_files_go(home: Home, top: str) -> None:
    home.site.body = zipped(NOTES | small_files() | HIDDEN, top)
    home.folder.mkdir(parents=True)  # an empty folder is as good as none
    home.get()
    assert home.holds_all()


def test_an_interrupted_unpack_leaves_no_half_folder(home: Home) -> None:
    def interrupt(done: int, total: int | None) -> None:
        if done >= STALL:
            assert home.folder.with_name("icbhi.unpacking").exists()
            raise KeyboardInterrupt

    home.folder.parent.mkdir()
    home.archive.write_bytes(ARCHIVE)
    with pytest.raises(KeyboardInterrupt):
        unpack(home.archive, home.folder, interrupt)
    assert list(home.folder.parent.iterdir()) == [home.archive]
    stale = home.folder.with_name("icbhi.unpacking") / "half.wav"  # what SIGKILL leaves
    stale.parent.mkdir()
    stale.touch()
    home.get()
    assert home.holds_all()
    assert home.site.log == []


class FullDisk(io.BufferedWriter):
    def write(self, data: Any) -> int:
        if self.tell() >= 2 * PIECE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


@pytest.mark.parametrize("failing", ["wb", "xb"])  # fetching, unpacking
def test_a_full_disk_keeps_what_has_arrived(home: Home, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    opened = Path.open

    def full(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        return FullDisk(io.FileIO(path, mode[0])) if mode == failing else opened(path, mode, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", full)
        home.refuses("full", "free some space and run the same command again")
    assert home.part.exists() == (failing == "wb")
    home.get()
    assert home.holds_all()
    assert home.site.log[1:] == ([(f"bytes={2 * PIECE}-", 206)] if failing == "wb" else [])


@pytest.mark.parametrize(("free", "fetched"), [(len(ARCHIVE) - 1, False), (len(ARCHIVE), True)])
def test_too_small_a_disk_is_said_at_once(
    home: Home, monkeypatch: pytest.MonkeyPatch, free: int, fetched: bool
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, free))
    home.refuses("free", "needed")
    assert home.archive.exists() == fetched


def test_two_runs_at_once(home: Home) -> None:
    home.folder.parent.mkdir()
    with locked(home.archive):
        home.refuses("another run")


def test_a_folder_of_other_files_is_left_alone(home: Home) -> None:
    home.folder.mkdir(parents=True)
    (home.folder / "thesis.doc").touch()
    with pytest.raises(InputError, match="other files"):
        home.get()
    assert [path.name for path in home.folder.iterdir()] == ["thesis.doc"]


def test_the_archive_stays_until_its_recordings_are_verified(home: Home) -> None:
    files = small_files()
    del files["102_1b1_Ar_sc_LittC2SE.txt"]
    home.site.body = zipped(files)
    with pytest.raises(InputErrors, match="has no annotation") as caught:
        home.get()
    assert f"Move {home.folder} and {home.archive} away" in str(caught.value)
    assert home.archive.exists()
