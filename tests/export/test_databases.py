"""Tables: in an SQLite file, and by SQLAlchemy in SQLite and on a real PostgreSQL server."""

import json
import sqlite3
from contextlib import closing

import pytest

from crawler.errors import OutputError, UsageError
from crawler.export import file as files
from crawler.export import sql as sql_module
from crawler.export import sqlite as sqlite_module
from crawler.export.outputs import exporters
from crawler.export.registry import Options, exporter_for


class Table:
    """One table somewhere: `new(**options)` is an exporter of it, `rows()` what other people's code reads there."""

    def __init__(self, kind, tmp_path, url):
        self.kind = kind
        self.path = tmp_path / "out.sqlite"
        self.url = url

    def new(self, run="a", **options):
        if self.kind == "file":
            return exporter_for(str(self.path), Options(run=run, **options))
        from crawler.export.sql import Sql

        return Sql(self.url, "items", run, options.get("fields", ()), options.get("append", False))

    def written(self, *items, **options):
        exporter = self.new(**options)
        exporter.open()
        exporter.write([json.dumps(item).encode() for item in items])
        exporter.close()
        return exporter

    def execute(self, statement):
        if self.kind == "postgres":
            import sqlalchemy as sa

            engine = sa.create_engine(self.url, poolclass=sa.NullPool)
            with engine.begin() as connection:
                found = connection.exec_driver_sql(statement)
                return [dict(row) for row in found.mappings()] if found.returns_rows else []
        with closing(sqlite3.connect(self.path)) as db:
            db.row_factory = sqlite3.Row
            with db:
                return [dict(row) for row in db.execute(statement)]

    def rows(self, key=False):
        found = self.execute("SELECT * FROM items ORDER BY _run, _item")
        return found if key else [{name: row[name] for name in row if name not in ("_run", "_item")} for row in found]


@pytest.fixture(params=["file", "sqlite", "postgres"])
def table(request, tmp_path):
    if request.param != "file":
        pytest.importorskip("sqlalchemy", reason="SQLAlchemy is missing: pip install SQLAlchemy")
    url = f"sqlite:///{tmp_path}/out.sqlite"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres")
    made = Table(request.param, tmp_path, url)
    yield made
    if request.param == "postgres":
        made.execute("DROP TABLE IF EXISTS items")


def test_rows_have_a_key_and_columns_come_with_the_fields(table):
    table.written({"a": 1, "b": "x"}, {"b": "y", "c": 1.5})
    assert table.rows(key=True) == [
        {"_run": "a", "_item": 1, "a": 1, "b": "x", "c": None},
        {"_run": "a", "_item": 2, "a": None, "b": "y", "c": 1.5},
    ]


def test_columns_grow_while_rows_are_written(table):
    exporter = table.new()
    exporter.open()
    exporter.write([b'{"a":1}'])
    exporter.write([b'{"b":"x","a":2}'])
    exporter.close()
    assert table.rows() == [{"a": 1, "b": None}, {"a": 2, "b": "x"}]


def test_an_old_table_is_replaced(table):
    table.written({"a": 1}, {"a": 2}, run="old")
    table.written({"a": 3}, run="new")
    assert table.rows(key=True) == [{"_run": "new", "_item": 1, "a": 3}]


def test_rows_are_added_to_a_table_and_those_of_the_same_run_replaced(table):
    table.written({"a": 1}, {"a": 2}, run="old")
    table.written({"a": 3, "b": "x"}, run="new", append=True)
    table.written({"a": 4}, run="new", append=True)
    assert [(row["_run"], row["a"], row["b"]) for row in table.rows(key=True)] == [
        ("new", 4, None),
        ("old", 1, None),
        ("old", 2, None),
    ]


@pytest.mark.parametrize("append", [False, True])
def test_it_is_resumed_at_its_mark(table, append):
    if append:
        table.written({"z": 0}, run="before")
    exporter = table.new(append=append)
    exporter.open()
    exporter.write([b'{"a":1,"A":"x","n":null}'])
    mark, behind = exporter.mark()
    assert behind == 0
    exporter.write([b'{"a":2}', b'{"a":3}'])
    exporter.abandon()  # as a process that is killed
    other = table.new(append=append)
    assert other.resume(json.loads(json.dumps(mark)))
    other.write([b'{"a":4,"A":"y"}'])
    other.close()
    own = [row for row in table.rows(key=True) if row["_run"] == "a"]
    assert [(row["_item"], row["a"], row["A_2"], row["n"]) for row in own] == [(1, 1, "x", None), (2, 4, "y", None)]
    assert len(table.rows()) == 2 + append


