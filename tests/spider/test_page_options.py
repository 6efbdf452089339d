"""Which links a page gives, as the settings and the page itself have it."""

from __future__ import annotations

import logging

import pytest

from crawler.request import Request
from crawler.response import Response
from crawler.spider.page import Page
from crawler.spider.page_options import PageOptions

URL = "https://example.com/films/list"
OPTIONS = PageOptions(skip_extensions=frozenset({"pdf"}), token="mybot", max_links=3)


def page_of(body: str, *fields: tuple[str, str], options: PageOptions = OPTIONS) -> Page:
    return Page(Response(URL, 200, (("Content-Type", "text/html"), *fields), body.encode()), Request(URL), options)


def at(*paths: str) -> list[str]:
    return [f"https://example.com{path}" for path in paths]


def test_what_can_be_no_page_is_left_out_unless_it_is_wanted() -> None:
    page = page_of("<a href=/a.pdf></a><a href=/b.jpg></a>")
    assert page.links() == at("/b.jpg")
    assert page.links(extensions=()) == at("/a.pdf", "/b.jpg")
    assert page.links(extensions=[".JPG"]) == at("/a.pdf")
    assert page.links(css="a", extensions=["jpg"]) == at("/a.pdf")
    with pytest.raises(TypeError, match=r"extensions=\['pdf'\]"):
        page.links(extensions="pdf")


@pytest.mark.parametrize(
    ("head", "fields"),
    [
        ("<meta name=Robots content='noindex, NoFollow'>", []),
        ("<meta name=MyBot content=none>", []),
        ("", [("X-Robots-Tag", "noindex"), ("x-robots-tag", "mybot: nofollow")]),
    ],
)
def test_a_page_that_asks_for_it_gives_no_links(head: str, fields: list[tuple[str, str]]) -> None:
    page = page_of(f"{head}<link rel=next href=/n><a href=/a></a>", *fields)
    assert (page.is_nofollow, page.is_noindex) == (True, True)
    assert page.links() == page.links(css="a") == []
    assert page.links(nofollow=False) == at("/n", "/a")
    free = page_of(f"{head}<a href=/a></a>", *fields, options=PageOptions(nofollow=False, token="mybot"))
    assert free.links() == at("/a")
    assert free.links(nofollow=True) == []


def test_a_page_that_asks_others_or_nobody_gives_its_links() -> None:
    page = page_of("<meta name=other content=none><meta name=robots content=index><a href=/a>", ("X-Robots-Tag", "all"))
    assert (page.is_nofollow, page.is_noindex) == (False, False)
    assert page.links() == at("/a")


def test_links_marked_nofollow_count_if_the_settings_say_so() -> None:
    body = "<a href=/a rel=nofollow></a>"
    assert page_of(body).links() == []
    assert page_of(body, options=PageOptions(nofollow=False)).links() == at("/a")


def test_refresh_and_pagination_lead_somewhere_too() -> None:
    page = page_of(
        "<base href=/shop/><meta http-equiv=Refresh content='3; url=r'><link rel='x NEXT' href=n><link rel=prev href=p>"
        "<link rel=stylesheet href=s><meta name=refresh content='0; url=no'><a href=n>",
        options=PageOptions(),
    )
    assert page.links() == at("/shop/r", "/shop/n", "/shop/p")
    assert page.links(css="a") == at("/shop/n")


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "data:text/html,x", "http://[", "mailto:a@b.example", "tel:1"]
)
def test_a_target_that_is_none_spoils_nothing(target: str) -> None:
    page = page_of(
        f"<meta http-equiv=refresh content='0; url={target}'><link rel=next href='{target}'><img src=/i.png>"
        f"<link rel=canonical href='{target}'><form action='{target}'></form><a href='{target}'></a><a href=/ok></a>"
        f"<img src='{target}'>"
    )
    assert page.links() == at("/ok")
    assert page.images() == at("/i.png")
    assert (page.canonical, page.next_url, page.prev_url) == (None, None, None)


def test_links_have_names() -> None:
    page = page_of(
        "<link rel=Canonical href='../films?page=2#x'><link rel=canonical href=/no><a rel='nofollow next' href=3>3</a>"
        "<a rel=previous href=1>1</a><a rel=canonical href=/no>"
    )
    assert page.canonical == "https://example.com/films?page=2"
    assert page.next_url == "https://example.com/films/3"
    assert page.prev_url == "https://example.com/films/1"
    both = page_of("<a rel=next href=/a></a><link rel=next href=/link>")
    assert both.next_url == "https://example.com/link"
    none = page_of("<a rel=canonical href=/no></a><link rel=next>")
    assert (none.canonical, none.next_url, none.prev_url) == (None, None, None)


def test_images_are_those_of_all_sizes() -> None:
    page = page_of(
        "<img src=/1.png srcset='/1.png 1x, /2.png 2x'><picture><source srcset=/3.webp><img src=/4.pdf></picture>"
        "<video><source src=/no.mp4></video><input type=IMAGE src=/5.gif><input type=text src=/no.gif>",
        options=PageOptions(),
    )
    assert page.images() == at("/1.png", "/2.png", "/3.webp", "/4.pdf", "/5.gif")


def test_a_page_with_too_many_links_gives_the_first_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    page = page_of("".join(f"<a href=/{number}></a><img src=/{number}>" for number in range(5)))
    with caplog.at_level(logging.WARNING, "crawler"):
        assert page.links() == page.links(css="a") == page.images() == at("/0", "/1", "/2")
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"{URL} has more than 3 links")
    caplog.clear()
    assert len(page_of("<a href=/1></a><a href=/2></a><a href=/3></a>").links()) == 3
    assert not caplog.records


def test_ten_thousands_of_links_are_cut() -> None:
    page = page_of("".join(f"<a href=/{number}>" for number in range(100_000)), options=PageOptions())
    page.tree  # noqa: B018 - html this size is not what is tested
    assert len(page.links()) == 50_000


def test_links_behind_what_is_too_deep_are_found_and_it_is_told(caplog):
    html = "<div>" * 3000 + "</div>" * 3000 + "<a href=/after>after</a>"
    page = Page(
        Response("http://a.example/", 200, (("Content-Type", "text/html"),), html.encode()),
        Request("http://a.example/"),
    )
    assert page.links() == ["http://a.example/after"]
    assert page.links() == ["http://a.example/after"]
    assert [record.message for record in caplog.records] == [
        "http://a.example/ nests too deep: what stands deeper, and all after it, is not in its tree"
    ]


def test_how_many_tags_of_a_page_are_read_is_a_setting(caplog):
    html = "<p>x</p>" * 2000
    headers = (("Content-Type", "text/html"),)
    for most, found in ((0, 2000), (1000, 500)):
        page = Page(
            Response("http://a.example/", 200, headers, html.encode()),
            Request("http://a.example/"),
            PageOptions(max_tags=most),
        )
        assert len(page.css("p")) == found
    assert [record.message for record in caplog.records] == [
        "http://a.example/ has more than 1000 tags: the others are not in its tree (limits.max_tags)"
    ]
