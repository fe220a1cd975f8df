"""`make data` against a small server on loopback that fails in every way we could think of."""

import errno
import io
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import zipfile
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import soundfile

from corpora import download
from corpora.download import PAUSES, download_icbhi, fetch
from corpora.problems import InputError, InputErrors
from corpora.unpack import PIECE, unpack
from corpora.verify import ICBHI_2017, Structure, verify

SMALL = Structure(recordings=3, patients=2, normal=3, crackle=1, wheeze=1, both=1)
CYCLES = {
    "101_1b1_Al_sc_Meditron": "0.036\t0.579\t0\t0\n0.579\t1.45\t1\t0\n",
    "101_2p4_Pr_mc_AKGC417L": "0.1\t0.9\t0\t1\n0.9\t1.8\t0\t0\n",
    "102_1b1_Ar_sc_LittC2SE": "0\t1\t1\t1\n1\t2\t0\t0\n\n",
}
NOTES = {"papers/read.txt": b"not an annotation", "filename_format.txt": b"not an annotation either"}
HIDDEN = {"__MACOSX/._x.wav": b"note", ".DS_Store": b"note"}
STALL = 4 * PIECE


def quiet(done: int, total: int | None) -> None:
    """Nobody watches."""


def wav(seconds: float, seed: int) -> bytes:
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, int(44_100 * seconds))
    file = io.BytesIO()
    soundfile.write(file, noise, 44_100, format="WAV", subtype="PCM_16")
    return file.getvalue()


def small_files(seconds: float = 2.0) -> dict[str, bytes]:
    files = {f"{name}.txt": text.encode() for name, text in CYCLES.items()}
    return files | {f"{name}.wav": wav(seconds, seed) for seed, name in enumerate(CYCLES)}


def zipped(files: dict[str, bytes], top: str = "ICBHI_final_database/") -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            opened.writestr(top + name, content)
    return archive.getvalue()


ARCHIVE = zipped(NOTES | small_files() | HIDDEN)


@dataclass
class Site:
    """One file on a server, how the next requests fail (then all succeed), and what was asked for."""

    body: bytes = ARCHIVE
    etag: str | None = '"one"'
    ranges: bool = True
    faults: list[str] = field(default_factory=list)
    log: list[tuple[str | None, int]] = field(default_factory=list)  # Range header, status
    conditions: list[str | None] = field(default_factory=list)  # If-Range headers
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    site: Site

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        site, span = self.site, self.headers.get("Range")
        fault = site.faults.pop(0) if site.faults else ""
        site.conditions.append(self.headers.get("If-Range"))
        if fault.isdecimal():
            return self.answer(int(fault), b"", span)
        if fault == "html":
            return self.answer(200, b"<!DOCTYPE html>", span, {"Content-Type": "text/html; charset=utf-8"})
        headers = {"ETag": site.etag} if site.etag else {}
        status, begin = 200, 0
        if span and site.ranges and self.headers.get("If-Range", site.etag) == site.etag:
            begin, status = int(span.removeprefix("bytes=").rstrip("-")), 206
            begin -= 10 if fault == "elsewhere" else 0
            headers["Content-Range"] = f"bytes {begin}-{len(site.body) - 1}/{len(site.body)}"
            if begin >= len(site.body):
                return self.answer(416, b"", span, {"Content-Range": f"bytes */{len(site.body)}"})
        body = site.body[begin:]
        announced = len(body) + (1000 if fault == "wrong length" else 0)
        if fault != "unknown length":
            headers["Content-Length"] = str(announced)
        return self.answer(status, body, span, headers, fault)

    def answer(
        self, status: int, body: bytes, span: str | None, headers: dict[str, str] | None = None, fault: str = ""
    ) -> None:
        self.site.log.append((span, status))
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if fault in ("drop", "stall"):
            self.wfile.write(body[:STALL])
            if fault == "stall":
                self.site.released.wait(20)
        else:
            self.wfile.write(body)


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


