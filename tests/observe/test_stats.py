from datetime import UTC, datetime

import pytest

from crawler.errors import CrawlError, OutputError
from crawler.observe import events
from crawler.observe.events import (
    Blocked,
    Dropped,
    Fetched,
    FetchFailed,
    Finished,
    ItemDropped,
    ItemFailed,
    ItemStored,
    PageRead,
    ReadFailed,
    Retried,
    Started,
)
from crawler.observe.stats import HOSTS, LISTED, Stats
from crawler.reading import PageError

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stats(clock):
    stats = Stats(clock=clock, today=lambda: NOON)
    stats.hear(Started(("maoyan",), 2, "process"))
    return stats


def hear(stats, *heard):
    for event in heard:
        stats.hear(event)


def fetched(host="a.example", status=200, size=10, seconds=0.5):
    return Fetched(f"https://{host}/", host, status, size, seconds)


def test_files_that_were_declared_as_pages_are_told_by_what_they_are(stats):
    hear(stats, *[Dropped("https://a.example/", "content: a PDF file declared as text/html")] * 2)
    hear(stats, *[Dropped("https://a.example/", f"content: a file of kind {number}") for number in range(20)])
    told = stats.report().no_pages
    assert (told["a PDF file declared as text/html"], sum(told.values()), len(told)) == (2, 22, 6)


def test_events_are_counted(stats, clock):
    hear(
        stats,
        fetched(),
        fetched(status=404, size=5),
        fetched(),
        ItemStored(3),
        ItemStored(1),
        ItemFailed("https://a.example/", "Film.cover: no"),
        Retried("https://a.example/", "timeout", 1.0),
        Dropped("https://b.example/", "scope: b.example is not allowed"),
        Dropped("https://c.example/", "scope: c.example is not allowed"),
        Dropped("https://a.example/x", "depth: 4 links from a start URL"),
        Blocked("https://a.example/v", "verification page", start=False),
        FetchFailed("https://a.example/404", "status", "404", error=False),
        FetchFailed("https://a.example/t", "timeout", "30 s", error=True),
        ReadFailed(PageError("https://a.example/", "parse", "KeyError", "'x'", "spiders/a.py:3")),
    )
    clock.now += 10
    snapshot = stats.snapshot()
    assert snapshot.spiders == ("maoyan",)
    assert snapshot.pages == 3
    assert snapshot.bytes == 25
    assert snapshot.by_status == {200: 2, 404: 1}
    assert snapshot.items == 4
    assert snapshot.errors == 3  # one page, one fetch, one item
    assert snapshot.retried == 1
    assert snapshot.dropped == {"scope": 2, "depth": 1}
    assert snapshot.blocked == 1
    assert snapshot.seconds == 10
    assert snapshot.average == pytest.approx(0.3)


def test_an_event_that_is_not_counted_is_ignored(stats):
    before = stats.snapshot()
    stats.hear(PageRead("https://a.example/", "parse", 1, 2))
    assert stats.snapshot() == before
    assert PageRead not in stats.hears
    assert Fetched in stats.hears


def test_every_event_that_stats_hears_can_be_heard(stats):
    assert set(stats.hears) <= set(events.Event.__args__)


def test_the_rate_is_that_of_the_last_five_seconds(stats, clock):
    for _ in range(60):
        hear(stats, *[fetched()] * 10)
        clock.now += 1
    assert stats.snapshot().rate == pytest.approx(10)
    clock.now += 3
    assert stats.snapshot().rate == pytest.approx(4)
    clock.now += 3
    assert stats.snapshot().rate == 0
    assert stats.snapshot().average == pytest.approx(600 / 66)


def test_the_rate_of_a_run_that_has_just_begun_is_not_absurd(stats, clock):
    stats.hear(fetched())
    assert stats.snapshot().rate <= 2
    assert stats.snapshot().average == 0
    clock.now += 2
    assert stats.snapshot().rate == pytest.approx(0.5)


def test_the_slowest_hosts_come_first(stats):
    hear(stats, fetched("fast", seconds=0.1), fetched("slow", seconds=1.0), fetched("slow", seconds=3.0))
    slowest = stats.snapshot().slowest
    assert [(times.host, times.requests, times.mean) for times in slowest] == [("slow", 2, 2.0), ("fast", 1, 0.1)]


def test_hosts_are_bounded_and_the_slowest_and_most_recent_stay(stats):
    stats.hear(fetched("slow", seconds=60))
    for number in range(5 * HOSTS):
        hear(stats, fetched(f"h{number}", seconds=0.1), fetched("often", seconds=0.01))
        assert len(stats._hosts) <= HOSTS
    assert stats.snapshot().slowest[0].host == "slow"
    assert stats._hosts["often"][0] == 5 * HOSTS


def test_a_snapshot_does_not_change_afterwards(stats):
    stats.hear(fetched())
    snapshot = stats.snapshot()
    hear(stats, fetched(), Dropped("u", "scope: x"))
    assert snapshot.by_status == {200: 1}
    assert snapshot.dropped == {}


