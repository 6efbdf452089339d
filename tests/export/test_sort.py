import json
from functools import cmp_to_key

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.export import sort
from crawler.export.sort import in_order


def ordered(items, *fields):
    return [json.loads(line) for line in in_order([json.dumps(item).encode() for item in items], fields)]


def test_from_the_lowest_up_and_with_a_minus_from_the_highest_down():
    items = [{"a": 2}, {"a": 10}, {"a": 1.5}]
    assert ordered(items, "a") == [{"a": 1.5}, {"a": 2}, {"a": 10}]
    assert ordered(items, "-a") == [{"a": 10}, {"a": 2}, {"a": 1.5}]


def test_later_fields_decide_where_earlier_ones_are_equal_and_then_the_order_they_came_in():
    items = [
        {"a": 1, "b": "x", "n": 1},
        {"a": 2, "b": "y", "n": 2},
        {"a": 1, "b": "y", "n": 3},
        {"a": 1, "b": "x", "n": 4},
    ]
    assert [item["n"] for item in ordered(items, "a", "-b")] == [3, 1, 4, 2]
    assert [item["n"] for item in ordered(items, "-a")] == [2, 1, 3, 4]


@pytest.mark.parametrize("direction", ["", "-"])
def test_what_is_missing_or_null_comes_last_either_way(direction):
    items = [{"b": 1}, {"a": 1}, {"a": None}]
    assert ordered(items, f"{direction}a") == [{"a": 1}, {"b": 1}, {"a": None}]


def test_values_of_several_types_have_an_order():
    items = [{"a": [1]}, {"a": "10"}, {"a": True}, {"a": 5}, {"a": {"b": 1}}, {"a": "x"}]
    assert ordered(items, "a") == [{"a": True}, {"a": 5}, {"a": "10"}, {"a": "x"}, {"a": [1]}, {"a": {"b": 1}}]


values = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from(["x", "y", "霸"]))
items = st.lists(st.fixed_dictionaries({}, optional={"a": values, "b": values}), max_size=30)


@given(items, st.lists(st.sampled_from(["a", "-a", "b", "-b"]), min_size=1, max_size=3), st.integers(1, 200))
def test_through_files_the_order_is_that_of_a_list(monkeypatch_piece, items, fields, piece):
    monkeypatch_piece(piece)

    def compare(one, other):
        for field in fields:
            first, second = one.get(field.lstrip("-")), other.get(field.lstrip("-"))
            if first == second:
                continue
            if first is None or second is None:
                return 1 if first is None else -1
            lower = (isinstance(first, str), str(first) if isinstance(first, str) else first) < (
                isinstance(second, str),
                str(second) if isinstance(second, str) else second,
            )
            return (-1 if lower else 1) * (-1 if field.startswith("-") else 1)
        return 0

    items = [item | {"n": number} for number, item in enumerate(items)]
    assert ordered(items, *fields) == sorted(items, key=cmp_to_key(compare))


@pytest.fixture(scope="module")
def monkeypatch_piece():
    before = sort.PIECE
    yield lambda size: setattr(sort, "PIECE", size)
    sort.PIECE = before
