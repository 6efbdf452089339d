"""`LinkSpider`: which rule a link belongs to, what its page is read by, and a whole crawl by rules."""

import re

import pytest

from crawler import Follow, LinkSpider, Request, Response, crawl
from crawler.errors import UsageError
from crawler.spider.load import load
from crawler.spider.page import Page
from crawler.spider.read import read_page, read_start

HOST = "http://a.example"
PAGE = """<nav><a href="/films/1">first</a> <a href="/account/films/9">mine</a></nav>
<ul class="list"><li><a href="/films/2">2</a><li><a href="/films/3">3</a></ul>
<div class="pager"><a href="?page=2">next</a> <a href="/films/2">again</a></div> <a href="/about">about</a>"""


def followed(*rules, callback="follow_links", page=PAGE, **members):
    """(path, callback) of the requests that a spider with these rules gives for the page."""
    kind = type("Films", (LinkSpider,), {"rules": rules, **members})
    reading = read_page(kind(), Response(f"{HOST}/", 200, (), page.encode()), Request(f"{HOST}/", callback=callback))
    assert reading.error is None, reading.error
    return [(request.url.removeprefix(HOST), request.callback) for request in reading.requests]


def read(self, page):
    yield {"title": page.url}


def test_the_first_rule_that_fits_counts():
    rules = Follow("/account/", "read_account"), Follow("/films/[0-9]", "read_film"), Follow("/films|page")
    assert followed(*rules, read_account=read, read_film=read) == [
        ("/account/films/9", "read_account"),
        ("/films/1", "read_film"),
        ("/films/2", "read_film"),
        ("/films/3", "read_film"),
        ("/?page=2", "follow_links"),
    ]


def test_a_link_that_no_rule_fits_is_not_followed():
    assert followed(Follow("/nowhere")) == []
    assert followed() == []


def test_a_rule_can_be_about_a_part_of_the_page():
    assert followed(Follow(css=".pager")) == [("/?page=2", "follow_links"), ("/films/2", "follow_links")]
    assert followed(Follow("films", xpath="//ul//a/@href")) == [
        ("/films/2", "follow_links"),
        ("/films/3", "follow_links"),
    ]


def test_each_rule_has_its_own_part_of_the_page():
    assert followed(Follow("films", css="ul"), Follow("page", css=".pager"), Follow("about", css="nav")) == [
        ("/films/2", "follow_links"),
        ("/films/3", "follow_links"),
        ("/?page=2", "follow_links"),
    ]


def test_a_rule_without_callback_that_does_not_follow_leaves_its_links_alone():
    assert followed(Follow("/films/|/account", follow=False), Follow(re.compile("FILMS|ABOUT", re.IGNORECASE))) == [
        ("/about", "follow_links")
    ]


def test_pages_with_a_callback_are_followed_if_the_rule_says_so():
    assert followed(Follow("/films/1", "read_film", follow=True), read_film=read) == [("/films/1", "read_film + links")]


@pytest.mark.parametrize(
    "result",
    [[{"at": 1}], {"at": 1}, iter([{"at": 1}])],
    ids=["a list", "one item", "an iterator"],
)
def test_such_a_callback_may_give_what_every_callback_may(result):
    kind = type("Films", (LinkSpider,), {"rules": [Follow("about")], "read_film": lambda self, page: result})
    request = Request(f"{HOST}/", callback="read_film + links")
    reading = read_page(kind(), Response(f"{HOST}/", 200, (), PAGE.encode()), request)
    assert (reading.error, reading.items) == (None, [{"at": 1}])
    assert [request.url for request in reading.requests] == [f"{HOST}/about"]


def test_what_such_a_callback_must_not_give_is_told():
    kind = type("Films", (LinkSpider,), {"rules": [Follow("")], "read_film": lambda self, page: 7})
    request = Request(f"{HOST}/", callback="read_film + links")
    reading = read_page(kind(), Response(f"{HOST}/", 200, (), PAGE.encode()), request)
    assert "read_film returned int 7" in str(reading.error)


