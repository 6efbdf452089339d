"""`SitemapSpider`: which requests sitemaps, indexes and robots.txt give, and a whole crawl through them."""

import gzip
import logging
import re
import subprocess
import sys

import pytest

import crawler
from crawler import Request, Response, SitemapSpider, crawl
from crawler.errors import UsageError
from crawler.spider.read import read_page, read_start

HOST = "http://a.example"


class Shop(SitemapSpider):
    sitemap_urls = [f"{HOST}/robots.txt", f"{HOST}/sitemap.xml"]
    sitemap_rules = [("/product/", "parse_product"), (re.compile("/P/|/p/"), "parse"), ("/product", "parse")]

    def parse(self, page):
        yield {"page": page.url}

    def parse_product(self, page):
        yield {"product": page.url}


def urlset(*paths, extra=""):
    return "<urlset>" + "".join(f"<url><loc>{HOST}{path}</loc>{extra}</url>" for path in paths) + "</urlset>"


def index(*paths):
    return urlset(*paths).replace("url>", "sitemap>").replace("urlset", "sitemapindex")


def given(spider, body, path="/sitemap.xml", **fields):
    """What the spider gives for a sitemap: (path, callback) of each request."""
    url = HOST + path
    body = body.encode() if isinstance(body, str) else body
    reading = read_page(spider, Response(url, 200, (), body, **fields), Request(url, callback="parse_sitemap"))
    assert reading.error is None, reading.error
    return [(request.url.removeprefix(HOST), request.callback) for request in reading.requests]


def test_it_begins_with_its_sitemaps_and_then_its_start_urls():
    class Both(Shop):
        start_urls = [f"{HOST}/start"]

    assert [(request.url, request.callback) for request in read_start(Both())] == [
        (f"{HOST}/robots.txt", "parse_sitemap"),
        (f"{HOST}/sitemap.xml", "parse_sitemap"),
        (f"{HOST}/start", None),
    ]


def test_one_string_is_no_list():
    class Wrong(Shop):
        sitemap_urls = f"{HOST}/sitemap.xml"

    with pytest.raises(UsageError, match="sitemap_urls of spider Wrong is one string, not a list") as error:
        Wrong().check()
    assert error.value.hint == "write sitemap_urls = ['http://a.example/sitemap.xml']"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("sitemap_rules", 5, "sitemap_rules of spider Wrong is 5, not a list"),
        ("sitemap_rules", [("/p/", 5)], "5 cannot be a callback"),
        ("sitemap_rules", [("/p/", "parse_prodcut")], "has no callback 'parse_prodcut'"),
        ("sitemap_follow", "new", "sitemap_follow of spider Wrong is one string, not a list"),
        ("sitemap_urls", None, "sitemap_urls of spider Wrong is None, not a list"),
    ],
)
def test_what_a_spider_cannot_mean_is_told_before_it_runs(name, value, told):
    wrong = type("Wrong", (Shop,), {name: value})
    with pytest.raises(UsageError, match=re.escape(told)):
        wrong().check()


def test_a_rule_may_leave_pages_out():
    kind = type("Some", (Shop,), {"sitemap_rules": [("/product/", None), ("", "parse")]})
    kind().check()
    assert [url for url, _ in given(kind(), urlset("/product/1", "/p/1"))] == ["/p/1"]


def test_the_first_rule_that_fits_counts_and_what_none_fits_is_left_out():
    assert given(Shop(), urlset("/product/1", "/p/1", "/other", "/products")) == [
        ("/product/1", "parse_product"),
        ("/p/1", "parse"),
        ("/products", "parse"),
    ]


def test_without_rules_all_pages_are_parsed():
    class All(SitemapSpider):
        def parse(self, page):
            yield {}

    assert given(All(), gzip.compress(urlset("/1", "/2").encode())) == [("/1", "parse"), ("/2", "parse")]


def test_of_an_index_those_are_read_that_are_to_be_followed():
    class Some(Shop):
        sitemap_follow = ["shop", re.compile("x$")]

    paths = ("/shop-1.xml", "/news.xml", "/box")
    assert given(Shop(), index(*paths)) == [(path, "parse_sitemap") for path in paths]
    assert given(Some(), index(*paths)) == [("/shop-1.xml", "parse_sitemap"), ("/box", "parse_sitemap")]


def test_alternate_links_are_read_if_asked_for():
    class Languages(Shop):
        sitemap_alternate_links = True

    body = urlset("/p/1", extra='<xhtml:link rel="alternate" href="/de/p/1"/><xhtml:link rel="alternate" href="/x"/>')
    assert given(Shop(), body) == [("/p/1", "parse")]
    assert given(Languages(), body) == [("/p/1", "parse"), ("/de/p/1", "parse")]


