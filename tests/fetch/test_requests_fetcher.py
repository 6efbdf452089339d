"""Many orders at once: each lands once, not before its time, and what waits to be collected is bounded."""

import threading
import time

import pytest
import responses

from crawler.fetch.curl_fetcher import CurlFetcher
from crawler.fetch.limits import FetchLimits
from crawler.fetch.requests_fetcher import InlineFetcher, RequestsFetcher
from crawler.response import Order, Response

LIMITS = FetchLimits(only=("127.0.0.0/8",), allow=("127.0.0.0/8",), read_timeout=5.0)
FETCHERS = [RequestsFetcher, InlineFetcher, CurlFetcher]


def gather(fetcher, number, seconds=10.0):
    """`number` landings of a fetcher, in the order they came."""
    deadline = time.monotonic() + seconds
    landings = []
    while len(landings) < number:
        assert time.monotonic() < deadline, f"only {len(landings)} of {number} landed"
        landings += fetcher.collect(0.1)
    return landings


@pytest.fixture(params=FETCHERS)
def any_fetcher(request):
    fetcher = request.param(LIMITS)
    yield fetcher
    fetcher.close()


@pytest.fixture
def fetcher():
    fetcher = RequestsFetcher(LIMITS)
    yield fetcher
    fetcher.close()


def threads_of_fetchers():
    return [thread for thread in threading.enumerate() if thread.name in ("fetch", "timer")]


# -- many requests -------------------------------------------------------------------------------------------------


def test_every_order_lands_once_with_its_token(any_fetcher, host):
    any_fetcher.submit([Order(token, host.url + ("/ok" if token % 3 else "/empty-reply")) for token in range(60)])
    landings = gather(any_fetcher, 60)
    assert sorted(landing.token for landing in landings) == list(range(60))
    assert all(isinstance(landing.outcome, Response) == bool(landing.token % 3) for landing in landings)
    assert any_fetcher.collect(0.01) == ()


def test_with_nothing_to_do_collecting_ends_after_the_linger(any_fetcher):
    began = time.monotonic()
    assert any_fetcher.collect(0.05) == ()
    assert time.monotonic() - began < 1.0


def test_collecting_does_not_wait_longer_than_the_first_landing(fetcher, host):
    fetcher.submit([Order(1, host.url + "/ok"), Order(2, host.url + "/silent")])
    began = time.monotonic()
    assert [landing.token for landing in fetcher.collect(30.0)] == [1]
    assert time.monotonic() - began < 5


def test_a_report_is_bounded_in_number(fetcher, host, wait_until):
    fetcher.submit([Order(token, host.url + "/ok") for token in range(100)])
    wait_until(lambda: fetcher._done.qsize() == 100)
    assert [len(fetcher.collect(0.1)), len(fetcher.collect(0.1))] == [64, 36]


def test_a_report_is_bounded_in_bytes(fetcher, host, monkeypatch, wait_until):
    monkeypatch.setattr("crawler.fetch.requests_fetcher._MOST_BYTES", 8 << 10)
    host.bodies["/big"] = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(3 << 10)
    fetcher.submit([Order(token, host.url + "/big") for token in range(6)])
    wait_until(lambda: fetcher._done.qsize() == 6)
    assert [len(fetcher.collect(0.1)), len(fetcher.collect(0.1))] == [3, 3]


def test_nothing_is_started_while_too_much_waits_to_be_collected(fetcher, host, monkeypatch, wait_until):
    monkeypatch.setattr("crawler.fetch.requests_fetcher._HELD_BYTES", 1 << 20)
    host.bodies["/big"] = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(1 << 20)
    fetcher.submit([Order(token, host.url + "/big") for token in range(40)])
    wait_until(lambda: len(fetcher._drained._waiters) == fetcher._threads)
    assert len(host.requests) < 40
    assert len(gather(fetcher, 40)) == 40


def test_an_order_starts_at_its_earliest_start_and_says_when(any_fetcher, host):
    now = time.monotonic()
    starts = {1: now + 0.3, 2: now, 3: now + 0.15}
    any_fetcher.submit([Order(token, host.url + "/ok", start=start) for token, start in starts.items()])
    landings = gather(any_fetcher, 3)
    assert [landing.token for landing in landings] == [2, 3, 1]
    for landing in landings:
        assert starts[landing.token] <= landing.started < starts[landing.token] + 0.14
    assert time.monotonic() >= starts[1]


