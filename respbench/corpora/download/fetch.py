"""Download a large file over connections that break, and resume where an earlier run stopped."""

import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from http.client import HTTPException, InvalidURL
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from respbench.corpora.download.unpack import AGAIN, LARGEST, PIECE, Report, disk, need
from respbench.corpora.problems import InputError, printable

PAUSES = (1.0, 2.0, 4.0, 8.0)
"""s to wait after each consecutive failure; progress resets the sequence."""

SILENCE = 30.0
"""s without a byte after which a connection counts as lost."""


class _Broken(Exception):
    """The connection failed in a way that another try may overcome."""


@dataclass(frozen=True, kw_only=True)
class _Source:
    """What was fetched, stored beside the partial file, so that a later request can check that it is the same."""

    url: str
    validator: str | None
    size: int | None


def fetch(url: str, target: Path, progress: Report, sleep: Callable[[float], None] = time.sleep) -> Path:
    """Download ``url`` to ``target``, going on where an earlier try stopped (in ``<target>.part``).

    Args:
        url: http or https.
        target: appears when it is complete, and not before; if it exists nothing is requested.
        progress: called for every chunk that arrives.
        sleep: called with the s to wait before another try.

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
            print(f"{printable(str(error))}; trying again in {PAUSES[failures - 1]:g} s", flush=True)
            sleep(PAUSES[failures - 1])
    _memory(target).unlink(missing_ok=True)
    return target


def _fetch_rest(url: str, target: Path, progress: Report) -> None:
    """Request what the partial file lacks, and append it."""
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
            _refuse_flood(url, part, max(source.size or 0, offset))
            need(part, (source.size or 0) - offset)
            progress(offset, source.size)
            for piece in _pieces(response):
                file.write(piece)
                offset += len(piece)
                _refuse_flood(url, part, offset)
                progress(offset, source.size)
    if source.size is not None and offset < source.size:
        raise _Broken(f"the connection ended after {offset} of {source.size} bytes")


def _refuse_flood(url: str, part: Path, size: int) -> None:
    """Raise InputError where a server announces or sends more than an archive of the database can have."""
    if size > LARGEST:
        raise InputError(f"{url} sends more than {LARGEST >> 30} GiB, which no archive of sound has; delete {part}")


def _request(url: str, offset: int, known: _Source | None, target: Path) -> Any:
    """Open a response (status 200, 206 or 416), from ``offset`` on if the file is still the ``known`` one."""
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
    """Return what the server announces of the file, and the first byte of a partial response (else None)."""
    etag = response.headers.get("ETag")
    # If-Range takes strong validators only (RFC 9110, 13.1.5).
    validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified")
    if response.status == 200:
        size, start = response.headers.get("Content-Length"), None
    else:
        span, _, size = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        start = _number(span.partition("-")[0])
    return _Source(url=url, validator=validator, size=_number(size)), start


def _continues(source: _Source, start: int | None, known: _Source | None, offset: int) -> bool:
    """Check that a partial response continues the fetched bytes; servers need not repeat size and validator."""
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
