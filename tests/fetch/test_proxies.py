"""Proxies over real sockets: what they are sent, what they may lead to, and what is never told about them."""

import base64
import socket
import ssl
import struct
import sys
import threading
from contextlib import suppress

import pytest

from crawler.fetch.faults import Fault
from crawler.fetch.proxies import proxy_of
from crawler.response import Failure, Order, Response, Route

PASSWORD = "s3cr:et@/"
LOGIN = "me:s3cr%3Aet%40%2F@"


class Proxy:
    """A proxy at 127.0.0.3, of HTTP or SOCKS5. `asked` holds what it was asked for, `names` what it resolves."""

    def __init__(self, speaks, tls=None, login=False, answer=None, silent=False, drips=b""):
        self._speak = {"http": self._http, "socks": self._socks}[speaks]
        self._tls, self._login, self._answer, self._silent, self._drips = tls, login, answer, silent, drips
        self.asked = []
        self.heads = []
        self.names = {}
        self.connections = 0
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.3", 0))
        self.netloc = f"127.0.0.3:{self._listener.getsockname()[1]}"
        self._open = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self):
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _run(self, target, *arguments):
        self._threads.append(threading.Thread(target=target, args=arguments))
        self._threads[-1].start()

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                self._run(self._serve, connection)

    def _serve(self, connection):
        with connection, suppress(OSError):
            if self._silent:
                connection.recv(1 << 16)
                connection.recv(1)  # until somebody closes
                return
            if self._drips:
                for number in range(500):
                    connection.sendall(self._drips[number : number + 1] or b"x")
                    self._over.wait(0.02)
                return
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            with connection, connection.makefile("rb", 0) as file:
                while self._speak(connection, file):
                    pass

    def _http(self, connection, file):
        head = []
        while (line := file.readline()) not in (b"\r\n", b""):
            head.append(line)
        if not head:
            return False
        self.heads.append(b"".join(head).decode())
        method, target, _ = head[0].decode().split(" ")
        if self._login:
            wanted = base64.b64encode(f"me:{PASSWORD}".encode())
            if b"Proxy-Authorization: Basic " + wanted + b"\r\n" not in head:
                connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return False
        if self._answer:
            connection.sendall(self._answer)
            return False
        host, _, port = (target if method == "CONNECT" else target.split("/")[2]).rpartition(":")
        self.asked.append((method, host, int(port)))
        with self._to(host, int(port)) as behind:
            if method == "CONNECT":
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self._relay(connection, behind)
                return False
            path = "/" + target.split("/", 3)[3]
            kept = [line for line in head[1:] if not line.lower().startswith((b"proxy-", b"connection"))]
            behind.sendall(f"{method} {path} HTTP/1.1\r\n".encode() + b"".join(kept) + b"\r\n")
            with behind.makefile("rb") as answer:
                while (line := answer.readline()) not in (b"\r\n", b""):
                    connection.sendall(line)
                    if line.startswith(b"Content-Length"):
                        length = int(line.split()[1])
                connection.sendall(b"\r\n" + answer.read(length))
        return True

    def _socks(self, connection, file):
        _, number = file.read(2)
        methods = file.read(number)
        if self._login:
            if 2 not in methods:
                connection.sendall(b"\x05\xff")
                return
            connection.sendall(b"\x05\x02")
            file.read(1)
            user = file.read(file.read(1)[0])
            password = file.read(file.read(1)[0])
            if (user, password) != (b"me", PASSWORD.encode()):
                connection.sendall(b"\x01\x01")
                return
            connection.sendall(b"\x01\x00")
        else:
            connection.sendall(b"\x05\x00")
        kind = file.read(4)[3]
        if kind == 3:
            host = file.read(file.read(1)[0]).decode()
        else:
            host = socket.inet_ntop(
                *((socket.AF_INET, file.read(4)) if kind == 1 else (socket.AF_INET6, file.read(16)))
            )
        (port,) = struct.unpack(">H", file.read(2))
        self.asked.append(("name" if kind == 3 else "address", host, port))
        if self._answer:
            connection.sendall(self._answer)
            return
        with self._to(host, port) as behind:
            connection.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")
            self._relay(connection, behind)

    def _to(self, host, port):
        behind = socket.create_connection((self.names.get(host, host), port))
        self._open.append(behind)
        return behind

    def _relay(self, one, other):
        def pump(source, target):
            with suppress(OSError):
                while data := source.recv(1 << 16):
                    target.sendall(data)
            for end in (source, target):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

        self._run(pump, one, other)
        pump(other, one)


