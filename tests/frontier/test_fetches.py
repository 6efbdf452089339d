"""The fetches of a ledger, sorted by host and start, each under the host that it really went to."""

from contextlib import closing

import pytest

from crawler.errors import UsageError
from crawler.frontier.fetches import fetched_url, fetches, robots_of
from crawler.frontier.ledger import Ledger
from crawler.request import Request

A, B = "https://a.example", "https://b.example"


@pytest.fixture
def ledger():
    with closing(Ledger(None)) as opened:
        yield opened


def rows(ledger):
    ledger.commit()
    return [(fetched_url(ledger, number), *rest) for number, *rest in fetches(ledger)]


def test_they_are_sorted_by_host_and_start(ledger):
    for url, at in ((f"{B}/1", 3.0), (f"{A}/2", 2.0), (f"{A}:8443/1", 0.5), (f"{A}/1", 1.0)):
        ledger.attempt(ledger.add(Request(url, callback="film")), at, 0.25, "200")
    assert rows(ledger) == [
        (f"{A}/1", "a.example", 1.0, 0.25, 0),
        (f"{A}/2", "a.example", 2.0, 0.25, 0),
        (f"{A}:8443/1", "a.example:8443", 0.5, 0.25, 0),
        (f"{B}/1", "b.example", 3.0, 0.25, 0),
    ]


def test_each_hop_of_a_redirect_counts_for_its_own_host(ledger):
    request = ledger.add(Request(f"{A}/old"))
    ledger.attempt(request, 1.0, 0.25, "301")
    hop = request.replace(url=f"{B}/new", hops=(f"{A}/old",))
    ledger.again(hop)
    ledger.attempt(hop, 2.0, 0.25, "302")
    last = hop.replace(url=f"{A}/end", hops=(f"{A}/old", f"{B}/new"))
    ledger.again(last)
    ledger.attempt(last, 3.0, 0.25, "200")
    assert rows(ledger) == [
        (f"{A}/old", "a.example", 1.0, 0.25, 0),
        (f"{A}/end", "a.example", 3.0, 0.25, 0),
        (f"{B}/new", "b.example", 2.0, 0.25, 0),
    ]


def test_what_was_fetched_on_behalf_of_a_page_is_told_apart_from_the_page(ledger):
    page = ledger.add(Request(f"{A}/1"))
    robots = page.replace(url=f"{A}/robots.txt", purpose="robots")
    ledger.attempt(robots, 1.0, 0.25, "302")
    ledger.attempt(robots.replace(url=f"{B}/robots", hops=(f"{A}/robots.txt",)), 1.5, 0.25, "200")
    ledger.attempt(page, 2.0, 0.25, "200")
    own = ledger.add(Request(f"{A}/robots.txt"))
    ledger.attempt(own, 3.0, 0.25, "200")
    assert rows(ledger) == [
        (f"{A}/robots.txt", "a.example", 1.0, 0.25, 1),
        (f"{A}/1", "a.example", 2.0, 0.25, 0),
        (f"{A}/robots.txt", "a.example", 3.0, 0.25, 0),
        (f"{B}/robots", "b.example", 1.5, 0.25, 1),
    ]


def test_what_killed_its_worker_has_no_end_and_what_the_cache_answered_was_no_fetch(ledger):
    page = ledger.add(Request(f"{A}/1"))
    ledger.attempt(page, 1.0, 0.25, "worker: killed by signal 9")
    ledger.attempt(page, 2.0, 0.0, "200 from the cache")
    ledger.attempt(page, 3.0, 0.25, "timeout: no end after 60 s")
    assert [row[2:4] for row in rows(ledger)] == [(1.0, None), (3.0, 0.25)]


def test_robots_of_both_schemes_of_a_host(ledger):
    ledger.keep_robots("https://a.example", 1.0, b"one")
    ledger.keep_robots("http://a.example", 2.0, b"two")
    ledger.keep_robots("http://a.example:8080", 3.0, b"three")
    ledger.keep_robots("https://b.example", 4.0, None)
    ledger.commit()
    assert sorted(robots_of(ledger, "a.example")) == [(1.0, b"one"), (2.0, b"two")]
    assert robots_of(ledger, "b.example") == []


def test_a_fetch_that_belongs_to_nothing_is_damage(ledger):
    ledger.attempt(Request(f"{A}/1", row=77), 1.0, 0.25, "200")
    ledger.commit()
    with pytest.raises(UsageError, match="is not a whole ledger"):
        list(fetches(ledger))
