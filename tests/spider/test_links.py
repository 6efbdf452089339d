from __future__ import annotations

import re

import pytest

from crawler.spider.links import absolute, hrefs_in
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
