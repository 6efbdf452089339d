"""Traps: sites without end are cut, with the reason, and large honest ones are not."""

import time
from itertools import permutations

import pytest

from crawler.request import Request
from crawler.rules.traps import Traps, _longest_run
from crawler.verdict import GO, Drop

SITE = "http://a.example"
YEAR = time.gmtime().tm_year


@pytest.fixture
def traps():
    return make()


def make(**changes):
    limits = {"max_segments": 40, "max_repeats": 3, "max_queries": 200, "max_years": 5, "max_sessions": 5}
    limits["max_chain"] = 10_000
    return Traps(**{**limits, **changes})


def said(traps, path, depth=1):
    verdict = traps.found(Request(f"{SITE}{path}", depth=depth, parent=f"{SITE}/"))
    return "" if verdict is GO else verdict.reason


@pytest.mark.parametrize(
    "path",
    [
        "/a/a/a/a",
        "/x/a/a/a/a/y",
        "/a/b/a/b/a/b/a/b",
        "/en/shop/en/shop/en/shop/en/shop/",
        "/1/2/3/1/2/3/1/2/3/1/2/3",
        "//////",
    ],
)
def test_the_same_over_and_over_is_cut(traps, path):
    assert "times the same in its path, more than traps.max_repeats = 3" in said(traps, path)


def test_a_path_that_grows_for_ever_is_cut(traps):
    path = "".join(f"/{number}" for number in range(41))
    assert said(traps, path) == "traps: a path of 41 segments, more than traps.max_segments = 40"


@pytest.mark.parametrize(
    "path",
    [f"/calendar/{YEAR + 6}/01", f"/events/{YEAR + 6}-12-24", f"/cal?year={YEAR + 100}&m=1", "/month/9999/12"],
)
def test_a_calendar_ends_in_some_years(traps, path):
    assert said(traps, path).startswith("traps: a calendar: ")


@pytest.mark.parametrize(
    "path",
    [
        f"/calendar/{YEAR + 1}/01",
        "/calendar/1850/01/01",
        "/topic/2087/3",
        "/item/20991",
        "/date/20991231235959",
        "/events?id=2087123",
        "/event/v2.2099.1/x",
        "/a/a/a",
        "/2018/01/01/01/title",
        "/films/1?page=2",
    ],
)
def test_honest_paths_are_not(traps, path):
    assert said(traps, path) == ""


def test_combinations_of_filters_have_an_end(traps):
    names = ["color", "size", "brand", "price", "sort", "page"]
    paths = [f"/shop?{'&'.join(f'{name}=1' for name in some)}" for some in permutations(names)]
    refused = [path for path in paths if said(traps, path)]
    assert len(paths) - len(refused) == 200
    assert said(traps, refused[0]) == (
        "traps: more than traps.max_queries = 200 combinations of parameters for http://a.example/shop"
    )
    assert said(traps, paths[0]) == ""  # what was known stays allowed
    assert said(traps, "/other?b=1&a=2") == ""


def test_a_shop_of_any_size_is_not_a_trap(traps):
    assert not any(said(traps, f"/item.php?id={number}&lang=en") for number in range(30_000))
    assert not any(said(traps, f"/item/{number}") for number in range(30_000))


def test_each_session_id_begins_the_site_anew(traps):
    for number in range(5):
        assert said(traps, f"/page;jsessionid=A1B2C3D4E5{number}") == ""
    assert "max_sessions = 5 (see url.drop_sessions)" in said(traps, "/page;jsessionid=A1B2C3D4E5F9")
    assert "max_sessions" in said(traps, "/page?PHPSESSID=0123456789abcdef")
    assert "max_sessions" in said(traps, "/(S(lit3py55t21z5v55vlm25s55))/page")
    assert said(traps, "/page;jsessionid=A1B2C3D4E50") == ""


def test_links_in_a_row_have_an_end(traps):
    assert said(traps, "/page/1", depth=10_000) == ""
    assert said(traps, "/page/1", depth=10_001).startswith("traps: 10001 links in a row")


def test_start_urls_are_what_somebody_wants(traps):
    assert traps.found(Request(f"{SITE}/a/a/a/a/a")) is GO


def test_every_limit_can_be_turned_off():
    off = make(max_segments=0, max_repeats=0, max_queries=0, max_years=0, max_sessions=0, max_chain=0)
    for path in ("/a" * 100, f"/calendar/{YEAR + 50}/1", "/page;jsessionid=A1B2C3D4E5F9"):
        assert said(off, path, depth=99_999) == ""
    assert isinstance(make(max_segments=0).found(Request(f"{SITE}/a/a/a/a", depth=1, parent="x")), Drop)


def test_memory_is_bounded(traps):
    for number in range(25_000):
        said(traps, f"/{number}?a=1&b=2")
        traps.found(Request(f"http://h{number}.example/;jsessionid=12345678", depth=1, parent="x"))
    assert len(traps._queries) <= 20_000
    assert len(traps._sessions) <= 20_000


@pytest.mark.parametrize(
    ("segments", "size", "run"),
    [("aaaa", 1, 4), ("abab", 2, 2), ("ababab", 2, 3), ("xababaz", 2, 2), ("abcabc", 3, 2), ("abc", 1, 1), ("", 1, 1)],
)
def test_runs_are_counted_in_whole_groups(segments, size, run):
    assert _longest_run(list(segments), size) == run


def test_a_long_url_costs_little(traps):
    started = time.process_time()
    said(make(max_segments=0), "/ab" * 2700)
    said(traps, "/calendar/" + "2087" * 2000)
    assert time.process_time() - started < 1
