"""The file under every compressed format: gzip members one after the other (RFC 1952), which readers take as one.

A member is the smallest piece that can be cut off, and small ones compress badly. So records wait in memory until
there are 64 KiB of them; what waits is not before the mark, and written by `flush` and `close` at the latest.
"""

from __future__ import annotations

import gzip
import zlib
from typing import Any, BinaryIO, cast

from crawler.export.file import File

MEMBER = 64 * 1024


class GzipFile(File):
    """As `File`, compressed. After every member follows the tail as a member of its own, so the file is always valid.

    `length` counts bytes before compression.
    """

    def __init__(self, path: str, tail: bytes = b"") -> None:
        super().__init__(path, _member(tail))  # without a tail an empty one: a file of 0 bytes is not valid gzip
        self._before = 0  # uncompressed bytes of the members in the file
        self._pending = bytearray()
        self._pending_lines = 0

    @property
    def length(self) -> int:
        return self._before + len(self._pending)

    def open(self) -> None:
        self._start(0)
        super().open()

    def resume(self, mark: dict[str, Any]) -> bool:
        self._start(mark.get("length", 0))
        return super().resume(mark)

    def append(self, records: bytes, lines: int = 0) -> None:
        size, before = len(self._pending), self._pending_lines
        self._pending += records
        if self._pending:  # lines that make no record need not wait for anything
            self._pending_lines += lines
        if len(self._pending) >= MEMBER:
            try:
                self._put()
            except BaseException:  # all or nothing: what waited before goes on waiting
                del self._pending[size:]
                self._pending_lines = before
                raise

    def mark(self) -> tuple[dict[str, Any], int]:
        mark, _ = super().mark()
        if mark:
            mark["length"] = self._before
        return mark, self._pending_lines

    def flush(self, sync: bool = False) -> None:
        if self._pending:
            self._put()
        super().flush(sync)

    def read(self) -> BinaryIO:
        return cast(BinaryIO, gzip.open(self.place, "rb"))

    def _start(self, length: int) -> None:
        self._before = length
        self._pending.clear()
        self._pending_lines = 0

    def _put(self) -> None:
        """Write what waits as one member."""
        super().append(_member(self._pending))
        self._before += len(self._pending)
        self._pending.clear()
        self._pending_lines = 0


def _member(data: bytes | bytearray) -> bytes:
    """One gzip member, the same for the same data: without name and time."""
    return zlib.compress(data, level=6, wbits=31)
