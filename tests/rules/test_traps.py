"""Sites without end are cut, and large honest ones are not."""

from itertools import permutations, product

import pytest

from crawler.request import Request
from crawler.rules import traps
from crawler.rules.traps import Traps
from crawler.settings import merge
from crawler.verdict import GO, Drop

SITE = "http://a.example"
DEFAULTS = {name: getattr(merge([]).traps, name) for name in merge([]).traps.__struct_fields__}


def link(path, depth=1, site=SITE):
    return Request(site + path, depth=depth, parent=site + "/")


def refused(paths, **limits):
    """The paths that are cut: as they are found, or when their turn comes."""
    rule = Traps(**limits)
    cut = {}
    for path in paths:
        request = link(path)
        verdict = rule.found(request)
        if verdict is GO:
            verdict = rule.before(request)
        if verdict is not GO:
            assert isinstance(verdict, Drop)
            assert verdict.state == "dropped"
            cut[path] = verdict.reason
    return cut


# -- honest sites ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "paths",
    [
        [f"/item/{number}" for number in range(60_000)],
        [f"/page/{number}/" for number in range(1, 19_000)],
        [f"/list?page={number}" for number in range(30_000)],
        [f"/viewtopic.php?f={n % 9}&t={n}&start={n % 5}" for n in range(60_000)],
        [f"/shop?category={c}&page={p}" for c in range(200) for p in range(200)],
        [f"/{y}/{m:02}/{d:02}/{slug}" for y in range(1990, 2026) for m in (1, 7) for d in (1, 28) for slug in "ab"],
        [f"/tiles/{z}/{x}/{y}" for z in range(20) for x in range(20) for y in range(20)],
        [
            "/1/1/1/1/12345",
            "/0/0/0/0/0/0",
            "/2011/11/11/11",
            "/a/a/a/b",
            "/a/b/a/b/a/b/x",
            "/x//y",
            "/",
            "/a/b/c/d/e/f",
        ],
        [f"/story?sid={number}" for number in range(1000)],
        ["/commit/" + f"{number:040x}" for number in range(1000)],
    ],
    ids=lambda paths: paths[0],
)
def test_an_honest_site_is_read_whole(paths):
    assert refused(paths, **DEFAULTS) == {}


def test_start_urls_are_never_cut_and_count_for_nothing():
    rule = Traps(max_segments=2, max_repeats=1, max_queries=1, max_dates=1, max_sessions=1, max_chain=1, max_alike=1)
    for number in range(9):
        for url in (f"{SITE}/a/a/a/a/{number}", f"{SITE}/x?a=1&b=2&c={number % 2}", f"{SITE}/2090/{number + 1}"):
            assert rule.found(Request(url)) is GO
            assert rule.before(Request(url)) is GO
    assert rule.found(link("/9")) is GO


def test_without_limits_nothing_is_cut():
    paths = ["/a" * 100, *(f"/{y}/1" for y in range(2030, 2900)), *("/?" + "&".join(o) for o in permutations("abcdef"))]
    assert refused(paths) == {}
    assert Traps().found(link("/x", depth=10**6)) is GO


# -- paths ---------------------------------------------------------------------------------------------------------


def test_a_path_has_only_so_many_segments():
    assert refused(["/a/b/c", "/a/b/c/", "/a/b/c/d", "/a/b/c/?x=/d/e/f"], max_segments=3) == {
        "/a/b/c/d": "traps: a path of 4 segments, traps.max_segments"
    }


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/a/a/a/a", "a"),
        ("/a/a/a/a/", "a"),
        ("/x/y/a/a/a/a/z", "a"),
        ("/x/a/b/a/b/a/b/a/b", "a/b"),
        ("/a/b/c/a/b/c/a/b/c/a/b/c/x", "a/b/c"),
        ("/////x", ""),
    ],
)
def test_what_a_path_repeats_in_a_row_is_told(path, group):
    assert refused([path], max_repeats=3) == {path: f"traps: /{group}/ more than 3 times in a row, traps.max_repeats"}


def test_what_a_path_repeats_with_other_things_between_is_told():
    path = "/a/1/a/2/a/3/a/4/a/5/a/6/"
    assert refused([path, path + "a"], max_repeats=3) == {
        path + "a": "traps: /a/ more than 6 times in one path, traps.max_repeats"
    }


def test_a_chain_of_links_ends():
    rule = Traps(max_chain=20_000)
    assert rule.found(link("/x", depth=20_000)) is GO
    assert rule.found(link("/x", depth=20_001)) == Drop("traps: 20,001 links away from the start, traps.max_chain")


