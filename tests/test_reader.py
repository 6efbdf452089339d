"""What a worker does with a page: judge, read, and say for how long it is busy. In this process."""

import pytest

from crawler import Request, Spider
from crawler.assemble.readers import reader_setup
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

    def read(
        url="http://a.example/",
        status=200,
        body=b"<title>A</title>",
        pairs=HTML,
        outcome=None,
        bodies=False,
        reader=None,
    ):
        outcome = outcome or Response(url, status, pairs, body, seconds=0.5)
        landing = Landing(3, 1.5, outcome)
        reader = reader or made(bodies)
        return reader.read(ToRead(Request(url), ("http://a.example/map.xml",)), landing), landing

    def made(bodies=False, samples=False):
        values = {"crawl": {"pool": "inline", "parse_in": "pool", "parse_timeout": 7}}
        settings = merge([flat(values, "test")])
        files = DownloadFolders("", False, {})
        return Reader(reader_setup([Site()], [settings], files, bodies, samples), busy.append)

    read.made = made
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


def test_samples_are_pages_unlike_most_and_one_of_sixteen(read):
    reader = read.made(samples=True)

    def crosses(number, body="<html lang=EN><title>A</title>{}"):
        given = body.format(number).encode()
        outcome = read(f"http://a.example/{number}", body=given, reader=reader)[0].outcome
        assert outcome.body in (b"", given)
        assert outcome.gist.language == ("en" if b"lang" in given else "")
        return bool(outcome.body)

    assert [number for number in range(1, 40) if crosses(number)] == [*range(1, 11), 17, 33]  # no page has links
    assert crosses(40, "<title></title>{}")
    assert crosses(41, "<title></title>{}")
    assert not crosses(42)
    assert crosses(43, "<html lang=en><title>9.5</title>{}")
    assert not crosses(44, "<html lang=en><title>8.5</title>{}")
    assert [crosses(45, "<html lang=en><title>A</title>"), crosses(46, "<html lang=en><title>A</title>")] == [
        False,
        True,
    ]


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
