from __future__ import annotations

import re
import time
import tracemalloc

import pytest

from crawler.request import Request
from crawler.response import Response
from crawler.spider.links import absolute, hrefs_in, outermost, refresh_target, srcset
from crawler.spider.page import Page
from crawler.spider.tree import parse_html

BASE = "https://example.com/films/list?page=1"


def test_takes_links_areas_and_frames_in_document_order() -> None:
    tree = parse_html(
        "<iframe src=1></iframe><a href=2><b>x</b></a><map><area href=3></map><a href=4></a><a name=x></a><link href=5>"
        "<img src=6>"
    )
    assert hrefs_in(tree, nofollow=True) == ["1", "2", "3", "4"]
    assert hrefs_in(parse_html("<frameset><frame src=1><frame src=2></frameset>"), nofollow=True) == ["1", "2"]


@pytest.mark.parametrize("rel", ["nofollow", "NoFollow", "ugc nofollow noopener", "NOFOLLOW"])
def test_leaves_out_nofollow_unless_told_otherwise(rel: str) -> None:
    tree = parse_html(f'<a href=1 rel="{rel}"></a><map><area href=2 rel="{rel}"></map><a href=3 rel="next"></a>')
    assert hrefs_in(tree, nofollow=True) == ["3"]
    assert hrefs_in(tree, nofollow=False) == ["1", "2", "3"]


def test_looks_only_inside_the_element_and_at_itself() -> None:
    tree = parse_html("<a href=1></a><div><a href=2></a></div><a href=3></a>")
    assert hrefs_in(tree.xpath("//div")[0], nofollow=True) == ["2"]
    assert hrefs_in(tree.xpath("//a")[2], nofollow=True) == ["3"]


def test_joins_and_canonicalises() -> None:
    hrefs = ["../b", "/c#part", "?page=2", "//Other.example:443/d", " /e\n", "f/./g", "http://example.org"]
    assert absolute(hrefs, BASE) == [
        "https://example.com/b",
        "https://example.com/c",
        "https://example.com/films/list?page=2",
        "https://other.example/d",
        "https://example.com/e",
        "https://example.com/films/f/g",
        "http://example.org/",
    ]


def test_each_url_comes_once_at_its_first_place() -> None:
    assert absolute(["/b", "/a", "/b", "/b#x", "/a"], BASE) == ["https://example.com/b", "https://example.com/a"]


@pytest.mark.parametrize(
    "href",
    [
        "javascript:void(0)", "JavaScript:x", "java\nscript:x", "mailto:a@b.example", "tel:1", "data:text/html,x",
        "ftp://x/", "file:///etc/passwd", "#", "#top", "https://", "http://[", "http://a b/", "http://x:99999/",
        "about:blank", "//", "https://exa mple.com/",
    ],
)  # fmt: skip
def test_what_cannot_be_fetched_is_left_out_and_spoils_nothing(href: str) -> None:
    assert absolute([href, "/ok"], BASE) == ["https://example.com/ok"]


def test_the_pattern_is_looked_for_in_the_absolute_url() -> None:
    hrefs = ["/films/1", "/actors/1", "/films/2"]
    assert absolute(hrefs, BASE, r"example\.com/films/\d") == [
        "https://example.com/films/1",
        "https://example.com/films/2",
    ]
    assert absolute(hrefs, BASE, re.compile("ACTORS", re.IGNORECASE)) == ["https://example.com/actors/1"]


def test_forms_that_are_sent_with_get_lead_somewhere() -> None:
    tree = parse_html(
        "<a href=1></a><form action=2></form><form method=GeT action=3></form><form method=POST action=4></form>"
        "<form method=dialog action=5></form><form method=odd action=6></form><form></form>"
        "<form action=7 rel=nofollow></form><a href=8></a>"
    )
    assert hrefs_in(tree, nofollow=True) == ["1", "8", "2", "3", "6"]
    assert hrefs_in(tree, nofollow=False) == ["1", "8", "2", "3", "6", "7"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("0; url=/a", "/a"),
        ("5;URL='/a b'", "/a b"),
        ('1.5 , url = "/a"b', "/a"),
        ("0;/a", "/a"),
        ("0 /a", "/a"),
        (" 3 ;url=/a ", "/a"),
        ("0; url='/a", "/a"),
        ("0; url=url=/a", "url=/a"),
        (".;url=/a", "/a"),
        ("30", None),
        ("30;", None),
        ("0;url=", None),
        ("0;url=''", None),
        ("url=/a", None),
        ("0url=/a", None),
        ("", None),
    ],
)
def test_a_refresh_says_where_it_leads(content: str, expected: str | None) -> None:
    assert refresh_target(content) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a.png", ["a.png"]),
        ("a.png 1x, b.png 2x", ["a.png", "b.png"]),
        ("a,b.png 100w,c.png 200w", ["a,b.png", "c.png"]),
        ("a.png, b.png,", ["a.png", "b.png"]),
        (" ,, a.png (1, 2) x ,\n b.png", ["a.png", "b.png"]),
        ("data:image/png;base64,AA== 1x, b.png 2x", ["data:image/png;base64,AA==", "b.png"]),
        ("a.png (1x, b.png", ["a.png"]),
        ("", []),
        (" , ,", []),
    ],
)
def test_a_srcset_is_taken_apart(value: str, expected: list[str]) -> None:
    assert list(srcset(value)) == expected


