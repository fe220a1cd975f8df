"""`make data`: fetch the ICBHI 2017 archive, unpack and verify it; interrupt it at any time, and run it again."""

import json
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from http.client import HTTPException, InvalidURL
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from filelock import FileLock, Timeout
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from corpora.download.unpack import AGAIN, PIECE, Report, disk, need, unpack
from corpora.download.verify import COMPANIONS, ICBHI_2017, Structure, absent_companions, verify
from corpora.problems import InputError, InputErrors

ICBHI_URL = "https://bhichallenge.med.auth.gr/sites/default/files/ICBHI_final_database/ICBHI_final_database.zip"
"""The whole database as its authors publish it, about 1.9 GB."""

PAUSES = (1.0, 2.0, 4.0, 8.0)
"""s to wait after each failure in a row; any progress starts the row anew."""

SILENCE = 30.0
"""s without a byte after which a connection counts as lost."""


class _Broken(Exception):
    """The connection failed in a way that a further try may mend."""


@dataclass(frozen=True)
class _Source:
    """What was fetched, remembered beside the part: by it a later request knows that it is still the same file."""

    url: str
    validator: str | None
    size: int | None


def download_icbhi(
    folder: Path, url: str = ICBHI_URL, expected: Structure = ICBHI_2017, sleep: Callable[[float], None] = time.sleep
) -> Path:
    """Bring the database into ``folder``; what is already done isn't done again.

    The archive is kept beside the folder, as ``<folder>.zip``, until the recordings are verified. An archive that the
    user puts there is taken instead of fetching.

    Args:
        folder: will hold ``*.wav`` and ``*.txt``; new, empty, or the work of an earlier run.
        url: http or https.
        expected: the counts that the database must have.
        sleep: waits so many s before a further try.

    Returns:
        The folder, absolute.

    Raises:
        InputError: whatever the user can mend: no connection, full disk, damaged archive, a folder of other files, ….
    """
    folder = folder.expanduser().resolve()
    archive = folder.with_name(folder.name + ".zip")
    with disk(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        filled = folder.exists() and any(folder.iterdir())
    if not filled:
        with _alone(archive):
            with _shown("fetching") as report:
                fetch(url, archive, report, sleep)
            with _shown("unpacking") as report:
                unpack(archive, folder, report)
    elif not any(folder.glob("*.wav")):
        raise InputError(f"{folder} holds other files, and no recordings; name a new or empty folder")
    try:
        print(f"{folder}: complete, {verify(folder, expected)}")
    except InputErrors as error:
        aside = f"{folder} and {archive}" if archive.exists() else str(folder)
        raise InputErrors(error.problems, f"Move {aside} away and {AGAIN} to fetch the database anew.") from error
    if archive.exists():
        with disk(archive):
            archive.unlink()
        print(f"{archive}: deleted, since its recordings are verified")
    if absent := absent_companions(folder):
        uses = "; ".join(f"{name} ({COMPANIONS[name]})" for name in absent)
        print(f"not in {folder} nor in {folder.parent}, put there what you have: {uses}")
    return folder


def fetch(url: str, target: Path, progress: Report, sleep: Callable[[float], None] = time.sleep) -> Path:
    """Download ``url`` to ``target``, going on where an earlier try stopped (in ``<target>.part``).

    Args:
        url: http or https.
        target: appears when it is complete, and not before; if it exists nothing is requested.
        progress: told of every piece that arrives.
        sleep: waits so many s before a further try.

    Raises:
        InputError: the server refuses or stays out of reach, or the disk is full; the part is kept.
    """
    part = _part(target)
    furthest = failures = 0
    while not target.exists():
        try:
            _fetch_rest(url, target, progress)
            with disk(target):
                part.replace(target)
        except _Broken as error:
            reached = _size(part)
            # Only new ground counts as progress: a server that always starts over and always breaks off is given up.
            failures = 1 if reached > furthest else failures + 1
            furthest = max(furthest, reached)
            if failures > len(PAUSES):
                raise InputError(
                    f"{url} could not be fetched ({error}); {AGAIN} later, "
                    f"what has arrived is kept ({part}, {reached / 1e6:.0f} MB)"
                ) from error
            print(f"{error}; trying again in {PAUSES[failures - 1]:g} s", flush=True)
            sleep(PAUSES[failures - 1])
    _memory(target).unlink(missing_ok=True)
    return target


def _fetch_rest(url: str, target: Path, progress: Report) -> None:
    """One request for what the part still lacks, written to the part."""
    part, known, offset = _part(target), _recall(target), _size(_part(target))
    if known is None or known.url != url:
        offset = 0
    elif offset and offset == known.size:
        return
    with _request(url, offset, known, target) as response:
        resumed = response.status == 206
        source, start = _describe(url, response)
        if response.status == 416 and source.size == offset:
            return
        if response.status == 416 or (resumed and not _continues(source, start, known, offset)):
            part.unlink(missing_ok=True)
            raise _Broken("the file on the server has changed since the download began")
        if not resumed:
            offset = 0
        with disk(part), part.open("ab" if resumed else "wb") as file:
            if not resumed:
                # After the part is emptied: the other order, interrupted, would vouch for the bytes of another file.
                _memory(target).write_text(json.dumps(asdict(source)), encoding="utf-8")
            need(part, (source.size or 0) - offset)
            progress(offset, source.size)
            for piece in _pieces(response):
                file.write(piece)
                offset += len(piece)
                progress(offset, source.size)
    if source.size is not None and offset < source.size:
        raise _Broken(f"the connection ended after {offset} of {source.size} bytes")


def _request(url: str, offset: int, known: _Source | None, target: Path) -> Any:
    """The open response, its status 200, 206 or 416; from ``offset`` on if the file is still the ``known`` one."""
    if not url.startswith(("http://", "https://")):
        raise InputError(f"{url} is no http or https address; put an archive that you have at {target} and {AGAIN}")
    request = Request(url, headers={"User-Agent": "respbench", "Accept-Encoding": "identity"})
    if offset:
        request.add_header("Range", f"bytes={offset}-")
        if known is not None and known.validator is not None:
            request.add_header("If-Range", known.validator)
    by_hand = f"fetch it with a browser, save it as {target} and {AGAIN}"
    try:
        response = urlopen(request, timeout=SILENCE)
    except HTTPError as error:
        if error.code == 416:
            return error
        with error:
            if error.code in (408, 429) or error.code >= 500:
                raise _Broken(f"the server answers {error.code} {error.reason}") from error
            raise InputError(
                f"the server answers {error.code} {error.reason} for {url}; name another address, or {by_hand}"
            ) from error
    except (InvalidURL, ValueError) as error:
        raise InputError(f"{url} is not an address that can be fetched ({error}); correct it") from error
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise InputError(
                f"the certificate of {url} can't be trusted ({reason.verify_message}); {by_hand}"
            ) from error
        raise _Broken(f"no connection ({reason})") from error
    if response.headers.get_content_type() == "text/html":
        # A hotel's login page would otherwise replace a gigabyte that has already arrived.
        with response:
            raise InputError(f"{url} leads to a web page instead of an archive; open it in a browser to see why")
    return response


def _describe(url: str, response: Any) -> tuple[_Source, int | None]:
    """What the server says of the file, and the first byte it sends (None unless it sends a part)."""
    etag = response.headers.get("ETag")
    # If-Range takes strong validators only (RFC 9110, 13.1.5).
    validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified")
    if response.status == 200:
        size, start = response.headers.get("Content-Length"), None
    else:
        span, _, size = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        start = _number(span.partition("-")[0])
    return _Source(url, validator, _number(size)), start


def _continues(source: _Source, start: int | None, known: _Source | None, offset: int) -> bool:
    """Whether the part on offer follows what has been fetched; a server need not repeat what it said before."""
    if known is None or start != offset:
        return False
    pairs = ((source.size, known.size), (source.validator, known.validator))
    return all(now is None or before is None or now == before for now, before in pairs)


def _pieces(response: Any) -> Iterator[bytes]:
    try:
        while piece := response.read(PIECE):
            yield piece
    except (OSError, HTTPException) as error:
        raise _Broken(f"the connection broke ({error or type(error).__name__})") from error


def _part(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def _memory(target: Path) -> Path:
    return target.with_name(target.name + ".part.json")


def _recall(target: Path) -> _Source | None:
    with suppress(OSError, ValueError, TypeError):
        return _Source(**json.loads(_memory(target).read_text(encoding="utf-8")))
    return None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


@contextmanager
def _alone(archive: Path) -> Iterator[None]:
    """Two runs that append to the same part would spoil it."""
    with disk(archive):
        lock = FileLock(archive.with_name(archive.name + ".lock"), timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise InputError(f"another run is fetching {archive}; wait until it has ended") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _shown(what: str) -> Iterator[Report]:
    """Progress with the time left: a bar on a terminal, a line every tenth of the way elsewhere."""
    if not sys.stdout.isatty():
        yield _Lines(what)
        return
    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = None

        def report(done: int, total: int | None) -> None:
            nonlocal task
            if task is None:  # begins where an earlier run stopped, so that the speed counts this run's bytes only
                task = bar.add_task(what, completed=done, total=total)
            bar.update(task, completed=done, total=total)

        yield report


class _Lines:
    def __init__(self, what: str) -> None:
        self.what = what
        self.step = -1
        self.first = self.last = 0
        self.begun = time.monotonic()

    def __call__(self, done: int, total: int | None) -> None:
        if self.step < 0 or done < self.last:  # the first piece, or the first after starting over
            self.first, self.begun, self.step = done, time.monotonic(), -1
        self.last = done
        step = 10 * done // max(total, 1) if total is not None else done // 100_000_000
        if step == self.step:
            return
        self.step = step
        if total is None:
            print(f"{self.what}: {done / 1e6:.0f} MB", flush=True)
            return
        line = f"{self.what}: {10 * step} % of {total / 1e6:.0f} MB"
        if self.first < done < total:
            left = (total - done) * (time.monotonic() - self.begun) / (done - self.first)
            line += f", {left / 60:.0f} min left" if left > 90 else f", {left:.0f} s left"
        print(line, flush=True)
