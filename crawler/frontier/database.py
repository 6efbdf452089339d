"""The file of a ledger: opened, read in one moment or written in transactions, its errors told. No table in here."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from crawler.errors import OutputError, UsageError


class Database:
    """An SQLite file, or with `path` None one in memory that is gone with the process.

    With `read_only` nothing is written to the file, and all that is read is of one moment. Raises `UsageError` for what
    is wrong in the file, and `OutputError` when it cannot be written (or read at all).
    """

    def __init__(self, path: Path | None, read_only: bool) -> None:
        self.path = path
        self._act = "read" if read_only else "write"
        if path is not None and not read_only:
            # For its owner only: it has cookies, credentials and what forms were filled with. SQLite says what is wrong
            # if this fails, and gives its own files beside it the same rights.
            with suppress(OSError):
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        with self._told():
            self._db = _connect(path, read_only)

    def select(self, query: str, *values: Any) -> list[Any]:
        """The rows of a query, for those who ask what is asked nowhere else (`lookup.py`)."""
        with self._told():
            return self._db.execute(query, values).fetchall()

    def stream(self, query: str, *values: Any) -> Iterator[Any]:
        """As `select`, for more rows than memory should hold."""
        for rows in self._chunks(query, 1000, *values):
            yield from rows

    def define(self, name: str, function: Callable[[Any], Any]) -> None:
        """Let queries call a function of one value. What it raises is told as damage of the file."""
        self._db.create_function(name, 1, function, deterministic=True)

    def check(self) -> None:
        """Raise `UsageError` if the file is damaged anywhere. Reads all of it: 0.4 s for a million requests."""
        found = self._row("PRAGMA quick_check(1)")[0]
        if found != "ok":
            raise self._damaged(found)

    def close(self) -> None:
        """Close the file. What was not committed is gone."""
        with suppress(sqlite3.Error):
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's errors as ours: what the disk or another process is to blame for, and what is wrong in the file."""
        try:
            yield
        except msgspec.MsgspecError as error:
            raise self._damaged(error) from error
        except sqlite3.DatabaseError as error:
            # A table or column that is missing is an operational error too, and so is text that cannot be decoded.
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            if not isinstance(error, sqlite3.OperationalError) or code == sqlite3.SQLITE_ERROR:
                raise self._damaged(error) from error
            if self._act == "read":
                hint = "it may not be yours to read; if its folder cannot be written, read a copy of the whole folder"
            else:
                hint = "make room or fix the permissions; what was committed is whole, and `crawl resume` goes on"
            raise OutputError(f"cannot {self._act} the ledger {self.path}: {error}", hint=hint) from error

    def _damaged(self, what: object) -> UsageError:
        return UsageError(
            f"{self.path} is not a whole ledger: {what}",
            hint="start a new run: crawl run; `crawl export RUN -o FILE` may still save the items of this one",
        )

    def _row(self, query: str, *values: Any) -> Any:
        with self._told():
            return self._db.execute(query, values).fetchone()

    def _number(self, query: str) -> int:
        return int(self._row(query)[0])

    def _chunks(self, query: str, size: int, *values: Any) -> Iterator[list[Any]]:
        """The rows of a query, `size` at once."""
        with self._told():
            cursor = self._db.execute(query, values)
            rows = cursor.fetchmany(size)
        while rows:
            yield rows
            with self._told():
                rows = cursor.fetchmany(size)


def _connect(path: Path | None, read_only: bool) -> sqlite3.Connection:
    if path is None or not read_only:
        return sqlite3.connect(path or ":memory:", isolation_level=None, timeout=5.0)
    uri = f"{path.absolute().as_uri()}?mode=ro"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5.0)
    try:
        db.execute("BEGIN")
        db.execute("SELECT 1 FROM sqlite_master")
    except sqlite3.OperationalError:
        # SQLite needs the index of the WAL beside the file, and makes it where it may. A ledger that was closed has
        # nothing in its WAL: in a folder where nobody can write, it can be read as a file that does not change.
        db.close()
        wal = path.with_name(f"{path.name}-wal")
        if wal.exists() and wal.stat().st_size:
            raise
        db = sqlite3.connect(f"{uri}&immutable=1", uri=True, isolation_level=None)
    except BaseException:
        db.close()
        raise
    return db
