from dataclasses import dataclass

import pydantic
import pytest

from crawler import Dedupe
from crawler.item import DropItem
from crawler.items.dedupe import Taken, Unique


@dataclass
class Film:
    site: str
    id: int | None


def unique(*fields, is_stored=lambda _: False, spider=0, occurrence=0):
    taken = Taken()
    taken.begin(spider, is_stored)
    return Unique(Dedupe(*fields), taken, occurrence), taken


def key(*fields, item, **options):
    keys = []
    unique(*fields, **options)[0].send(item, None, keys)
    return keys


def test_the_first_with_a_key_goes_through_and_no_other():
    one, _ = unique("id")
    keys = []
    assert one.send({"id": 1, "n": 1}, None, keys) == {"id": 1, "n": 1}
    with pytest.raises(DropItem, match="duplicate id"):
        one.send({"id": 1, "n": 2}, None, keys)
    one.send({"id": 2}, None, keys)
    assert len(keys) == 2
    assert all(-(2**63) <= number < 2**63 for number in keys)


def test_what_is_stored_is_taken():
    (stored,) = key("id", item={"id": 1})
    one, _ = unique("id", is_stored=lambda number: number == stored)
    with pytest.raises(DropItem):
        one.send({"id": 1}, None, [])


def test_a_key_that_is_forgotten_is_free():
    one, taken = unique("id")
    keys = []
    one.send({"id": 1}, None, keys)
    taken.forget(keys)
    assert one.send({"id": 1}, None, [])


def test_a_key_is_made_of_all_fields():
    assert key("site", "id", item=Film("a", 1)) == key("site", "id", item={"site": "a", "id": 1})
    assert key("site", "id", item=Film("a", 1)) != key("site", "id", item=Film("b", 1))
    assert key("site", "id", item=Film("a", 1)) != key("id", "site", item=Film("a", 1))
    assert key("id", item={"id": 1}) != key("id", item={"id": "1"})


def test_spiders_have_keys_of_their_own_and_so_has_a_second_check_of_the_same_fields():
    of = {"item": {"id": 1}}
    assert len({*key("id", **of), *key("id", spider=1, **of), *key("id", occurrence=1, **of)}) == 3


def test_none_is_equal_to_nothing():
    one, _ = unique("site", "id")
    keys = []
    assert one.send(Film("a", None), None, keys)
    assert one.send(Film("a", None), None, keys)
    assert keys == []


def test_a_dict_without_the_field_is_an_error_and_an_object_of_a_class_without_it_is_not():
    one, _ = unique("url")
    with pytest.raises(LookupError, match="the item has no field 'url', and url tells it from others"):
        one.send({"id": 1}, None, [])
    one = Unique(Dedupe("url"), Taken(), 0, may_lack=True)
    assert one.send(Film("a", 1), None, [])


@pytest.mark.parametrize("fields", [(), (5,), ("",)])
def test_a_key_has_names(fields):
    with pytest.raises(TypeError, match="names of fields"):
        Dedupe(*fields)


def test_an_object_without_the_field_is_an_error_as_a_dict_is():
    class Film:
        title = "One"

    with pytest.raises(LookupError, match="titel"):
        Dedupe("titel").key_of(Film(), 0)
    assert Dedupe("titel").key_of(Film(), 0, may_lack=True) is None
    assert Dedupe("title").key_of(Film(), 0) is not None


def test_types_of_pydantic_are_values_of_keys():
    class Link(pydantic.BaseModel):
        url: pydantic.HttpUrl

    link = Link(url="https://films.example/a")
    assert key("url", item=link) == key("url", item={"url": "https://films.example/a"})