def test_where_the_rows_are_gone_it_is_not_resumed(table):
    exporter = table.new()
    exporter.open()
    exporter.write([b'{"a":1}', b'{"a":2}'])
    mark, _ = exporter.mark()
    exporter.close()
    table.execute("DELETE FROM items WHERE _item = 1")
    assert not table.new().resume(mark)
    table.execute("DROP TABLE items")
    other = table.new()
    assert not other.resume(mark)
    other.open()
    other.close()
    assert table.rows() == []


@pytest.mark.parametrize("append", [False, True])
def test_a_file_that_is_being_written_is_refused_whatever_it_is_called(tmp_path, monkeypatch, append):
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is missing: pip install SQLAlchemy")
    monkeypatch.setattr(files, "_PATIENCE", 0.0)
    path = str(tmp_path / "out.sqlite")
    for names in ((path, f"sqlite:///{path}"), (f"sqlite:///{path}", path), (f"sqlite:///{path}", f"sqlite:///{path}")):
        first, second = exporters(names[:1], Options(run="a"), None) + exporters(
            names[1:], Options(append=append), None
        )
        first.open()
        with pytest.raises(UsageError, match="is being written by another crawl"):
            second.open()
        first.write([b'{"a":1}'])
        first.close()
        second.open()
        second.close()


def test_a_row_that_is_there_already_is_replaced(table):
    """The transaction of a killed process may become durable after the next one has looked."""
    exporter = table.new()
    exporter.open()
    exporter.write([b'{"a":1}'])
    table.execute("INSERT INTO items (_run, _item, a) VALUES ('a', 2, 99)")
    exporter.write([b'{"a":2}'])
    exporter.close()
    assert table.rows() == [{"a": 1}, {"a": 2}]


def test_lists_and_objects_are_json(table):
    table.written({"a": [1, "霸", None], "b": {"c": True}})
    (row,) = table.rows()
    if table.kind != "postgres":
        row = {name: json.loads(text) for name, text in row.items()}
    assert row == {"a": [1, "霸", None], "b": {"c": True}}


def test_fields_of_any_name_have_columns(table):
    names = ['"', "a:b", "100%s", "a b", "select", "Groß", "A", "a", "x" * 100, "(1)"]
    exporter = table.written({name: number for number, name in enumerate(names)}, {"A": 1, "a": 2})
    assert [list(row.values()) for row in table.rows()] == [
        list(range(len(names))),
        [None] * 6 + [1, 2] + [None] * 2,
    ]
    notes = [note for note in exporter.notes() if "field a " in note]
    assert [note.endswith(": the column of the field a is called a_2") for note in notes] == [True]


def test_chosen_fields_are_columns_in_their_order_also_without_values(table):
    table.written({"b": 1, "a": 2}, fields=["a", "c", "b"])
    assert table.rows() == [{"a": 2, "b": 1, "c": None}]
    if table.kind == "file":
        assert list(table.rows()[0]) == ["a", "c", "b"]


def test_numbers_that_are_too_large_and_text_with_nul(table):
    table.written({"a": 2**70, "b": "x\0y"}, {"a": 1, "b": ["\0"]})
    rows = table.rows()
    assert rows[0]["a"] == str(2**70)
    assert rows[0]["b"] == ("xy" if table.kind == "postgres" else "x\0y")


def test_values_of_several_types(table):
    exporter = table.written({"a": 1, "b": 1, "c": True})
    table.written({"a": 1, "b": None, "c": True}, {"a": 1.5, "b": "x", "c": None}, {"a": 2, "b": [1], "c": 2})
    exporter = table.new(append=True, run="b")
    exporter.open()
    exporter.write([b'{"a":"y"}'])
    exporter.close()
    rows = table.rows()
    if table.kind == "postgres":
        assert [row["a"] for row in rows] == ["1", "1.5", "2", "y"]
        assert [row["b"] for row in rows] == [None, "x", "[1]", None]
        assert [row["c"] for row in rows] == ["true", None, "2", None]
        assert [note.rpartition("#")[2] for note in exporter.notes()] == [
            f"{exporter.path}: the field a has values of several types, its column is text now"
        ]
    else:
        assert [row["a"] for row in rows] == [1, 1.5, 2, "y"]
        assert [row["b"] for row in rows] == [None, "x", "[1]", None]
        assert exporter.notes() == []


def test_a_table_of_somebody_else_is_left_alone(table):
    table.execute("CREATE TABLE items (a integer)")
    table.execute("INSERT INTO items VALUES (7)")
    for append in (False, True):
        with pytest.raises(UsageError, match=r"no crawl has made|of its own"):
            table.new(append=append).open()
    assert table.execute("SELECT * FROM items") == [{"a": 7}]


