"""What a worker does with a page: judge, read, and say for how long it is busy. In this process."""

import pytest

from crawler import Request, Spider
from crawler.assemble import _reader_setup
from crawler.digest import digest_of
from crawler.download_folder import DownloadFolders
from crawler.packed import unpack
from crawler.reader import Reader
from crawler.response import Failure, Landing, Response, ToRead
from crawler.saved import Part
from crawler.settings import flat, merge


class Site(Spider):
    def start(self):
        return ()

    def blocked(self, page):
        if page.url.endswith("/raises"):
            raise KeyError("x")
        return b"wall" in page.body

    def parse(self, page):
        yield {"title": page.css("title::text").get(), "sitemaps": list(self.sitemaps(page.url))}
        if page.url.endswith("/elsewhere"):
            self.sitemaps("http://b.example/")


HTML = (("Content-Type", "text/html"),)


@pytest.fixture
def read(tmp_path):
    busy = []

    def read(url="http://a.example/", status=200, body=b"<title>A</title>", pairs=HTML, outcome=None, bodies=False):
        values = {"crawl": {"pool": "inline", "parse_in": "pool", "parse_timeout": 7}}
        settings = merge([flat(values, "test")])
        files = DownloadFolders("", False, {})
        reader = Reader(_reader_setup([Site()], [settings], files, bodies), busy.append)
        outcome = outcome or Response(url, status, pairs, body, seconds=0.5)
        landing = Landing(3, 1.5, outcome)
        return reader.read(ToRead(Request(url), ("http://a.example/map.xml",)), landing), landing

    read.busy = busy
    return read


def test_a_page_is_read_and_leaves_its_body_behind(read):
    landing, came = read()
    reading, _ = unpack(landing.reading)
    assert reading.items == [{"title": "A", "sitemaps": ["http://a.example/map.xml"]}]
    outcome = landing.outcome
    assert (landing.token, landing.started, outcome.url, outcome.status, outcome.seconds) == (
        *(3, 1.5), came.outcome.url, 200, 0.5
    )  # fmt: skip
    assert (outcome.body, outcome.header_pairs) == (b"", HTML)
    assert (outcome.gist.size, outcome.gist.digest) == (16, digest_of(b"<title>A</title>"))
    assert read.busy == [14]


def test_whoever_wants_bodies_gets_them(read):
    assert read(bodies=True)[0].outcome.body == b"<title>A</title>"


@pytest.mark.parametrize(
    "given",
    [
        {"status": 404},
        {"status": 503},
        {"status": 302, "pairs": (("Location", "/b"),)},
        {"body": b"a wall"},
        {"body": b"%PDF-1.7"},
        {"url": "http://a.example/raises"},
        {"outcome": Failure("http://a.example/", "timeout")},
        {"outcome": Response("http://a.example/", 200, part=Part("p", 1, "0"))},
    ],
)
def test_what_is_no_page_goes_to_the_parent_as_it_came(read, given):
    landing, came = read(**given)
    assert landing is came


def test_sitemaps_of_other_hosts_are_not_known_and_that_is_said(read):
    reading, _ = unpack(read(url="http://a.example/elsewhere")[0].reading)
    assert reading.items == []
    assert "parse_in = pool" in reading.error.message
