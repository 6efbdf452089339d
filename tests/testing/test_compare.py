"""The difference that a person reads: which items, which fields, in the order of the page."""

import pytest

from crawler.testing.cases import Asked, Case
from crawler.testing.compare import differences
from crawler.testing.reading import Given


def told(expected, now, **fields):
    case = Case("a.html", "https://films.example/", items=expected, **fields)
    return [f"{sign} {text}".rstrip() for sign, text in differences(case, Given(items=now))]


def films(count, **changes):
    return [{"rank": number, "title": f"Film {number}", "score": 9.5, **changes} for number in range(1, count + 1)]


def test_what_is_the_same_differs_in_nothing():
    assert told(films(3), films(3)) == []
    assert told([{"a": 1, "b": 2}], [{"b": 2, "a": 1}]) == []  # an object of JSON has no order


def test_fields_that_changed_came_and_went():
    assert told([{"title": "A", "score": "9.5", "old": 1}], [{"title": None, "score": "9.5", "new": [2]}]) == [
        "  item 1",
        '-   title: "A"',
        "+   title: null",
        "-   old: 1",
        "+   new: [2]",
    ]


@pytest.mark.parametrize(("old", "new"), [(1, True), (1, 1.0), (0, False), ([1], [True]), ("1", 1)])
def test_values_that_are_equal_in_python_alone_differ(old, new):
    assert told([{"n": old}], [{"n": new}]) != []


def test_the_same_difference_in_many_items_is_told_once():
    assert told(films(10), films(10, title=None)) == [
        line
        for number in (1, 2, 3)
        for line in (f"  item {number}", f'-   title: "Film {number}"', "+   title: null")
    ] + ["  and 7 items more: title"]  # fmt: skip


def test_an_item_that_is_missing_is_named_though_all_others_changed():
    now = films(5, score=None)
    del now[1]
    lines = told(films(5), now)
    assert '- item 2: {"rank":2,"title":"Film 2","score":9.5}' in lines
    assert lines.count("+   score: null") == 3
    assert [line for line in lines if "item" in line and line[0] == " "] == [
        "  item 1", "  item 3, now 2", "  item 4, now 3", "  and 1 item more: score"
    ]  # fmt: skip


def test_items_too_many():
    now = [*films(1), {"rank": 99, "title": "Advertisement"}, *films(3)[1:]]
    assert told(films(3), now) == ['+ item 2: {"rank":99,"title":"Advertisement"}']


def test_nothing_instead_of_everything():
    assert told(films(5), []) == [
        *(f'- item {n}: {{"rank":{n},"title":"Film {n}","score":9.5}}' for n in (1, 2, 3)), "- and 2 items more"
    ]  # fmt: skip


def test_long_values_are_shown_where_they_begin_to_differ():
    old, new = told([{"text": "x" * 500 + "old end"}], [{"text": "x" * 500 + "new end"}])[1:]
    assert (old, new) == ('-   text: …xxxxxxxxxxxxxxxxxxxxold end"', '+   text: …xxxxxxxxxxxxxxxxxxxxnew end"')
    assert len(told([{"text": ""}], [{"text": "y" * 5000}])[2]) < 200


def test_fields_that_are_ignored_are_not_compared():
    assert told([{"a": 1}], [{"a": 1, "at": "now"}], ignore=["at"]) == []


def test_requests_are_told_field_by_field():
    case = Case("a.html", "https://films.example/", requests=[Asked("https://films.example/1", "film", data={"n": 1})])
    given = Given(requests=[Asked("https://films.example/1", "film", data={"n": 2}), Asked("https://films.example/2")])
    assert [tuple(line) for line in differences(case, given)] == [
        (" ", "request 1"),
        ("-", '  data: {"n":1}'),
        ("+", '  data: {"n":2}'),
        ("+", 'request 2: {"url":"https://films.example/2","callback":"parse"}'),
    ]


def test_errors_are_told_with_their_line_which_is_not_compared():
    case = Case("a.html", "https://films.example/", items=films(2), error="", item_errors=["Film.a: wrong"])
    given = Given(error="ValueError: no", raised=True, where=("spiders/films.py:7",))
    assert [tuple(line) for line in differences(case, given)] == [
        ("+", "error: ValueError: no at spiders/films.py:7"),
        ("-", "2 items"),
    ]
    assert differences(Case("a.html", "u", error="ValueError: no"), given) == []
    given = Given(items=films(2), item_errors=["Film.a: wrong", "Film.b: wrong"], where=("x.py:1", "x.py:2"))
    assert [tuple(line) for line in differences(case, given)] == [("+", "item not stored: Film.b: wrong at x.py:2")]


def test_many_items_are_compared_in_a_moment():
    lines = told(films(3000), films(2999, title=None))
    assert "- item 3000:" in "\n".join(lines)