def test_a_calendar_ends():
    cut = refused([f"/calendar/{year}/{month}/" for year in range(2020, 2200) for month in range(1, 13)], **DEFAULTS)
    assert len(cut) > 1000
    assert all("/calendar/#/#/ has 400 dates" in reason for reason in cut.values())


# -- session ids ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        "/shop;jsessionid={:032X}",
        "/shop;jsessionid={:032X}.node1?x=1",
        "/(S({:024x}))/default.aspx",
        "/(X(1)S({:024x}))/default.aspx",
        "/index.php?PHPSESSID={:032x}",
        "/index.php?a=1&sid={:032x}&b=2",
    ],
)
def test_a_host_has_only_so_many_sessions(form):
    paths = [form.format(number) for number in range(8)]
    assert refused(paths * 2, max_sessions=5) == dict.fromkeys(
        paths[5:],
        "traps: a.example has 5 session ids in its URLs, traps.max_sessions (url.drop_sessions leaves them out)",
    )


def test_pages_of_one_session_are_all_read():
    assert refused([f"/{n};jsessionid={'A1' * 16}" for n in range(1000)], max_sessions=5) == {}


def test_hosts_whose_sessions_are_known_are_not_ever_more(monkeypatch):
    monkeypatch.setattr(traps, "_MOST_HOSTS", 10)
    rule = Traps(max_sessions=1)
    for number in range(100):
        assert rule.found(link("/?sid=" + "a1" * 16, site=f"http://{number}.example")) is GO
    assert len(rule._sessions) == 10


# -- queries -------------------------------------------------------------------------------------------------------


def test_permutations_of_a_query_are_cut():
    paths = ["/list?" + "&".join(f"{name}=1" for name in order) for order in permutations("abcdef")]
    cut = refused(paths, max_queries=30)
    assert cut == dict.fromkeys(paths[30:], "traps: /list has 30 queries made of few values, traps.max_queries")


def test_combinations_of_filters_are_cut():
    values = [("color", "red blue green"), ("size", "s m l xl"), ("brand", "a b c d e"), ("sort", "up down")]
    choices = product(*([f"{name}={value}" for value in words.split()] for name, words in values))
    paths = ["/list?" + "&".join(choice) for choice in choices]
    assert len(refused(paths, max_queries=60)) == len(paths) - 60


def test_queries_of_few_parameters_or_of_many_values_are_things_of_their_own():
    assert refused([f"/item?id={n}&lang=en" for n in range(500)], max_queries=30) == {}
    assert refused([f"/item?id={n}&lang=en&v=1" for n in range(500)], max_queries=30) == {}


def test_what_is_found_again_and_again_counts_once():
    rule = Traps(max_queries=3)
    request = link("/list?a=1&b=1&c=1")
    assert [rule.found(request) for _ in range(100)] == [GO] * 100
    assert rule.before(request) is GO
    assert rule.before(request.replace(attempts=1)) is GO  # a retry
    assert rule.before(request.replace(purpose="robots")) is GO


# -- pages alike ---------------------------------------------------------------------------------------------------


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
    paths = [form.format(number) for number in range(100, 108)]
    assert refused(paths, max_alike=5) == dict.fromkeys(paths[5:], f"traps: {kind} has 5 pages, traps.max_alike")


def test_pages_without_numbers_are_not_alike():
    assert refused([f"/{a}{b}/page" for a in "abcdefgh" for b in "abcdefgh"], max_alike=5) == {}


def test_each_host_counts_for_itself_also_if_only_numbers_differ():
    rule = Traps(max_alike=2)
    for number in range(9):
        request = link("/1", site=f"http://host{number}.example:8080")
        assert rule.found(request) is GO
        assert rule.before(request) is GO


def test_what_is_counted_has_a_bound_and_the_most_frequent_stays(monkeypatch):
    monkeypatch.setattr(traps, "_MOST_KINDS", 10)
    rule = Traps(max_alike=50, max_queries=50)
    for number in range(49):
        for path in (
            f"/often/{number}",
            f"/{'x' * number}/1",
            f"/often?a={number % 2}&b=1&c=1",
            f"/{'y' * number}?a&b&c",
        ):
            assert rule.before(link(path)) is GO
        assert len(rule._alike) <= 10
        assert len(rule._queries) <= 10
    assert rule.before(link("/often/50")) is GO
    assert isinstance(rule.before(link("/often/51")), Drop)
    assert rule.before(link("/often?a=1&b=1&c=1")) is GO
    assert isinstance(rule.before(link("/often?a=0&b=1&c=1")), Drop)
