"""libcurl's multi interface: what is held and handed over, whose connection is used, and what happens between calls."""

import os
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from crawler.errors import UsageError
from crawler.fetch import curl_fetcher, curl_head, curl_sockets, curl_transfer, curl_way
from crawler.fetch.budget import SMALL, Budget
from crawler.fetch.clients import check_client
from crawler.fetch.curl_fetcher import CurlFetcher
from crawler.fetch.curl_options import origin_of
from crawler.fetch.head import fields
from crawler.fetch.limits import FetchLimits
from crawler.response import Order, Response, Route

LIMITS = FetchLimits(only=("127.0.0.0/8",), allow=("127.0.0.0/8",), read_timeout=5.0)


def gather(fetcher, number, seconds=10.0):
    """`number` landings of a fetcher, in the order they came."""
    deadline = time.monotonic() + seconds
    landings = []
    while len(landings) < number:
        assert time.monotonic() < deadline, f"only {len(landings)} of {number} landed"
        landings += fetcher.collect(0.1)
    return landings


def _listens(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


class _Eager:
    """Sockets for which whatever `kick` begins is over when it returns, as with a host on the same machine."""

    def __init__(self, sockets, host):
        self._sockets, self._host = sockets, host

    def __getattr__(self, name):
        return getattr(self._sockets, name)

    def kick(self):
        asked = len(self._host.requests)
        self._sockets.kick()
        while len(self._host.requests) == asked:
            self._sockets.turn(0.01)
        self._sockets.turn(0.05)


@pytest.fixture
def build():
    """`build(resolver, read_timeout=...)`: a fetcher."""
    fetchers = []

    def make(resolver=None, **limits):
        fetchers.append(
            CurlFetcher(
                FetchLimits(**{"only": LIMITS.only, "allow": LIMITS.allow, "read_timeout": 5.0, **limits}), resolver
            )
        )
        return fetchers[-1]

    yield make
    for one in fetchers:
        one.close()


@pytest.fixture
def fetcher(build):
    return build()


# -- reports -----------------------------------------------------------------------------------------------------------


def test_a_report_is_bounded_in_number(fetcher, host):
    fetcher.submit([Order(token, host.url + "/ok") for token in range(150)])
    sizes = []
    while sum(sizes) < 150:
        sizes.append(len(fetcher.collect(1.0)))
    assert max(sizes) <= 64


def test_a_report_is_bounded_in_bytes(fetcher, host, monkeypatch):
    monkeypatch.setattr(curl_fetcher, "_MOST_BYTES", 8 << 10)
    host.bodies["/big"] = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(3 << 10)
    fetcher.submit([Order(token, host.url + "/big") for token in range(12)])
    sizes = []
    while sum(sizes) < 12:
        sizes.append(len(fetcher.collect(1.0)))
    assert max(sizes) <= 3


def test_nothing_is_fetched_while_too_much_waits_to_be_collected(fetcher, host, monkeypatch):
    monkeypatch.setattr(curl_fetcher, "_HELD_BYTES", 1000)
    monkeypatch.setattr(curl_fetcher, "_MOST_OUTCOMES", 1)
    fetcher.submit([Order(token, host.url + "/slow?0.05") for token in range(5)])
    fetcher._done.extend(curl_fetcher.Landing(100 + n, 0.0, Response("", 200, (), bytes(600))) for n in range(3))
    fetcher._held = 1800
    assert [landing.token for _ in range(2) for landing in fetcher.collect(1.0)] == [100, 101]
    assert host.requests == []
    assert sorted(landing.token for landing in gather(fetcher, 6)) == [0, 1, 2, 3, 4, 102]


def test_collecting_does_not_wait_longer_than_the_first_landing(fetcher, host):
    fetcher.submit([Order(1, host.url + "/ok"), Order(2, host.url + "/silent")])
    began = time.monotonic()
    assert [landing.token for landing in fetcher.collect(30.0)] == [1]
    assert time.monotonic() - began < 5


def test_an_answer_that_is_there_at_once_is_not_waited_for(fetcher, host, monkeypatch):
    fetcher.submit([Order(1, host.url + "/ok")])
    gather(fetcher, 1)
    monkeypatch.setattr(fetcher, "_sockets", _Eager(fetcher._sockets, host))
    fetcher._look, fetcher._look_at = 600.0, time.monotonic() + 600  # it is not found by chance
    fetcher.submit([Order(2, host.url + "/ok", timeout=1000.0)])
    began = time.monotonic()
    assert [landing.token for landing in fetcher.collect(20.0)] == [2]
    assert time.monotonic() - began < 5


def test_one_at_a_time_in_their_order(host):
    fetcher = CurlFetcher(LIMITS, most=1)
    fetcher.submit([Order(token, host.url + ("/slow?0.05" if token == 0 else "/ok")) for token in range(5)])
    assert [landing.token for landing in gather(fetcher, 5)] == [0, 1, 2, 3, 4]
    fetcher.close()


def test_it_may_be_closed_by_another_thread(host):
    fetcher = CurlFetcher(LIMITS)
    fetcher.submit([Order(1, host.url + "/silent")])
    thread = threading.Thread(target=fetcher.collect, args=(30.0,))
    thread.start()
    while not host.requests:
        time.sleep(0.001)
    fetcher.close()
    thread.join(5)
    assert not thread.is_alive()
    assert fetcher.collect(0.1) == ()


def test_closing_frees_all_descriptors_and_threads(host, wait_until):
    wait_until(lambda: not [one for one in threading.enumerate() if one.name == "resolve"])
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    fetcher = CurlFetcher(LIMITS, lambda name, port: ["127.0.0.1"])
    fetcher.submit([Order(token, f"http://h{token}.example:{host.port}/ok") for token in range(10)])
    gather(fetcher, 10)
    fetcher.submit([Order(99, host.url + "/drip")])
    fetcher.collect(0.05)
    fetcher.close()
    fetcher.close()
    wait_until(lambda: not host._open)
    wait_until(lambda: not [one for one in threading.enumerate() if one.name == "resolve"])
    wait_until(lambda: not before or len(os.listdir("/proc/self/fd")) <= before)


# -- time --------------------------------------------------------------------------------------------------------------


def test_while_nobody_collects_no_host_is_late(build, host):
    fetcher = build(read_timeout=0.3, timeout=0.4)
    fetcher.submit([Order(1, host.url + "/slow?0.2")])
    fetcher.collect(0.02)
    fetcher._left_at = time.monotonic() - 60  # as if so much time had passed since
    for way in fetcher._ways.values():
        for transfer in way.active:
            transfer.until -= 60
            transfer.idle_since -= 60
            transfer.attempted -= 60
    (landing,) = gather(fetcher, 1)
    assert isinstance(landing.outcome, Response), landing


def test_a_body_that_is_sent_slowly_is_no_silence(build):
    """The host reads a little now and then: the read timeout is about both directions."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection:
                came = 0
                while came < 8_000_000:
                    came += len(connection.recv(1 << 20))
                    over.wait(0.02)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                over.wait(5)

        over = threading.Event()
        thread = threading.Thread(target=serve)
        thread.start()
        fetcher = build(read_timeout=0.15)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        fetcher.submit([Order(1, url, "POST", body=bytes(8_000_000))])
        (landing,) = gather(fetcher, 1)
        over.set()
        thread.join()
    assert isinstance(landing.outcome, Response), landing


def test_hosts_of_endless_crumbs_keep_nobody_waiting(build, host, monkeypatch):
    host.flood = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 100)
    fetcher = build(timeout=0.5)
    fetcher.submit([Order(token, host.url + "/flood") for token in range(8)])
    stopped = []
    resume = fetcher._resume
    monkeypatch.setattr(fetcher, "_resume", lambda: [stopped.append(len(fetcher._pace.stopped)), resume()])
    assert {landing.outcome.detail for landing in gather(fetcher, 8)} == {"no end after 0.5 s"}
    assert max(stopped) > 1


def test_large_bodies_wait_for_each_other(build, host, monkeypatch):
    monkeypatch.setattr(curl_transfer, "budget", small := Budget(3 * SMALL))
    monkeypatch.setattr(curl_fetcher, "budget", small)
    waited = []
    real = Budget.try_grow
    monkeypatch.setattr(Budget, "try_grow", lambda *a: real(*a) or waited.append(a) or False)
    host.bodies["/large"] = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + bytes(3_000_000)
    fetcher = build()
    fetcher._look, fetcher._look_at = 600.0, time.monotonic() + 600  # memory that comes free is not found by chance
    fetcher.submit([Order(token, host.url + "/large", timeout=1000.0) for token in range(6)])
    assert {len(landing.outcome.body) for landing in gather(fetcher, 6)} == {3_000_000}
    assert waited
    assert small._held == {}


def test_a_body_that_waited_is_cut_at_its_limit_too(build, host, monkeypatch):
    monkeypatch.setattr(curl_transfer, "budget", small := Budget(2 * SMALL))
    monkeypatch.setattr(curl_fetcher, "budget", small)
    host.bodies["/large"] = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + bytes(3_000_000)
    fetcher = build(max_body=SMALL + 1000)
    fetcher.submit([Order(token, host.url + "/large") for token in range(8)])
    outcomes = [landing.outcome for landing in gather(fetcher, 8)]
    assert {(len(outcome.body), outcome.truncated) for outcome in outcomes} == {(SMALL + 1000, True)}


def test_where_no_descriptor_is_left_an_order_fails_and_the_next_one_does_not(fetcher, host, monkeypatch):
    def none(address):
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(curl_transfer, "Opened", none)
        fetcher.submit([Order(1, host.url + "/ok")])
        assert gather(fetcher, 1)[0].outcome.detail == "Too many open files"
    fetcher.submit([Order(2, host.url + "/ok")])
    assert gather(fetcher, 1)[0].outcome.status == 200


# -- connections -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_is_never_sent_twice(fetcher, method):
    """A kept connection that breaks when the next request is under way: libcurl would try it again by itself."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    for number in range(2):
                        asked.append(connection.recv(1 << 16)[:4])
                        if number == 0:
                            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        outcomes = []
        for token in range(2):
            fetcher.submit([Order(token, url, method)])
            outcomes += [landing.outcome for landing in gather(fetcher, 1)]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert outcomes[0].status == 200
    assert (outcomes[1].kind, len(asked)) == ("reset", 2)


def test_tls_sessions_are_resumed(fetcher, tls_host, trusted):
    host = tls_host(trusted.issue_cert("127.0.0.1"))
    host.bodies["/last"] = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    for token in range(3):
        fetcher.submit([Order(token, host.url + "/last")])
        assert isinstance(gather(fetcher, 1)[0].outcome, Response)
    assert host.connections == 3
    assert host._tls.session_stats()["hits"] == 2


def test_routes_that_are_used_no_more_are_given_up(build, host, monkeypatch, wait_until):
    monkeypatch.setattr(curl_fetcher, "_MOST_ROUTES", 2)
    fetcher = build()
    for route in (Route(private=True), Route(verify=False), None, Route(private=True, verify=False)):
        fetcher.submit([Order(1, host.url + "/ok", route=route)])
        assert isinstance(gather(fetcher, 1)[0].outcome, Response)
    assert len(fetcher._ways) == len(fetcher._sockets.multis) == 2
    wait_until(lambda: len(host._open) == 2)


def test_names_that_were_forgotten_are_looked_up_again(build, host, monkeypatch):
    monkeypatch.setattr(curl_way, "_MOST_NAMES", 8)
    fetcher = build(lambda name, port: ["127.0.0.1"])
    for token in [*range(12), *range(12)]:
        fetcher.submit([Order(token, f"http://h{token}.example:{host.port}/ok")])
        assert gather(fetcher, 1)[0].outcome.status == 200
    assert len(fetcher._ways[Route()].names) <= 8


def test_libcurl_is_told_to_forget_the_names_that_were_longest_not_asked_for(fetcher, monkeypatch):
    monkeypatch.setattr(curl_way, "_MOST_NAMES", 8)
    way = fetcher._new_way(Route())
    told = [way.remember(f"h{number}:80") for number in (*range(8), 0, 8, 9, 10)]
    assert told[-2:] == [["-h1:80"], ["-h2:80"]]


def test_an_address_that_was_not_looked_up_for_an_order_is_not_connected_to(fetcher, host, monkeypatch):
    """Whatever else libcurl knows of a name."""
    lines = [f"a.example:{host.port}:127.0.0.1"]
    monkeypatch.setattr(curl_fetcher, "addresses_of", lambda *_: (["127.0.0.9"], lines))
    fetcher.submit([Order(1, f"http://a.example:{host.port}/ok")])
    assert gather(fetcher, 1)[0].outcome.kind == "connect"
    assert host.connections == 0


@pytest.mark.parametrize("name", ["a.example.", "xn--fsq.example", "A.example"])
def test_libcurl_asks_nobody_for_a_name(build, host, name):
    asked = []

    def resolver(host, port):
        asked.append(host)
        return ["127.0.0.1"]

    fetcher = build(resolver)
    for token in range(2):
        fetcher.submit([Order(token, f"http://{name}:{host.port}/until-close")])
        assert isinstance(gather(fetcher, 1)[0].outcome, Response)
    assert asked == [name.lower()] * 2


def test_many_orders_for_one_new_host_ask_for_its_name_once_per_moment(build, host):
    asked = []
    may = threading.Event()

    def resolver(name, port):
        asked.append(name)
        may.wait(5)
        return ["127.0.0.1"]

    fetcher = build(resolver)
    fetcher.submit([Order(token, f"http://a.example:{host.port}/slow?0.05") for token in range(8)])
    fetcher.collect(0.02)
    may.set()
    assert all(landing.outcome.status == 200 for landing in gather(fetcher, 8))
    assert asked == ["a.example"]


@pytest.mark.skipif(shutil.which("nginx", path="/usr/sbin:/usr/bin") is None, reason="needs nginx")
def test_http_2_is_spoken_where_it_is_offered(build, trusted, tmp_path, wait_until):
    certificate = trusted.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "host.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    folders = "".join(
        f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}} http {{ access_log off; {folders}"
        f"server {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate {tmp_path}/host.pem;"
        f"ssl_certificate_key {tmp_path}/host.pem;"
        "add_header X-Protocol $server_protocol; add_header X-Connection $connection; return 200 hello; } }"
    )
    binary = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    process = subprocess.Popen([binary, "-p", tmp_path, "-c", tmp_path / "nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _listens(port))
        fetcher = build()
        outcomes = []
        for token in range(3):
            fetcher.submit([Order(token, f"https://127.0.0.1:{port}/{token}")])
            outcomes += [landing.outcome for landing in gather(fetcher, 1)]
        fetcher.submit([Order(10 + token, f"https://127.0.0.1:{port}/{token}") for token in range(20)])
        outcomes += [landing.outcome for landing in gather(fetcher, 20)]
    finally:
        process.terminate()
        process.wait(10)
    assert {outcome.body for outcome in outcomes} == {b"hello"}
    assert {outcome.headers["x-protocol"] for outcome in outcomes} == {"HTTP/2.0"}
    assert len({outcome.headers["x-connection"] for outcome in outcomes}) == 1  # all at once on one connection


# -- parts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        [b"A: b\r\n", b"C:d\r\n"],
        [b"A : b\r\n", b"E:\r\n", b"e: \xe4\xbd\xa0\t\r\n"],
        [b"A: b\r\n", b" c\r\n", b"E: f\r\n"],
        [b"A: b\n", b"none\r\n", b": nameless\r\n"],
        [b"A: " + b"x" * 61_000 + b"\r\n"],
        [b"A: b\rC: d\r\n"],
    ],
)
def test_lines_that_are_known_are_what_the_reader_of_heads_makes_of_them(lines):
    lines = [*lines, b"\r\n"]
    for _ in range(2):
        assert curl_head.pairs_of(lines) == tuple(fields(iter(lines).__next__))


def test_the_last_of_several_heads_counts():
    lines = [b"HTTP/1.1 100 Continue\r\n", b"X: y\r\n", b"\r\n", b"HTTP/1.1 404 Not Found\r\n", b"A: b\r\n", b"\r\n"]
    assert curl_head.head_of(lines) == (404, "Not Found", (("A", "b"),))
    assert curl_head.head_of([b"HTTP/2 200 \r\n", b"\r\n"]) == (200, "", ())


def test_where_there_is_no_epoll_poll_does(monkeypatch, host):
    monkeypatch.delattr(select, "epoll", raising=False)
    fetcher = CurlFetcher(LIMITS)
    assert isinstance(fetcher._sockets._poll, curl_sockets._Poll)
    fetcher.submit([Order(token, host.url + "/slow?0.02") for token in range(20)])
    assert {landing.outcome.status for landing in gather(fetcher, 20)} == {200}
    fetcher.close()


def test_an_origin_has_the_port_of_its_scheme():
    assert (origin_of("https://a.example").port, origin_of("http://[::1]").host) == (443, "::1")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModuleNotFoundError("No module named 'pycurl'"), "which is not installed"),
        (
            ImportError("libcurl link-time version\nis older"),
            "which cannot be loaded: libcurl link-time version is older",
        ),
    ],
)
def test_without_pycurl_it_says_what_to_type(monkeypatch, error, words):
    real = __import__

    def importing(name, *rest):
        if name == "pycurl":
            raise error
        return real(name, *rest)

    monkeypatch.setattr("builtins.__import__", importing)
    check_client("requests")
    with pytest.raises(UsageError, match=words) as told:
        check_client("curl")
    assert "pip install 'crawler[curl]'" in told.value.hint


