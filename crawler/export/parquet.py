"""Apache Parquet (extra `parquet`), written at the end: the types of its columns are those of all items.

Integers, floats, booleans, text and lists of these keep their type; integers and floats together are floats, in which
those above 2**53 lose digits. An object is JSON text, and so are the values of a field that has several types, which
is told.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from itertools import islice
from typing import IO, Any

import msgspec

from crawler.errors import OutputError, UsageError
from crawler.export.cell import cell
from crawler.export.file import beside, open_locked, output_error, unlock
from crawler.export.kinds import Kind, is_mixed, kind_of, merged

GROUP = 50_000  # rows of a row group,
_GROUP_BYTES = 64 * 1024 * 1024  # and bytes of the lines they come from


class Parquet:
    """Items as rows of a Parquet file, which takes the place of an old one when it is complete.

    Lines wait in a temporary file until `close`, when the types are known. `fields` are columns in any case, in this
    order; other ones follow in the order they were first met.
    """

    def __init__(self, path: str, fields: Sequence[str] = ()) -> None:
        if find_spec("pyarrow") is None:
            raise UsageError(
                f"{path} needs the extra parquet, which is not installed", hint="pip install 'crawler[parquet]'"
            )
        self.path = path
        self._place = os.path.abspath(path)
        self._fields = fields
        self._kinds: dict[str, Kind] = {}
        self._mixed: dict[str, None] = {}
        self._lines: IO[bytes] | None = None
        self._lock = -1

    def open(self) -> None:
        """Look whether the file can be written. Raises `OutputError`, and `UsageError` if a crawl is writing it."""
        self.abandon()
        self._kinds = dict.fromkeys(self._fields, "null")
        self._mixed = {}
        try:
            self._lock = open_locked(self.path, self._place, os.O_WRONLY | os.O_CREAT)
            if not os.path.isfile(self._place):
                raise OutputError(f"cannot write {self.path}: Parquet needs a regular file, and this is none")
            self._lines = tempfile.TemporaryFile(prefix="crawl-parquet-")  # noqa: SIM115, until `close`
        except OSError as error:
            self.abandon()
            raise output_error(self.path, error) from error
        except BaseException:
            self.abandon()
            raise

    def resume(self, mark: dict[str, Any]) -> bool:
        """Never: it is written anew."""
        return False

    def write(self, lines: Sequence[bytes]) -> None:
        """Keep items, each given as one JSON object, and learn their types. Raises `OutputError`."""
        if self._lines is None:
            raise OutputError(f"cannot write {self.path}: it is closed")
        for line in lines:
            for name, value in msgspec.json.decode(line).items():
                self._learn(name, kind_of(value))
        try:
            self._lines.writelines(line + b"\n" for line in lines)
        except OSError as error:
            raise self._no_room(error) from error

    def mark(self) -> tuple[dict[str, Any], int]:
        """Nothing that can be cut."""
        return {}, 0

    def flush(self, sync: bool) -> None:
        """Nothing, as it is not there yet."""

    def close(self) -> None:
        """Write the file. Raises `OutputError`."""
        if self._lines is None:
            return
        new = beside(self._place)
        try:
            try:
                self._lines.seek(0)
            except OSError as error:
                raise self._no_room(error) from error
            self._write(new, self._lines)
            os.replace(new, os.path.realpath(self._place))
        except Exception as error:  # of pyarrow, for which the disk is one cause among others
            with suppress(OSError):
                os.unlink(new)
            if isinstance(error, OutputError):
                raise
            if isinstance(error, OSError):
                raise output_error(self.path, error) from error
            raise OutputError(f"cannot write {self.path}: {error}") from error
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Leave the file as it is."""
        if self._lines is not None:
            with suppress(OSError):  # it writes what it could not write before, and nobody needs it any more
                self._lines.close()
            self._lines = None
        if self._lock >= 0:
            unlock(self._lock)
            os.close(self._lock)
            self._lock = -1

    def notes(self) -> list[str]:
        """The fields whose values had several types."""
        return [
            f"{self.path}: the field {name} has values of several types, all are written as text"
            for name in self._mixed
        ]

    def _no_room(self, error: OSError) -> OutputError:
        return OutputError(
            f"cannot write {self.path}: its lines wait in {tempfile.gettempdir()}: {error.strerror}",
            hint="TMPDIR=… names another folder; the items are in the ledger: crawl export writes them",
        )

    def _learn(self, name: str, kind: Kind) -> None:
        known = self._kinds.get(name, "null")
        if kind == known:
            self._kinds[name] = kind
            return
        if is_mixed(known, kind):
            self._mixed[name] = None
        self._kinds[name] = merged(known, kind)

    def _write(self, path: str, lines: IO[bytes]) -> None:
        import pyarrow
        from pyarrow import parquet

        schema = pyarrow.schema([(name, _type_of(kind, pyarrow)) for name, kind in self._kinds.items()])
        with parquet.ParquetWriter(path, schema) as writer:
            for group in _groups(lines):
                items = [msgspec.json.decode(line) for line in group]
                arrays = [
                    pyarrow.array([_fitted(item.get(name), kind) for item in items], _type_of(kind, pyarrow))
                    for name, kind in self._kinds.items()
                ]
                writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))


def _groups(lines: IO[bytes]) -> Iterator[list[bytes]]:
    while True:
        group: list[bytes] = []
        size = 0
        for line in islice(lines, GROUP):
            group.append(line)
            size += len(line)
            if size >= _GROUP_BYTES:
                break
        if not group:
            return
        yield group


def _type_of(kind: Kind, pyarrow: Any) -> Any:
    if isinstance(kind, tuple):
        return pyarrow.list_(_type_of(kind[1], pyarrow))
    match kind:
        case "bool":
            return pyarrow.bool_()
        case "int":
            return pyarrow.int64()
        case "float":
            return pyarrow.float64()
    return pyarrow.string()


def _fitted(value: Any, kind: Kind) -> Any:
    """A value as its column takes it."""
    if value is None:
        return None
    if isinstance(kind, tuple):
        return [_fitted(one, kind[1]) for one in value]
    match kind:
        case "bool" | "int":
            return value
        case "float":
            return float(value)
    return cell(value)
