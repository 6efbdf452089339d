"""What every client does, over real sockets: an answer becomes a `Response`, a fault a `Failure`, nothing is raised.

These tests, and those of connections, proxies and the guard, ask whatever `conftest.FETCHERS` lists.
"""

import gzip
import socket
import time
import tracemalloc
import zlib

import brotli
import pytest

from crawler.fetch.decoding import zstd
from crawler.response import Failure, Order, Response

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
def test_what_broke_is_told_in_words_that_are_the_same_for_every_host(get, client_name, path, detail):
    if client_name == "curl" and path == "/garbage":
        detail = "not HTTP"  # libcurl shows none of it
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
        {"header_pairs": (("A", "b\r\n c"),)},
        {"header_pairs": (("A", "b\0c"),)},
        {"header_pairs": (("A b", "c"),)},
        {"header_pairs": (("A\r\nB", "c"),)},
        {"method": "GET / HTTP/1.1\r\nX:"},
        {"url": "HOST/a\r\nX: y"},
        {"url": "HOST/a b"},
        {"url": "HOST/\0"},
        {"url": "HOST?a"},
        {"url": "http://a.example\r\n/"},
        {"url": "http://127.0.0.1:0/"},
        {"url": "http://" + "a" * 64 + ".example/"},
        {"url": "http://[::1/"},
        {"url": "ftp://127.0.0.1/"},
        {"url": "file:///etc/passwd"},
    ],
)
def test_what_cannot_be_sent_is_a_failure_and_nothing_is_sent(client, host, order):
    order = {"url": "HOST/ok", **order}
    order["url"] = order["url"].replace("HOST", host.url)
    outcome = client().fetch(Order(1, **order)).outcome
    assert isinstance(outcome, Failure), outcome
    assert outcome.kind == "invalid", outcome
    assert host.requests == []


# -- limits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/silent", "/stall"])
def test_a_host_that_falls_silent_is_a_timeout(get, path):
    began = time.monotonic()
    outcome = get(path, limits={"read_timeout": 0.3})
    assert (outcome.kind, time.monotonic() - began < 1.5) == ("timeout", True), outcome


@pytest.mark.parametrize(
    "path",
    ["/silent", "/stall", "/drip", "/head-drip", "/chunk-drip", "/trailer-drip", "/interim-drip"],
)
def test_the_total_time_holds_however_the_host_spreads_its_bytes(get, path):
    outcome = get(path, limits={"timeout": 0.2, "read_timeout": 10.0})
    assert (outcome.kind, outcome.detail) == ("timeout", "no end after 0.2 s"), outcome
    assert 0.2 <= outcome.seconds < 2


def test_a_connection_that_is_used_again_has_the_deadline_of_its_new_order(host, client):
    one = client(timeout=0.3, read_timeout=10.0)
    for token in range(2):
        assert isinstance(one.fetch(Order(token, host.url + "/slow?0.16")).outcome, Response)
    assert one.fetch(Order(3, host.url + "/head-drip")).outcome.detail == "no end after 0.3 s"
    assert host.connections == 1


def test_without_a_limit_of_time_or_size_there_is_none(get):
    none = {"timeout": 0, "read_timeout": 0, "connect_timeout": 0, "max_body": 0, "max_headers": 0, "max_ratio": 0}
    assert isinstance(get("/slow?0.1", limits=none), Response)
    assert len(get("/bomb", limits=none).body) == 50 << 20
    assert isinstance(get("/headers?9000", limits=none), Response)


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


def test_a_bomb_is_told_before_it_has_grown(get, host):
    get("/ok")
    tracemalloc.start()
    try:
        outcome = get("/bomb")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert outcome.kind == "too_large"
    assert outcome.detail.startswith("a bomb: ")
    assert peak < 20_000_000  # of which the bomb itself, in the server, is a part
    assert isinstance(get("/bomb", limits={"max_ratio": 2000, "max_body": 2 << 20}), Response)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip, br", brotli.compress(gzip.compress(b"") * 1_000_000)),
        ("gzip, gzip", gzip.compress(gzip.compress(b"") * 1_000_000)),
        ("gzip", gzip.compress(b"") * 3_000_000),
    ],
)
def test_a_bomb_that_gives_nothing_ends_as_well(get, host, coding, body):
    head = f"Content-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
    host.bodies["/nothing"] = b"HTTP/1.1 200 OK\r\n" + head.encode() + body
    outcome = get("/nothing", limits={"timeout": 0.5})
    assert outcome.kind in ("too_large", "timeout")
    assert outcome.seconds < 2


def test_a_body_of_many_small_parts_takes_no_more_memory_than_its_bytes(get, host):
    body = gzip.compress(gzip.compress(b"ab", mtime=0) * 100_000)
    head = f"Content-Encoding: gzip, gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    host.bodies["/crumbs"] = b"HTTP/1.1 200 OK\r\n" + head.encode() + body
    get("/ok")
    tracemalloc.start()
    try:
        outcome = get("/crumbs", limits={"max_ratio": 0})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert outcome.body == b"ab" * 100_000
    assert peak < 3_000_000