class Home:
    """Where the data go, and the waits that were asked for instead of waited."""

    def __init__(self, parent: Path, site: Site) -> None:
        self.site = site
        self.folder = parent / "data" / "icbhi"
        self.archive = parent / "data" / "icbhi.zip"
        self.part = parent / "data" / "icbhi.zip.part"
        self.waits: list[float] = []

    def get(self) -> Path:
        return download_icbhi(self.folder, self.site.url, SMALL, self.waits.append)

    def holds_all(self) -> bool:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        got = {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in files}
        beside = {path.name for path in self.folder.parent.iterdir()} - {"icbhi.zip.lock"}
        return got == small_files() | NOTES and beside == {"icbhi"}

    def refuses(self, *words: str) -> None:
        with pytest.raises(InputError) as caught:
            self.get()
        for word in words:
            assert word in str(caught.value)
        assert not self.folder.exists()
        assert not self.folder.with_name("icbhi.unpacking").exists()


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
    code = "import sys; from pathlib import Path; from corpora.download import download_icbhi as get; "
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


def test_the_wrong_length_is_not_believed(home: Home) -> None:
    home.site.ranges, home.site.faults = False, ["wrong length"] * 100
    home.refuses("the connection ended after", "run the same command again")
    home.site.ranges, home.site.faults = True, []
    home.get()
    assert home.holds_all()


def test_what_no_further_try_can_mend_is_said_at_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.site.faults = ["404"]
    home.refuses("404", str(home.archive))
    home.site.faults = ["html"]
    home.refuses("web page")
    for url in ("file:///etc/passwd", "http://127.0.0.1:port/", "nonsense"):
        with pytest.raises(InputError, match="address"):
            download_icbhi(home.folder, url)

    def refuse(*args: object, **kwargs: object) -> None:
        raise URLError(ssl.SSLCertVerificationError("unable to get local issuer certificate"))

    monkeypatch.setattr(download, "urlopen", refuse)
    monkeypatch.setattr(ssl.SSLCertVerificationError, "verify_message", "no issuer", raising=False)
    home.refuses("certificate", "browser", str(home.archive))
    assert home.waits == []


def test_no_server_at_all(home: Home) -> None:
    home.site.url = "http://127.0.0.1:9/database.zip"  # the discard port: nothing listens there
    home.refuses("no connection")
    assert home.waits == list(PAUSES)


def test_a_flipped_byte_is_found_and_mended(home: Home) -> None:
    at = ARCHIVE.index(b"102_1b1_Ar_sc_LittC2SE.wav") + 1000
    home.site.body = ARCHIVE[:at] + bytes([ARCHIVE[at] ^ 1]) + ARCHIVE[at + 1 :]
    home.refuses("damaged", str(home.archive), "delete it")
    home.site.body = ARCHIVE
    home.refuses("damaged")  # the archive that has arrived is not thrown away behind the user's back
    home.archive.unlink()
    home.get()
    assert home.holds_all()


def test_no_flipped_byte_is_let_through(tmp_path: Path) -> None:
    files = {"one.txt": b"0\t1\t0\t0\n", "two.txt": b"1\t2\t1\t0\n"}
    good, archive, folder = zipped(files), tmp_path / "a.zip", tmp_path / "out"
    for at in range(len(good)):
        archive.write_bytes(good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1 :])
        try:
            unpack(archive, folder, quiet)
        except InputError:
            assert not folder.exists()
        else:  # a flip in the directory at the end may change a date, or hide a whole file: `verify` counts them
            assert {path.name: path.read_bytes() for path in folder.iterdir()}.items() <= files.items()
            shutil.rmtree(folder)


