"""Connections: how they are opened, and which order may use which one again.

A connection that was opened for one route (to a private address, without looking at the certificate, through a proxy)
never serves another route: kept ones are found by origin and route together.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests import Response as Answer
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.exceptions import NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context
from urllib3.util.url import Url

from crawler.fetch import authorities
from crawler.fetch.deadline import Timed, TimedTLS, left
from crawler.fetch.faults import Fault
from crawler.fetch.guard import AddressRefused, Guard
from crawler.fetch.http_head import Head
from crawler.fetch.proxies import Proxy, proxy_of, through_socks
from crawler.response import Route

_MOST_HOSTS = 512  # hosts and routes whose connections are kept
_USUAL = Route()

_Pool = HTTPConnectionPool | HTTPSConnectionPool
_Connect = Callable[[HTTPConnection], socket.socket]


class Prepared(PreparedRequest):
    """A request that knows its route."""

    route: Route | None = None


class Connections(HTTPAdapter):
    """Connections kept for many hosts, each opened past the guard.

    The methods overridden are the ones `requests` offers for that. They skip what a crawl does not need for each
    page again: our URLs are canonical, so the connection pool and the path follow from their text; cookies are the
    parent's.
    """

    def __init__(self, guard: Guard, each: int, verify: bool) -> None:
        self._guard = guard
        self._each = each
        self._verify = verify
        self._lock = Lock()
        self._contexts: dict[bool, ssl.SSLContext] = {}
        # Pools in use move to the newer half; when that is full, the older half is forgotten. A pool closes its
        # connections when its last user lets it go.
        self._newer: dict[Any, _Pool] = {}
        self._older: dict[Any, _Pool] = {}
        super().__init__(max_retries=0)

    # -- what `requests` asks for each request

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        url, route = request.url, request.route
        origin = url[: url.find("/", 8)]
        key = origin if route is None else (origin, route)
        return self._newer.get(key) or self._pool(key, origin, route or _USUAL)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing: the pool of the route has its TLS context."""

    def request_url(self, request: Any, proxies: Any) -> str:
        url: str = request.url
        path = url.find("/", 8)
        if request.route is not None and request.route.proxy and is_forwarded(url, request.route):
            return "http://" + url[max(url.rfind("@", 0, path) + 1, 7) :]  # no user and password (RFC 9110, 4.2.4)
        return url[path:]

    def build_response(self, req: Any, resp: Any) -> Answer:
        response = Answer()
        response.status_code = resp.status
        response.raw = resp
        response.url = req.url
        response.request = req
        return response

    def close(self) -> None:
        for pool in [*self._newer.values(), *self._older.values()]:
            pool.close()
        self._newer, self._older = {}, {}
        super().close()

    # -- pools

    def _pool(self, key: Any, origin: str, route: Route) -> _Pool:
        with self._lock:
            pool = self._newer.get(key) or self._older.get(key) or self._new_pool(origin, route)
            if len(self._newer) >= _MOST_HOSTS // 2:
                self._newer, self._older = {}, self._newer
            self._newer[key] = pool
            return pool

    def _new_pool(self, origin: str, route: Route) -> _Pool:
        """The connections of one origin on one route. Raises `Fault` and `ValueError` for what cannot be fetched."""
        parts = urlsplit(origin)
        host, port = parts.hostname, parts.port
        if parts.scheme not in ("http", "https"):
            raise Fault("invalid", "only http and https URLs are fetched")
        if not host or port == 0:
            raise Fault("invalid", "a URL without a host or with port 0")
        port = port or (443 if parts.scheme == "https" else 80)
        verify = self._verify and route.verify
        common: dict[str, Any] = {"maxsize": self._each}
        tls: dict[str, Any] = {}
        if parts.scheme == "https":
            tls = {"ssl_context": self._context(verify), "cert_reqs": _cert_reqs(verify)}
        if not route.proxy:
            common["connect"] = partial(_direct, self._guard, route.private)
        else:
            proxy = proxy_of(route.proxy)
            if proxy.is_socks:
                common["connect"] = partial(_by_socks, self._guard, route.private, proxy)
            else:
                common["connect"] = partial(_to_proxy, self._guard, route.private, proxy, host)
                common["_proxy"] = Url(proxy.scheme, host=proxy.host, port=proxy.port)
                common["_proxy_headers"] = proxy.headers
                if proxy.scheme == "https":
                    # Whether the proxy's certificate is looked at is not for a single host to say.
                    common["_proxy_config"] = ProxyConfig(self._context(self._verify), False, None, None)
                if not tls:
                    return (_SecurePool if proxy.scheme == "https" else _PlainPool)(proxy.host, proxy.port, **common)
        return _SecurePool(host, port, **common, **tls) if tls else _PlainPool(host, port, **common)

    def _context(self, verify: bool) -> ssl.SSLContext:
        """Loading the certificate authorities takes longer than a page, so all connections share a context."""
        context = self._contexts.get(verify)
        if context is None:
            context = create_urllib3_context(cert_reqs=_cert_reqs(verify))
            if verify:
                context.load_verify_locations(authorities.CA_BUNDLE)
            context.sslsocket_class = TimedTLS
            self._contexts[verify] = context
        return context