def test_a_write_that_fails_leaves_nothing_behind(table):
    exporter = table.new()
    exporter.open()
    exporter.write([b'{"a":1}'])
    mark = exporter.mark()
    if table.kind == "postgres":
        table.execute("ALTER TABLE items ADD CHECK (a < 5)")
    else:
        table.execute("CREATE TRIGGER no BEFORE INSERT ON items WHEN new.a > 5 BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(OutputError, match="cannot write"):
        exporter.write([b'{"a":2,"b":1}', b'{"a":9}'])
    assert exporter.mark() == mark
    exporter.write([b'{"a":3,"b":2}'])
    exporter.close()
    assert table.rows() == [{"a": 1, "b": None}, {"a": 3, "b": 2}]


def test_what_is_closed_is_not_written_to(table):
    exporter = table.written({"a": 1})
    exporter.close()
    with pytest.raises(OutputError, match="it is closed"):
        exporter.write([b'{"a":2}'])


# -- an SQLite file ---------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    return Table("file", tmp_path, "")


def test_a_file_with_other_tables_is_not_replaced_but_added_to(file):
    file.execute("CREATE TABLE mine (a)")
    with pytest.raises(UsageError, match="has other tables, such as 'mine'") as caught:
        file.new().open()
    assert "--append" in caught.value.hint
    file.written({"a": 1}, append=True)
    file.written({"a": 2}, run="b", append=True)
    assert [row["a"] for row in file.rows()] == [1, 2]
    assert file.execute("SELECT count(*) AS n FROM mine") == [{"n": 0}]


def test_a_file_that_is_none_of_sqlite_is_replaced_like_any_other(file):
    file.path.write_text("something else")
    file.written({"a": 1})
    assert file.rows() == [{"a": 1}]
    file.path.write_bytes(b"SQLite format 3\0 and then rubbish")
    with pytest.raises(OutputError, match=r"not a database|malformed"):
        file.new(append=True).open()


def test_a_file_can_be_read_by_others_at_any_time_and_nothing_lies_beside_it(file, tmp_path):
    exporter = file.new()
    exporter.open()
    for number in range(3):
        exporter.write([b'{"a":1}'])
        assert len(file.rows()) == number + 1
        assert [path.name for path in tmp_path.iterdir()] == ["out.sqlite"]
    exporter.close()


def test_more_fields_than_columns_are_told(file, monkeypatch):
    monkeypatch.setattr(sqlite_module, "_MOST_COLUMNS", 10)
    exporter = file.new()
    exporter.open()
    with pytest.raises(OutputError, match="more than 8 different fields"):
        exporter.write([json.dumps({f"f{number}": 1 for number in range(9)}).encode()])
    exporter.write([b'{"a":1}'])
    exporter.close()
    assert file.rows() == [{"a": 1}]


def test_it_needs_a_regular_file(file):
    file.path.symlink_to("/dev/null")
    with pytest.raises(OutputError, match="regular file"):
        file.new().open()


# -- a server ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def server(postgres, tmp_path):
    made = Table("postgres", tmp_path, postgres)
    yield made
    made.execute("DROP TABLE IF EXISTS items")


def test_a_table_that_is_being_written_is_refused_unless_rows_are_added(server, monkeypatch):
    monkeypatch.setattr(sql_module, "_PATIENCE", 0.0)
    first = server.new()
    first.open()
    first.write([b'{"a":1}'])
    with pytest.raises(UsageError, match="is being written by another crawl"):
        server.new(run="b").open()
    server.written({"a": 2}, run="b", append=True)
    first.close()
    assert [row["a"] for row in server.rows()] == [1, 2]
    server.written({"a": 3}, run="c")
    assert [row["a"] for row in server.rows()] == [3]


def test_a_connection_that_was_cut_is_made_again(server):
    exporter = server.new()
    exporter.open()
    exporter.write([b'{"a":1}'])
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    exporter.write([b'{"a":2,"b":"x"}'])
    exporter.close()
    assert server.rows() == [{"a": 1, "b": None}, {"a": 2, "b": "x"}]


def test_the_table_is_named_by_the_url(server):
    from crawler.export.sql import Sql

    server.execute("CREATE SCHEMA IF NOT EXISTS film")
    for url, name in ((f"{server.url}#film.Best", 'film."Best"'), (f"{server.url}&table=other", "other")):
        exporter = Sql(url, "items", "a")
        exporter.open()
        exporter.write([b'{"a":1}'])
        exporter.close()
        assert server.execute(f"SELECT a FROM {name}") == [{"a": 1}]
        server.execute(f"DROP TABLE {name}")
    server.execute("DROP SCHEMA film")


def test_errors_of_the_server_do_not_tell_the_password(postgres):
    from crawler.export.sql import Sql

    exporter = Sql("postgresql://me:g3heim@127.0.0.1:1/db", "items", "a")
    with pytest.raises(OutputError, match=r"me:\*\*\*@127\.0\.0\.1:1/db: .*onnection") as caught:
        exporter.open()
    assert "g3heim" not in caught.value.message
