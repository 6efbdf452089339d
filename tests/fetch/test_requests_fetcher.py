"""Fetching over real sockets: every answer becomes a `Response`, every fault a `Failure`, and nothing is raised."""

import socket
import threading
import time
import tracemalloc

import pytest
import responses

from crawler.fetch.limits import FetchLimits
from crawler.fetch.requests_fetcher import InlineFetcher, RequestsFetcher
from crawler.response import Failure, Order, Response

LIMITS = FetchLimits(only=("127.0.0.0/8",), allow=("127.0.0.0/8",), read_timeout=5.0)
FETCHERS = [RequestsFetcher, InlineFetcher]


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


# -- one request ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/ok", "/slow?0.1", "/until-close", "/gzip"])
def test_an_answer_is_a_response(get, host, path):
    outcome = get(path)
    assert isinstance(outcome, Response)
    assert (outcome.url, outcome.status, outcome.body) == (host.url + path, 200, b"<p>hello</p>")
    assert not outcome.truncated
    assert 0 < outcome.seconds < 2


def test_chunks_are_put_together(get):
    assert get("/chunked").body == b"hello!"


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500, 503, 999])
def test_every_status_is_a_response_with_its_body(get, status):
    outcome = get(f"/status?{status}")
    assert (outcome.status, outcome.body) == (status, b"no")


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_ends_with_its_header(get, status):
    outcome = get(f"/bare-status?{status}")
    assert (outcome.status, outcome.body, outcome.truncated) == (status, b"", False)


def test_a_redirect_is_an_answer_and_is_not_followed(get, host):
    outcome = get("/redirect")
    assert (outcome.status, outcome.headers["location"]) == (302, "/ok")
    assert len(host.requests) == 1


def test_repeated_fields_are_kept_apart(get):
    outcome = get("/cookies")
    assert outcome.headers.getall("set-cookie") == ["a=1; Path=/", "b=2, 3"]
    assert outcome.headers["x"].encode("latin-1").decode() == "你"


def test_header_method_and_body_are_sent_as_ordered(get):
    outcome = get("/echo?a=b%20c", method="POST", body=b"x=\xff", headers=(("User-Agent", "mine"), ("X-One", "1")))
    head, _, body = outcome.body.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /echo?a=b%20c HTTP/1.1"
    assert {"User-Agent: mine", "X-One: 1", "Content-Length: 3"} <= set(lines)
    assert body == b"x=\xff"


def test_nothing_is_said_about_the_client_that_was_not_ordered(get):
    lines = get("/echo").body.decode().strip().split("\r\n")[1:]
    assert {line.partition(":")[0].lower() for line in lines} <= {"host", "accept-encoding", "connection", "user-agent"}
    assert "requests" not in str(lines)


def test_a_post_without_a_body_says_so(get):
    assert b"Content-Length: 0\r\n" in get("/echo", method="POST").body


def test_head_has_no_body_and_keeps_the_connection(host, client):
    one = client()
    outcome = one.fetch(Order(1, host.url + "/ok", "HEAD")).outcome
    assert (outcome.status, outcome.body, outcome.truncated) == (200, b"", False)
    assert one.fetch(Order(2, host.url + "/ok")).outcome.body == b"<p>hello</p>"
    assert host.connections == 1


@pytest.mark.parametrize("path", ["/ok", "/chunked", "/gzip", "/redirect", "/status?404", "/bare-status?204"])
def test_a_connection_is_used_again(host, client, path):
    one = client()
    for token in range(5):
        assert isinstance(one.fetch(Order(token, host.url + path)).outcome, Response)
    assert host.connections == 1


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("/empty-reply", {"protocol", "reset"}),
        ("/reset", {"reset"}),
        ("/reset-in-body", {"reset"}),
        ("/short", {"partial"}),
        ("/cut-chunks", {"partial"}),
        ("/broken-chunks", {"partial"}),
        ("/bad-gzip", {"partial"}),
        ("/garbage", {"protocol"}),
        ("/huge-header", {"too_large"}),
        ("/many-headers", {"too_large"}),
        ("/status?99999", {"protocol"}),
    ],
)
def test_a_broken_answer_is_a_failure_of_its_kind(get, host, path, kinds):
    outcome = get(path)
    assert isinstance(outcome, Failure), outcome
    assert outcome.kind in kinds, outcome
    assert outcome.url == host.url + path
    assert outcome.detail
    assert "object at 0x" not in outcome.detail
    assert "\n" not in outcome.detail


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/silent", "no answer within 0.3 s"),
        ("/stall", "the answer stopped in the middle"),
        ("/drip", "no end after 1 s"),
        ("/empty-reply", "Remote end closed connection without response"),
        ("/reset", "Connection reset by peer"),
        ("/short", "the body is not complete"),
        ("/broken-chunks", "the body is not complete"),
        ("/bad-gzip", "broken gzip: incorrect header check"),
        ("/many-headers", "more than 100 header fields"),
        ("/garbage", "not HTTP: SSH-2.0-OpenSSH_9.6"),
    ],
)
def test_what_broke_is_told_in_words_that_are_the_same_for_every_host(get, path, detail):
    assert get(path, limits={"read_timeout": 0.3, "timeout": 1.0}).detail == detail


