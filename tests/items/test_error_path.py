import pytest

from crawler.items.error_path import message_at, value_at


@pytest.mark.parametrize(
    ("error", "path", "message"),
    [
        ("Expected `float`, got `str` - at `$.score`", ".score", "expected `float`, got `str`"),
        ("Expected `int` - at `$.cast[0].age`", ".cast[0].age", "expected `int`"),
        ("Expected `array | null`, got `object` - at `$.null`", ".null", "expected `list | None`, got `dict`"),
        ("Object missing required field `name`", "", "object missing required field `name`"),
    ],
)
def test_a_message_and_its_path(error, path, message):
    assert message_at(error) == (path, message)


@pytest.mark.parametrize(
    ("path", "value"), [(".a", "x"), (".b[1].c", 5), (".d[...]", {"k": "v"}), (".d[...].x", {"k": "v"})]
)
def test_what_stands_there(path, value):
    assert value_at(path, {"a": "x", "b": [0, {"c": 5}], "d": {"k": "v"}}) == value


@pytest.mark.parametrize("path", [".gone", ".b[7]", ".n.b"])
def test_where_nothing_stands(path):
    with pytest.raises(LookupError):
        value_at(path, {"b": [0], "n": 5})