def test_many_codings_one_over_the_other_are_refused(get, host):
    packed = b"hello"
    for _ in range(10):
        packed = gzip.compress(packed)
    coding = b", ".join([b"gzip"] * 10)
    host.bodies["/nested"] = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\n\r\n" % coding + packed
    outcome = get("/nested")
    assert outcome.kind == "too_large"
    assert "10 codings" in outcome.detail


@pytest.mark.parametrize("bytes_of_header", [5000, 9000])
def test_the_size_of_a_header_is_limited(get, bytes_of_header):
    path = f"/headers?{bytes_of_header}"
    assert isinstance(get(path, limits={"max_headers": bytes_of_header + 100}), Response)
    outcome = get(path, limits={"max_headers": 3000})
    assert (outcome.kind, outcome.detail) == ("too_large", "more than 3,000 bytes of header")


@pytest.mark.parametrize(
    ("once", "again", "detail"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", "more than 65,536 bytes of header"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n", "more than 65,536 bytes of header"),
        (b"", b"HTTP/1.1 ", "more than 65536 bytes of status line|more than 65,536 bytes of header"),
        # Which of the two limits is met first depends on the parts in which it comes.
        (b"HTTP/1.1 200 OK\r\n", b"x", "a header line of more than 65,536 bytes|more than 65,536 bytes of header"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", "more than 100 header fields"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            b"X: y\r\n",
            "far more bytes than a body of 1,000 bytes takes",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
            gzip.compress(b""),
            "far more bytes than a body of 1,000 bytes takes",
        ),
    ],
)
def test_answers_that_do_not_begin_or_end_are_left(get, host, once, again, detail):
    host.flood = (once, again)
    outcome = get("/flood", limits={"max_body": 1000})
    assert outcome.kind == "too_large"
    assert outcome.detail in detail.split("|")


# -- codings -------------------------------------------------------------------------------------------------------

PACKERS = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstd.compress}


def test_the_codings_that_are_undone_are_asked_for(get):
    asked = [line for line in get("/echo").body.decode().split("\r\n") if line.startswith("Accept-Encoding")]
    assert asked == ["Accept-Encoding: gzip, deflate, br, zstd"]
    assert b"-encoding: identity" in get("/echo", headers=(("accept-encoding", "identity"),)).body.lower()


@pytest.mark.parametrize("name", PACKERS)
def test_a_coded_body_is_plain_and_a_cut_one_is_partial(get, host, name):
    plain = b"".join(b"<li>%d</li>" % number for number in range(30_000))
    packed = PACKERS[name](plain)
    for path, data in (("/whole", packed), ("/cut", packed[:-20])):
        host.bodies[path] = (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (name.encode(), len(data))
        ) + data
    assert get("/whole").body == plain
    assert (get("/cut").kind, get("/cut").detail) == ("partial", f"broken {name}: it ends too early")
    cut = get("/whole", limits={"max_body": 100_000})
    assert (cut.body, cut.truncated) == (plain[:100_000], True)


# -- answers that are none, and what comes after them ----------------------------------------------------------------


def test_interim_answers_are_skipped(host, client):
    one = client()
    for token in range(2):
        outcome = one.fetch(Order(token, host.url + "/interim")).outcome
        assert (outcome.status, outcome.body) == (200, b"<p>hello</p>")
    assert host.connections == 1


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/http09", "protocol"),
        ("/switch", "protocol"),
        ("/two-lengths", "protocol"),
        ("/coding?gzip_chunked", "protocol"),
        ("/status?99999", "protocol"),
        ("/status?1", "protocol"),
        ("/status?abc", "protocol"),
    ],
)
def test_what_is_no_answer_is_a_failure_of_protocol(get, path, kind):
    assert get(path).kind == kind


def test_nul_in_a_header_smuggles_nothing_in(get, client_name):
    outcome = get("/nul")
    if client_name == "curl":  # libcurl takes no such head
        assert (outcome.kind, outcome.detail.lower()) == ("protocol", "nul byte in header")
    else:
        assert outcome.headers["x-one"] == "a b"


@pytest.mark.parametrize("path", ["/long", "/late?204", "/late?304", "/switch", "/nul"])
def test_what_a_host_sends_too_much_is_not_the_next_answer(host, client, path):
    one = client()
    for token in range(3):
        one.fetch(Order(token, host.url + path))
        outcome = one.fetch(Order(10 + token, host.url + "/ok")).outcome
        assert isinstance(outcome, Response), outcome
        assert (outcome.status, outcome.body) == (200, b"<p>hello</p>")


def test_a_longer_body_than_announced_is_cut_there(get):
    assert get("/long").body == b"hello"
