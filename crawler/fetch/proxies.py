"""Proxies: http and https ones by the client library, socks5 and socks5h by PySocks (the extra "socks").

With socks5 names are resolved here, and checked; with socks5h, and for HTTP proxies, the proxy resolves them. Nothing
that is said about a proxy holds its user and password.
"""

from __future__ import annotations

import socket
from base64 import b64encode
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from crawler.errors import UsageError
from crawler.fetch.deadline import Timed, left
from crawler.fetch.faults import Fault
from crawler.secrets import shown

_EXAMPLE = "for example: --proxy http://127.0.0.1:3128, or env:MY_PROXY"
_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


class Proxy(msgspec.Struct, frozen=True):
    """One proxy. `str()` is its URL without user and password."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"

    __repr__ = __str__  # a traceback shows no password either

    @property
    def netloc(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_socks(self) -> bool:
        return self.scheme.startswith("socks")

    @property
    def headers(self) -> dict[str, str]:
        """What an HTTP proxy is told (RFC 7617)."""
        if not self.user and not self.password:
            return {}
        return {"Proxy-Authorization": "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode()}


@lru_cache(256)
def proxy_of(url: str) -> Proxy:
    """The proxy of a URL `scheme://user:password@host:port`. Raises `Fault` ("invalid")."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        host = ""
    if not host or parts.scheme not in _PORTS or not host.isprintable() or " " in host:
        raise Fault(
            "invalid",
            "the proxy has to be http://, https://, socks5:// or socks5h:// and a host, with user:password in front",
        )
    return Proxy(parts.scheme, host, port, unquote(parts.username or ""), unquote(parts.password or ""))


def check_proxy(url: str, client: str = "requests") -> None:
    """Raises `UsageError` for a proxy that nobody can be asked through; "" is none."""
    if not url:
        return
    try:
        if proxy_of(url).is_socks and client != "curl":  # which speaks SOCKS itself
            _library()
    except Fault as fault:
        raise UsageError(f"fetch.proxy = {shown('fetch.proxy', url)}: {fault.detail}", hint=_EXAMPLE) from None


def refused_by(proxy: Proxy, status: int, reason: str = "") -> Fault:
    """What an HTTP proxy's own answer means."""
    if status == 407:
        return Fault("invalid", f"the proxy {proxy} wants another user and password (407)")
    return Fault("connect", f"the proxy {proxy} could not connect: {status} {reason}".rstrip())


def through_socks(proxy: Proxy, address: str, host: str, port: int, timeout: float | None) -> socket.socket:
    """A connection to a host and port, opened by the SOCKS proxy at an address. Raises `Fault` and `TimeoutError`."""
    socks, kind = _library()
    connection = kind(socket.AF_INET6 if ":" in address else socket.AF_INET)
    connection.set_proxy(socks.SOCKS5, address, proxy.port, True, proxy.user or None, proxy.password or None)
    try:
        seconds = left()
        connection.settimeout(seconds if timeout is None or seconds < timeout else timeout)
        connection.connect((host, port))
    except socks.ProxyError as error:
        while isinstance(error.socket_err, socks.ProxyError):  # wrapped into itself
            error = error.socket_err
        if isinstance(error, socks.SOCKS5AuthError):
            raise Fault("invalid", f"the proxy {proxy} wants another user and password") from None
        if isinstance(error.socket_err, TimeoutError) or isinstance(error, socks.ProxyConnectionError):
            raise error.socket_err from None
        reason = str(error).rpartition(": ")[2]
        raise Fault("connect", f"the proxy {proxy} could not connect: {reason}") from None
    except BaseException:
        connection.close()
        raise
    return connection  # type: ignore[no-any-return]


@lru_cache(1)
def _library() -> tuple[Any, Any]:
    """PySocks, and its socket kept to the deadline."""
    try:
        import socks
    except ImportError:
        raise Fault("invalid", "a SOCKS proxy needs PySocks: pip install 'crawler[socks]'") from None

    class Socket(Timed, socks.socksocket):  # type: ignore[misc]
        pass

    return socks, Socket
