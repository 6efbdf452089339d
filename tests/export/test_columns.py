from crawler.export.columns import Columns


def columns(fields, **options):
    made = Columns(**options)
    new = [field for field in fields if made.add(field)]
    return made.of, new


def test_fields_have_columns_of_their_names():
    assert columns(["a", "b c"]) == ({"a": "a", "b c": "b c"}, ["a", "b c"])


def test_names_that_differ_in_case_only_and_those_of_the_key_get_a_number():
    of, _ = columns(["a", "A", "a_2", "_run", "_ITEM"])
    assert of == {"a": "a", "A": "A_2", "a_2": "a_2_2", "_run": "_run_2", "_ITEM": "_ITEM_2"}


def test_a_column_that_is_there_is_used():
    assert columns(["b", "a", "c"], there=["_run", "_item", "a", "b"])[1] == ["c"]


def test_a_column_that_is_there_in_another_case_is_not_used():
    assert columns(["A"], there=["a"]) == ({"A": "A_2"}, ["A"])


def test_names_are_as_long_as_they_may_be():
    of, _ = columns(["霸霸霸", "霸霸王", ""], most=8)
    assert of == {"霸霸霸": "霸霸", "霸霸王": "霸霸_2", "": "_"}
    assert all(len(name.encode()) <= 8 for name in of.values())


def test_a_copy_is_another_one():
    first = Columns()
    first.add("a")
    second = first.copy()
    assert second.add("b")
    assert second.of == {"a": "a", "b": "b"}
    assert first.of == {"a": "a"}
