import pytest

from crawler.items.error_path import message_at, value_at


@pytest.mark.parametrize(
    ("error", "path", "message"),
    [
        ("Expected `float`, got `str` - at `$.score`", ".score", "expected `float`, got `str`"),
        ("Expected `int` - at `$.cast[0].age`", ".cast[0].age", "expected `int`"),
        ("Object missing required field `name`", "", "object missing required field `name`"),
    ],
)
def test_a_message_and_its_path(error, path, message):
    assert message_at(error) == (path, message)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (".a", "'x'"),
        (".b[1].c", "5"),
        (".d[...]", "{'k': 'v'}"),
        (".gone", ""),
        (".b[7]", ""),
        (".a.b", ""),
        ("", ""),
    ],
)
def test_what_stands_there(path, shown):
    assert value_at(path, {"a": "x", "b": [0, {"c": 5}], "d": {"k": "v"}}) == shown


def test_a_long_value_is_cut():
    assert len(value_at(".a", {"a": "x" * 10_000})) < 60