def test_after_a_broken_answer_the_host_is_asked_on_a_new_connection(host, client):
    one = client()
    for path in ("/short", "/bad-gzip", "/cut-chunks"):
        one.fetch(Order(1, host.url + path))
        assert one.fetch(Order(2, host.url + "/ok")).outcome.body == b"<p>hello</p>"


def test_a_host_that_closed_a_kept_connection_is_asked_on_a_new_one(host, client):
    one = client()
    one.fetch(Order(1, host.url + "/until-close"))
    assert isinstance(one.fetch(Order(2, host.url + "/ok")).outcome, Response)
    assert host.connections == 2


def test_nobody_at_the_port_is_a_failure_to_connect(client):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = client().fetch(Order(1, f"http://127.0.0.1:{port}/")).outcome
    assert (outcome.kind, outcome.detail) == ("connect", "Connection refused")


def test_plain_http_where_tls_was_expected_is_a_failure_of_tls(client, host):
    outcome = client().fetch(Order(1, f"https://127.0.0.1:{host.port}/ok")).outcome
    assert outcome.kind == "tls"


@pytest.mark.parametrize(
    "order",
    [
        {"url": "nonsense"},
        {"url": "mailto:a@b.example"},
        {"url": "http://"},
        {"url": "http://127.0.0.1:99999/"},
        {"header_pairs": (("A", "b\r\nC: d"),)},
        {"header_pairs": (("A\n", "b"),)},
        {"header_pairs": (("A", "电影"),)},
        {"header_pairs": (("", "b"),)},
        {"method": "GET / HTTP/1.1\r\nX:"},
    ],
)
def test_what_cannot_be_sent_is_a_failure_and_nothing_is_sent(client, host, order):
    outcome = client().fetch(Order(1, **{"url": host.url + "/ok", **order})).outcome
    assert isinstance(outcome, Failure), outcome
    assert outcome.kind == "invalid", outcome
    assert host.requests == []


# -- limits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/silent", "/stall"])
def test_a_host_that_falls_silent_is_a_timeout(get, path):
    began = time.monotonic()
    outcome = get(path, limits={"read_timeout": 0.3})
    assert (outcome.kind, time.monotonic() - began < 1.5) == ("timeout", True), outcome


@pytest.mark.parametrize("path", ["/silent", "/stall", "/drip"])
def test_the_total_time_holds_however_the_host_spreads_its_bytes(get, path):
    began = time.monotonic()
    outcome = get(path, limits={"timeout": 0.5, "read_timeout": 10.0})
    assert (outcome.kind, time.monotonic() - began < 1.5) == ("timeout", True), outcome


def test_an_order_may_have_a_time_of_its_own(get):
    assert get("/drip", timeout=0.3).kind == "timeout"
    assert isinstance(get("/slow?0.6", timeout=3.0, limits={"timeout": 0.3}), Response)


def test_a_body_is_cut_at_its_limit_and_the_host_is_left(get, host):
    outcome = get("/endless", limits={"max_body": 100_000})
    assert (outcome.status, len(outcome.body), outcome.truncated) == (200, 100_000, True)
    assert host.sent < 20_000_000


def test_a_body_of_exactly_the_limit_is_whole(get):
    assert not get("/ok", limits={"max_body": 12}).truncated
    cut = get("/ok", limits={"max_body": 11})
    assert (cut.body, cut.truncated) == (b"<p>hello</p", True)


def test_a_bomb_is_cut_without_inflating_it(get):
    get("/ok")
    tracemalloc.start()
    try:
        outcome = get("/bomb", limits={"max_body": 1_000_000})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(outcome.body), outcome.truncated) == (1_000_000, True)
    assert peak < 20_000_000  # of which the bomb itself, in the server, is a part


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


def test_responses_mocks_it(any_fetcher):
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
