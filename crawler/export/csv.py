"""CSV as in RFC 4180: UTF-8 without a byte order mark, CRLF, a header line.

Values are written as they are, also those that a spreadsheet would take for a formula (`=1+1`, `@name`): changing them
spoils the data for every other reader. Who opens the file in a spreadsheet asks for `escape`.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, BinaryIO

import msgspec

from crawler.errors import OutputError
from crawler.export.base import FileExporter
from crawler.export.cell import cell
from crawler.export.file import File, beside


class Csv(FileExporter):
    """Items as rows; the columns are the fields in the order they were first met.

    A field that comes up later becomes a column too: the file is written anew with the longer header and takes
    the place of the old one at once. An item without any field has no row.

    With `escape`, cells that begin as formulas do get a ' in front, the header's too (OWASP, "CSV Injection"); numbers
    stay as they are. That is for the comma: a reader who is told of another separator sees other cells.

    `fields` are columns from the start, in this order. With `append` rows go under the header that is there, and a
    field that has no column in it raises `OutputError`: the rows of others are not changed.
    """

    LINE_END = b"\r\n"

    def __init__(
        self,
        path: str,
        kind: type[File] = File,
        append: bool = False,
        escape: bool = False,
        fields: Sequence[str] = (),
    ) -> None:
        super().__init__(path, kind, append)
        self._escape = escape
        self._fields = dict.fromkeys(fields)
        self._header = dict(self._fields)  # used as an ordered set

    def open(self) -> None:
        """Create the file, replacing an old one or going on under its header. Raises `OutputError`."""
        self._header = dict(self._fields)
        self._remove_leftover()
        super().open()
        if self._file.append_to and self._file.cuttable and self._file.length:
            self._header = self._header_there()
            if strange := [name for name in self._fields if name not in self._header]:
                self.close()
                raise self._no_column(strange[0])

    def resume(self, mark: dict[str, Any]) -> bool:
        """As every exporter. A file with another header is written by a longer one, and not what `mark` is about."""
        self._remove_leftover()
        if not super().resume(mark):
            return False
        self._header = dict.fromkeys(mark.get("header", ()))
        return True

    def mark(self) -> tuple[dict[str, Any], int]:
        """As every exporter, with the header."""
        mark, behind = super().mark()
        return mark | ({"header": list(self._header)} if mark else {}), behind

    def write(self, lines: Sequence[bytes]) -> None:
        """Append items, each given as one JSON object. Raises `OutputError`."""
        items = [item for item in map(_decode, lines) if item]
        header = dict(self._header)
        for item in items:
            if not item.keys() <= header.keys():
                header.update(dict.fromkeys(item))
        if self._file.base and len(header) > len(self._header):
            raise self._no_column(next(name for name in header if name not in self._header))
        rows = [[cell(item.get(name)) for name in header] for item in items]
        if not self._file.length:
            rows = [list(header), *rows] if rows else []
        elif len(header) > len(self._header):
            self._widen(header)
        self._file.append(self._encode(rows), len(lines))
        self._header = header

    def _widen(self, header: dict[str, None]) -> None:
        """Replace the file by one with more columns, empty in the rows it has."""
        if not self._file.cuttable:
            new = next(name for name in header if name not in self._header)
            raise OutputError(
                f"cannot write {self.path}: the new field {new!r} needs a new header, and this is not a regular file",
                hint="give every item the same fields, or write .jsonl",
            )
        self._file.flush()
        padding = b"," * (len(header) - len(self._header)) + b"\r\n"
        with self._file.anew() as new_file, self._file.read() as source:
            records = _records(source)
            next(records, None)
            new_file.append(self._encode([list(header)]))
            while batch := list(islice(records, 1000)):
                new_file.append(b"".join([record + padding for record in batch]))
        self._file = new_file
        self._header = header

    def _header_there(self) -> dict[str, None]:
        """The header of the file that rows are appended to."""
        with self._file.read() as source, io.TextIOWrapper(source, encoding="utf-8-sig", newline="") as text:
            try:
                names = next(csv.reader(text), [])
            except (csv.Error, UnicodeError) as error:
                raise OutputError(f"cannot append to {self.path}: its header cannot be read: {error}") from error
        if self._escape:
            names = [name[1:] if name.startswith("'") and _is_formula(name[1:]) else name for name in names]
        return dict.fromkeys(names)

    def _no_column(self, name: str) -> OutputError:
        fields = ",".join(name for name in self._header if "," not in name)
        return OutputError(
            f"cannot append to {self.path}: it has no column {name!r}",
            hint=f"its columns are chosen by --fields {shlex.quote(fields)}, or name another output",
        )

    def _encode(self, rows: Sequence[Sequence[str]]) -> bytes:
        if self._escape:
            rows = [[f"'{text}" if _is_formula(text) else text for text in row] for row in rows]
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        return text.getvalue().encode()

    def _remove_leftover(self) -> None:
        """Of a process that was killed while it wrote the file anew."""
        with suppress(OSError):
            os.unlink(beside(self._file.place))


def _decode(line: bytes) -> dict[str, Any]:
    item: dict[str, Any] = msgspec.json.decode(line)
    return item


# Full-width ones count as well where a spreadsheet speaks Chinese or Japanese.
_BEGINS_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d+)*|[.,]\d+)(?:e[+-]?\d+)?%?", re.ASCII | re.IGNORECASE)


def _is_formula(text: str) -> bool:
    """Whether a spreadsheet may run a cell."""
    return text.startswith(_BEGINS_FORMULA) and not _NUMBER.fullmatch(text)


def _records(source: BinaryIO) -> Iterator[bytes]:
    """The records of a file that `Csv` wrote, without their line ends.

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
