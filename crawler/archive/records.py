"""The records of an archive (WARC/1.1, ISO 28500:2017) as pieces of bytes, before they are compressed.

They are put together here: the library that reads them takes 2 ms for a page of 25 KB, most of it for the highest level
of compression, and a crawl does everything else of a page in less.

What a fetch gave is told as far as it is known. The status line has the words that the standard has for its number.
A body is kept as the spider sees it, without content and transfer codings; the fields that told of these stand there
as `X-Orig-Content-Encoding` and so on, as other programs that record decoded pages call them, and Content-Length is
that of the body that is there.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha1
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import uuid4

from crawler.archive.masking import masked_body
from crawler.request import Request
from crawler.response import Failure, HeaderPairs, Response
from crawler.url import host_of

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer
else:
    Buffer = bytes

ORIGINAL = "X-Orig-"  # before the name of a field that is true of the body on its way only
_OF_THE_WAY = frozenset({"content-encoding", "transfer-encoding"})
_LINES = re.compile(r"[\r\n]+")
_STATUSES = {int(status): status.phrase for status in HTTPStatus}


Pieces = tuple[Buffer, ...]  # of one record: bytes, or a file that is mapped into memory


def warcinfo(name: str, software: str, run: str, robots: str) -> Pieces:
    """What the archive is: the first record of a file."""
    fields = (
        ("software", software),
        ("format", "WARC File Format 1.1"),
        ("conformsTo", "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"),
        ("robots", robots),
        ("isPartOf", run),
    )
    return _record("warcinfo", _date(None), "application/warc-fields", (_fields(fields),), (("WARC-Filename", name),))


def exchange(
    request: Request,
    sent: HeaderPairs,
    outcome: Response | Failure,
    at: float,
    key: int,
    try_: str,
    report: int,
    file: Buffer | None = None,
) -> Iterator[Pieces]:
    """The records of one fetch, the one after the other: what was asked, what came, what else is known.

    `sent` are the fields of the request without credentials; `at`: its start, seconds since 1970; `report`: with
    which other fetches it was reported; `file`: the body, if it went to a file. A failure has no response.
    """
    date = _date(at)
    asked_id, answer_id = _id(), _id()
    target = ("WARC-Target-URI", request.url)
    yield _record(
        "request",
        date,
        "application/http; msgtype=request",
        (_request(request, sent),),
        (target, ("WARC-Concurrent-To", answer_id)) if isinstance(outcome, Response) else (target,),
        asked_id,
    )
    if isinstance(outcome, Response):
        body = outcome.body if file is None else file
        further = [target, ("WARC-Payload-Digest", _digest(body)), ("WARC-Concurrent-To", asked_id)]
        if outcome.truncated:
            further.append(("WARC-Truncated", "length"))
        yield _record(
            "response",
            date,
            "application/http; msgtype=response",
            (head_of(outcome, memoryview(body).nbytes), body),
            further,
            answer_id,
        )
    about = answer_id if isinstance(outcome, Response) else asked_id
    told = _fields(_metadata(request, outcome, key, try_, report))
    yield _record("metadata", date, "application/warc-fields", (told,), (target, ("WARC-Concurrent-To", about)))


def head_of(response: Response, size: int) -> bytes:
    """Status line and fields of an answer whose body is kept decoded, and has this size."""
    decoded = any(name.lower() in _OF_THE_WAY for name, _ in response.header_pairs)
    lines = [f"HTTP/1.1 {response.status} {_STATUSES.get(response.status, 'Unknown')}"]
    told = False
    for name, value in response.header_pairs:
        low = name.lower()
        if low in _OF_THE_WAY:
            name = ORIGINAL + name
        elif low == "content-length":
            if value.strip() == str(size) or not (size or decoded):  # the answer to HEAD has a length and no body
                told = True
            else:
                name = ORIGINAL + name
        lines.append(f"{name}: {value}")
    if not told and (size or decoded):
        lines.append(f"Content-Length: {size}")
    return _http(lines)


def _request(request: Request, sent: HeaderPairs) -> bytes:
    url = request.url
    path = url[url.find("/", 8) :] or "/"
    names = {name.lower() for name, _ in sent}
    body = b""
    lines = [f"{request.method} {path} HTTP/1.1"]
    if "host" not in names:
        lines.append(f"Host: {host_of(url)}")
    lines += [f"{name}: {value}" for name, value in sent]
    if request.body:
        kind = next((value for name, value in sent if name.lower() == "content-type"), "")
        body = masked_body(request.body if isinstance(request.body, bytes) else request.body.encode(), kind)
        lines.append(f"Content-Length: {len(body)}")
    return _http(lines) + body


def _metadata(
    request: Request, outcome: Response | Failure, key: int, try_: str, report: int
) -> Iterator[tuple[str, str]]:
    """What no HTTP message says; `via` and `fetchTimeMs` as other crawlers call them."""
    if request.parent:
        yield "via", request.parent
    yield "fetchTimeMs", str(round(outcome.seconds * 1000))
    yield "crawlerKey", f"{key:016x}"
    yield "crawlerTry", try_
    yield "crawlerReport", str(report)
    if isinstance(outcome, Response) and 300 <= outcome.status < 400:
        yield "crawlerMoves", "yes"
    if request.jar:
        yield "crawlerJar", request.jar
    if isinstance(outcome, Failure):
        yield "crawlerFailure", outcome.kind
        if outcome.detail:
            yield "crawlerFailureDetail", outcome.detail
    elif outcome.cached:
        yield "crawlerSource", "cache"


def _record(
    kind: str,
    date: str,
    content_type: str,
    block: Pieces,
    further: tuple[tuple[str, str], ...] | list[tuple[str, str]] = (),
    record_id: str = "",
) -> Pieces:
    length = sum([memoryview(piece).nbytes for piece in block])
    head = f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Record-ID: {record_id or _id()}\r\nWARC-Date: {date}\r\n"
    for name, value in further:
        head += f"{name}: {value}\r\n"
    head += f"WARC-Block-Digest: {_digest(*block)}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    return head.encode(errors="replace"), *block, b"\r\n\r\n"


def _http(lines: list[str]) -> bytes:
    """The head of a message. Values are bytes that were read as Latin-1; whoever makes others means UTF-8."""
    if any("\n" in line or "\r" in line for line in lines):
        lines = [_LINES.sub(" ", line) for line in lines]
    text = "\r\n".join(lines) + "\r\n\r\n"
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode(errors="replace")


def _fields(pairs: Iterator[tuple[str, str]] | tuple[tuple[str, str], ...]) -> bytes:
    lines = [f"{name}: {_LINES.sub(' ', value)}\r\n" for name, value in pairs]
    return "".join(lines).encode(errors="replace")


def _digest(*pieces: Buffer) -> str:
    digest = sha1(usedforsecurity=False)
    for piece in pieces:
        digest.update(piece)
    return f"sha1:{b32encode(digest.digest()).decode()}"


def _id() -> str:
    return f"<urn:uuid:{uuid4()}>"


def _date(at: float | None) -> str:
    moment = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"