@pytest.mark.parametrize("piece", [",", " ", "a,", "a (", "a 1x,", "((", "a\n"])
def test_a_long_srcset_takes_time_in_proportion(piece: str) -> None:
    # With a quadratic step this would take minutes.
    assert len(list(srcset(piece * 200_000))) <= 200_000


@pytest.mark.parametrize(
    ("href", "is_page"),
    [
        ("/a.pdf", False), ("/a.PDF", False), ("/a.tar.pdf?x=1", False), ("/a.pdf#page=2", False), ("/a.pdf/", True),
        ("/a.html", True), ("/a?file=x.pdf", True), ("/pdf", True), ("/a.pdfx", True), ("/.pdf", False),
        ("http://a.pdf", True), ("/a.pdf;v=1", True),
    ],
)  # fmt: skip
def test_paths_that_end_in_an_extension_are_left_out(href: str, is_page: bool) -> None:
    assert len(absolute([href], BASE, extensions=frozenset({"pdf"}))) == is_page


def test_no_more_than_most_are_given_and_those_are_the_first() -> None:
    hrefs = ["/a.pdf", "/1", "/1#x", "mailto:x", "/2", "/x", "/3", "/4"]
    wanted = [f"https://example.com/{number}" for number in "1234"]
    for most in range(1, 9):
        assert absolute(hrefs, BASE, r"/\d$", {"pdf"}, most) == wanted[:most]


def test_forms_that_have_to_be_filled_in_lead_nowhere_and_hidden_fields_are_sent() -> None:
    html = parse_html(
        "<form action=/search><input name=q><input type=submit></form>"
        "<form action=/area><select name=s></select></form>"
        "<form action=/more?old=1><input type=hidden name=page value='2 3'><input type=submit value=go></form>"
        "<form action=/post method=post><input type=hidden name=a value=1></form><a href=/a></a>"
        "<form action=/not rel=nofollow><input type=hidden name=a value=1></form>"
    )
    assert hrefs_in(html, nofollow=True) == ["/a", "/more?page=2+3"]
    assert hrefs_in(html, nofollow=False) == ["/a", "/more?page=2+3", "/not?a=1"]


def test_forms_inside_of_each_other_cost_no_more_than_their_fields() -> None:
    fields = "<input type=hidden name=a value=1>" * 20_000
    tree = parse_html("<form action=x><div>" * 900 + fields)
    began = time.process_time()
    assert set(hrefs_in(tree, nofollow=True)) == {"x"}
    assert time.process_time() - began < 5  # it was minutes


def test_the_links_of_a_link_element_are_its_own() -> None:
    tree = parse_html("<link rel=alternate href=1><link rel='alternate nofollow' href=2><a href=3></a>")
    assert [hrefs_in(one, nofollow=True) for one in tree.iter("link")] == [["1"], []]


def test_what_stands_in_a_match_is_not_looked_through_again() -> None:
    tree = parse_html("<div id=a><div id=b><a href=1></a></div></div><div id=c></div>")
    assert [one.get("id") for one in outermost(tree.iter("div"))] == ["a", "c"]
    assert list(outermost(["x", "x"])) == ["x", "x"]


def test_links_of_matches_in_each_other_cost_no_more_than_those_of_one() -> None:
    page = Page(Response(BASE, 200, (), b"<div>" * 1_900 + b"<a href=/x>y</a>" * 20_000), Request(BASE))
    tracemalloc.start()
    assert page.links(css="div") == ["https://example.com/x"]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40_000_000