@pytest.fixture
def proxy():
    """`proxy("http", login=True)`: a proxy that runs."""
    proxies = []

    def start(speaks, **options):
        proxies.append(Proxy(speaks, **options))
        return proxies[-1]

    yield start
    for one in proxies:
        one.close()


@pytest.fixture
def tls_proxy(proxy, authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.3").configure_cert(context)
    return lambda **options: proxy("http", tls=context, **options)


def through(client, url, proxy_url, token=1, private=True, verify=True, **order):
    route = Route(proxy=proxy_url, private=private, verify=verify)
    return client.fetch(Order(token, url, route=route, **order)).outcome


# -- ways ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", [True, False])
def test_http_through_an_http_proxy_asks_for_the_whole_url(host, client, proxy, login):
    way, one = proxy("http", login=login), client()
    url = f"http://{LOGIN if login else ''}{way.netloc}"
    for _ in range(2):
        outcome = through(one, host.url + "/echo?a=1", url, header_pairs=(("X-One", "1"),))
        assert outcome.body.startswith(b"GET /echo?a=1 HTTP/1.1\r\n")
    assert b"X-One: 1" in outcome.body
    assert b"proxy-" not in outcome.body.lower()
    assert way.heads[0].startswith(f"GET {host.url}/echo?a=1 HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{host.port}" in outcome.body.decode()
    assert way.asked == [("GET", "127.0.0.1", host.port)] * 2
    assert way.connections == 1


@pytest.mark.parametrize("login", [True, False])
def test_https_through_an_http_proxy_is_a_tunnel(tls_host, client, proxy, trusted, login):
    host, way, one = tls_host(trusted.issue_cert("127.0.0.1")), proxy("http", login=login), client()
    for _ in range(2):
        outcome = through(one, host.url + "/echo", f"http://{LOGIN if login else ''}{way.netloc}")
        assert outcome.body.startswith(b"GET /echo HTTP/1.1\r\n"), outcome
    assert b"proxy-" not in outcome.body.lower()
    assert way.asked == [("CONNECT", "127.0.0.1", host.port)]


def test_through_an_https_proxy(host, tls_host, client, tls_proxy, trusted):
    way, one = tls_proxy(login=True), client()
    url = f"https://{LOGIN}{way.netloc}"
    assert through(one, host.url + "/ok", url).body == b"<p>hello</p>"
    secure = tls_host(trusted.issue_cert("127.0.0.1"))
    for _ in range(2):
        assert through(one, secure.url + "/ok", url).body == b"<p>hello</p>"
    assert [method for method, _, _ in way.asked] == ["GET", "CONNECT"]


def test_the_certificate_of_a_proxy_is_verified_whatever_one_host_says(host, client, tls_proxy):
    way = tls_proxy(login=True)
    outcome = through(client(), host.url + "/ok", f"https://{LOGIN}{way.netloc}", verify=False)
    assert outcome.kind == "tls"
    assert way.heads == []
    assert isinstance(through(client(verify=False), host.url + "/ok", f"https://{LOGIN}{way.netloc}"), Response)


@pytest.mark.parametrize("login", [True, False])
def test_through_a_socks_proxy(host, tls_host, client, proxy, trusted, login):
    way, one = proxy("socks", login=login), client(lambda name, port: ["127.0.0.1"])
    way.names["there.example"] = "127.0.0.1"
    local = f"socks5://{LOGIN if login else ''}{way.netloc}"
    remote = local.replace("socks5", "socks5h")
    secure = tls_host(trusted.issue_cert("127.0.0.1", "there.example"))
    assert through(one, f"http://here.example:{host.port}/ok", local).body == b"<p>hello</p>"
    for _ in range(2):
        assert through(one, f"http://there.example:{host.port}/ok", remote).body == b"<p>hello</p>"
    assert through(one, f"https://there.example:{secure.port}/ok", remote).body == b"<p>hello</p>"
    assert way.asked == [
        ("address", "127.0.0.1", host.port),
        ("name", "there.example", host.port),
        ("name", "there.example", secure.port),
    ]


def test_without_pysocks_the_extra_is_named(client, client_name, proxy, monkeypatch):
    from crawler.fetch import proxies

    monkeypatch.setitem(sys.modules, "socks", None)
    proxies._library.cache_clear()
    outcome = through(client(), "http://a.example/", f"socks5h://{proxy('socks').netloc}")
    if client_name == "curl":  # speaks SOCKS itself, and the proxy does not know the name
        assert outcome.kind == "connect"
    else:
        assert (outcome.kind, "crawler[socks]" in outcome.detail) == ("invalid", True), outcome


def test_connections_of_one_proxy_serve_no_other_and_no_direct_order(host, client, proxy):
    ways, one = [proxy("http"), proxy("http"), None], client()
    for _ in range(2):
        for way in ways:
            url = f"http://{way.netloc}" if way else ""
            assert isinstance(through(one, host.url + "/ok", url), Response)
    assert [way.connections for way in ways if way] == [1, 1]


def test_a_user_and_password_in_a_url_are_not_for_a_proxy(host, client, proxy):
    way = proxy("http")
    url = host.url.replace("//", "//user:secret@") + "/echo?a=@/"
    outcome = through(client(), url, f"http://{way.netloc}")
    assert outcome.body.startswith(b"GET /echo?a=@/ HTTP/1.1\r\n")
    assert way.heads[0].startswith(f"GET {host.url}/echo?a=@/ HTTP/1.1\r\n")
    assert "secret" not in way.heads[0]


def test_environment_proxies_are_not_read(host, client, proxy, monkeypatch):
    way = proxy("http")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://{way.netloc}")
    assert isinstance(client().fetch(Order(1, host.url + "/ok")).outcome, Response)
    assert way.connections == 0


# -- what may not be behind a proxy ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
@pytest.mark.parametrize(
    "name",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "localhost",
        "a.localhost.",
        "127.1",
        "0x7f.1",
        "2130706433",
        "127.0.0.1.",
    ],
)
def test_private_literals_behind_a_proxy_are_refused(client, proxy, scheme, name):
    way = proxy("http" if scheme == "http" else "socks")
    one = client(lambda name, port: ["127.0.0.1"], only=(), allow=())
    for target in (f"http://{name}/", f"https://{name}:444/"):
        outcome = through(one, target, f"{scheme}://{way.netloc}", private=False)
        assert outcome.kind == "guard", outcome
        assert "guard.allow" in outcome.detail
    assert way.connections == 0


def test_names_behind_a_proxy_are_its_own_business_but_not_with_socks5(host, client, proxy):
    way = proxy("socks")
    way.names["a.example"] = "127.0.0.1"
    one = client(lambda name, port: ["127.0.0.1"], only=(), allow=())
    url = f"http://a.example:{host.port}/ok"
    assert isinstance(through(one, url, f"socks5h://{way.netloc}", private=False), Response)
    assert through(one, url, f"socks5://{way.netloc}", private=False).kind == "guard"
    assert way.connections == 1


def test_literals_that_are_allowed_may_be_behind_a_proxy(host, client, proxy):
    one = client(only=(), allow=("127.0.0.1",))
    assert isinstance(through(one, host.url + "/ok", f"http://{proxy('http').netloc}", private=False), Response)


def test_only_holds_for_the_address_of_a_proxy_too(client, proxy):
    way = proxy("http")
    outcome = through(client(only=("127.0.0.1",)), "http://127.0.0.1/", f"http://{way.netloc}")
    assert (outcome.kind, way.connections) == ("guard", 0)
    assert outcome.detail.startswith("the proxy 127.0.0.3 is at 127.0.0.3")


# -- what goes wrong -------------------------------------------------------------------------------------------------


def faults():
    refused = b"HTTP/1.1 502 Bad Gateway\x1b[2J\r\nContent-Length: 0\r\n\r\n"
    yield "http", "https", {"login": True}, "invalid", "407"
    yield "http", "http", {"login": True}, "invalid", "407"
    yield "http", "https", {"answer": refused}, "connect", "502 Bad Gateway"
    yield "http", "https", {"answer": b"SSH-2.0-OpenSSH\r\n"}, "protocol", "SSH"
    yield "http", "https", {"silent": True}, "timeout", "no end after 0.2 s"
    yield "http", "http", {"silent": True}, "timeout", "no end after 0.2 s"
    yield "http", "https", {"drips": b"HTTP/1.1 200 OK\r\nX: "}, "timeout", "no end after 0.2 s"
    yield "socks", "http", {"drips": b"\x05\x00\x05\x00\x00\x03\xff"}, "timeout", "no end after 0.2 s"
    yield "socks", "http", {"login": True}, "invalid", "user and password"
    yield "socks", "http", {"answer": b"\x05\x05\x00\x01\x7f\x00\x00\x01\x00\x50"}, "connect", "Connection refused"
    yield "socks", "http", {"answer": b"\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50"}, "connect", "not allowed by ruleset"
    yield "socks", "http", {"answer": b"HTTP"}, "connect", "invalid data"
    yield "socks", "http", {"silent": True}, "timeout", "no end after 0.2 s"


@pytest.mark.parametrize(("speaks", "scheme", "options", "kind", "detail"), list(faults()))
def test_what_a_proxy_says_is_told_without_its_password(client, proxy, speaks, scheme, options, kind, detail):
    way = proxy(speaks, **options)
    url = f"{'http' if speaks == 'http' else 'socks5h'}://me:other@{way.netloc}"
    one = client(timeout=0.2 if kind == "timeout" else 5.0, read_timeout=5.0, connect_timeout=5.0)
    outcome = through(one, f"{scheme}://a.example:8080/", url)
    assert isinstance(outcome, Failure)
    assert outcome.kind == kind, outcome
    assert detail in outcome.detail
    assert kind != "timeout" or outcome.seconds < 2
    assert "other" not in repr(outcome).replace("another", "")
    assert outcome.detail.isprintable()


@pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h"])
def test_a_proxy_that_is_not_there_is_told_without_its_password(client, scheme):
    with socket.create_server(("127.0.0.3", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = through(client(lambda *_: ["127.0.0.3"]), "http://a.example/", f"{scheme}://{LOGIN}127.0.0.3:{port}")
    assert outcome.kind == "connect"
    assert outcome.detail == f"the proxy {scheme}://127.0.0.3:{port} cannot be reached: Connection refused"


def test_a_proxy_whose_name_does_not_resolve_is_told_without_its_password(client):
    def unknown(host, port):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    outcome = through(client(unknown), "http://a.example/", f"http://{LOGIN}p.example:1")
    assert outcome.kind == "connect"
    assert outcome.detail == "the proxy http://p.example:1 cannot be reached: Name or service not known"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://me:pass@127.0.0.3:1",
        "http://me:pass@",
        "http://me:pass@h:99999",
        "http://[::1",
        "socks4://me:pass@h",
        "x",
    ],
)
def test_what_is_no_proxy_is_told_without_its_password(client, url):
    outcome = through(client(), "http://a.example/", url)
    if url != "x":
        assert outcome.kind == "invalid"
    assert "pass@" not in outcome.detail.replace("user:password@", "")
    assert "me:" not in outcome.detail


def test_no_repr_holds_a_password():
    order = Order(1, "http://a.example/", route=Route(proxy=f"socks5://{LOGIN}p.example:1"))
    assert "s3cr" not in repr(order)
    assert "proxy='***@p.example:1'" in repr(order)
    assert repr(Route(proxy="http://p.example")) == "Route(private=False, verify=True, proxy='http://p.example')"


def test_a_proxy_is_read_with_its_defaults():
    assert (proxy_of("proxy.example").scheme, proxy_of("proxy.example").port) == ("http", 80)
    assert [proxy_of(f"{scheme}://h").port for scheme in ("http", "https", "socks5", "socks5h")] == [
        80,
        443,
        1080,
        1080,
    ]
    read = proxy_of(f"socks5://{LOGIN}[::1]:9")
    assert (read.host, read.port, read.user, read.password) == ("::1", 9, "me", PASSWORD)
    assert str(read) == repr(read) == "socks5://[::1]:9"
    with pytest.raises(Fault):
        proxy_of("")
