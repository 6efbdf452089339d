"""A table in any database that SQLAlchemy reaches (extra `sql`, and the driver of the database): `-o URL#table`.

A column has the type of the values it was given first. When others come up, PostgreSQL widens it (to numbers with a
fraction, to text), SQLite takes them as they are, and elsewhere the item is refused. Lists and objects are JSON. `_run`
and `_item` are the key of a row: the run that it comes from, and its number in there, from 1. Rows are upserted where
the database can do that, so nothing is there twice, whatever was killed.

Not for columns whose type somebody has changed to one that text does not go into (dates, UUIDs, arrays): the database
refuses the items. Whole numbers above 2**53 lose digits in a column that also has fractions.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import msgspec

from crawler.digest import digest_of
from crawler.errors import OutputError, UsageError
from crawler.export.cell import cell
from crawler.export.columns import ITEM, RUN, Columns
from crawler.export.file import open_locked, output_error, unlock
from crawler.export.kinds import kind_of, merged
from crawler.export.sql_database import database, kind_of_type, sql_of, types
from crawler.output_name import masked

if TYPE_CHECKING:
    import sqlalchemy as sa

_TRIES = 5  # of those who append to one table at the same time
_PATIENCE = 2.0  # seconds in which the session of a killed crawl ends, and its lock with it


class Sql:
    """Items as rows of a table at `url`, which gets a column for every field that comes up.

    The table is the fragment of the URL (`#films`, `#schema.films`), else `?table=films`, else `table`. Its rows are
    replaced, and the table itself stays, with its indexes and grants. With `append` only rows of this `run` are. A
    table that no crawl has made raises `UsageError`. Transactions are those of `write`: all of its items or none.
    """

    def __init__(self, url: str, table: str, run: str, fields: Sequence[str] = (), append: bool = False) -> None:
        self.path = masked(url)
        self._engine, self._secret, self._schema, self._table = database(url, table)
        self._run = run
        self._fields = fields
        self._append = append
        self._connection: sa.Connection | None = None
        self._file = -1  # of SQLite, which is locked as any other file is
        self._columns = Columns()
        self._there: dict[str, str] = {}  # what the columns of the table hold, by their names
        self._nulls: dict[str, None] = {}  # fields that had nothing but nulls, so that nobody knows what they hold
        self._rows = 0
        self._notes: dict[str, None] = {}

    def open(self) -> None:
        """Make the table, or take its rows away. Raises `OutputError`, and `UsageError` if a crawl is writing it."""
        for tries_left in reversed(range(_TRIES if self._append else 1)):
            try:
                self._open()
                break
            except OutputError:  # somebody else who appends has just made the table
                if not tries_left:
                    self.abandon()
                    raise
            except BaseException:
                self.abandon()
                raise
        self._columns = Columns(self._there, most=self._engine.dialect.max_identifier_length)
        self._nulls = dict.fromkeys(self._fields)
        self._rows = 0

    def _open(self) -> None:
        import sqlalchemy as sa

        self.abandon()
        with self._told():
            self._connect()
            with self._transaction() as connection:
                self._look(connection)
                if not self._there:
                    key = f"{RUN} {self._type('key')} NOT NULL, {ITEM} {self._type('int')} NOT NULL"
                    connection.exec_driver_sql(f"CREATE TABLE {self._name} ({key}, PRIMARY KEY ({RUN}, {ITEM}))")
                elif not {RUN, ITEM} <= self._there.keys():
                    raise UsageError(
                        f"{self.path} has a table {self._table!r} that no crawl has made",
                        hint=f"name another one: URL#table. The table of a crawl has the columns {RUN} and {ITEM}",
                    )
                else:
                    rows = sa.delete(self._rows_of(()))
                    connection.execute(rows.where(sa.column(RUN) == self._run) if self._append else rows)

    def resume(self, mark: dict[str, Any]) -> bool:
        """Go on after the rows that were there at the mark. False if they are not there any more."""
        if "rows" not in mark or not self._go_on(mark["rows"]):
            self.abandon()
            return False
        self._columns = Columns(self._there, mark["columns"], self._engine.dialect.max_identifier_length)
        self._nulls = dict.fromkeys(mark["nulls"])
        self._rows = mark["rows"]
        return True

    def _go_on(self, rows: int) -> bool:
        """Take away the rows of this run after the first `rows`. False if those are not there."""
        import sqlalchemy as sa

        with self._told():
            self._connect()
            with self._transaction() as connection:
                self._look(connection)
                if not {RUN, ITEM} <= self._there.keys():
                    return False
                table = self._rows_of(())
                own, number = table.c[RUN] == self._run, table.c[ITEM]
                count = sa.select(sa.func.count()).select_from(table).where(own, number <= rows)
                if connection.execute(count).scalar_one() != rows:
                    return False
                connection.execute(sa.delete(table).where(own, number > rows))
        return True

    def write(self, lines: Sequence[bytes]) -> None:
        """Append items, each given as one JSON object. Raises `OutputError`."""
        items = [msgspec.json.decode(line) for line in lines]
        for tries_left in reversed(range(_TRIES if self._append else 2)):
            try:
                self._write(items)
                break
            except _Disconnected:  # a server that was started again, or has closed what was idle
                if not tries_left:
                    raise
                with self._told():
                    self._connect()
            except OutputError:  # somebody else who appends was quicker with a column; it is looked at again
                if not tries_left or not self._append:
                    raise

    def mark(self) -> tuple[dict[str, Any], int]:
        """How many rows there are of this run, the columns of their fields, and fields without any."""
        return {"rows": self._rows, "columns": self._columns.of, "nulls": list(self._nulls)}, 0

    def flush(self, sync: bool) -> None:
        """Nothing: what was written is in the hands of the database."""

    def close(self) -> None:
        """Give fields that had nothing but nulls a column of text, and end the connection. May be called twice."""
        if self._connection is None:
            return
        try:
            if self._nulls and self._rows and self._there:
                with self._told(), self._transaction() as connection:
                    for field in self._nulls:
                        self._fit(connection, self._columns, field, "text")
                self._nulls = {}
        finally:
            self.abandon()

    def abandon(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()
        if self._file >= 0:  # after the database: closing any descriptor of a file ends SQLite's own locks
            unlock(self._file)
            os.close(self._file)
            self._file = -1

    def notes(self) -> list[str]:
        """What has become of fields: columns of another name, or that hold text only because the values differ."""
        renamed = [
            f"{self.path}: the column of the field {field} is called {name}"
            for field, name in self._columns.of.items()
            if field != name
        ]
        return [*renamed, *self._notes]

    # -- rows and columns -----------------------------------------------------------------------------------------

    def _write(self, items: Sequence[dict[str, Any]]) -> None:
        columns, nulls = self._columns.copy(), dict(self._nulls)
        try:
            with self._told(), self._transaction() as connection:
                if not self._there:
                    self._look(connection)
                    columns = Columns(self._there, columns.of, self._engine.dialect.max_identifier_length)
                for field, kind in self._kinds_of(items).items():
                    if kind == "null":
                        self._nulls[field] = None
                    else:
                        self._nulls.pop(field, None)
                        self._fit(connection, columns, field, kind)
                if items:
                    rows = [self._row(item, number, columns) for number, item in enumerate(items, self._rows + 1)]
                    connection.execute(self._upsert(list(columns.of.values())), rows)
        except BaseException:
            # Columns are not taken back with the transaction everywhere.
            self._nulls, self._there = nulls, {}
            raise
        self._columns = columns
        self._rows += len(items)

    def _kinds_of(self, items: Sequence[dict[str, Any]]) -> dict[str, str]:
        """What new values there are of which field. Fields whose nulls have no column yet stay "null"."""
        kinds: dict[str, str] = {}
        if not self._rows:  # the order of the columns
            kinds = dict.fromkeys(self._fields, "null")
        for item in items:
            for field, value in item.items():
                kind = _simple(value)
                known = kinds.get(field, "null")
                if kind != known or field not in kinds:
                    kinds[field] = str(merged(known, kind))
        return {field: kind for field, kind in kinds.items() if kind != "null" or field not in self._columns.of}

    def _fit(self, connection: sa.Connection, columns: Columns, field: str, kind: str) -> None:
        """Let a field have a column that takes values of `kind`."""
        if field not in columns.of and columns.add(field):
            name = self._quoted(columns.of[field])
            connection.exec_driver_sql(f"ALTER TABLE {self._name} ADD COLUMN {name} {self._type(kind)}")
            self._there[columns.of[field]] = kind
        column = columns.of[field]
        before = self._there[column]
        wide = str(merged(before, kind))
        if wide != before and not self._is_untyped:
            self._widen(connection, column, wide)
            self._there[column] = wide
            if wide == "text":
                self._notes[f"{self.path}: the field {field} has values of several types, its column is text now"] = (
                    None
                )

    def _widen(self, connection: sa.Connection, column: str, kind: str) -> None:
        if self._engine.dialect.name != "postgresql":
            raise OutputError(
                f"cannot write {self.path}: the column {column!r} does not take values of the type {kind}",
                hint="give all items the same type in this field, or change the column by hand and crawl resume",
            )
        name, wide = self._quoted(column), self._type(kind)
        connection.exec_driver_sql(
            f"ALTER TABLE {self._name} ALTER COLUMN {name} TYPE {wide} USING {name}::text::{wide}"
        )

    def _row(self, item: dict[str, Any], number: int, columns: Columns) -> dict[str, Any]:
        row: dict[str, Any] = {RUN: self._run, ITEM: number}
        for field, column in columns.of.items():
            value = item.get(field)
            row[column] = _untyped(value) if self._is_untyped else _typed(value, self._there[column])
        return row

    def _upsert(self, names: Sequence[str]) -> Any:
        """An INSERT that replaces the row of the same key, where the database can say so."""
        import sqlalchemy as sa
        from sqlalchemy.dialects import mysql, postgresql, sqlite

        table = self._rows_of(names)
        match self._engine.dialect.name:
            case "postgresql" | "sqlite" as dialect:
                insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
                if not names:
                    return insert.on_conflict_do_nothing(index_elements=[RUN, ITEM])
                new = {name: insert.excluded[name] for name in names}
                return insert.on_conflict_do_update(index_elements=[RUN, ITEM], set_=new)
            case "mysql" | "mariadb" if names:
                into = mysql.insert(table)
                return into.on_duplicate_key_update({name: into.inserted[name] for name in names})
        return sa.insert(table)

    def _rows_of(self, names: Sequence[str]) -> sa.TableClause:
        import sqlalchemy as sa

        own = [sa.column(name, None if self._is_untyped else types()[self._there[name]]) for name in names]
        return sa.table(self._table, sa.column(RUN), sa.column(ITEM), *own, schema=self._schema)

    # -- the database ---------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        if self._connection is None:
            if self._is_untyped and self._file < 0:
                self._lock_file(self._engine.url.database or "")
            self._connection = self._engine.connect()
            if self._engine.dialect.name == "postgresql" and not self._append:
                self._lock(self._connection)

    def _lock(self, connection: sa.Connection) -> None:
        """Keep others from replacing the rows, until this session ends. Who appends does nobody any harm."""
        import sqlalchemy as sa

        lock = sa.select(sa.func.pg_try_advisory_lock(digest_of(f"crawl {self._name}".encode())))
        until = time.monotonic() + _PATIENCE
        while not connection.execute(lock).scalar_one():
            if time.monotonic() > until:
                self.abandon()
                raise UsageError(
                    f"{self.path} is being written by another crawl",
                    hint="wait for its end, name another table (URL#table), or add to this one with --append",
                )
            time.sleep(0.05)
        connection.commit()

    def _lock_file(self, path: str) -> None:
        if not path or path == ":memory:" or path.startswith("file:"):
            return
        try:
            self._file = open_locked(self.path, path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise output_error(self.path, error) from error

    def _look(self, connection: sa.Connection) -> None:
        import sqlalchemy as sa

        inspector = sa.inspect(connection)
        self._there = {}
        if inspector.has_table(self._table, schema=self._schema):
            columns = inspector.get_columns(self._table, schema=self._schema)
            self._there = {one["name"]: kind_of_type(one["type"]) for one in columns}

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        if self._connection is None:
            raise OutputError(f"cannot write {self.path}: it is closed")
        with self._connection.begin():
            yield self._connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of the database as ours, without the password."""
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError

        try:
            yield
        except SQLAlchemyError as error:
            cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
            told = " ".join(str(cause).split())
            if self._secret:
                told = told.replace(self._secret, "***")
            kind = OutputError
            if isinstance(error, DBAPIError) and error.connection_invalidated and self._connection is not None:
                self.abandon()
                kind = _Disconnected
            raise kind(
                f"cannot write {self.path}: {told}", hint="the items are in the ledger: crawl resume tries it again"
            ) from error

    @property
    def _is_untyped(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    @property
    def _name(self) -> str:
        name = self._quoted(self._table)
        return f"{self._quoted(self._schema)}.{name}" if self._schema else name

    def _quoted(self, name: str) -> str:
        return str(self._engine.dialect.identifier_preparer.quote_identifier(name))

    def _type(self, kind: str) -> str:
        return "" if self._is_untyped and kind != "key" else sql_of(kind, self._engine.dialect)


class _Disconnected(OutputError):
    """The connection was lost; another one may do."""


def _simple(value: Any) -> str:
    """The kind of a value as databases have them: lists are JSON, and what is too large for 64 bits is text."""
    if isinstance(value, list):
        return "json"
    kind = kind_of(value)
    return "text" if kind == "big" else str(kind)


def _typed(value: Any, kind: str) -> Any:
    """A value as a column of that kind takes it. No database takes the character NUL, and none needs it."""
    if value is None:
        return None
    match kind:
        case "float":
            return float(value)
        case "text":
            return cell(value).replace("\0", "")
        case "json":
            return _without_nul(value)
    return value


def _untyped(value: Any) -> Any:
    """A value as SQLite keeps it."""
    if isinstance(value, bool):
        return int(value)
    return cell(value) if isinstance(value, list | dict) or _simple(value) == "text" else value


def _without_nul(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "")
        case list():
            return [_without_nul(one) for one in value]
        case dict():
            return {_without_nul(name): _without_nul(one) for name, one in value.items()}
    return value
