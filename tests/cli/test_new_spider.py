"""What comes from a page and becomes part of a program: it stays text, whatever it is."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import Page, Request, Response
from crawler.cli.new_spider import draft
from crawler.cli.new_text import class_name, comment, literal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
HOSTILE = "\n\"\"\"'''\\x00\u202e\u2028{}\x1b[2J\ud800 import os\n"


@given(JSON)
@settings(max_examples=50, deadline=None)
def test_a_literal_is_its_value_on_one_safe_line(value):
    written = literal(value)
    assert ast.literal_eval(written) == value
    assert not {"\n", "\r", "\u202e", "\x1b"} & set(written)


def test_text_is_in_double_quotes_and_readable():
    assert literal('海王 "x"') == '"海王 \\"x\\""'
    assert literal(HOSTILE).isascii()
    assert ast.literal_eval(literal(HOSTILE)) == HOSTILE


def test_a_comment_stays_on_its_line_and_in_its_docstring():
    written = comment(HOSTILE * 3)
    assert "\n" not in written
    assert '"' not in written
    assert "\\" not in written
    assert len(written) <= 101
    written.encode()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("film_board", "FilmBoard"), ("films", "Films"), ("spider", "SpiderSpider"), ("feed_spider", "FeedSpiderSpider"),
     ("a_9", "A9"), ("电影", "电影"), ("a__b_", "AB")],
)  # fmt: skip
def test_class_names(name, expected):
    assert class_name(name) == expected


def test_of_the_patterns_those_are_taken_that_fit_the_page():
    films = "".join(f"<li><h2 class='t'>{n}</h2><b class=\"y\">{n}</b></li>" for n in range(4))
    page = Page(Response("http://a.example/", 200, (), f"<ul>{films}</ul>".encode()), Request("http://a.example/"))
    text = draft("regex", "films", page, page.url).text
    assert ('"y":' in text, '"t":' in text) == (True, False)  # a pattern of a class wants it in double quotes
    assert '"t":' in draft("css", "films", page, page.url).text


FILMS = "".join(f"<li class='r&quot;) or (1'><h2 class='t'>{n}{HOSTILE}</h2></li>" for n in range(4))
HTML = f"""<title>{HOSTILE}</title><div class='next pager"'><a href="/2">2</a></div><ul class='a"b x'>{FILMS}</ul>"""
ANSWER = '{"items": [{"a\\"]\\n": 1, "\\u202e": "\\u2028", "__import__(\\"os\\")": [1]}], "next": "\\"\\n"}'
TABLE = """a"b\u202e,{x},\\\x1b[2J''',__import__('os')\n1,2,3,4\n"""
SITEMAP = f"<urlset>{'<url><loc>http://a.example/%22%5C%0A/x</loc></url>' * 2}</urlset>"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("", TABLE),
        ("css", HTML),
        ("xpath", HTML),
        ("regex", HTML),
        ("json-api", ANSWER),
        ("sitemap", SITEMAP),
        ("sitemap", HTML),
    ],
)
def test_a_hostile_page_gives_a_program_with_nothing_of_it_in_its_code(kind, body):
    url = "http://a.example/?q=%22%22%22'\\"
    data = body.encode("utf-8", "replace")
    page = Page(Response(url, 200, (("Content-Type", "text/plain; charset=utf-8"),), data), Request(url))
    made = draft(kind, "films", page, url)
    made.text.encode()
    tree = ast.parse(made.text)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert names <= {
        "Spider", "SitemapSpider", "FeedSpider", "entry", "feed_format",
        "page", "block", "record", "re", "html", "BLOCK", "FIELDS", "TITLE", "part", "found",
        "name", "field", "match", "title", "link", "image", "start_urls", "sitemap_urls", "sitemap_rules",
    }  # fmt: skip
    assert all(line.isprintable() for line in made.text.split("\n"))


def test_a_class_called_link_does_not_take_the_name_from_the_link():
    films = "".join(
        f'<li class="r"><a class="link" href="/{n}">Film {n}</a><img class=image src="{n}"></li>' for n in range(4)
    )
    page = Page(Response("http://a.example/", 200, (), f"<ul>{films}</ul>".encode()), Request("http://a.example/"))
    text = draft("css", "films", page, page.url).text
    assert '"link": link and page.urljoin(link),' in text
    assert '"link_text": block.css(".link::text")' in text