def test_later_orders_for_an_earlier_start_are_not_held_up(fetcher, host):
    now = time.monotonic()
    fetcher.submit([Order(1, host.url + "/ok", start=now + 60)])
    fetcher.submit([Order(2, host.url + "/ok", start=now + 0.1)])
    assert [landing.token for landing in gather(fetcher, 1)] == [2]


def test_threads_grow_while_the_host_waits(fetcher, host):
    began = time.monotonic()
    fetcher.submit([Order(token, host.url + "/slow?0.2") for token in range(64)])
    gather(fetcher, 64)
    assert time.monotonic() - began < 64 * 0.2 / 8


def test_threads_grow_before_anything_has_come_back(fetcher, host):
    fetcher.submit([Order(token, host.url + "/slow?1") for token in range(64)])
    began = time.monotonic()
    gather(fetcher, 64)
    assert time.monotonic() - began < 1.9


def test_there_are_never_more_threads_than_allowed(host):
    fetcher = RequestsFetcher(FetchLimits(allow=("127.0.0.0/8",), max_threads=3))
    try:
        fetcher.submit([Order(token, host.url + "/slow?0.05") for token in range(12)])
        gather(fetcher, 12)
        assert host.connections <= 3
        assert len([thread for thread in threads_of_fetchers() if thread.name == "fetch"]) <= 3
    finally:
        fetcher.close()


def test_closing_ends_all_threads_and_connections(host, wait_until):
    wait_until(lambda: not threads_of_fetchers())
    fetcher = RequestsFetcher(LIMITS)
    fetcher.submit([Order(token, host.url + "/slow?0.1") for token in range(10)])
    fetcher.submit([Order(99, host.url + "/ok", start=time.monotonic() + 60)])
    fetcher.collect(5.0)
    assert threads_of_fetchers()
    fetcher.close()
    wait_until(lambda: not threads_of_fetchers())
    wait_until(lambda: not host._open)


def test_closing_with_much_uncollected_ends_all_threads(host, monkeypatch, wait_until):
    monkeypatch.setattr("crawler.fetch.requests_fetcher._HELD_BYTES", 1)
    fetcher = RequestsFetcher(LIMITS)
    fetcher.submit([Order(token, host.url + "/ok") for token in range(30)])
    wait_until(lambda: fetcher._done.qsize())
    fetcher.close()
    wait_until(lambda: not threads_of_fetchers())


def test_an_order_that_makes_no_sense_lands_too(any_fetcher):
    any_fetcher.submit([Order(1, "http://"), Order(2, "http://127.0.0.1:99999/")])
    assert {landing.outcome.kind for landing in gather(any_fetcher, 2)} == {"invalid"}


@pytest.mark.parametrize("kind", [RequestsFetcher, InlineFetcher])  # what libcurl does nobody can mock
def test_responses_mocks_it(kind):
    any_fetcher = kind(LIMITS)
    with responses.RequestsMock() as mock:
        mock.get("http://a.example/", body="电影", content_type="text/html; charset=utf-8", headers={"X": "1"})
        mock.get("http://a.example/", status=503)
        mock.get("http://a.example/", body=ConnectionResetError("gone"))
        outcomes = []
        for token in range(3):
            any_fetcher.submit([Order(token, "http://a.example/", header_pairs=(("User-Agent", "mine"),))])
            outcomes += [landing.outcome for landing in gather(any_fetcher, 1)]
        sent = [call.request.headers["User-Agent"] for call in mock.calls]
    first, second, third = outcomes
    assert (first.status, first.body.decode(), first.headers["x"]) == (200, "电影", "1")
    assert first.headers["Content-Type"] == "text/html; charset=utf-8"
    assert second.status == 503
    assert third.kind == "reset"
    assert sent == ["mine"] * 3


def test_threads_that_wait_in_vain_are_not_counted_among_those_that_work():
    fetcher = RequestsFetcher(LIMITS)
    now = time.monotonic()
    fetcher._began.update({1: now - 9, 2: now - 0.6, 3: now - 0.1})
    before = fetcher._most_threads
    fetcher._count_stuck(now)
    assert fetcher._most_threads == before + 2
    fetcher._stuck = 10_000
    assert fetcher._most_threads == LIMITS.max_threads
    fetcher.close()
