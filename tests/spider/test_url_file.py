"""Lists of URLs: which lines count, what becomes of the others, and which spiders can begin with one."""

import io
import sys
import types

import pytest

from crawler.errors import UsageError
from crawler.request import Request
from crawler.spider.base import Spider
from crawler.spider.load import load
from crawler.spider.read import read_start
from crawler.spider.sitemap_spider import SitemapSpider
from crawler.spider.url_file import UrlFile, check_uses_start_urls, checked, give, spool
from crawler.spider.wrong_line import WrongLine

A = "http://a.example/"


def lines(*given, name="urls.txt"):
    return list(checked(io.BytesIO(b"\n".join(given)), name))


def test_blank_lines_and_comments_are_skipped_and_space_around_is_cut():
    assert lines(b"\xef\xbb\xbf# of May", b"", b"  http://a.example/ \r", b"\t#x", b"HTTPS://b.example/#top") == [
        A,
        "HTTPS://b.example/#top",
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"a.example", "a.example"),
        (b"ftp://a.example/", "ftp://a.example/"),
        (b"http://", "http://"),
        (b"http://a.example/ http://b.example/", "http://a.example/ http://b.example/"),
        (b"http://a.example/\xff", r"http://a.example/\xff"),
        ("http://a.example/\u2028x".encode(), "http://a.example/ x"),
        (b"x" * 200_000, "x" * 100),
    ],
)
def test_a_wrong_line_has_its_place_in_front_and_the_others_count(line, told):
    found = lines(b"# first", line, b"http://a.example/")
    assert found == [f"line 2 of urls.txt: {told}", A]
    assert [type(url) for url in found] == [WrongLine, str]


def test_a_list_is_kept_and_walked_over_more_than_once(tmp_path):
    (tmp_path / "urls.txt").write_text(f"{A}\nwrong\n{A}2")
    spool(str(tmp_path / "urls.txt")).keep(tmp_path)
    urls = UrlFile(tmp_path / "start_urls.txt")
    assert list(urls) == list(urls) == [A, f"line 2 of {tmp_path}/urls.txt: wrong", f"{A}2"]
    assert [type(url) for url in urls] == [str, WrongLine, str]


def test_an_empty_list_is_refused(tmp_path):
    (tmp_path / "urls.txt").write_text("# nothing yet\n")
    with pytest.raises(UsageError, match=r"there is no URL in .*urls.txt"):
        spool(str(tmp_path / "urls.txt"))
    with pytest.raises(UsageError, match="No such file"):
        spool(str(tmp_path / "other.txt"))


def test_the_spider_begins_with_them(tmp_path):
    class Titles(Spider):
        start_urls = ["http://other.example/"]

        def parse(self, page):
            pass

    (tmp_path / "start_urls.txt").write_text(f"{A}\nline 2 of urls.txt: wrong\n")
    spider = Titles()
    give(tmp_path, [spider])
    starts = list(read_start(spider))
    assert all(isinstance(start, Request) for start in starts)
    # As plain text, which every encoder takes; the engine tells that it is no URL.
    assert [(start.url, type(start.url)) for start in starts] == [(A, str), ("line 2 of urls.txt: wrong", str)]
    assert [start.url for start in Titles().start()] == ["http://other.example/"]


def test_so_does_a_file_without_a_class(tmp_path):
    (tmp_path / "start_urls.txt").write_text(f"{A}\n")
    (tmp_path / "titles.py").write_text(
        "from crawler import Request\n\nstart_urls = []\n\ndef start():\n"
        "    for url in start_urls:\n        yield Request(url)\n\ndef parse(page):\n    pass\n"
    )
    spider = load(str(tmp_path / "titles.py"), {})
    check_uses_start_urls([spider])
    give(tmp_path, [spider])
    assert [start.url for start in read_start(spider)] == [A]


def test_without_a_kept_list_it_begins_as_ever(tmp_path):
    spider = Spider()
    give(tmp_path, [spider])
    assert spider.start_urls == ()


def test_a_list_that_was_not_kept_whole_is_refused(tmp_path):
    (tmp_path / "start_urls.txt.part").write_text(A)
    with pytest.raises(UsageError, match="were never kept whole"):
        give(tmp_path, [Spider()])


class Own(Spider):
    def start(self):
        yield Request(A)


class Wrapped(Spider):
    def start(self):
        for request in super().start():
            yield request.replace(priority=1)


class Named(Spider):
    def start(self):
        return [Request(url) for url in self.start_urls]


def test_a_spider_that_does_not_use_its_start_urls_is_refused():
    with pytest.raises(UsageError, match="start\\(\\) of Own does not use them"):
        check_uses_start_urls([Own()])
    for spider in (Wrapped(), Named(), Spider(), SitemapSpider()):
        check_uses_start_urls([spider])
    with pytest.raises(UsageError, match="for one spider"):
        check_uses_start_urls([Named(), Named()])


def test_a_closed_standard_input_holds_nothing(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="there is no URL in standard input"):
        spool("-")


def test_standard_input_is_read_to_its_end(monkeypatch, tmp_path):
    (tmp_path / "in").write_text(A)
    with (tmp_path / "in").open() as file:
        monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(fileno=file.fileno))
        spool("-").keep(tmp_path)
    assert list(UrlFile(tmp_path / "start_urls.txt")) == [A]
