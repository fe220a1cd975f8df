"""A database in miniature, and a server on loopback that hands it out and fails in every way we could think of."""

import io
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest
import soundfile

from respbench.corpora.download.icbhi import download_icbhi
from respbench.corpora.download.unpack import PIECE
from respbench.corpora.download.verify import Structure
from respbench.corpora.problems import InputError

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
    """Report nothing."""


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
