"""Traps: sites without end are cut, with the reason, and large honest ones are not."""

import time
from itertools import permutations

import pytest

from crawler.request import Request
from crawler.rules import date_urls
from crawler.rules import traps as module
from crawler.rules.traps import Traps, repeats_in_a_row
from crawler.settings import merge
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
        "//////x",
        "/a/b/c/d/e/f/a/b/c/d/e/f/a/b/c/d/e/f/a/b/c/d/e/f",
    ],
)
def test_the_same_over_and_over_is_cut(traps, path):
    assert said(traps, path) == "traps: the same more than traps.max_repeats = 3 times in a row in its path"


def test_the_same_with_other_things_between_is_cut_later(traps):
    path = "/a/1/a/2/a/3/a/4/a/5/a/6/"
    assert said(traps, path) == ""
    assert said(traps, path + "a") == "traps: /a/ more than 6 times in its path, twice traps.max_repeats"


def test_a_path_that_grows_for_ever_is_cut(traps):
    path = "".join(f"/{number}" for number in range(41))
    assert said(traps, path) == "traps: a path of 41 segments, more than traps.max_segments = 40"


@pytest.mark.parametrize("form", ["/calendar/{}/{:02}", "/{}/{}", "/events/{}-{:02}-24", "/cal?year={}&m={}"])
def test_a_calendar_ends_in_some_years(traps, form):
    months = [(year, month) for year in range(YEAR, YEAR + 100) for month in range(1, 13)]
    cut = [pair for pair in months if said(traps, form.format(*pair)).startswith("traps: a calendar: ")]
    assert cut == months[12 * 6 + date_urls._MOST_ODD :]


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
        "/local/4567",
        "/update/2087",
        "/1/1/1/1/12345",
        "/2011/11/11/11",
        "/0/0/0/0/0/0",
        "/x//y",
        "/a/b/a/b/a/b/x",
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


def test_filters_of_one_name_may_not_come_in_all_orders(traps):
    orders = [f"/shop?{'&'.join(f'tag={tag}' for tag in order)}" for order in permutations("abcde")]
    refused = [path for path in orders if said(traps, path)]
    assert len(orders) - len(refused) == 6
    assert said(traps, refused[0]) == (
        "traps: the same parameters in more than 6 orders for http://a.example/shop (see traps.max_queries)"
    )
    assert said(traps, orders[0]) == ""
    assert not any(said(traps, f"/api?id={number}&id={number + 1}") for number in range(3000))


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
    assert repeats_in_a_row(list(segments), size) == run


def test_a_long_url_costs_little(traps):
    started = time.process_time()
    said(make(max_segments=0), "/ab" * 2700)
    said(make(max_segments=0), "/a/b" * 1000 + "/c")
    said(traps, "/calendar/" + "2087" * 2000)
    said(traps, "/calendar/" + "2087-" * 1600)
    said(traps, "/x?" + "&".join(["sid=aaaaaaaaaaaaaaaaaaaaaa"] * 300))
    assert time.process_time() - started < 1


DEFAULTS = {name: getattr(merge([]).traps, name) for name in merge([]).traps.__struct_fields__}


@pytest.mark.parametrize(
    "paths",
    [
        [f"/page/{number}/" for number in range(1, 19_000)],
        [f"/list?page={number}" for number in range(30_000)],
        [f"/viewtopic.php?f={n % 9}&t={n}&start={n % 5}" for n in range(30_000)],
        [f"/{y}/{m:02}/{d:02}/{slug}" for y in range(1990, 2026) for m in (1, 7) for d in (1, 28) for slug in "ab"],
        [f"/archive/{y}/{m:02}/{d:02}/" for y in range(1850, 2026, 5) for m in range(1, 13) for d in range(1, 29)],
        [f"/thread/{number}/{page}" for number in range(900, 4000) for page in (1, 2, 3)],
        [f"/tiles/{z}/{x}/{y}" for z in range(20) for x in range(20) for y in range(20)],
        [f"/story?sid={number}" for number in range(10_000_000, 10_001_000)],
        [f"/story?session_id=talk-about-something-{'x' * (n % 50)}" for n in range(1000)],
        ["/commit/" + f"{number:040x}" for number in range(1000)],
    ],
    ids=lambda paths: paths[0],
)
def test_an_honest_site_is_read_whole(paths):
    rule = Traps(**DEFAULTS)
    assert [path for path in paths if said(rule, path) or rule.before(link(path)) is not GO] == []


@pytest.mark.parametrize(
    "form",
    [
        "/shop;jsessionid={:032X}.node1?x=1",
        "/(X(1)S({:024x}))/default.aspx",
        "/index.php?a=1&sid=a{:031x}&b=2",
        "/index.php?session_id=a{:031x}",
    ],
)
def test_session_ids_of_many_forms(traps, form):
    assert [bool(said(traps, form.format(number))) for number in (*range(8), 0)] == [False] * 5 + [True] * 3 + [False]


# -- pages alike -----------------------------------------------------------------------------------------------------


def link(path, site=SITE, **fields):
    return Request(site + path, depth=1, parent=SITE + "/", **fields)


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("/{}", "/#"),
        ("/calendar/2025/{}/", "/calendar/#/#/"),
        ("/{:032x}/page", "/#/page"),
        ("/{:08x}-0000-4000-8000-00000000000f", "/#"),
        ("/list?page={}", "/list?page=#"),
    ],
)
def test_pages_alike_are_cut_where_somebody_wants_that(form, kind):
    rule = make(max_alike=5)
    paths = [form.format(number) for number in range(100, 108)]
    assert [said(rule, path) for path in paths * 2] == [""] * 16  # found, and none of them fetched
    verdicts = [rule.before(link(path)) for path in paths]
    reason = f"traps: more than traps.max_alike = 5 pages like {SITE}{kind}"
    assert verdicts == [GO] * 5 + [Drop(reason)] * 3
    assert said(rule, form.format(200)) == reason


def test_what_is_no_new_page_does_not_count():
    rule = make(max_alike=1)
    for request in (link("/1", attempts=1), link("/1", purpose="robots"), Request(f"{SITE}/1"), link("/one")):
        assert [rule.before(request) for _ in range(3)] == [GO] * 3
    assert rule.before(link("/1")) is GO
    assert isinstance(rule.before(link("/2")), Drop)


def test_each_host_counts_for_itself_also_if_only_numbers_differ():
    rule = make(max_alike=2)
    assert [rule.before(link("/1", site=f"http://host{number}.example:80{number}0")) for number in range(9)] == [GO] * 9


def test_kinds_are_not_ever_more_and_the_busy_ones_stay(monkeypatch):
    monkeypatch.setattr(module, "_MOST_KNOWN", 10)
    rule = make(max_alike=50)
    for number in range(50):
        assert rule.before(link(f"/often/{number}")) is GO
        assert rule.before(link(f"/{'x' * number}/1")) is GO
        assert len(rule._alike) <= 10
    assert isinstance(rule.before(link("/often/51")), Drop)