def test_a_report_tells_what_was_heard(stats, clock):
    error = PageError("https://a.example/", "parse", "KeyError", "'x'", "spiders/a.py:3")
    hear(
        stats,
        fetched(),
        ItemStored(2),
        ReadFailed(error),
        ItemFailed("https://a.example/", "dict.x: no"),
        FetchFailed("https://a.example/404", "status", "404", error=False),
        Blocked("https://a.example/v", "verification page", start=True),
        Finished("max_pages reached"),
    )
    clock.now += 7
    report = stats.report(outputs=["out.csv"], kept=[{"a": 1}], ended_by="SIGINT", max_errors=4, allow_empty=True)
    assert report.spiders == ("maoyan",)
    assert (report.started, report.ended, report.seconds) == (NOON, NOON, 7)
    assert report.reason == "max_pages reached"
    assert (report.pages, report.bytes, report.by_status) == (1, 10, {200: 1})
    assert (report.items, report.item_count, report.item_errors) == ([{"a": 1}], 2, 1)
    assert report.item_failures == [("https://a.example/", "dict.x: no")]
    assert (report.page_errors, report.page_error_count) == ([error], 1)
    assert (report.failure_count, report.failed, report.failures_by_kind) == (1, 0, {"status": 1})
    assert report.blocked == [("https://a.example/v", "verification page")]
    assert report.blocked_start
    assert report.outputs == ("out.csv",)
    assert (report.ended_by, report.max_errors, report.allow_empty) == ("SIGINT", 4, True)


def test_lists_of_a_report_are_bounded_and_counters_are_not(stats):
    for number in range(3 * LISTED):
        hear(
            stats,
            FetchFailed(f"https://a.example/{number}", "timeout", "", error=True),
            ReadFailed(PageError(f"https://a.example/{number}", "parse", "KeyError", "", f"a.py:{number}")),
            ItemFailed(f"https://a.example/{number}", f"no {number}"),
            Blocked(f"https://a.example/{number}", "ban page", start=False),
        )
    report = stats.report()
    lists = (
        report.failures,
        report.page_errors,
        report.places,
        report.item_failures,
        report.item_places,
        report.blocked,
    )
    for entries in lists:
        assert len(entries) == LISTED
    counts = (report.failure_count, report.failed, report.page_error_count, report.item_errors, report.blocked_count)
    assert counts == (3 * LISTED,) * 5


def test_item_errors_are_grouped_by_place_and_what_is_wrong_most_frequent_first(stats):
    for url, line, what in [
        ("1", 3, "Film.votes"),
        ("2", 3, "Film.score"),
        ("3", 3, "Film.score"),
        ("4", 9, "Film.score"),
    ]:
        stats.hear(ItemFailed(url, f"{what} of {url}", f"a.py:{line}", "", what))
    stats.hear(ItemFailed("5", "it cannot be written"))
    stats.hear(ItemFailed("6", "it cannot be written"))
    assert [(place.message, place.count, place.url) for place in stats.report().item_places] == [
        ("Film.score of 2", 2, "2"),
        ("it cannot be written", 2, "5"),
        ("Film.votes of 1", 1, "1"),
        ("Film.score of 4", 1, "4"),
    ]


def test_items_that_were_dropped_are_counted_by_reason_over_all_parts_of_a_run(stats):
    for reason in ("duplicate url", "cheap", "duplicate url"):
        stats.hear(ItemDropped("https://a.example/", reason))
    assert stats.report().items_dropped == {"duplicate url": 2, "cheap": 1}
    later = Stats()
    later.carry(stats.carried())
    later.hear(ItemDropped("https://a.example/", "cheap"))
    assert later.report().items_dropped == {"duplicate url": 2, "cheap": 2}
    assert stats.report().items_dropped == {"duplicate url": 2, "cheap": 1}


def test_reasons_of_pipelines_are_bounded(stats):
    for number in range(3 * LISTED):
        stats.hear(ItemDropped("https://a.example/", f"price is {number}"))
    dropped = stats.report().items_dropped
    assert len(dropped) == LISTED + 1
    assert dropped["for other reasons"] == 2 * LISTED


def test_page_errors_are_grouped_by_place_most_frequent_first(stats):
    for url, line in [("1", 3), ("2", 9), ("3", 9), ("4", 9)]:
        stats.hear(ReadFailed(PageError(url, "parse", "KeyError", f"'{url}'", f"a.py:{line}")))
    assert [(place.where, place.count, place.url) for place in stats.report().places] == [
        ("a.py:9", 3, "2"),
        ("a.py:3", 1, "1"),
    ]


@pytest.mark.parametrize(("error", "code"), [(OutputError("cannot write x"), 5), (CrawlError("lost"), 6)])
def test_what_broke_the_run_is_in_the_report(stats, error, code):
    report = stats.report(error=error)
    assert (report.error, report.error_code, report.reason) == (error.message, code, "failed")


def test_bodies_that_were_cut_are_counted_and_carried():
    stats = Stats()
    stats.hear(Fetched("https://a.example/", "a.example", 200, 10, 0.1, truncated=True))
    stats.hear(Fetched("https://a.example/", "a.example", 200, 10, 0.1))
    assert stats.report().truncated == 1
    resumed = Stats()
    resumed.carry(stats.carried())
    assert resumed.report().truncated == 1
