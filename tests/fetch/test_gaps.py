"""Starts on one host keep their gap, whatever waited for a thread meanwhile."""

import time
from itertools import pairwise

import pytest

from crawler.fetch.curl_fetcher import CurlFetcher
from crawler.fetch.gaps import Gaps, host_in
from crawler.fetch.limits import FetchLimits
from crawler.fetch.requests_fetcher import InlineFetcher, RequestsFetcher
from crawler.response import Order


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

    monkeypatch.setattr("crawler.fetch.gaps.time.monotonic", lambda: Clock.now)
    return Clock


def order(host="a.example", gap=2.0):
    return Order(1, f"http://{host}/", gap=gap)


def test_the_first_order_begins_and_the_next_waits_for_the_rest_of_its_gap(clock):
    gaps = Gaps()
    assert gaps.begin(order()) == (100.0, 0.0)
    clock.now = 100.5
    assert gaps.begin(order()) == (0.0, 1.5)
    assert gaps.begin(order(gap=0.25)) == (100.5, 0.0)
    assert gaps.begin(order()) == (0.0, 2.0)
    clock.now = 102.5
    assert gaps.begin(order()) == (102.5, 0.0)


def test_waiting_does_not_count_as_a_start(clock):
    gaps = Gaps()
    gaps.begin(order())
    for now in (100.5, 101.0, 101.999):
        clock.now = now
        assert gaps.begin(order())[1] > 0
    clock.now = 102.0
    assert gaps.begin(order()) == (102.0, 0.0)


def test_hosts_have_nothing_to_do_with_each_other_and_a_port_is_another_host(clock):
    gaps = Gaps()
    for host in ("a.example", "b.example", "a.example:8080"):
        assert gaps.begin(order(host)) == (100.0, 0.0)


def test_a_gap_that_grew_counts_from_the_last_start(clock):
    gaps = Gaps()
    gaps.begin(order(gap=1.0))
    clock.now = 110.0
    assert gaps.begin(order(gap=30.0)) == (0.0, 20.0)


def test_the_memory_of_hosts_is_bounded_and_forgets_nobody_who_waits(clock):
    gaps = Gaps()
    gaps.begin(order("slow.example", gap=1e6))
    for number in range(50_000):
        clock.now += 0.1
        gaps.begin(order(f"h{number}.example"))
    assert len(gaps._starts) <= 4097
    assert gaps.begin(order("slow.example", gap=1e6))[1] > 0
    assert gaps.begin(order("h49999.example"))[1] > 0


def test_a_url_without_a_host_has_an_empty_one():
    assert host_in("nonsense") == ""


@pytest.mark.parametrize("kind", [RequestsFetcher, InlineFetcher, CurlFetcher])
def test_a_fetcher_keeps_the_gap_between_true_starts(host, kind):
    fetcher = kind(FetchLimits(allow=("127.0.0.0/8",), read_timeout=5.0))
    other = host.url.replace("127.0.0.1", "localhost")
    try:
        fetcher.submit([Order(token, host.url + "/ok", gap=0.1) for token in range(4)])
        fetcher.submit([Order(10 + token, other + "/ok") for token in range(3)])
        landings = []
        deadline = time.monotonic() + 10
        while len(landings) < 7 and time.monotonic() < deadline:
            landings += fetcher.collect(0.05)
    finally:
        fetcher.close()
    assert sorted(landing.token for landing in landings) == [0, 1, 2, 3, 10, 11, 12]
    starts = sorted(landing.started for landing in landings if landing.token < 4)
    assert all(later - earlier >= 0.1 for earlier, later in pairwise(starts)), starts
    assert max(landing.started for landing in landings if landing.token >= 10) < starts[1]
