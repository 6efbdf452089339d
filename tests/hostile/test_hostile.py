"""A crawl over everything that a host may do ends, knows what became of each, and takes no harm."""

import re
from pathlib import Path

import pytest

from tests.hostile.crawl import HEALTHY_PAGES
from tests.hostile.table import BEHAVIOURS, HEALTHY, PENDING, start_url

pytestmark = [
    pytest.mark.skipif(
        not Path("/proc/self/smaps_rollup").exists(), reason="the addresses of 127/8 and PSS are Linux's"
    ),
    pytest.mark.timeout(180),
]
RAW = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]")  # tabs and line ends are the crawler's own


def pending(name):
    return pytest.mark.xfail(name in PENDING, reason=PENDING.get(name, ""), strict=True)


@pytest.mark.parametrize("one", [pytest.param(one, id=one.name, marks=pending(one.name)) for one in BEHAVIOURS])
def test_what_becomes_of(one, crawled):
    assert crawled.complaints(one) == []


def test_names_are_unique_and_pending_ones_exist():
    names = [one.name for one in BEHAVIOURS]
    assert len(set(names)) == len(names) > 60
    assert set(PENDING) <= {*names, *GENERAL}


# The table of what is pending names these tests by these words.
GENERAL = ("time", "memory", "private pages", "refused addresses", "formulas")


@pending("time")
def test_it_ends_in_time(crawled):
    assert crawled.report["reason"] == "finished"
    assert crawled.seconds < 60


@pending("memory")
def test_all_processes_together_stay_small(crawled):
    assert 50 < crawled.peak < 400, f"{crawled.peak:.0f} MB"


@pending("private pages")
def test_every_healthy_page_is_fetched_once_and_read(crawled):
    pages = [item for item in crawled.items if item["name"] == "healthy"]
    assert len(pages) == len({item["url"] for item in pages}) == HEALTHY_PAGES
    hits = [hit for hit in crawled.server.log if hit.address in HEALTHY and hit.target != "/robots.txt"]
    assert len(hits) == HEALTHY_PAGES
    wrong = [item for item in pages if not item["title"].startswith(f"healthy {item['address']}/")]
    assert wrong == []


def test_it_says_how_it_went(crawled):
    assert crawled.code == crawled.report["exit_code"] == 4  # two start pages were blocked
    assert "exit code 4: a start page was blocked" in crawled.summary
    assert crawled.report["item_errors"] == 1
    assert crawled.stdout == b""
    assert crawled.stderr.count("Traceback") == 2  # a pattern that never gets through, and an exception
    assert crawled.server.failed == []


def test_nothing_raw_reaches_a_terminal_or_a_log(crawled):
    for text in (crawled.stderr, crawled.log, crawled.summary, (crawled.folder / "run/report.txt").read_text()):
        found = RAW.search(text)
        assert found is None, repr(text[max(0, found.start() - 80) : found.end() + 20])
    assert "owned" in "".join(item["title"] or "" for item in crawled.items)  # there was something to say


def test_nothing_raw_is_told_of_a_url(crawled, crawl_here):
    for one in BEHAVIOURS:
        if "terminal escapes" in one.name:
            done = crawl_here("why", start_url(one, crawled.server), crawled.folder / "run")
            assert done.rc == 0
            assert RAW.search(done.stdout) is None, (one.name, done.stdout)


def test_no_secret_is_written_down(crawled):
    for text in (crawled.stderr, crawled.log, crawled.summary, (crawled.folder / "run/report.json").read_text()):
        assert "hush" not in text


@pending("refused addresses")
def test_addresses_that_are_refused_are_not_connected_to(crawled):
    assert [address for address in crawled.server.connected if address in crawled.server.trapped] == []


@pending("formulas")
def test_no_cell_begins_as_a_formula(crawled):
    assert "HYPERLINK" in crawled.csv
    assert re.search(r'(?m)(^|,)"?=HYPERLINK', crawled.csv) is None


def test_no_file_is_written_elsewhere(crawled):
    assert [path.name for path in (crawled.folder / "home").iterdir()] == []
    known = {"home", "run", "settings.toml", "starts.jsonl", "items.jsonl", "items.csv", "crawl.log"}
    assert {path.name for path in crawled.folder.iterdir()} == known
