"""A table in an SQLite file that any other program can open.

Columns have no declared type, so each value keeps its own: numbers are numbers and text is text, also where one field
has both. Booleans are 0 and 1, lists and objects JSON text. `_run` and `_item` are the key of a row: the run that it
comes from, and its number in there, from 1. So nothing is there twice, whatever was killed.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

from crawler.errors import OutputError, UsageError
from crawler.export.columns import ITEM, RUN, Columns
from crawler.export.file import open_locked, output_error, unlock

_HEAD = b"SQLite format 3\0"
_MOST_COLUMNS = 2000  # of a table (https://sqlite.org/limits.html)


class Sqlite:
    """Items as rows of `table`, which gets a column for every field that comes up.

    An old file is replaced, unless it has other tables than this one, which raises `UsageError`. With `append` the rows
    are added to the table, and other tables do not matter. `run` names the run in its rows.
    """

    def __init__(self, path: str, table: str, run: str, fields: Sequence[str] = (), append: bool = False) -> None:
        self.path = path
        self._place = os.path.abspath(path)
        self._table = table
        self._run = run
        self._fields = fields
        self._append = append
        self._columns = Columns()
        self._rows = 0
        self._db: sqlite3.Connection | None = None
        self._lock = -1

    def open(self) -> None:
        """Create the file, or go on in it. Raises `OutputError`, and `UsageError` if a crawl is writing it."""
        self.close()
        try:
            self._lock = open_locked(self.path, self._place, os.O_RDWR | os.O_CREAT)
            if not stat.S_ISREG(os.fstat(self._lock).st_mode):
                raise OutputError(f"cannot write {self.path}: SQLite needs a regular file, and this is none")
            if not self._append:
                self._empty()
            self._connect()
            self._prepare()
        except OSError as error:
            self.close()
            raise output_error(self.path, error) from error
        except sqlite3.Error as error:
            self.close()
            raise self._failed(error) from error
        except BaseException:
            self.close()
            raise

    def resume(self, mark: dict[str, Any]) -> bool:
        """Go on after the rows that were there at the mark. False if they are not there any more."""
        if "rows" not in mark or not os.path.isfile(self._place):
            return False
        try:
            self._lock = open_locked(self.path, self._place, os.O_RDWR)
            self._connect()
            (found,) = self._sql(f"SELECT count(*) FROM {_quoted(self._table)} WHERE {_KEY} <= ?", mark["rows"])
            if found != mark["rows"]:
                self.close()
                return False
            self._columns = Columns(self._there(), of=mark["columns"])
            self._sql(f"DELETE FROM {_quoted(self._table)} WHERE {_KEY} > ?", mark["rows"])
        except (OSError, sqlite3.Error):
            self.close()
            return False
        except BaseException:
            self.close()
            raise
        self._rows = mark["rows"]
        return True

    def write(self, lines: Sequence[bytes]) -> None:
        """Append items, each given as one JSON object. Raises `OutputError`."""
        if self._db is None:
            raise OutputError(f"cannot write {self.path}: it is closed")
        items = [msgspec.json.decode(line) for line in lines]
        columns = self._columns.copy()
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for item in items:
                    for field in item:
                        if field not in columns.of:
                            self._add(columns, field)
                names = ", ".join(map(_quoted, (RUN, ITEM, *columns.of.values())))
                holes = ", ".join("?" * (len(columns.of) + 2))
                self._db.executemany(
                    f"INSERT OR REPLACE INTO {_quoted(self._table)} ({names}) VALUES ({holes})",
                    (
                        (self._run, number, *(_value(item.get(field)) for field in columns.of))
                        for number, item in enumerate(items, self._rows + 1)
                    ),
                )
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise self._failed(error) from error
        self._columns = columns
        self._rows += len(items)

    def mark(self) -> tuple[dict[str, Any], int]:
        """How many rows there are of this run, and the columns of their fields."""
        return {"rows": self._rows, "columns": self._columns.of}, 0

    def flush(self, sync: bool) -> None:
        """With `sync` the file survives a loss of power from here on. Raises `OutputError`."""
        if sync and self._lock >= 0:
            try:
                os.fsync(self._lock)
            except OSError as error:
                raise output_error(self.path, error) from error

    def close(self) -> None:
        """Close the file. May be called twice, and for a file that was never opened."""
        if self._db is not None:
            self._db.close()
            self._db = None
        if self._lock >= 0:  # after the database: closing any descriptor of a file ends SQLite's own locks
            unlock(self._lock)
            os.close(self._lock)
            self._lock = -1

    def abandon(self) -> None:
        """As `close`: the file is complete at any time."""
        self.close()

    def notes(self) -> list[str]:
        """The fields whose column has another name."""
        return [
            f"{self.path}: the column of the field {field} is called {name}"
            for field, name in self._columns.of.items()
            if field != name
        ]

    def _empty(self) -> None:
        """Take away what is in the file, if it is nothing of somebody else."""
        head = os.pread(self._lock, len(_HEAD), 0)
        if head == _HEAD:
            self._connect()
            tables = [name for (name,) in self._query("SELECT name FROM sqlite_master WHERE type = 'table'")]
            others = [name for name in tables if name != self._table and not name.startswith("sqlite_")]
            if others or (self._table in tables and RUN not in self._there()):
                told = (
                    f"has other tables, such as {others[0]!r}" if others else f"has a table {self._table!r} of its own"
                )
                raise UsageError(
                    f"{self.path} {told}, and -o replaces the whole file",
                    hint="--append adds a table to it, or name another output"
                    if others
                    else "name another output, or another table: crawl writes into those with its columns only",
                )
            assert self._db is not None
            self._db.close()
            self._db = None
        for end in ("-journal", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.unlink(os.path.realpath(self._place) + end)
        os.ftruncate(self._lock, 0)

    def _connect(self) -> None:
        self._db = sqlite3.connect(self._place, isolation_level=None, timeout=30.0)
        # A file of ours can be written again from the ledger; one with other people's tables cannot.
        self._db.execute(f"PRAGMA synchronous = {'NORMAL' if self._append else 'OFF'}")

    def _prepare(self) -> None:
        """Make the table, or take it as it is."""
        self._rows = 0
        there = self._there()
        if there and not {RUN, ITEM} <= set(there):
            raise UsageError(
                f"{self.path} has a table {self._table!r} that no crawl has made",
                hint=f"name another one: the table of a crawl has the columns {RUN} and {ITEM}",
            )
        if there:
            self._sql(f"DELETE FROM {_quoted(self._table)} WHERE {RUN} = ?")
        else:
            assert self._db is not None
            self._db.execute(
                f"CREATE TABLE {_quoted(self._table)} ({RUN} TEXT NOT NULL, {ITEM} INTEGER NOT NULL,"
                f" PRIMARY KEY ({RUN}, {ITEM}))"
            )
        self._columns = Columns(there)
        for field in self._fields:
            self._add(self._columns, field)

    def _add(self, columns: Columns, field: str) -> None:
        assert self._db is not None
        if columns.add(field):
            if len(columns.of) + 2 > _MOST_COLUMNS:
                raise OutputError(
                    f"cannot write {self.path}: the items have more than {_MOST_COLUMNS - 2:,} different fields",
                    hint="choose some of them with --fields, or write .jsonl",
                )
            self._db.execute(f"ALTER TABLE {_quoted(self._table)} ADD COLUMN {_quoted(columns.of[field])}")

    def _there(self) -> list[str]:
        """The columns of the table, none if there is no such table."""
        return [name for _, name, *_ in self._query(f"PRAGMA table_info({_quoted(self._table)})")]

    def _query(self, query: str) -> list[Any]:
        assert self._db is not None
        return self._db.execute(query).fetchall()

    def _sql(self, query: str, *values: Any) -> Any:
        """A statement about the rows of this run."""
        assert self._db is not None
        return self._db.execute(query, (self._run, *values)).fetchone()

    def _failed(self, error: sqlite3.Error) -> OutputError:
        return OutputError(
            f"cannot write {self.path}: {error}", hint="the items written before are whole, and all are in the ledger"
        )


_KEY = f"{RUN} = ? AND {ITEM}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _value(value: Any) -> Any:
    """A decoded JSON value as SQLite keeps it. Integers of more than 64 bits are text."""
    if isinstance(value, list | dict):
        return msgspec.json.encode(value).decode()
    if type(value) is int and not -(2**63) <= value < 2**63:
        return str(value)
    return value
