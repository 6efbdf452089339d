"""Requests as rows of a database that knows nothing but the tables."""

import sqlite3
from contextlib import closing

import pytest

from crawler.frontier.tables import (
    ADD,
    CHANGE,
    COLUMNS,
    DROP,
    NOT_BEFORE,
    SCHEMA,
    STATES,
    Rest,
    change_of,
    fingerprints_of,
    request_of,
    row_of,
    seconds_left,
)  # fmt: skip
from crawler.request import Request

URL = "https://films.example/1"


@pytest.fixture
def db():
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(SCHEMA)
        yield db


def stored(db, where="1"):
    return db.execute(f"SELECT {COLUMNS} FROM requests WHERE {where} ORDER BY id").fetchall()


def test_every_field_of_a_request_has_a_place():
    columns = {"url", "spider", "priority", "depth", "attempts", "row", "parent_row", "parent"}
    others = set(Rest.__struct_fields__)
    assert not columns & others
    # What a rule wants first has no row of its own.
    assert set(Request.__struct_fields__) - columns - others == {"purpose"}


def test_a_row_is_the_request_again(db):
    page = Request(URL, row=1)
    link = Request(URL + "/next", callback="parse", data=[1], priority=3, depth=1, row=2, parent_row=1, parent=URL)
    for request in (page, link):
        db.execute(ADD, row_of(request.row, request, "waiting", None))
    assert [request_of(values, 0.0) for values in stored(db)] == [(page, 0.0), (link, 0.0)]
    assert db.execute("SELECT rest IS NULL FROM requests").fetchall() == [(1,), (0,)]


def test_a_request_that_was_refused_waits_when_it_is_added_and_not_the_other_way_round(db):
    request = Request(URL)
    steps = [(DROP, "dropped"), (DROP, "dropped"), (ADD, "waiting"), (DROP, "dropped"), (ADD, "waiting")]
    rows = []
    for row, (statement, state) in enumerate(steps, 1):
        db.execute(statement, row_of(row, request, state, None))
        rows += [(number, STATES[code]) for number, code in db.execute("SELECT id, state FROM requests")]
    assert rows == [(1, "dropped"), (1, "dropped"), (3, "waiting"), (3, "waiting"), (3, "waiting")]


def test_a_change_is_where_the_request_stands_now_and_how_long_it_waits(db):
    db.execute(ADD, row_of(1, Request(URL), "waiting", None))
    moved = Request("https://other.example/", hops=(URL,), attempts=2, row=1)
    db.execute(CHANGE, change_of(moved, 60.0))
    [values] = stored(db, "host = 'other.example'")
    assert request_of(values, values[NOT_BEFORE] - 5.0) == (moved, 5.0)
    assert request_of(values, 0.0) == (moved, 60.0)  # the clock was set back
    db.execute(CHANGE, change_of(moved, 0.0))
    [values] = stored(db)
    assert values[NOT_BEFORE] is None
    assert request_of(values, 0.0) == (moved, 0.0)


def test_a_request_was_seen_wherever_it_was():
    moved = Request("https://other.example/", hops=(URL, URL + "/a"))
    places = [Request(url).fingerprint for url in (moved.url, *moved.hops)]
    assert fingerprints_of(moved) == b"".join(places)


@pytest.mark.parametrize(("now", "left"), [(95.0, 5.0), (100.0, 0.0), (200.0, 0.0), (0.0, 30.0)])
def test_a_wait_is_never_longer_than_it_was_meant_to_be(now, left):
    assert seconds_left(100.0, 30.0, now) == left
