"""What a transfer of libcurl is told: once for its route, and for each order what is its own."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pycurl

from crawler.fetch import authorities
from crawler.fetch.decoding import ACCEPTED
from crawler.fetch.faults import Fault
from crawler.fetch.proxies import proxy_of
from crawler.response import HeaderPairs, Order, Route

_BUFFER = 1 << 16  # bytes of a body that are handed over in one go
_HAPPY_EYEBALLS_TIMEOUT_MS = 271  # `pycurl` has no names for these
_SUPPRESS_CONNECT_HEADERS = 265
_CONTROL = re.compile(r"[\0-\x08\x0a-\x1f\x7f]")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MOST_LISTS = 2000
# What libcurl says of itself unless it is told otherwise.
_UNSAID = {"accept": b"Accept:", "user-agent": b"User-Agent:", "expect": b"Expect:"}
_UNSAID_OF_BODIES = {**_UNSAID, "content-type": b"Content-Type:"}

_SCHEMES = {
    "http": pycurl.PROXYTYPE_HTTP,
    "https": 2,  # CURLPROXY_HTTPS
    "socks5": pycurl.PROXYTYPE_SOCKS5,
    "socks5h": pycurl.PROXYTYPE_SOCKS5_HOSTNAME,
}


class Origin(msgspec.Struct, frozen=True):
    """Where a URL leads: scheme, host without brackets, port; `key` is what libcurl knows it by."""

    scheme: str
    host: str
    port: int
    key: str


@lru_cache(8192)
def origin_of(text: str) -> Origin:
    """The origin `scheme://host:port` of a URL. Raises `Fault` and `ValueError` for what cannot be fetched."""
    parts = urlsplit(text)
    host, port = parts.hostname, parts.port
    if parts.scheme not in ("http", "https"):
        raise Fault("invalid", "only http and https URLs are fetched")
    if not host or port == 0:
        raise Fault("invalid", "a URL without a host or with port 0")
    port = port or (443 if parts.scheme == "https" else 80)
    return Origin(parts.scheme, host, port, f"{host}:{port}")


def url_of(order: Order) -> tuple[str, Origin]:
    """The URL of an order without user and password, and its origin. Raises `Fault` for what nobody may send."""
    url = order.url
    path = url.find("/", 8)
    if path < 0 or not url.isprintable() or " " in url or not url.isascii():
        raise Fault("invalid", "no URL that can be sent")
    if (at := url.rfind("@", 0, path)) >= 0:
        start = url.find("//") + 2
        url = url[:start] + url[at + 1 :]
        path -= at + 1 - start
    return url, origin_of(url[:path])


def prepare(curl: Any, route: Route, verify: bool) -> None:
    """What all transfers on a route have in common. `verify`: certificates are looked at, unless the route says no."""
    set_ = curl.setopt
    for option, value in (
        (pycurl.NOSIGNAL, 1),
        (pycurl.PATH_AS_IS, 1),
        (pycurl.BUFFERSIZE, _BUFFER),
        (pycurl.HTTP_CONTENT_DECODING, 0),
        (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS),
        (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
        (pycurl.NOPROXY, ""),  # not what the environment says
        (pycurl.CAINFO, authorities.CA_BUNDLE),
        (pycurl.SSL_VERIFYPEER, int(verify and route.verify)),
        (pycurl.SSL_VERIFYHOST, 2 if verify and route.verify else 0),
        (pycurl.CONNECTTIMEOUT_MS, 86_400_000),  # who owns the transfers has limits of its own
    ):
        set_(option, value)
    if not route.proxy:
        set_(pycurl.PROXY, "")
        return
    proxy = proxy_of(route.proxy)
    set_(pycurl.PROXY, f"{proxy.scheme}://{proxy.netloc}")
    set_(pycurl.PROXYTYPE, _SCHEMES[proxy.scheme])
    set_(pycurl.HEADEROPT, pycurl.HEADER_SEPARATE)
    set_(pycurl.PROXYHEADER, ["Proxy-Connection:", "User-Agent:"])
    set_(pycurl.PROXY_SSL_VERIFYPEER, int(verify))
    set_(pycurl.PROXY_SSL_VERIFYHOST, 2 if verify else 0)
    set_(pycurl.PROXY_CAINFO, authorities.CA_BUNDLE)
    if proxy.user or proxy.password:
        set_(pycurl.PROXYUSERNAME, proxy.user.encode())
        set_(pycurl.PROXYPASSWORD, proxy.password.encode())
        set_(pycurl.PROXYAUTH, pycurl.HTTPAUTH_BASIC)


def set_method(curl: Any, order: Order) -> None:
    """Method and body of an order that is no plain GET."""
    method, body = order.method, order.body
    if not _TOKEN.fullmatch(method):
        raise Fault("invalid", f"{method!r} is no method")
    if body is None and method in ("POST", "PUT", "PATCH"):
        body = b""
    if body is not None:
        curl.setopt(pycurl.POST, 1)
        curl.setopt(pycurl.POSTFIELDS, body)
        curl.setopt(pycurl.POSTFIELDSIZE_LARGE, len(body))
    elif method == "HEAD":
        curl.setopt(pycurl.NOBODY, 1)
    curl.setopt(pycurl.CUSTOMREQUEST, method)


_lists: dict[tuple[HeaderPairs, bool], list[bytes]] = {}


def header_list(pairs: HeaderPairs, has_body: bool) -> list[bytes]:
    """The header fields of an order as libcurl wants them; the same list for the same fields.

    Raises `Fault` for what nobody may send.
    """
    known = _lists.get((pairs, has_body))
    if known is None:
        if len(_lists) >= _MOST_LISTS:
            _lists.clear()
        known = _lists[pairs, has_body] = _header_list(pairs, has_body)
    return known


def _header_list(pairs: HeaderPairs, has_body: bool) -> list[bytes]:
    lines: dict[str, bytes] = {"accept-encoding": f"Accept-Encoding: {ACCEPTED}".encode()}
    for name, value in pairs:
        if not _TOKEN.fullmatch(name):
            raise Fault("invalid", f"{name!r} is no name of a header field")
        if _CONTROL.search(value):
            raise Fault("invalid", f"the header field {name!r} has a control character in it")
        try:
            lines[name.lower()] = f"{name}: {value}".encode("latin-1") if value.strip() else f"{name};".encode()
        except UnicodeEncodeError:
            raise Fault("invalid", f"the header field {name!r} has characters that cannot be sent") from None
    lines.pop("content-length", None)  # as long as the body is
    return [*({**(_UNSAID_OF_BODIES if has_body else _UNSAID), **lines}).values()]
