"""The file under every compressed format: whole pieces one after the other, which readers take as one.

A piece (a gzip member, a zstd frame) is the smallest thing that can be cut off, and small ones compress badly. So
records wait in memory until there are 64 KiB of them; what waits is not before the mark, and written by `flush` and
`close` at the latest.
"""

from __future__ import annotations

from typing import Any

from crawler.export.file import File, output_error

PIECE = 64 * 1024


class CompressedFile(File):
    """As `File`, compressed. After every piece follows the tail as a piece of its own, so the file is always valid.

    A kind of compression adds `piece` and `read`. `length` counts bytes before compression.
    """

    def __init__(self, path: str, tail: bytes = b"", append: bool = False) -> None:
        # Without a tail an empty piece: a file of 0 bytes is not valid.
        super().__init__(path, self.piece(tail), append)
        self._before = 0  # uncompressed bytes of the pieces in the file
        self._pending = bytearray()
        self._pending_lines = 0

    @staticmethod
    def piece(data: bytes | bytearray) -> bytes:
        """`data` compressed, as a piece that stands for itself."""
        raise NotImplementedError

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
        if len(self._pending) >= PIECE:
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

    def _begin_after_base(self) -> None:
        """As `File`, and count what is in the base, which has to be of the same compression."""
        was_known = self._base is not None
        super()._begin_after_base()
        if was_known:
            self._cut()  # what comes after it may be half a piece
        try:
            with self.read() as source:
                while self.base and (chunk := source.read(1 << 20)):
                    self._before += len(chunk)
        except self.damage as error:
            raise output_error(
                self.path, OSError(f"what is there is not compressed as its name says: {error}")
            ) from error

        if not self._before:
            self._base = (0, 0)
            self._size = self._crc = 0

    def _start(self, length: int) -> None:
        self._before = length
        self._pending.clear()
        self._pending_lines = 0

    def _put(self) -> None:
        """Write what waits as one piece."""
        super().append(self.piece(self._pending))
        self._before += len(self._pending)
        self._pending.clear()
        self._pending_lines = 0