def is_forwarded(url: str, route: Route) -> bool:
    """Whether the proxy of a route gets the whole URL, and answers itself: http through an HTTP proxy."""
    return url.startswith("http:") and not proxy_of(route.proxy).is_socks


# -- what the pools are made of ---------------------------------------------------------------------------------------


class _Plain(HTTPConnection):
    response_class = Head

    def __init__(self, *args: Any, connect: _Connect, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._opened = connect

    def _new_conn(self) -> socket.socket:
        return self._opened(self)


class _Secure(HTTPSConnection):
    response_class = Head

    def __init__(self, *args: Any, connect: _Connect, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._opened = connect

    def _new_conn(self) -> socket.socket:
        return self._opened(self)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure

    def _validate_conn(self, conn: Any) -> None:
        """As the library's, without its warning for each request: every report says that nothing is verified."""
        if conn.is_closed:
            conn.connect()


# -- opening a socket -------------------------------------------------------------------------------------------------


def _direct(guard: Guard, private: bool, connection: HTTPConnection) -> socket.socket:
    host = connection.host.strip("[]")
    addresses = guard.addresses(host, connection.port, private)
    try:
        return _first(addresses, partial(_open, connection, connection.port))
    except TimeoutError:
        raise _timeout(connection, "") from None
    except OSError as error:
        raise NewConnectionError(connection, f"Failed to establish a new connection: {error}") from error


def _to_proxy(guard: Guard, private: bool, proxy: Proxy, host: str, connection: HTTPConnection) -> socket.socket:
    """A connection to an HTTP proxy. Its own address may be private."""
    guard.check_literal(host, private)
    return _reach(guard, proxy, connection, partial(_open, connection, proxy.port))


def _by_socks(guard: Guard, private: bool, proxy: Proxy, connection: HTTPConnection) -> socket.socket:
    host, port = connection.host.strip("[]"), connection.port
    if proxy.scheme == "socks5":
        targets = guard.addresses(host, port, private)
    else:
        guard.check_literal(host, private)
        targets = [host]

    def open_one(address: str) -> socket.socket:
        return _first(targets, lambda target: through_socks(proxy, address, target, port, connection.timeout))

    return _reach(guard, proxy, connection, open_one)


def _reach(
    guard: Guard, proxy: Proxy, connection: HTTPConnection, open_one: Callable[[str], socket.socket]
) -> socket.socket:
    try:
        return _first(guard.addresses(proxy.host, proxy.port, private=True), open_one)
    except AddressRefused as error:
        raise AddressRefused(f"the proxy {error.detail}") from None
    except TimeoutError:
        raise _timeout(connection, f" through the proxy {proxy}") from None
    except OSError as error:
        raise Fault("connect", f"the proxy {proxy} cannot be reached: {error.strerror or error}") from None


def _first(addresses: list[str], open_one: Callable[[str], socket.socket]) -> socket.socket:
    """The first of the addresses that can be connected to. Raises what the last one raised."""
    for address in addresses[:-1]:
        try:
            return open_one(address)
        except AddressRefused:
            raise
        except (OSError, Fault):
            left()
    return open_one(addresses[-1])


def _open(connection: HTTPConnection, port: int, address: str) -> socket.socket:
    family, kind, protocol, _, target = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )[0]
    opened = Timed(family, kind, protocol)
    try:
        for option in connection.socket_options or ():
            opened.setsockopt(*option)
        opened.settimeout(connection.timeout)
        opened.bound()
        opened.connect(target)
    except BaseException:
        opened.close()
        raise
    return opened


def _timeout(connection: HTTPConnection, how: str) -> Fault:
    seconds = connection.timeout
    return Fault("timeout", f"no connection{how}" + (f" within {seconds:g} s" if seconds is not None else ""))


def _cert_reqs(verify: bool) -> int:
    return ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
