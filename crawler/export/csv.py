"""CSV as in RFC 4180: UTF-8 without a byte order mark, CRLF, a header line.

Values are written as they are, also those that a spreadsheet would take for a formula (`=1+1`, `-5`, `@name`):
changing them would spoil the data for every other reader.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import msgspec

from crawler.errors import OutputError
from crawler.export.base import FileExporter, output_error
from crawler.export.cell import cell


class Csv(FileExporter):
    """Items as rows; the columns are the fields in the order they were first met.

    A field that comes up later becomes a column too: the file is written anew with the longer header and takes
    the place of the old one at once. An item without any field has no row.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._header: dict[str, None] = {}  # used as an ordered set

    def open(self) -> None:
        """Create the file, replacing an old one. Raises `OutputError`."""
        super().open()
        self._header = {}
        with contextlib.suppress(OSError):  # left by a process that was killed while it wrote the file anew
            os.unlink(_beside(self.path))

    def write(self, lines: Sequence[bytes]) -> None:
        """Append items, each given as one JSON object. Raises `OutputError`."""
        items = [item for item in map(_decode, lines) if item]
        header = dict(self._header)
        for item in items:
            if not item.keys() <= header.keys():
                header.update(dict.fromkeys(item))
        if not items:
            return
        rows = [[cell(item.get(name)) for name in header] for item in items]
        if not self._position:
            rows.insert(0, list(header))
        elif len(header) > len(self._header):
            self._widen(header)
        self._append(_encode(rows))
        self._header = header

    def _widen(self, header: dict[str, None]) -> None:
        """Replace the file by one with more columns, empty in the rows it has."""
        if not self._cuttable:
            new = next(name for name in header if name not in self._header)
            raise OutputError(
                f"cannot write {self.path}: the new field {new!r} needs a new header, and this is not a regular file",
                hint="give every item the same fields, or write .jsonl",
            )
        path = os.path.realpath(self.path)  # a link stays a link
        try:
            beside = _beside(path)
            fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.fchmod(fd, stat.S_IMODE(os.fstat(self._fd).st_mode))
                size = self._copy(path, fd, header)
                os.replace(beside, path)
            except BaseException:
                os.close(fd)
                os.unlink(beside)
                raise
        except OSError as error:
            raise output_error(self.path, error) from error
        old, self._fd = self._fd, fd
        self._position = size
        self._header = header
        with contextlib.suppress(OSError):  # nobody needs the old file any more
            os.close(old)

    def _copy(self, path: str, fd: int, header: dict[str, None]) -> int:
        """Write the rows of the file at `path` to `fd` under `header`; the bytes written."""
        padding = b"," * (len(header) - len(self._header)) + b"\r\n"
        with open(path, "rb") as source, open(fd, "wb", closefd=False) as target:
            records = _records(source)
            next(records)
            target.write(_encode([list(header)]))
            target.writelines(record + padding for record in records)
            return target.tell()


def _beside(path: str) -> str:
    """Where the file at `path` is written anew: in the same folder, as only there it can take its place at once."""
    folder, name = os.path.split(os.path.realpath(path))
    return os.path.join(folder, f".{name}.wider")


def _decode(line: bytes) -> dict[str, Any]:
    item: dict[str, Any] = msgspec.json.decode(line)
    return item


def _encode(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _records(source: BinaryIO) -> Iterator[bytes]:
    """The records of a file that `_encode` wrote, without their line ends.

    A line end inside a cell follows an odd number of quotes. Not `csv.reader`, which refuses cells over 128 KiB
    unless a limit of the whole process is changed.
    """
    parts: list[bytes] = []
    quotes = 0
    for line in source:
        parts.append(line)
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            yield b"".join(parts)[:-2]
            parts.clear()
