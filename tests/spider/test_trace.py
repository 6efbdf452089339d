from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from crawler.errors import UsageError
from crawler.request import Request
from crawler.response import Response
from crawler.spider import page as page_module
from crawler.spider.page import Page
from crawler.spider.trace import is_users, message_of, place, tell

PAGE = Page(Response("https://example.com/", 200), Request("https://example.com/"))


def caught(function: Any) -> BaseException:
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError


def test_the_place_is_the_deepest_line_of_the_user() -> None:
    def inner() -> None:
        json.loads("{")

    line = inner.__code__.co_firstlineno + 1
    told = tell(caught(inner))
    assert told.where.endswith(f"test_trace.py:{line}")
    assert "json/decoder.py" in told.trace


def test_the_trace_begins_at_the_users_file() -> None:
    told = tell(caught(lambda: PAGE.follow(None)))  # type: ignore[arg-type]
    lines = told.trace.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "test_trace.py" in lines[1]

    def through_ours() -> None:
        error = caught(lambda: PAGE.follow(None))  # type: ignore[arg-type]
        error.__traceback__ = error.__traceback__.tb_next.tb_next  # type: ignore[union-attr]
        raise error.with_traceback(error.__traceback__)

    error = caught(lambda: PAGE.follow(None))  # type: ignore[arg-type]
    ours = error.__traceback__.tb_next.tb_next  # type: ignore[union-attr]
    assert ours is not None
    told = tell(error.with_traceback(ours))
    assert told.where == ""
    assert "Traceback" not in told.trace
    assert told.trace.startswith("TypeError: follow() got None")


def test_home_is_the_users_wherever_it_lies() -> None:
    error = caught(lambda: PAGE.follow(None))  # type: ignore[arg-type]
    assert "page.py:" in tell(error, home=page_module.__file__).where


def test_what_belongs_to_nobody_here_is_not_the_users() -> None:
    assert is_users(__file__)
    assert not is_users(page_module.__file__)
    assert not is_users(json.__file__)
    assert not is_users(pytest.__file__)
    assert not is_users("<frozen importlib._bootstrap>")


class _RaisesError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


class _NumberError(Exception):
    def __str__(self) -> str:
        return 3  # type: ignore[return-value]


@pytest.mark.parametrize("error", [_RaisesError(), _NumberError()])
def test_an_exception_that_cannot_be_shown_is_told_all_the_same(error: Exception) -> None:
    def fail() -> None:
        raise error

    told = tell(caught(fail))
    assert told.message == "(its message cannot be shown: __str__ raised)"
    assert type(error).__name__ in told.trace


def test_endless_messages_and_tracebacks_are_cut() -> None:
    assert len(message_of(ValueError("x" * 10_000_000))) < 3000

    def one(n: int) -> None:
        two(n + 1)

    def two(n: int) -> None:
        one(n + 1)

    told = tell(caught(lambda: one(0)))
    assert len(told.trace) < 25_000
    assert told.trace.rstrip().endswith("maximum recursion depth exceeded" + told.message[32:])


def test_causes_are_part_of_the_trace() -> None:
    def fail() -> None:
        try:
            {}["a"]
        except KeyError as error:
            raise UsageError("b") from error

    trace = tell(caught(fail)).trace
    assert trace.index("KeyError") < trace.index("The above exception was the direct cause") < trace.index("UsageError")


def test_a_syntax_error_is_placed_where_it_is() -> None:
    error = caught(lambda: compile("\n\nx = = 1", "/somewhere/spider.py", "exec"))
    assert tell(error).where == "/somewhere/spider.py:3"
    assert tell(error).message == "invalid syntax"


def test_places_in_the_current_folder_are_relative(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        assert place(str(tmp_path / "spiders" / "a.py"), 3) == os.path.join("spiders", "a.py:3")
    assert place("/elsewhere/a.py", 3) == "/elsewhere/a.py:3"


def test_modules_written_in_cython_are_nobodys_own() -> None:
    assert not is_users("src/lxml/etree.pyx")