def test_process_changes_a_request_or_leaves_it_out():
    def first(self, request, page):
        return None if request.url.endswith("2") else request.replace(data=page.url)

    def given(process):
        kind = type("Films", (LinkSpider,), {"rules": [Follow("/films/[23]", process=process)], "first": first})
        page = Page(Response(f"{HOST}/", 200, (), PAGE.encode()), Request(f"{HOST}/"))
        return [(request.url.removeprefix(HOST), request.data) for request in kind().follow_links(page)]

    assert given("first") == given(first) == [("/films/3", f"{HOST}/")]
    assert given(lambda request, _: request.replace(data=1)) == [("/films/2", 1), ("/films/3", 1)]


def test_start_pages_are_read_and_followed_whatever_parse_is():
    class Films(LinkSpider):
        start_urls = [f"{HOST}/"]
        rules = [Follow("/films/1", callback="parse")]

        def parse_start(self, page):
            yield {"start": page.url}

        def parse(self, page):
            yield {"film": page.url}

    (request,) = read_start(Films())
    reading = read_page(Films(), Response(request.url, 200, (), PAGE.encode()), request)
    assert reading.items == [{"start": f"{HOST}/"}]
    assert [(one.url, one.callback) for one in reading.requests] == [(f"{HOST}/films/1", "parse")]


def test_pages_asked_for_without_a_callback_are_followed():
    assert followed(Follow("about"), callback=None) == [("/about", "follow_links")]


@pytest.mark.parametrize("rules", [5, None, "films"])
def test_what_is_no_list_of_rules_is_told_before_it_runs(rules):
    with pytest.raises(UsageError, match=f"rules of spider Films is {rules!r}, and not a list of Follow"):
        type("Films", (LinkSpider,), {"rules": rules})().check()


def test_rules_have_to_be_a_list_of_them():
    kind = type("Films", (LinkSpider,), {"rules": Follow("x")})
    with pytest.raises(UsageError, match="rules of spider Films is Follow"):
        list(kind().follow_links(Page(Response(f"{HOST}/", 200), Request(f"{HOST}/"))))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('Follow("[")', "the pattern '[' of a Follow is no regular expression: unterminated character set"),
        ('Follow(css="a", xpath="//a")', "a Follow has css= or xpath=, not both"),
        ("Follow(callback=lambda page: None)", "a lambda cannot be a callback"),
    ],
)
def test_a_wrong_rule_is_told_with_its_line(tmp_path, written, told):
    path = tmp_path / "films.py"
    path.write_text(f"from crawler import Follow, LinkSpider\n\nclass Films(LinkSpider):\n    rules = [{written}]\n")
    with pytest.raises(UsageError) as error:
        load(str(path), {})
    assert told in error.value.message
    assert error.value.message.startswith(f"{path}:4")


def test_a_callback_that_is_not_there_is_a_page_error():
    kind = type("Films", (LinkSpider,), {"rules": [Follow("films", "parse_flim", follow=True)]})
    reading = read_page(kind(), Response(f"{HOST}/", 200, (), PAGE.encode()), Request(f"{HOST}/", "follow_links"))
    assert "has no callback 'parse_flim'" in str(reading.error)


def test_a_crawl_by_rules(site):
    class Board(LinkSpider):
        start_urls = [f"{site.url}/board/4"]
        rules = [
            Follow("/films/100[12]$", callback="parse_film"),
            Follow(r"offset=[12]0$", callback="parse_board", css=".list-pager", follow=True),
        ]

        def parse_board(self, page):
            yield {"board": page.url.removeprefix(site.url)}

        def parse_film(self, page):
            yield {"film": page.css("h1::text").get()}

    report = crawl(Board, settings={"crawl.pool": "inline", "politeness.delay": 0})
    assert report.exit_code == 0, report.summary()
    assert sorted(item["board"] for item in report.items if "board" in item) == [
        "/board/4?offset=10",
        "/board/4?offset=20",
    ]
    assert sum("film" in item for item in report.items) == len([path for _, path in site.log if "/films/" in path])