def test_entries_are_filtered():
    class Recent(Shop):
        def sitemap_filter(self, entries):
            for entry in entries:
                if entry["lastmod"] >= "2024":
                    yield entry

    old = urlset("/p/1", extra="<lastmod>2023-12-31</lastmod>")
    assert given(Recent(), old) == []
    assert given(Recent(), old.replace("2023", "2024")) == [("/p/1", "parse")]
    assert given(Recent(), index("/s.xml")) == []


def test_a_robots_txt_leads_to_its_sitemaps():
    body = f"User-agent: *\nDisallow: /\nsitemap: {HOST}/a.xml\nSitemap: /b.xml # relative\nSitemap: mailto:x"
    assert given(Shop(), body, "/robots.txt") == [("/a.xml", "parse_sitemap"), ("/b.xml", "parse_sitemap")]
    moved = Request(f"{HOST}/moved", callback="parse_sitemap", hops=(f"{HOST}/robots.txt",))
    reading = read_page(Shop(), Response(f"{HOST}/moved", 200, (), body.encode()), moved)
    assert len(reading.requests) == 2


def test_what_is_no_sitemap_is_a_page_error():
    url = f"{HOST}/sitemap.xml"
    reading = read_page(Shop(), Response(url, 200, (), b"<!doctype html>"), Request(url, callback="parse_sitemap"))
    assert str(reading.error) == f"ValueError: no sitemap at {url}: it is an HTML page"


def test_what_is_missing_is_told(caplog):
    with caplog.at_level(logging.WARNING):
        assert given(Shop(), urlset("/p/1", "/p/2")[:-20], truncated=True) == [("/p/1", "parse")]
    assert caplog.messages == [
        f"of the sitemap {HOST}/sitemap.xml 1 entries are read, not all: "
        "its end is missing: it is larger than fetch.max_body"
    ]
    assert caplog.records[0].name == Shop.name


@pytest.mark.parametrize("obey", [True, False])
def test_a_crawl_reads_what_the_sitemaps_name(serve, obey):
    def sitemap(hit):
        return f"<sitemapindex><sitemap><loc>{server.url}/pages.xml.gz</loc></sitemap></sitemapindex>"

    def pages(hit):
        body = "".join(f"{server.url}/{kind}/{number}\n" for kind in ("product", "p", "no") for number in range(3))
        return 200, {"Content-Type": "application/x-gzip"}, gzip.compress(body.encode())

    server = serve({"*": "<p>page"})
    server.routes.update(
        {"/robots.txt": lambda hit: f"Sitemap: {server.url}/s.xml", "/s.xml": sitemap, "/pages.xml.gz": pages}
    )

    class Found(Shop):
        sitemap_urls = [f"{server.url}/robots.txt", f"{server.url}/p/none.xml"]

    report = crawl(Found, settings={"crawl.pool": "thread", "politeness.delay": 0, "robots.obey": obey})
    paths = [hit.path for hit in server.log]
    assert sorted(paths) == sorted(
        ["/robots.txt"] * (2 if obey else 1)  # once for the rules in it, once for the sitemaps
        + ["/s.xml", "/pages.xml.gz", "/p/none.xml"]
        + [f"/{kind}/{number}" for kind in ("product", "p") for number in range(3)]
    )
    assert len(report.items) == 6
    (error,) = report.page_errors
    assert error.message == f"no sitemap at {server.url}/p/none.xml: it is XML or HTML, but no sitemap and no feed"


def test_it_is_imported_when_it_is_asked_for():
    assert "SitemapSpider" in crawler.__all__
    program = (
        "import crawler, sys; assert 'lxml' not in sys.modules; crawler.SitemapSpider; assert 'lxml' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_sitemap_may_be_larger_than_pages_may(serve):
    from crawler import SitemapSpider, crawl

    entries = "".join(f"<url><loc>http://other.example/{number}</loc></url>" for number in range(300))
    server = serve({"*": f"<urlset>{entries}<url><loc>LAST</loc></url></urlset>"})
    server.routes["*"] = server.routes["*"].replace("LAST", f"{server.url}/last")
    server.routes["/last"] = "<p>" + "x" * 5000

    class Map(SitemapSpider):
        sitemap_urls = [f"{server.url}/sitemap.xml"]
        sitemap_rules = [("/last", "parse")]

        def parse(self, page):
            yield {"url": page.url, "size": len(page.body), "cut": page.truncated}

    report = crawl(Map, settings={"crawl.pool": "thread", "politeness.delay": 0, "fetch.max_body": 1000})
    assert report.items == [{"url": f"{server.url}/last", "size": 1000, "cut": True}]


def test_indexes_in_indexes_have_an_end():
    response = Response(f"{HOST}/sitemap.xml", 200, (), index("/sitemap2.xml").encode())
    deep = Request(f"{HOST}/sitemap.xml", callback="parse_sitemap", depth=3)
    assert [one.url for one in read_page(Shop(), response, deep).requests] == [f"{HOST}/sitemap2.xml"]
    reading = read_page(Shop(), response, deep.replace(depth=4))
    assert not reading.requests
    assert "is an index in more than 4 indexes" in reading.error.message
