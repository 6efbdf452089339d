"""Archives as they are read: their records one after the other, and single ones by their place.

Whatever other programs have written is read by the library `warcio`: compressed or not, WARC or the older ARC. HTTP is
read here, so that fields come out as they went in.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO, StringIO
from typing import Any, BinaryIO, NamedTuple

from crawler.archive.head import Cut, Head
from crawler.archive.records import ORIGINAL
from crawler.errors import UsageError
from crawler.response import Failure, HeaderPairs, Response

_KINDS = frozenset({"response", "revisit", "request", "metadata", "warcinfo"})
_MOST_BODY = 1 << 31  # bytes that are read of one body


class Message(NamedTuple):
    """An HTTP message; `start` is its first line."""

    start: str
    header_pairs: HeaderPairs
    body: bytes


def records(file: BinaryIO, path: str) -> Iterator[tuple[Head, Any]]:
    """The records of an archive, each with what reads its block: `block()`, before the next one is asked for.

    Raises `Cut` where the rest of the file is no record, and `UsageError` for what is no archive at all.
    """
    iterator_type, errors = _library()
    came: Any = None
    iterator = iterator_type(file, no_record_parse=True)
    found = iter(iterator)
    try:
        while (record := _next(found)) is not None:
            came = record
            if not hasattr(record.raw_stream, "limit"):
                break
            if record.rec_type in _KINDS:
                yield _head(record, iterator.offset, record.rec_type), record.raw_stream.read
    except errors as error:
        if came is None:
            raise UsageError(f"{path} is no archive: {str(error).strip().splitlines()[0][:200]}") from None
        raise Cut(str(error)) from None
    if came is not None and _is_torn(came):
        raise Cut("the file ends in the middle of it")
    if came is None:
        raise UsageError(f"{path} is no archive: there is no record in it")


def read_at(file: BinaryIO, offset: int) -> tuple[Head, bytes]:
    """A record and its block. Raises `Cut` for a broken one."""
    iterator_type, errors = _library()
    file.seek(offset)
    iterator = iterator_type(file, no_record_parse=True)
    try:
        record = next(iterator)
        block = record.raw_stream.read()
        if _is_torn(record):
            raise Cut("the file ends in the middle of it")
        return _head(record, offset, record.rec_type), block
    except (*errors, StopIteration) as error:
        raise Cut(str(error)) from None
    finally:
        iterator.close()  # it holds itself, and what it has read would wait for the garbage collector


def message_of(block: bytes) -> Message:
    """The HTTP message in a block."""
    head, _, body = block.partition(b"\r\n\r\n")
    if b"\n\n" in head:  # by who ends lines with a mere line feed
        head, _, body = block.partition(b"\n\n")
    text = head.decode("latin-1")
    start, *lines = text.split("\r\n") if "\r\n" in text else text.split("\n")
    pairs: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in (" ", "\t") and pairs:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon:
            pairs.append((name.strip(), value.strip(" \t")))
    return Message(start, tuple(pairs), body)


def response_of(head: Head, block: bytes, url: str, is_own: bool) -> Response:
    """The answer as a spider gets it. Raises `Cut` for what is no answer.

    An own archive has bodies without codings; others keep them as they came.
    """
    message = message_of(block)
    parts = message.start.split(None, 2)
    if len(parts) < 2 or not parts[1].isdecimal():
        raise Cut(f"no status in {message.start[:100]!r}")
    if is_own:
        pairs, body = _as_it_came(message.header_pairs), message.body
    else:
        pairs, body = message.header_pairs, _decoded(message)
    return Response(url, int(parts[1]), pairs, body, truncated=head.truncated)


def failure_of(fields: dict[str, str], url: str) -> Failure | None:
    """The failure that a metadata record tells of."""
    kind = fields.get("crawlerFailure")
    return Failure(url, kind, fields.get("crawlerFailureDetail", "")) if kind else None  # type: ignore[arg-type]


def fields_of(block: bytes) -> dict[str, str]:
    """The fields of a record of the type application/warc-fields."""
    lines = block.decode(errors="replace").splitlines()
    return {name.strip(): value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}


def _as_it_came(pairs: HeaderPairs) -> HeaderPairs:
    """The fields of an own record as they were sent: those that tell of the way have their names again."""
    originals = {name[len(ORIGINAL) :].lower() for name, _ in pairs if name.startswith(ORIGINAL)}
    restored = []
    for name, value in pairs:
        if name.startswith(ORIGINAL):
            name = name[len(ORIGINAL) :]
        elif name.lower() == "content-length" and originals:
            continue  # it was made for the body that is kept
        restored.append((name, value))
    return tuple(restored)


def _decoded(message: Message) -> bytes:
    """A body without its transfer and content codings."""
    from warcio.bufferedreaders import ChunkedDataReader, DecompressingBufferedReader

    fields = {name.lower(): value.strip().lower() for name, value in message.header_pairs}
    stream: Any = BytesIO(message.body)
    coding = fields.get("content-encoding", "")
    known = DecompressingBufferedReader.get_supported_decompressors()
    decompress = coding if coding in known else None
    with suppress(Exception):
        if fields.get("transfer-encoding") == "chunked":
            stream = ChunkedDataReader(stream, decomp_type=decompress)
        elif decompress is not None:
            stream = DecompressingBufferedReader(stream, decomp_type=decompress)
        else:
            return message.body
        came = []
        size = 0
        while (part := stream.read(1 << 16)) and size < _MOST_BODY:
            came.append(part)
            size += len(part)
        return b"".join(came)
    return message.body  # a body that is not coded as it says


def _head(record: Any, offset: int, kind: str) -> Head:
    url = record_id = refers_to = ""
    concurrent: tuple[str, ...] = ()
    truncated = False
    for name, value in record.rec_headers.headers:
        match name.lower():
            case "warc-target-uri":
                url = value[1:-1] if value.startswith("<") else value
            case "warc-record-id":
                record_id = value
            case "warc-concurrent-to" | "warc-refers-to":
                concurrent += (value,)
            case "warc-truncated":
                truncated = True
            case "warc-refers-to-target-uri":
                refers_to = value
            case "uri":  # ARC
                url = value
    return Head(offset, kind, url, record_id, concurrent, truncated, refers_to)


def _is_torn(record: Any) -> bool:
    """Whether less of a record came than it says; the library takes that for its end."""
    return getattr(record.raw_stream, "limit", 1) > 0


def _library() -> tuple[Any, Any]:
    """What iterates, and what it raises. Raises `UsageError` if it is not installed."""
    try:
        import zlib

        from warcio.archiveiterator import ArchiveIterator
        from warcio.exceptions import ArchiveLoadFailed
    except ImportError:
        raise UsageError(
            "archives are read with the library warcio, which is not installed", hint="pip install 'crawler[warc]'"
        ) from None
    return ArchiveIterator, (ArchiveLoadFailed, zlib.error, EOFError)


def _next(found: Iterator[Any]) -> Any:
    """The next record, None at the end; what the library has to say about it on standard error is left out."""
    kept, sys.stderr = sys.stderr, StringIO()
    try:
        return next(found, None)
    finally:
        sys.stderr = kept
