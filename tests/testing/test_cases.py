"""`expected.json`: what is written is read again, in one form only, and what is wrong in it is told."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.errors import OutputError, UsageError
from crawler.testing.cases import Asked, Case, folder_of, load_cases, store_cases, text_of, unclaimed

NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FULL = Case(
    "b.html",
    "https://films.example/b",
    "parse_film",
    data={"rank": 1},
    arguments={"pages": "2"},
    status=404,
    headers={"Content-Type": "text/html; charset=gb2312"},
    ignore=["_at"],
    items=[{"title": "电影", "score": None}],
    requests=[Asked("https://films.example/c", method="POST", data=[1]), Asked("https://films.example/d")],
    item_errors=["Film.score = 'n/a': expected float"],
    error="blocked: verification page",
)


def test_a_case_comes_back_and_the_text_stays(tmp_path):
    cases = [Case("a.html", "https://films.example/a"), FULL]
    path = store_cases(tmp_path, list(reversed(cases)))
    assert load_cases(tmp_path) == cases
    before = path.read_bytes()
    store_cases(tmp_path, load_cases(tmp_path))
    assert path.read_bytes() == before
    assert "电影".encode() in before
    assert before.endswith(b"]\n")
    assert [path.name for path in tmp_path.iterdir()] == ["expected.json"]  # and no draft


@given(st.dictionaries(st.text(), VALUES, max_size=4))
@settings(max_examples=30, deadline=None)
def test_whatever_an_item_holds(item):
    case = Case("a.html", "https://films.example/a", items=[item])
    text = text_of([case])
    assert json.loads(text)[0]["items"] == [item]
    assert not {"\u202e", "\x9b", "\x7f"} & set(text)


def test_only_what_says_something_is_written():
    assert json.loads(text_of([Case("a.html", "https://films.example/a")])) == [
        {"page": "a.html", "url": "https://films.example/a", "callback": "parse", "items": [], "requests": []}
    ]
    assert list(json.loads(text_of([FULL]))[0]["requests"][1]) == ["url", "callback"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[{"page": "a.html"}]', "expected.json: Object missing required field `url` - at `$[0]`"),
        ('[{"page": "a", "url": "b", "item": []}]', "Object contains unknown field `item`"),
        ('{"a.html": []}', "Expected `array`, got `object`"),
        ("[", "Input data was truncated"),
    ],
)
def test_a_file_that_is_wrong_is_told(tmp_path, text, told):
    (tmp_path / "expected.json").write_text(text)
    with pytest.raises(UsageError) as raised:
        load_cases(tmp_path)
    assert told in raised.value.message


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        store_cases(tmp_path / "file" / "x", [])


def test_names_of_spiders_stay_in_the_folder():
    assert folder_of("films").parts == ("tests", "pages", "films")
    assert folder_of("../../etc").parts == ("tests", "pages", "_.._etc")


def test_files_without_a_case(tmp_path):
    for name in ("a.html", "b.html", "expected.json", ".hidden"):
        (tmp_path / name).write_text("")
    (tmp_path / "folder").mkdir()
    assert unclaimed(tmp_path, [Case("a.html", "https://films.example/a")]) == ["b.html"]
    assert unclaimed(tmp_path / "none", []) == []
