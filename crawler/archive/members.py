"""Archives of this crawler as they are read: each record is a gzip member (RFC 1952) of its own, written by `writer`.

The library that reads all other archives takes 290 us of a replay for a page of 25 KB, and this takes 175, of which 150
are spent on decompressing it twice: to find where it ends, and to read it.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from crawler.archive.head import Cut, Head

_WINDOW = 1 << 16  # bytes of the file that are kept in memory,
_PIECE = 1 << 14  # and that are decompressed at once: what does not want the rest of a body has no more of it than that
_HEAD = 1 << 16  # bytes that are kept of a record of which only the head is wanted
_FIRST = 1000  # bytes of the first record that tell who wrote it

MAGIC = b"\x1f\x8b"


def is_own(file: BinaryIO, software: bytes) -> bool:
    """Whether a file begins with a record that says it was written by `software`. No errors."""
    begun = os.pread(file.fileno(), 4096, 0)
    try:
        first = zlib.decompressobj(31).decompress(begun, _FIRST)
    except zlib.error:
        return False
    return first.startswith(b"WARC/1.1\r\n") and b"\r\nsoftware: " + software in first


def records(file: BinaryIO) -> Iterator[tuple[Head, Callable[[], bytes]]]:
    """All records but requests, each with what reads its block. Raises `Cut` where the rest is no record."""
    members = _Members(file, _WINDOW)
    offset = 0
    while not members.is_end(offset):
        text, end = members.at(offset, is_whole=False)
        if b"\r\nWARC-Type: request\r\n" not in text[:40]:
            head, body, _ = _read(text, offset)
            yield head, text[body:].__bytes__ if head.kind != "response" else _nothing
        offset = end


def read_at(file: BinaryIO, offset: int) -> tuple[Head, bytes]:
    """A record and its block. Raises `Cut` for a broken one."""
    text, _ = _Members(file, _PIECE).at(offset)
    head, begin, size = _read(text, offset)
    block = text[begin : begin + size]
    if len(block) < size:
        raise Cut(f"{size:,} bytes were to come, and {len(block):,} did")
    return head, block


class _Members:
    """The gzip members of a file, by their places; `window` bytes are read at once."""

    def __init__(self, file: BinaryIO, window: int) -> None:
        self._fd = file.fileno()
        self._window = window
        self._data = memoryview(b"")
        self._begin = 0

    def is_end(self, offset: int) -> bool:
        """Whether the file ends there."""
        return not self._piece(offset)

    def at(self, offset: int, is_whole: bool = True) -> tuple[bytes, int]:
        """What the member at a place holds, or the beginning of it, and where it ends. Raises `Cut`."""
        member = zlib.decompressobj(31)
        texts: list[bytes] = []
        room = _HEAD
        while not member.eof:
            piece = self._piece(offset)
            if not piece:
                raise Cut("the file ends in the middle of it")
            try:
                text = member.decompress(piece)
            except zlib.error as error:
                raise Cut(str(error)) from None
            offset += len(piece) - len(member.unused_data)
            if is_whole or room > 0:
                texts.append(text)
                room -= len(text)
        return texts[0] if len(texts) == 1 else b"".join(texts), offset

    def _piece(self, offset: int) -> memoryview:
        begin = offset - self._begin
        if not 0 <= begin < len(self._data):
            self._data, self._begin, begin = memoryview(os.pread(self._fd, self._window, offset)), offset, 0
        return self._data[begin : begin + _PIECE]


def _read(text: bytes, offset: int) -> tuple[Head, int, int]:
    """The head of a record, and where its block begins and how long it is. Raises `Cut` for what is none."""
    end = text.find(b"\r\n\r\n")
    try:
        _, *lines = text[:end].decode().split("\r\n")
        fields = dict([line.split(": ", 1) for line in lines])
        head = Head(
            offset,
            fields["WARC-Type"],
            fields.get("WARC-Target-URI", ""),
            fields["WARC-Record-ID"],
            (fields["WARC-Concurrent-To"],) if "WARC-Concurrent-To" in fields else (),
            "WARC-Truncated" in fields,
            "",
        )
        return head, end + 4, int(fields["Content-Length"])
    except (ValueError, KeyError) as error:
        raise Cut(f"it has no head of a record: {error}") from None


def _nothing() -> bytes:
    return b""