@pytest.mark.parametrize("body", [ARCHIVE[:-100], ARCHIVE[: PIECE // 2], b"", b"<!DOCTYPE html><p>Gone"])
def test_an_archive_that_is_none(home: Home, body: bytes) -> None:
    home.site.body = body
    home.refuses(str(home.archive), "delete it and run the same command again")


def escape(name: str, mode: int = 0) -> Callable[[zipfile.ZipFile], None]:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return lambda opened: opened.writestr(info, "/etc/passwd")


@pytest.mark.parametrize(
    ("add", "said"),
    [
        (escape("../evil"), "../evil"),
        (escape("a/../../evil"), "evil"),
        (escape("/abs"), "/abs"),
        (escape("C:\\evil"), "evil"),
        (escape("C:evil"), "evil"),
        (escape("..\\evil"), "evil"),
        (escape("__MACOSX/../../evil"), "evil"),
        (escape("link", 0o120777), "link or device"),
        (escape("pipe", 0o010644), "link or device"),
        (escape("101_1B1_al_SC_meditron.TXT"), "2 times"),
        (lambda opened: opened.writestr("zeros", bytes(10**8), zipfile.ZIP_DEFLATED), "would unpack to"),
        (lambda opened: opened.writestr("odd", bytes(10**3), zipfile.ZIP_LZMA), "unknown way"),
    ],
)
def test_an_archive_that_means_harm(tmp_path: Path, add: Callable[[zipfile.ZipFile], None], said: str) -> None:
    archive, folder = tmp_path / "in" / "a.zip", tmp_path / "in" / "out"
    archive.parent.mkdir()
    archive.write_bytes(zipped(small_files(), top=""))
    with zipfile.ZipFile(archive, "a") as opened:
        add(opened)
    with pytest.raises(InputError, match=re.escape(said)):
        unpack(archive, folder, quiet)
    assert sorted(tmp_path.rglob("*")) == [archive.parent, archive]


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
    with download._alone(home.archive):
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


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"102_1b1_Ar_sc_LittC2SE.txt": None}, "has no annotation 102_1b1_Ar_sc_LittC2SE.txt"),
        ({"102_1b1_Ar_sc_LittC2SE.wav": None}, "not here; restore 102_1b1_Ar_sc_LittC2SE.wav"),
        ({"103_1b1_Tc_sc_Meditron.txt": b""}, "not here; restore 103_1b1_Tc_sc_Meditron.wav"),
        (
            {"lung.wav": wav(1, 1), "lung.txt": b""},
            "lung.wav is not named <patient>_<index>_<location>_<mode>_<device>",
        ),
        ({"102_1b1_Ar_sc_LittC2SE.wav": b"text"}, "LittC2SE.wav is not readable as sound"),
        ({"102_1b1_Ar_sc_LittC2SE.wav": wav(0, 0)}, "LittC2SE.wav holds no sound"),
        ({"102_1b1_Ar_sc_LittC2SE.txt": b"0\t1\t2\t0\n"}, "line 1: unknown label '2 0'"),
        ({"102_1b1_Ar_sc_LittC2SE.txt": b"0\t1\t1\t1\n2\t1\t0\t0"}, "line 2: "),
        ({"102_1b1_Ar_sc_LittC2SE.txt": b"0\t1\t1\n"}, "line 1: "),
        ({"102_1b1_Ar_sc_LittC2SE.txt": b"0\t1\t1\t1\n"}, "3 normal cycles expected, 2 found"),
    ],
)
def test_what_differs_is_named(tmp_path: Path, change: dict[str, bytes | None], said: str) -> None:
    for name, content in (small_files(0.01) | change).items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    with pytest.raises(InputErrors) as caught:
        verify(tmp_path, SMALL)
    assert said in str(caught.value)


def test_every_count_that_differs_is_named(tmp_path: Path) -> None:
    for name, content in small_files(0.01).items():
        (tmp_path / name).write_bytes(content)
    assert verify(tmp_path, SMALL).structure == SMALL
    with pytest.raises(InputErrors) as caught:
        verify(tmp_path, replace(ICBHI_2017, patients=2))
    assert [problem.split()[0] for problem in caught.value.problems] == ["920", "3642", "1864", "886", "506"]
    assert ICBHI_2017.cycles == 6898
