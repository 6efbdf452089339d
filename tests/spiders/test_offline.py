"""The shipped spiders as whole crawls without a network: `responses` answers in place of the sites."""

from pathlib import Path

import pytest
import responses

from crawler import crawl
from crawler.demo import pages
from crawler.demo.films import BOARDS
from crawler.demo.site import films

SPIDERS = Path(__file__).parents[2] / "spiders"
SITE = "https://www.maoyan.com"
HTML = "text/html; charset=utf-8"


def test_maoyan(offline, run):
    offline.get(f"{SITE}/board/7", body=pages.board(7).encode(), content_type=HTML)
    report = run("maoyan")
    assert report.items == films(7)
    assert (report.exit_code, report.pages) == (0, 1)


def test_maoyan_top100(offline, run):
    for offset in range(0, 100, 10):
        offline.get(
            f"{SITE}/board/4?offset={offset}",
            body=pages.board(4, offset).encode(),
            content_type=HTML,
            match=[responses.matchers.query_param_matcher({"offset": str(offset)})],
        )
    report = run("maoyan_top100")
    assert report.items == films(4, SITE)
    assert len(report.items) == len(BOARDS[4]) == 100
    assert (report.exit_code, report.pages) == (0, 10)


@pytest.mark.parametrize("name", ["maoyan", "maoyan_top100"])
def test_a_verification_page_ends_with_4_and_no_items(offline, run, name):
    board = "/board/7" if name == "maoyan" else "/board/4"
    offline.get(f"{SITE}{board}", body=pages.verification().encode(), content_type=HTML)
    report = run(name)
    assert (report.exit_code, report.items, report.blocked_start) == (4, [], True)
    assert "verification page 猫眼验证中心 (maoyan)" in report.summary()


def test_an_empty_board_ends_with_3(offline, run):
    offline.get(f"{SITE}/board/7", body=pages.empty_board().encode(), content_type=HTML)
    assert run("maoyan").exit_code == 3


def test_page_sizes(offline, run):
    urls = [f"https://site-{number}.example/" for number in range(5)]
    for number, url in enumerate(urls):
        offline.get(url, body=b"x" * number)
    report = run("page_sizes", urls=",".join(urls))
    assert sorted((item["url"], item["size"]) for item in report.items) == list(zip(urls, range(5), strict=True))


def test_a_site_that_cannot_be_reached_ends_with_1(offline, run):
    url = "https://site.example/"
    offline.get(url, body=ConnectionError("unplugged"))
    report = crawl(
        SPIDERS / "page_sizes.py",
        arguments={"urls": url},
        settings={"crawl.pool": "inline", "retry.times": 0},
    )
    assert report.exit_code == 1
    assert "unplugged" in report.failures[0].detail
