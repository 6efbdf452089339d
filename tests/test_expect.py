import pytest

from crawler import Expect, Spider
from crawler.errors import UsageError
from crawler.expect import for_callback


def test_one_number_is_both_bounds():
    assert Expect(items_per_page=10).bounds == (10, 10)
    assert Expect(items_per_page=(1, None)).bounds == (1, None)
    assert Expect().bounds == (0, None)


def test_one_field_needs_no_tuple():
    assert Expect(required="title").fields == ("title",)
    assert Expect(required=["title", "url"]).fields == ("title", "url")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"items_per_page": (10, 1)}, "no page can have so many items"),
        ({"items_per_page": -1}, "no page can have so many items"),
        ({"items_per_page": "ten"}, "cannot be meant"),
        ({"required": 3}, "cannot be meant"),
        ({"matches": {"score": "("}}, "the pattern of 'score' is none"),
        ({"filled": {"score": 90}}, "between 0 and 1"),
        ({"in_a_row": "two"}, "cannot be meant"),
        ({"in_a_row": 0}, "in_a_row"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, told):
    with pytest.raises(UsageError, match="Expect") as raised:
        Expect(**given)
    assert told in str(raised.value)


def test_without_callbacks_it_is_about_all_of_them():
    one, other = Expect(items_per_page=1), Expect(items_per_page=2)
    assert for_callback(one, "parse") is one
    assert for_callback({"parse": one, "parse_film": other}, "parse_film") is other
    assert for_callback({"parse": one}, "parse_film") is None
    assert for_callback(None, "parse") is None


def test_it_is_no_argument_of_the_spider():
    class Films(Spider):
        start_urls = ("http://127.0.0.1/",)
        expect: Expect = Expect(items_per_page=1)
        pages: int = 1

        def parse(self, page):
            yield {}

    assert list(Films.arguments()) == ["pages"]
