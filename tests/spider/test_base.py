from __future__ import annotations

from typing import ClassVar

import pytest

from crawler.errors import UsageError
from crawler.request import Request
from crawler.response import Response
from crawler.spider.base import Spider
from crawler.spider.page import Page


class Films(Spider):
    start_urls: ClassVar[list[str]] = ["https://example.com/1", "https://example.com/2"]
    pages: int = 10
    kinds: list[str] = ["drama"]

    def parse_film(self, page: Page) -> None: ...


def shelf(page: Page) -> None: ...


def test_start_yields_a_request_for_each_start_url() -> None:
    assert list(Films().start()) == [Request("https://example.com/1"), Request("https://example.com/2")]
    assert list(Spider().start()) == []


def test_arguments_become_attributes() -> None:
    spider = Films(pages="3", kinds="a,b")
    assert (spider.pages, spider.kinds) == (3, ["a", "b"])
    assert list(Films.arguments()) == ["pages", "kinds"]
    with pytest.raises(UsageError, match="spider Films has no argument 'colour'"):
        Films(colour="red")


def test_two_spiders_of_a_class_share_nothing() -> None:
    one, two = Films(), Films()
    one.kinds.append("comedy")
    one.start_urls.append("https://example.com/3")
    one.state["x"] = 1
    assert (two.kinds, len(two.start_urls), two.state) == (["drama"], 2, {})
    assert (Films.kinds, len(Films.start_urls)) == (["drama"], 2)


def test_mixins_add_arguments_on_either_side() -> None:
    class Left:
        left: int = 1

    class Right:
        right: int = 2

    class Both(Left, Films, Right):
        own: int = 3

    assert set(Both.arguments()) == {"left", "right", "own", "pages", "kinds"}


def test_a_constructor_that_forgets_super_leaves_a_spider_with_state() -> None:
    class Own(Spider):
        def __init__(self, **_: object) -> None:
            self.ready = True

    assert Own().state == {}


def test_the_name_is_that_of_the_class_unless_it_has_one() -> None:
    class Named(Spider):
        name = "films-of-the-week"

    assert (Films.name, Films.is_named) == ("Films", False)
    assert (Named.name, Named.is_named) == ("films-of-the-week", True)


def test_callbacks_are_methods_or_functions_of_the_file() -> None:
    spider = Films()
    assert spider.callback("parse_film") == spider.parse_film
    assert spider.callback("shelf") is shelf

    class Child(Films): ...

    Child.__module__ = "elsewhere"
    assert Child().callback("shelf") is shelf


@pytest.mark.parametrize("name", ["nothing", "state", "pages", "Request"])
def test_a_callback_that_is_neither_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match=f"spider Films has no callback '{name}'"):
        Films().callback(name)


def test_without_parse_the_error_says_what_to_write() -> None:
    page = Page(Response("https://example.com/", 200), Request("https://example.com/"))
    with pytest.raises(NotImplementedError, match=r"spider Films has no parse\(self, page\)"):
        Films().parse(page)
    assert Films().blocked(page) is False
    Films().closing(None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("start_requests", lambda self: []),
        ("custom_settings", {"DOWNLOAD_DELAY": 1}),
        ("allowed_domains", ["a.example"]),
    ],
)
def test_names_of_scrapy_are_told_unless_ours_are_there(name, value):
    class Ported(Spider):
        def parse(self, page): ...

    setattr(Ported, name, value)
    with pytest.raises(UsageError, match=f"spider Ported has {name}, which is a name of Scrapy's") as told:
        Ported().check()
    assert told.value.hint.startswith("here that is ")
    Ported.start = lambda self: []
    Ported.settings = {"politeness.delay": 1}
    Ported().check()
