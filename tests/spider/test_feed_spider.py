"""Feeds in all their formats, entry by entry, and the spider that reads them."""

import json

import pytest

from crawler import FeedSpider, Page, Request, Response, crawl
from crawler.spider.feed import entries_in
from crawler.spider.read import read_page

URL = "http://a.example/news/feed"
RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>News</title><link>http://a.example/</link>
<item><title>One &amp; two</title><link>/1</link><guid isPermaLink="false">id-1</guid>
<pubDate>Wed, 01 May 2024 10:00:00 +0200</pubDate><description><![CDATA[<b>short</b>]]></description>
<content:encoded>long</content:encoded><dc:creator>Ann</dc:creator><category>a</category><category>b</category>
<enclosure url="1.mp3" length="1" type="audio/mpeg"/></item>
<item><title>Three</title><guid>http://a.example/3</guid><pubDate>yesterday</pubDate></item>
<item><guid isPermaLink="false">http://a.example/4</guid></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://b.example/x/"><title>News</title>
<entry><title type="text">One</title><link rel="self" href="self"/><link href="1"/><id>urn:1</id>
<link rel="enclosure" href="1.mp3"/><published>2024-05-01T10:00:00Z</published><updated>2024-05-02</updated>
<author><name>Ann</name><uri>http://ann.example/</uri></author><category term="a"/>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">long <i>text</i></div></content></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>News</title></channel>
<item><title>One</title><link>http://a.example/1</link><dc:date>2024-05-01T10:00:00+00:00</dc:date></item></rdf:RDF>"""
JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "items": [
        {"id": "1", "title": "One", "url": "http://a.example/1", "authors": [{"name": "Ann"}], "content_text": "long"},
        "broken",
    ],
}
NOTHING = {
    "title": None, "link": None, "id": None, "summary": None, "content": None, "published": None, "updated": None,
    "author": None, "categories": [], "enclosures": [],
}  # fmt: skip


def page(text, kind="text/plain; charset=utf-8"):
    return Page(Response(URL, 200, (("Content-Type", kind),), text.encode()), Request(URL))


def entries(text, **options):
    return list(entries_in(page(text), **options))


def test_rss():
    assert entries(RSS) == [
        {
            "title": "One & two",
            "link": "http://a.example/1",
            "id": "id-1",
            "summary": "<b>short</b>",
            "content": "long",
            "published": "2024-05-01T10:00:00+02:00",
            "updated": None,
            "author": "Ann",
            "categories": ["a", "b"],
            "enclosures": ["http://a.example/news/1.mp3"],
        },
        NOTHING
        | {"title": "Three", "link": "http://a.example/3", "id": "http://a.example/3", "published": "yesterday"},
        NOTHING | {"id": "http://a.example/4"},
    ]


def test_atom():
    assert entries("\ufeff\n" + ATOM) == [
        {
            "title": "One",
            "link": "http://b.example/x/1",
            "id": "urn:1",
            "summary": None,
            "content": '<div xmlns="http://www.w3.org/1999/xhtml">long <i>text</i></div>',
            "published": "2024-05-01T10:00:00+00:00",
            "updated": "2024-05-02",
            "author": "Ann",
            "categories": ["a"],
            "enclosures": ["http://b.example/x/1.mp3"],
        }
    ]


def test_rss_1_0():
    assert entries(RDF) == [
        NOTHING | {"title": "One", "link": "http://a.example/1", "published": "2024-05-01T10:00:00+00:00"}
    ]


@pytest.mark.parametrize("indent", [None, 1])
def test_json_feed(indent):
    assert entries(json.dumps(JSON_FEED, indent=indent)) == [
        NOTHING | {"title": "One", "link": "http://a.example/1", "id": "1", "author": "Ann", "content": "long"}
    ]


def test_json_lines():
    assert entries('{"a": 1}\n\n{"a": [2]}\n') == [{"a": 1}, {"a": [2]}]