def test_a_pycurl_that_is_too_old_is_told(monkeypatch):
    old = SimpleNamespace(version="PycURL/7.45.3 libcurl/7.61.1")
    monkeypatch.setitem(sys.modules, "pycurl", old)
    with pytest.raises(UsageError, match=r"7\.48 or later, and this is 7\.45\.3"):
        check_client("curl")


_FAILURES = """
import os, resource, socket, sys
from crawler.fetch.curl_fetcher import CurlFetcher
from crawler.fetch.limits import FetchLimits
from crawler.response import Order

def nobody(host, port):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

fetcher = CurlFetcher(FetchLimits(only=("127.0.0.0/8",), allow=("127.0.0.0/8",)), nobody)

def told(url):
    fetcher.submit([Order(1, url)])
    while not (batch := fetcher.collect(0.1)):
        pass
    print(batch[0].outcome)

for url in sys.argv[1:]:
    told(url)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
try:
    while True:
        os.open(os.devnull, os.O_RDONLY)
except OSError:
    told(sys.argv[1])
print(*{"requests", "urllib3", "http.client"} & set(sys.modules))
"""


def test_failures_are_told_without_the_other_client_and_when_no_file_can_be_opened():
    urls = ["http://127.0.0.1:1/", "http://nobody.example/", "http://10.0.0.1/"]
    done = subprocess.run([sys.executable, "-c", _FAILURES, *urls], capture_output=True, text=True, timeout=30)
    assert done.stdout.splitlines() == [
        "connect: Connection refused",
        "dns: Name or service not known",
        "guard: 10.0.0.1 is at 10.0.0.1, and only 127.0.0.0/8 may be connected to (guard.only)",
        "connect: Too many open files",
        "",
    ], done.stderr
