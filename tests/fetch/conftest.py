"""A server of raw bytes: each path is one way in which a host behaves or misbehaves."""

import gzip
import io
import socket
import ssl
import struct
import threading
import time
from contextlib import suppress

import pytest
import trustme

from crawler.fetch.curl_fetcher import CurlFetcher
from crawler.fetch.limits import FetchLimits
from crawler.fetch.requests_fetcher import RequestsFetcher
from crawler.response import Order

FETCHERS = {
    "requests": RequestsFetcher,
    "curl": CurlFetcher,
}  # a new client is one entry here, and has to pass all of this folder

OK = b"HTTP/1.1 200 OK\r\n"
BODY = b"<p>hello</p>"


def _bomb():
    """50 MB of zeros in 50 KB."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9) as file:
        for _ in range(50):
            file.write(bytes(1 << 20))
    return packed.getvalue()


class Host:
    """Answers on 127.0.0.1. `url` has no slash at its end; `requests` holds (connection number, head, body)."""

    def __init__(self, tls=None):
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.drips_tls = False  # a handshake of single bytes, where somebody begins one
        self.requests = []
        self.connections = 0
        self.sent = 0
        self.bodies = {}  # path -> whole answer as bytes, for a test of its own
        self.flood = (b"", b"")  # what `/flood` begins with, and goes on with for ever
        self._open = set()
        self._threads = [threading.Thread(target=self._accept)]
        self.closing = threading.Event()
        self._threads[0].start()

    def close(self):
        self.closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                self._open.add(connection)
                thread = threading.Thread(target=self._serve, args=(connection, self.connections))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection, number):
        original = connection
        with connection, suppress(OSError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.add(connection)
            with connection, connection.makefile("rb") as file:
                while self._one(connection, file, number):
                    pass
        self._open -= {connection, original}

    def _one(self, connection, file, number):
        """Answer one request; whether the connection stays open."""
        if file.peek(1)[:1] == b"\x16":  # the beginning of TLS
            if self.drips_tls:
                self.slowly(connection.sendall, b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return False
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = file.readline()
            if not line:
                return False
            head += line
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        body = file.read(int(length[0].split(b":")[1])) if length else b""
        self.requests.append((number, head.decode("latin-1"), body))
        target = head.split(b" ")[1].decode()
        path, _, query = target.partition("?")

        def send(data):
            connection.sendall(data)
            self.sent += len(data)

        if path in self.bodies:
            send(self.bodies[path])
            return False
        return getattr(self, "answer" + path.replace("/", "_").replace("-", "_"))(send, query, connection) is None

    # Each is given `send`, the query and the connection, and returns "close" where the connection ends.

    def answer_ok(self, send, query, connection):
        head = self.requests[-1][1]
        send(OK + b"Content-Length: %d\r\n\r\n" % len(BODY) + (b"" if head.startswith("HEAD") else BODY))

    def answer_slow(self, send, query, connection):
        self.closing.wait(float(query or 0.2))
        self.answer_ok(send, query, connection)

    def answer_silent(self, send, query, connection):
        self.closing.wait(30)
        return "close"

    def answer_drip(self, send, query, connection):
        send(OK + b"Content-Length: 1000\r\n\r\n")
        for _ in range(1000):
            send(b"x")
            if self.closing.wait(0.05):
                break
        return "close"

    def answer_stall(self, send, query, connection):
        send(OK + b"Content-Length: 1000\r\n\r\nbeginning")
        self.closing.wait(30)
        return "close"

    def answer_empty_reply(self, send, query, connection):
        return "close"

    def answer_reset(self, send, query, connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return "close"

    def answer_reset_in_body(self, send, query, connection):
        send(OK + b"Content-Length: 1000\r\n\r\nbeginning")
        time.sleep(0.05)  # until the beginning has been read; a reset throws away what was not
        return self.answer_reset(send, query, connection)

    def answer_short(self, send, query, connection):
        send(OK + b"Content-Length: 1000\r\n\r\nbeginning")
        return "close"

    def answer_chunked(self, send, query, connection):
        send(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n")

    def answer_cut_chunks(self, send, query, connection):
        send(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nff\r\nshort")
        return "close"

    def answer_broken_chunks(self, send, query, connection):
        send(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n!\r\n")
        return "close"

    def answer_until_close(self, send, query, connection):
        send(OK + b"\r\n" + BODY)
        return "close"

    def answer_endless(self, send, query, connection):
        send(OK + b"\r\n")
        while not self.closing.is_set():
            send(bytes(1 << 16))
        return "close"

    def answer_gzip(self, send, query, connection):
        packed = gzip.compress(BODY)
        send(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)

    def answer_bad_gzip(self, send, query, connection):
        send(OK + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nno gzip..")

    def answer_bomb(self, send, query, connection):
        packed = _bomb()
        send(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)

    def answer_status(self, send, query, connection):
        send(b"HTTP/1.1 %s Reason\r\nContent-Length: 2\r\n\r\nno" % query.encode())

    def answer_bare_status(self, send, query, connection):
        send(b"HTTP/1.1 %s Reason\r\n\r\n" % query.encode())

    def answer_redirect(self, send, query, connection):
        send(b"HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n")

    def answer_cookies(self, send, query, connection):
        send(OK + b"Set-Cookie: a=1; Path=/\r\nX: \xe4\xbd\xa0\r\nSet-Cookie: b=2, 3\r\nContent-Length: 0\r\n\r\n")

    def answer_huge_header(self, send, query, connection):
        send(OK + b"X: " + b"x" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n")
        return "close"

    def answer_many_headers(self, send, query, connection):
        send(OK + b"X: y\r\n" * 150 + b"Content-Length: 0\r\n\r\n")
        return "close"

    def answer_garbage(self, send, query, connection):
        send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        return "close"

    def slowly(self, send, data, then=b""):
        """One byte after the other, for ten seconds if nobody minds; `then` the rest."""
        for number in range(500):
            send(data[number : number + 1] or b"0")
            if self.closing.wait(0.02):
                break
        send(then)
        return "close"

    def answer_head_drip(self, send, query, connection):
        return self.slowly(send, OK + b"X: ", b"\r\nContent-Length: 0\r\n\r\n")

    def answer_chunk_drip(self, send, query, connection):
        send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        return self.slowly(send, b"0", b"\r\n\r\n")

    def answer_trailer_drip(self, send, query, connection):
        send(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n")
        return self.slowly(send, b"X: ", b"\r\n\r\n")

    def answer_interim_drip(self, send, query, connection):
        return self.slowly(send, b"HTTP/1.1 100 Continue\r\n\r\n" * 20)

    def answer_interim(self, send, query, connection):
        send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\n")
        send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        self.closing.wait(0.05)  # so that the answer comes by itself
        return self.answer_ok(send, query, connection)

    def answer_flood(self, send, query, connection):
        once, again = self.flood
        send(once)
        while not self.closing.is_set():
            send(again * 500)
        return "close"

    def answer_switch(self, send, query, connection):
        send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")

    def answer_http09(self, send, query, connection):
        send(b"<html>hello</html>")
        return "close"

    def answer_nul(self, send, query, connection):
        send(OK + b"X-One: a\0b\r\nContent-Length: 0\r\n\r\n")

    def answer_long(self, send, query, connection):
        send(OK + b"Content-Length: 5\r\n\r\nhello, and more")

    def answer_late(self, send, query, connection):
        """A body where there is none, sent after the header was read."""
        send(b"HTTP/1.1 %s Reason\r\nContent-Length: 12\r\n\r\n" % query.encode())
        self.closing.wait(0.05)
        send(BODY)

    def answer_two_lengths(self, send, query, connection):
        send(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")

    def answer_coding(self, send, query, connection):
        send(OK + b"Transfer-Encoding: %s\r\n\r\n5\r\nhello\r\n0\r\n\r\n" % query.replace("_", ", ").encode())
        return "close"

    def answer_headers(self, send, query, connection):
        """`query`: how many bytes of header."""
        fields = b"X-A: %s\r\n" % (b"x" * 93) * (int(query) // 100)
        send(OK + fields + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)

    def answer_echo(self, send, query, connection):
        _, head, body = self.requests[-1]
        data = head.encode("latin-1") + body
        send(OK + b"Content-Length: %d\r\n\r\n" % len(data) + data)


@pytest.fixture
def host():
    server = Host()
    yield server
    server.close()


@pytest.fixture
def tls_host():
    """`tls_host(certificate)`: a raw host that speaks TLS with a certificate of `trustme`."""
    servers = []

    def start(certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        servers.append(Host(context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture
def trusted(authority, monkeypatch, tmp_path):
    """The authority whose certificates clients trust in this test."""
    bundle = tmp_path / "authorities.pem"
    authority.cert_pem.write_to_path(bundle)
    monkeypatch.setattr("crawler.fetch.authorities.CA_BUNDLE", str(bundle))
    return authority


class Single:
    """A fetcher asked for one order after the other."""

    def __init__(self, fetcher):
        self._fetcher = fetcher
        self.close = fetcher.close

    def fetch(self, order):
        self._fetcher.submit([order])
        deadline = time.monotonic() + 30
        while not (batch := self._fetcher.collect(1.0)):
            assert time.monotonic() < deadline, f"{order.url} did not land"
        (landing,) = batch
        assert landing.token == order.token
        return landing


@pytest.fixture(params=FETCHERS)
def client_name(request):
    return request.param


@pytest.fixture
def client(client_name):
    """`client(max_body=10)`: a client that may connect to this machine only; for each one there is."""
    clients = []

    def build(resolver=None, **limits):
        limits = FetchLimits(
            **{"only": ("127.0.0.0/8",), "allow": ("127.0.0.0/8",), "read_timeout": 2.0, "max_threads": 4, **limits}
        )
        clients.append(Single(FETCHERS[client_name](limits, resolver)))
        return clients[-1]

    yield build
    for one in clients:
        one.close()


@pytest.fixture
def get(host, client):
    """`get("/ok")`: the outcome of one request to the raw host; `method`, `body`... go to the order."""

    def fetch(target, *, headers=(), limits=None, **order):
        return client(**(limits or {})).fetch(Order(1, host.url + target, header_pairs=headers, **order)).outcome

    return fetch