def test_csv():
    assert entries('name,price\r\n"a, b",1\n"two\u2028\nlines\u2028",2\n') == [
        {"name": "a, b", "price": "1"},
        {"name": "two\u2028\nlines\u2028", "price": "2"},
    ]
    assert entries("a,b\r\nx\u2028y,\x0b\r\n") == [{"a": "x\u2028y", "b": "\x0b"}]
    assert entries("name;price\na;1\n", delimiter=";") == [{"name": "a", "price": "1"}]
    assert entries("name\na\n", format="csv") == [{"name": "a"}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<html><title>Sorry</title>", "its root is <html>"),
        ("<urlset><url><loc>http://a.example/</loc></url></urlset>", "its root is <urlset>"),
        ("", "no XML, no JSON, and no ',' in its first line"),
        ("nothing here", "no XML, no JSON"),
        ('{"items": 1,\n"x": 2}', "JSON without a list of items"),
        ('{"a": 1}\n{"a": ', "line 2 of http://a.example/news/feed is not JSON"),
        ('{"a": 1}\n[2]', "line 2 of http://a.example/news/feed is no object"),
        ("a,b\n1,2\n3\n", "line 3 of http://a.example/news/feed has not as many cells"),
        ("a,b\n1,2,3\n", "line 2 of http://a.example/news/feed has not as many cells"),
    ],
)
def test_what_is_no_feed_is_told(text, told):
    with pytest.raises(ValueError, match=r".") as error:
        entries(text)
    assert told in str(error.value)


def test_nothing_is_expanded_or_loaded(tmp_path):
    (tmp_path / "secret").write_text("secret")
    text = f"""<!DOCTYPE rss [<!ENTITY x SYSTEM "file://{tmp_path}/secret"><!ENTITY y "yy">]>
    <rss><item><title>a&x;&y;b</title></item></rss>"""
    assert "secret" not in str(entries(text))
    assert "yy" not in str(entries(text))


class News(FeedSpider):
    def parse_entry(self, entry, page):
        yield {"title": entry["title"]}
        if entry["link"]:
            yield page.follow(entry["link"], self.parse_article)

    def parse_article(self, page):
        yield {"article": page.text}


def read(spider, text):
    return read_page(spider, Response(URL, 200, (), text.encode()), Request(URL))


def test_each_entry_gives_items_and_requests():
    reading = read(News(), RSS)
    assert reading.items == [{"title": "One & two"}, {"title": "Three"}, {"title": None}]
    assert [(one.url, one.callback) for one in reading.requests] == [
        ("http://a.example/1", "parse_article"),
        ("http://a.example/3", "parse_article"),
    ]


def test_without_a_callback_the_entries_are_the_items():
    assert read(FeedSpider(), "a,b\n1,2\n").items == [{"a": "1", "b": "2"}]


def test_the_format_can_be_said():
    class Prices(FeedSpider):
        feed_format = "csv"
        feed_delimiter = "|"

    assert read(Prices(), "a|b\n1|2\n").items == [{"a": "1", "b": "2"}]


def test_a_page_that_is_no_feed_is_a_page_error():
    reading = read(News(), "<html>sorry")
    assert "no feed at http://a.example/news/feed: its root is <html>" in str(reading.error)


def test_a_crawl_through_a_feed(serve):
    server = serve({"/feed": (200, {"Content-Type": "application/rss+xml"}, RSS), "/1": "one"})

    class Own(News):
        start_urls = [f"{server.url}/feed"]

    report = crawl(Own, settings={"crawl.pool": "inline", "politeness.delay": 0, "scope.allowed_hosts": [server.host]})
    assert {"article": "one"} in report.items
    assert report.exit_code == 0, report.summary()


@pytest.mark.parametrize("cut", ["<item><title>Four</tit", "<item><title>Four</title><link>/4</link></item>", "<ite"])
def test_the_last_entry_of_a_feed_that_breaks_off_is_left_out_and_that_is_told(cut, caplog):
    reading = read(News(), RSS.replace("</channel></rss>", cut))
    assert [item["title"] for item in reading.items[:2]] == ["One & two", "Three"]
    assert {item["title"] for item in reading.items[2:]} <= {None}
    assert f"of the feed {URL} not all is read: it breaks off" in caplog.text


def test_links_of_a_json_feed_are_absolute_and_what_is_no_item_is_told():
    feed = {"version": "https://jsonfeed.org/version/1.1", "items": [None, {"id": 2, "url": "/a"}]}
    missing = []
    [entry] = entries_in(page(json.dumps(feed)), missing=missing.append)
    assert (entry["id"], entry["link"]) == ("2", "http://a.example/a")
    assert missing == ["an item is no object but NoneType"]


def test_a_column_that_is_there_twice_is_told():
    with pytest.raises(ValueError, match="names a column twice"):
        list(entries_in(Page(Response(URL, 200, (), b"a,b,a\n1,2,3\n"), Request(URL))))
