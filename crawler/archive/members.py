"""Archives of this crawler as they are read: each record is a gzip member (RFC 1952) of its own, written by `writer`.

The library that reads all other archives takes 270 us of a replay for a page of 25 KB, and this takes 125: a body is
decompressed only to be read, since the member tells where it ends.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO

from crawler.archive.gzip_head import length_in
from crawler.archive.head import Cut, Head

_WINDOW = 1 << 16  # bytes of the file that are kept in memory,
_PIECE = 1 << 14  # and that are decompressed at once: what does not want the rest of a body has no more of it than that
_HEAD = 1 << 12  # bytes that are looked at of a record of which only the head is wanted
_FIRST = 1000  # bytes of the first record that tell who wrote it


def is_own(file: BinaryIO, software: bytes) -> bool:
    """Whether a file begins with a record that says it was written by `software`. No errors."""
    begun = os.pread(file.fileno(), 4096, 0)
    try:
        first = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(begun, _FIRST)
    except zlib.error:
        return False
    return first.startswith(b"WARC/1.1\r\n") and b"\r\nsoftware: " + software in first


def records(file: BinaryIO) -> Iterator[tuple[Head, Callable[[], bytes]]]:
    """All records but requests, each with what reads its block. Raises `Cut` where the rest is no record."""
    members = _Members(file, _WINDOW)
    offset = 0
    while not members.is_end(offset):
        text, end = members.beginning(offset)
        if b"\r\nWARC-Type: request\r\n" not in text[:40]:
            head, begin, size = _read(text, offset)
            block = text[begin : begin + size]
            yield head, block.__bytes__ if len(block) == size else partial(_block, members, offset)
        offset = end


def read_at(file: BinaryIO, offset: int) -> tuple[Head, bytes]:
    """A record and its block. Raises `Cut` for a broken one."""
    text, _ = _Members(file, _PIECE).at(offset)
    head, begin, size = _read(text, offset)
    block = text[begin : begin + size]
    if len(block) < size:
        raise Cut(f"{size:,} bytes were to come, and {len(block):,} did")
    return head, block


def _block(members: _Members, offset: int) -> bytes:
    text, _ = members.at(offset)
    _, begin, size = _read(text, offset)
    return text[begin : begin + size]


class _Members:
    """The gzip members of a file, by their places; `window` bytes are read at once."""

    def __init__(self, file: BinaryIO, window: int) -> None:
        self._fd = file.fileno()
        self._window = window
        self._size = os.fstat(self._fd).st_size
        self._data = memoryview(b"")
        self._begin = 0

    def is_end(self, offset: int) -> bool:
        """Whether the file ends there."""
        return not self._piece(offset)

    def beginning(self, offset: int) -> tuple[bytes, int]:
        """What the member at a place begins with, the head of a record at least, and where it ends. Raises `Cut`."""
        piece = self._piece(offset)
        length = length_in(piece)
        if not length:
            return self.at(offset)
        if offset + length > self._size:
            raise Cut("the file ends in the middle of it")
        try:
            text = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(piece, _HEAD)
        except zlib.error as error:
            raise Cut(str(error)) from None
        return (text if b"\r\n\r\n" in text else self.at(offset)[0]), offset + length

    def at(self, offset: int) -> tuple[bytes, int]:
        """What the member at a place holds, and where it ends. Raises `Cut`."""
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        texts: list[bytes] = []
        while not member.eof:
            piece = self._piece(offset)
            if not piece:
                raise Cut("the file ends in the middle of it")
            try:
                texts.append(member.decompress(piece))
            except zlib.error as error:
                raise Cut(str(error)) from None
            offset += len(piece) - len(member.unused_data)
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
